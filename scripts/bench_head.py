"""Does the default head lose to six lines of numpy? What helped it, and what did not?

    python -m scripts.bench_head DATA --weights FILE --out OUT [--seeds 2] [--sets NAME ...]

Sets of clips, seen through a frozen mobilenet_v2:

    tank_state            496 real clips of four classes
    tank_reversed         160 of them, forward and reversed; the source video is the group
    slides, returns, events, swells   240 made-up videos each (`scripts/order_videos.py`)
    odd_reversed          up to 5 windows of 2 s of each odd video, forward and reversed; by source

swells and odd_reversed took no part in any choice. Each setting is trained on five sixths of four fifths of
the groups, stops by the last sixth, and is judged on the last fifth; five such folds, several seeds. The
regressions are fitted on the same clips as the head. Differences are paired over folds, seeds averaged, with
the interval of Nadeau and Bengio (2003). What lies in OUT is gone on with.
"""

import argparse
import csv
import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold

if __package__ in (None, ""):  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.clips.store import ClipStore
from pipeline.embedding.cache import embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.evaluation.baselines import BASELINE_NAMES, ClipInputs, fit_baselines, predict_baselines
from pipeline.evaluation.intervals import corrected_t_interval
from pipeline.evaluation.metrics import score
from pipeline.evaluation.predict import predict
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.model.threads import one_thread
from pipeline.training.assembly import assemble, head_config
from pipeline.training.batches import FeatureBatches
from pipeline.training.fit import fit
from pipeline.training.input_fit import fit_input
from pipeline.training.options import TrainOptions
from pipeline.training.task import Task
from scripts.bench_tank_state import clipwise
from scripts.order_videos import FAMILIES, make_family

BACKBONE = "mobilenet_v2"
NUM_FOLDS, NUM_INNER_FOLDS = 5, 6
REFERENCE = "mean_std_difference"
NUM_SOURCES, WINDOWS_OF_A_VIDEO = 160, 5
DEFAULT = "the default head"
SETTINGS: dict[str, dict[str, object]] = {
    DEFAULT: {},
    "plain features, layer norm (as before)": {
        "input": "plain", "normalise": "layer", "batch_size": 16, "lstm_dim": 64, "dropout": 0.3,
    },
    "plain, standardised, differences, projected": {
        "input": "plain", "normalise": "standardise", "differences": True, "projection_dim": 64,
    },
    "default without class directions": {"class_directions": False},
}  # fmt: skip


