"""Can the model learn what only the order of frames tells? Accuracy over seeds, on videos of another seed.

    python -m scripts.bench_order --out OUT [--seeds 3] [--clips-per-class 60]

Makes two sets of videos with `make_sample_videos.py` (four classes that show the same frames in four orders),
preprocesses them, and for each seed trains `tiny` from pixels as `./scripts/demo` does and judges it on the
second set. The commands are those that a user would type, and are shown. What lies in OUT is gone on with:
use a new OUT to measure times.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.evaluation.baselines import MEAN_STD_DIFFERENCE, SHUFFLED, SINGLE_FRAME
from scripts.bench_tank_state import clipwise
from scripts.make_sample_videos import main as make_sample_videos

TRAIN_SEED, HELD_OUT_SEED = 7, 99
EPOCHS = 16
MODEL = "model"
TARGETS = {  # the worst seed must reach these
    MODEL: ("at least", 0.98),
    SINGLE_FRAME: ("at most", 0.35),
    SHUFFLED: ("at most", 0.55),
}
LONGEST_TRAINING_SECONDS = 600


def make_clips(out: Path, name: str, *, clips_per_class: int, seed: int) -> Path:
    """A store of made-up videos, all in train and val."""
    code = make_sample_videos(
        [str(out / f"{name}_videos"), "--clips-per-class", str(clips_per_class), "--seed", str(seed)]
    )
    if code:
        sys.exit(code)
    clips = out / f"{name}_clips"
    clipwise("preprocess", out / f"{name}_videos", "--out", clips, "--test-fraction", "0")
    return clips


def train_and_judge(
    train_clips: Path, held_out: Path, run: Path, seed: int
) -> tuple[dict[str, float], float]:
    """Accuracies of the model and its baselines on the held-out clips, and the seconds of training."""
    words = ["--backbone", "tiny", "--weights", "none", "--epochs", str(EPOCHS), "--seed", str(seed)]
    _, seconds, _ = clipwise("train", train_clips, "--out", run, *words)
    printed, _, _ = clipwise("evaluate", held_out, "--model", run, "--split", "all", "--json")
    judged = json.loads(printed)
    if judged["num_used"] != judged["num_total"]:
        sys.exit(f"only {judged['num_used']} of {judged['num_total']} held-out clips could be used")
    accuracies = {name: scores["accuracy"] for name, scores in judged["baselines"].items() if scores}
    return {MODEL: judged["accuracy"], **accuracies}, seconds


def report(results: Sequence[dict[str, float]], seconds: Sequence[float]) -> bool:
    """Prints the table; whether all targets are met by the worst seed."""
    met = True
    print(f"\n{len(results)} seeds  {'mean':>14} {'worst':>7}   target for the worst")
    for name in (MODEL, SINGLE_FRAME, SHUFFLED, MEAN_STD_DIFFERENCE):
        values = [result[name] for result in results]
        worst = min(values) if name == MODEL else max(values)
        bound, limit = TARGETS.get(name, ("", 0.0))
        good = not bound or (worst >= limit if bound == "at least" else worst <= limit)
        target = f"{bound} {limit:.2f}: {'met' if good else 'MISSED'}" if bound else ""
        print(f"{name:<20} {statistics.mean(values):>5.3f} {worst:>7.3f}   {target}")
        met &= good
    quick = max(seconds) <= LONGEST_TRAINING_SECONDS
    verdict = f"at most {LONGEST_TRAINING_SECONDS}: {'met' if quick else 'MISSED'}"
    print(f"{'seconds of training':<20} {statistics.mean(seconds):>5.0f} {max(seconds):>7.0f}   {verdict}")
    return met and quick


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clips-per-class", type=int, default=60)
    chosen = parser.parse_args()
    count = chosen.clips_per_class
    train_clips = make_clips(chosen.out, "train", clips_per_class=count, seed=TRAIN_SEED)
    held_out = make_clips(chosen.out, "held_out", clips_per_class=count, seed=HELD_OUT_SEED)
    results, seconds = [], []
    for seed in range(chosen.seeds):
        accuracies, took = train_and_judge(train_clips, held_out, chosen.out / f"run-{seed}", seed=seed)
        print("  " + ", ".join(f"{name} {value:.3f}" for name, value in accuracies.items()), flush=True)
        results.append(accuracies)
        seconds.append(took)
    return 0 if report(results, seconds) else 1


if __name__ == "__main__":
    sys.exit(main())
