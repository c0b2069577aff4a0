"""Features given directly, (N, 12, 10) -> 4: which input should their head have by default?

    python -m scripts.bench_given --out given.csv [--seeds 3] [--sizes 400 1000] [--scales units]

Made-up sequences of three kinds: weak evidence in each step; strong evidence in two steps of twelve; the
order of two events (which pair of events it is can be seen in single steps, their order cannot: .5 without).
Their ten columns are on one scale (`alike`) or, like those of telemetry, in units of their own, from
hundredths to hundreds and far from 0 (`units`). Each setting is trained on five sixths of the clips, stops by
the others, and is judged on 1,000 further clips. A row is written for each run; those in the file are done.
"""

import argparse
import csv
import sys
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

if __package__ in (None, ""):  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.evaluation.baselines import MEAN_STD_DIFFERENCE, ClipInputs, fit_baselines, predict_baselines
from pipeline.model.head import SequenceHead
from pipeline.model.threads import one_thread
from pipeline.training.assembly import head_config
from pipeline.training.batches import FeatureBatches
from pipeline.training.fit import fit
from pipeline.training.input_fit import fit_input
from pipeline.training.options import TrainOptions
from pipeline.training.task import Task

STEPS, WIDTH, CLASSES, NUM_TEST = 12, 10, 4, 1000
KINDS = ("weak", "two steps", "order")
SCALES = ("alike", "units")
_WEAK, _STRONG = 0.35, 3.0  # of a noise of 1
SETTINGS: dict[str, dict[str, object]] = {
    "fitted": {"input": "fitted"},
    "fitted, no class directions": {"input": "fitted", "class_directions": False},
    "plain, layer norm": {"input": "plain", "normalise": "layer"},
    "plain, standardised": {"input": "plain", "normalise": "standardise"},
    "plain, standardised, differences": {"input": "plain", "normalise": "standardise", "differences": True},
    "plain, standardised, rate 2e-3": {"input": "plain", "normalise": "standardise", "learning_rate": 2e-3},
}
LINEAR = "mean, std, difference, linear"
COLUMNS = ("scale", "kind", "clips", "seed", "setting", "accuracy", "seconds")


def sequences(kind: str, scale: str, num_clips: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Sequences (N, 12, 10) float32 and their classes (N,); directions and units depend on nothing random."""
    fixed, random = np.random.default_rng(20_206), np.random.default_rng([seed, KINDS.index(kind)])
    directions = np.linalg.qr(fixed.normal(size=(WIDTH, WIDTH)))[0][:CLASSES]  # (4, 10), of length 1
    classes = random.integers(0, CLASSES, num_clips)
    values = random.normal(size=(num_clips, STEPS, WIDTH))
    if kind == "weak":
        values += _WEAK * directions[classes][:, None]
    else:
        for row, label in enumerate(classes):
            first, second = np.sort(random.choice(STEPS, 2, replace=False))
            before, after = label, label
            if kind == "order":  # 0: a then b, 1: b then a, 2: c then d, 3: d then c
                before, after = label, label ^ 1
            values[row, first] += _STRONG * directions[before]
            values[row, second] += _STRONG * directions[after]
    if scale == "units":
        units = fixed.permutation(np.logspace(-2, 2, WIDTH))
        values = values * units + 5 * units
    return values.astype(np.float32), classes


def judge(options: TrainOptions, *, kind: str, scale: str, num_clips: int, seed: int) -> float:
    """Accuracy of one trained head on clips that it has not seen."""
    features, classes = sequences(kind, scale, num_clips, seed)
    num_fitted = num_clips * 5 // 6
    torch.manual_seed(options.seed)
    head = SequenceHead(head_config(options, feature_dim=WIDTH, num_classes=CLASSES))
    fit_input(
        head,
        torch.from_numpy(features[:num_fitted]),
        classes[:num_fitted],
        [str(row) for row in range(num_fitted)],
        class_directions=options.class_directions,
        seed=seed,
    )
    task = Task(
        model=head,
        logits=lambda inputs: head(inputs).logits,
        parameter_groups=[{"params": list(head.parameters()), "rate": 1.0}],
        train=FeatureBatches(features[:num_fitted], classes[:num_fitted]),
        val=FeatureBatches(features[num_fitted:], classes[num_fitted:]),
        num_classes=CLASSES,
        device=torch.device("cpu"),
    )
    fit(task, options)
    test, true = sequences(kind, scale, NUM_TEST, 10_000 + seed)
    with torch.inference_mode():
        answers = head.eval()(torch.from_numpy(test)).logits.argmax(dim=1).numpy()
    return float((answers == true).mean())


def regression(*, kind: str, scale: str, num_clips: int, seed: int) -> float:
    """Accuracy of the strongest linear baseline, fitted on all that a head is given."""
    features, classes = sequences(kind, scale, num_clips, seed)
    test, true = sequences(kind, scale, NUM_TEST, 10_000 + seed)
    inputs = [ClipInputs(features=each, centre=each[:, STEPS // 2]) for each in (features, test)]
    baselines = fit_baselines(inputs[0], classes, num_classes=CLASSES)
    return float((predict_baselines(baselines, inputs[1])[MEAN_STD_DIFFERENCE] == true).mean())


def show(rows: list[dict[str, str]]) -> None:
    """Mean accuracy of each setting over the seeds, a column for each kind."""
    found: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["scale"], row["clips"], row["setting"]][row["kind"]].append(float(row["accuracy"]))
    print(f"{'columns':<7} {'clips':>5}  {'setting':<34}" + "".join(f"{kind:>11}" for kind in KINDS))
    for (scale, clips, setting), of_kind in sorted(found.items()):
        means = "".join(f"{np.mean(of_kind[kind]):>11.3f}" if of_kind[kind] else "" for kind in KINDS)
        print(f"{scale:<7} {clips:>5}  {setting:<34}{means}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sizes", type=int, nargs="+", default=(400, 1000))
    parser.add_argument("--scales", nargs="+", choices=SCALES, default=SCALES)
    parser.add_argument("--settings", nargs="+", choices=(LINEAR, *SETTINGS), default=(LINEAR, *SETTINGS))
    arguments = parser.parse_args()
    if not arguments.out.exists():
        arguments.out.write_text(",".join(COLUMNS) + "\n")
    done = {tuple(row[name] for name in COLUMNS[:5]) for row in _rows(arguments.out)}
    plan = [
        (scale, kind, size, seed, setting)
        for seed in range(arguments.seeds)
        for size in arguments.sizes
        for scale in arguments.scales
        for kind in KINDS
        for setting in arguments.settings
    ]
    for scale, kind, size, seed, setting in plan:
        if (scale, kind, str(size), str(seed), setting) in done:
            continue
        start = time.process_time()
        with one_thread():
            if setting in SETTINGS:
                options = replace(TrainOptions(seed=seed), **SETTINGS[setting])  # type: ignore[arg-type]
                accuracy = judge(options, kind=kind, scale=scale, num_clips=size, seed=seed)
            else:
                accuracy = regression(kind=kind, scale=scale, num_clips=size, seed=seed)
        row = (scale, kind, size, seed, setting, accuracy, round(time.process_time() - start, 2))
        with arguments.out.open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(row)
    show(_rows(arguments.out))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