class Clips:
    """Features (N, T, D), classes (N,) and groups of a set."""

    def __init__(self, features: np.ndarray, classes: np.ndarray, groups: list[str]) -> None:
        self.features, self.classes, self.groups = features, classes, np.array(groups)

    def folds(self, rows: np.ndarray, count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Pairs of rows: most of them, and a part in which no group of these is."""
        splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        found = splitter.split(rows, self.classes[rows], self.groups[rows])
        return [(rows[train], rows[test]) for train, test in found]


def embedded(store: ClipStore, weights: str) -> np.ndarray:
    options = TrainOptions(backbone=BACKBONE, weights=weights)
    embedder = Embedder(assemble(store, options, init=None, say=print))
    return embed_clips(store, store.usable(None), embedder)


def reversed_too(features: np.ndarray, groups: list[str]) -> Clips:
    both = np.concatenate([features, features[:, ::-1]])
    return Clips(both, np.repeat([0, 1], len(features)), groups + groups)


def load(name: str, data: Path, out: Path, weights: str) -> Clips:
    """Makes a set, or reads what was made before."""
    if name in FAMILIES:
        make_family(out / f"{name}_videos", name, clips_per_class=240 // len(FAMILIES[name]), seed=0)
        clipwise("preprocess", out / f"{name}_videos", "--out", out / f"{name}_clips")
        store = ClipStore.open(out / f"{name}_clips")
    elif name.startswith("tank"):
        clipwise("preprocess", data / "tank_state.csv", "--out", out / "tank_clips")
        store = ClipStore.open(out / "tank_clips")
    else:
        store = odd_store(data, out)
    clips, features = store.usable(None), embedded(store, weights)
    groups = [clip.group for clip in clips]
    if name == "tank_reversed":
        rows = np.random.default_rng(0).permutation(len(clips))[:NUM_SOURCES]
        return reversed_too(features[rows], [groups[row] for row in rows])
    if name == "odd_reversed":
        rows = np.array(spread_windows(groups))
        return reversed_too(features[rows], [groups[row] for row in rows])
    return Clips(features, np.array([store.labels.index(clip.label) for clip in clips]), groups)


def odd_store(data: Path, out: Path) -> ClipStore:
    listing = out / "odd.csv"
    with (data / "odd_videos.csv").open(encoding="utf-8") as file:
        paths = [row["path"] for row in csv.DictReader(file)]
    with listing.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group"])
        for number, path in enumerate(paths):
            test_pattern = Path(path).name.startswith("testsrc")  # one picture in many formats
            writer.writerow([(data / path).resolve(), "ab"[number % 2], "testsrc" if test_pattern else path])
    windows = ["--window-seconds", "2", "--stride-seconds", "1", "--allow-outside"]
    clipwise("preprocess", listing, "--out", out / "odd_clips", *windows, allowed=(0, 1))
    return ClipStore.open(out / "odd_clips")


def spread_windows(groups: list[str]) -> list[int]:
    rows: list[int] = []
    for group in sorted(set(groups)):
        own = [row for row, name in enumerate(groups) if name == group]
        picks = np.linspace(0, len(own) - 1, WINDOWS_OF_A_VIDEO).round().astype(int)
        rows += [own[pick] for pick in sorted(set(picks.tolist()))]
    return rows


def train_and_judge(
    clips: Clips, options: TrainOptions, *, fitted: np.ndarray, stopping: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Class indices that a head says of the test clips."""
    num_classes = int(clips.classes.max()) + 1
    torch.manual_seed(options.seed)
    feature_dim = backbone_feature_dim(BACKBONE, image_size=224)
    config: HeadConfig = head_config(options, feature_dim=feature_dim, num_classes=num_classes)
    head = SequenceHead(config)
    features = torch.from_numpy(clips.features)
    fit_input(
        head,
        features[fitted],
        clips.classes[fitted],
        clips.groups[fitted].tolist(),
        class_directions=options.class_directions,
        seed=options.seed,
    )
    task = Task(
        model=head,
        logits=lambda inputs: head(inputs).logits,
        parameter_groups=[{"params": list(head.parameters()), "rate": 1.0}],
        train=FeatureBatches(clips.features[fitted], clips.classes[fitted]),
        val=FeatureBatches(clips.features[stopping], clips.classes[stopping]),
        num_classes=num_classes,
        device=torch.device("cpu"),
    )
    fit(task, options)
    head.eval()
    return np.array([predict(head, clips.features[row]).class_index for row in test])


def judge(clips: Clips, seed: int) -> dict[str, list[float]]:
    """Accuracy of each method with one seed, by fold."""
    found: dict[str, list[float]] = {}
    num_classes = int(clips.classes.max()) + 1
    for train, test in clips.folds(np.arange(len(clips.classes)), NUM_FOLDS, 0):
        fitted, stopping = clips.folds(train, NUM_INNER_FOLDS, seed)[0]
        inputs = [
            ClipInputs(features=clips.features[rows], centre=clips.features[rows, 6])
            for rows in (fitted, test)
        ]
        baselines = fit_baselines(inputs[0], clips.classes[fitted], num_classes=num_classes)
        answers = predict_baselines(baselines, inputs[1])
        for name, setting in SETTINGS.items():
            options = replace(TrainOptions(backbone=BACKBONE, seed=seed), **setting)  # type: ignore[arg-type]
            answers[name] = train_and_judge(clips, options, fitted=fitted, stopping=stopping, test=test)
        for name, predicted in answers.items():
            found.setdefault(name, []).append(score(clips.classes[test], predicted, num_classes).accuracy)
    return found


def show(name: str, clips: Clips, found: list[dict[str, list[float]]], seconds: float) -> None:
    groups, seeds = len(set(clips.groups)), len(found)
    print(f"\n{name}: {len(clips.classes)} clips of {groups} groups, {seeds} seeds; {seconds:.0f} s of CPU")
    means = {method: np.mean([of_seed[method] for of_seed in found], axis=0) for method in found[0]}
    reference = means[REFERENCE]
    for method in (*BASELINE_NAMES, *SETTINGS):
        values = means[method]
        text = f"  {method:<46} {values.mean():.3f} +- {statistics.stdev(values) / len(values) ** 0.5:.3f}"
        if method in SETTINGS:
            difference = values - reference
            share = (1 / NUM_FOLDS) / ((1 - 1 / NUM_FOLDS) * (1 - 1 / NUM_INNER_FOLDS))
            low, high = corrected_t_interval(difference, test_share=share)
            text += f"   to {REFERENCE}: {difference.mean():+.3f} ({low:+.3f} to {high:+.3f})"
        print(text, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = ("tank_state", "tank_reversed", *FAMILIES, "odd_reversed")
    parser.add_argument("data", type=Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--sets", nargs="+", choices=names, default=names)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name in arguments.sets:
        clips = load(name, arguments.data, arguments.out, arguments.weights)
        start = time.process_time()
        found = []
        for seed in range(arguments.seeds):
            results = arguments.out / f"{name}_seed_{seed}.json"
            if not results.exists():
                with one_thread():
                    results.write_text(json.dumps(judge(clips, seed)))
            found.append(json.loads(results.read_bytes()))
        show(name, clips, found, time.process_time() - start)


if __name__ == "__main__":
    main()
