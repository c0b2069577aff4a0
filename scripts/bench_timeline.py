"""Are the segments of long recordings right, how fast are they found, and in how much memory?

    python -m scripts.bench_timeline --out OUT [--minutes 5 15 60] [--tune]

Draws clips of four things that happen (`make_recording.py`), trains `tiny` on them from pixels, then draws
recordings of another seed, in which it is known what happens when, and runs `clipwise timeline` on them as a
user would. With --tune, which rule makes segments of windows best is tried on three recordings of yet other
seeds. What lies in OUT is gone on with.

    F1           segments found and segments there are one to one where label and, to at least .5 of their
                 union, time agree; unsure ones count as not found
    boundaries   how far the nearest found boundary is from each true one, in strides
    memory       largest resident memory of the command and of its worker, looked at ten times a second
"""

import argparse
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from pipeline.inference.classifier import Classifier, load
from pipeline.inference.segment import Segment, WindowAnswer
from pipeline.inference.segments import CHANGE_COST, SegmentMaker, SegmentRule
from scripts.bench_tank_state import clipwise
from scripts.make_recording import Stretch, make_clips, make_recording, read_truth

TRAIN_SEED, TUNING_SEEDS, TEST_SEED = 0, (11, 12, 13), 99
EPOCHS = 20
TUNING_MINUTES = 10.0
COSTS = (0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0)
LEAST_F1 = 0.9
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Score:
    """How right segments are.

    Attributes:
        f1: of segments.
        boundary_strides: of each true boundary, how far the nearest found one is.
        num_true, num_found: segments.
    """

    f1: float
    boundary_strides: np.ndarray
    num_true: int
    num_found: int


def score(found: Sequence[Segment], truth: Sequence[Stretch], stride_seconds: float) -> Score:
    """Compares segments with what is really shown."""
    sure = [each for each in found if each.status == "ok" and not each.unsure]
    hits = sum(any(_is_same(each, there) for each in sure) for there in truth)
    ends = np.array([each.end_seconds for each in found[:-1]])
    gaps = [float(np.abs(ends - there.end_seconds).min()) if len(ends) else np.inf for there in truth[:-1]]
    return Score(
        f1=2 * hits / (len(sure) + len(truth)),
        boundary_strides=np.array(gaps) / stride_seconds,
        num_true=len(truth),
        num_found=len(found),
    )


def _is_same(found: Segment, there: Stretch) -> bool:
    """At IoU .5 and more no segment can be the same as two stretches, so that counts are one to one."""
    shared = min(found.end_seconds, there.end_seconds) - max(found.start_seconds, there.start_seconds)
    union = max(found.end_seconds, there.end_seconds) - min(found.start_seconds, there.start_seconds)
    return found.label == there.label and shared >= 0.5 * union


def recording(out: Path, *, minutes: float, seed: int) -> Path:
    """A recording with its truth beside it, drawn if it is not there yet."""
    path = out / f"recording-{seed}-{minutes:g}min.mp4"
    if not path.with_suffix(".csv").exists():
        print(f"drawing {path.name}", flush=True)
        make_recording(path, minutes=minutes, seed=seed)
    return path


def trained(out: Path, *, clips_per_class: int) -> Path:
    """A model trained on clips of its own."""
    run = out / "run"
    if not (run / "model.safetensors").exists():
        make_clips(out / "videos", clips_per_class=clips_per_class, seed=TRAIN_SEED)
        spec = ("--image-size", "64", "--test-fraction", "0.15")
        clipwise("preprocess", out / "videos", "--out", out / "clips", *spec)
        how = ("--backbone", "tiny", "--weights", "none", "--epochs", str(EPOCHS))
        clipwise("train", out / "clips", "--out", run, *how)
    clipwise("evaluate", out / "clips", "--model", run)
    return run


def tune(classifier: Classifier, paths: Iterable[Path]) -> None:
    """Prints how segments would be with each cost of a change, window answers being the same."""
    watched = []
    for path in paths:
        answers: list[WindowAnswer] = []
        timeline = classifier.timeline(path, on_window=answers.append)
        list(timeline)
        watched.append((path, answers, timeline))
    print(f"\n{'change cost':>11} {'F1':>6} {'within one stride':>18} {'found / true':>13}")
    for cost in COSTS:
        scores = []
        for path, answers, timeline in watched:
            maker = SegmentMaker(
                classifier.labels,
                threshold=None,
                window_seconds=timeline.window_seconds,
                stride_seconds=timeline.stride_seconds,
                rule=SegmentRule(change_cost=cost),
            )
            segments = [segment for answer in answers for segment in maker.add(answer)]
            segments += maker.finish(timeline.expected_seconds)
            scores.append(score(segments, read_truth(path), timeline.stride_seconds))
        near = np.concatenate([each.boundary_strides for each in scores]) <= 1
        f1 = float(np.mean([each.f1 for each in scores]))
        counts = f"{sum(each.num_found for each in scores)} / {sum(each.num_true for each in scores)}"
        mark = "  (default)" if cost == CHANGE_COST else ""
        print(f"{cost:>11g} {f1:>6.3f} {near.mean():>18.3f} {counts:>13}{mark}", flush=True)


@dataclass(frozen=True, kw_only=True)
class Watched:
    """One run of the command.

    Attributes:
        segments: that it printed.
        first_seconds: when the first one came; 0 is the start of the command.
        wall_seconds, cpu_seconds: of the whole command with its worker.
        parent_bytes, worker_bytes: largest resident memory.
    """

    segments: list[Segment]
    first_seconds: float
    wall_seconds: float
    cpu_seconds: float
    parent_bytes: int
    worker_bytes: int


def watch(path: Path, run: Path, words: Sequence[str]) -> Watched:
    """Runs `clipwise timeline --json` and looks at its memory."""
    command = [
        sys.executable,
        "-m",
        "pipeline.cli.main",
        "timeline",
        str(path),
        "--model",
        str(run),
        "--json",
    ]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    first, parent_bytes, worker_bytes = 0.0, 0, 0
    with tempfile.TemporaryFile("w+") as printed:
        process = psutil.Popen([*command, *words], stdout=printed, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                parent_bytes = max(parent_bytes, process.memory_info().rss)
                for child in process.children(recursive=True):
                    worker_bytes = max(worker_bytes, child.memory_info().rss)
            if not first and printed.seek(0, 2):
                first = time.monotonic() - start
            time.sleep(0.1)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        printed.seek(0)
        rows: list[dict[str, Any]] = [json.loads(line) for line in printed]
    if process.returncode:
        sys.exit(f"clipwise timeline ended with exit code {process.returncode}")
    return Watched(
        segments=[Segment(**{key: row[key] for key in row if key != "path"}) for row in rows],
        first_seconds=first,
        wall_seconds=wall,
        cpu_seconds=after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        parent_bytes=parent_bytes,
        worker_bytes=worker_bytes,
    )


def measure(run: Path, paths: Sequence[tuple[float, Path]], words: Sequence[str], stride: float) -> bool:
    """Prints a line for each recording; whether all is as it should be."""
    header = (
        "minutes", "F1", "within one stride", "median", "worst", "first s", "wall s", "CPU s",
        "times real time", "parent MiB", "worker MiB",
    )  # fmt: skip
    print("\n" + " | ".join(header), flush=True)
    good, parents, workers = True, [], []
    for minutes, path in paths:
        seen = watch(path, run, words)
        judged = score(seen.segments, read_truth(path), stride)
        gaps = judged.boundary_strides
        parents.append(seen.parent_bytes / MIB)
        workers.append(seen.worker_bytes / MIB)
        cells = (
            f"{minutes:g}", f"{judged.f1:.3f}", f"{(gaps <= 1).mean():.3f} of {len(gaps)}",
            f"{np.median(gaps):.2f}", f"{gaps.max():.2f}", f"{seen.first_seconds:.1f}",
            f"{seen.wall_seconds:.0f}", f"{seen.cpu_seconds:.0f}", f"{minutes * 60 / seen.wall_seconds:.0f}",
            f"{parents[-1]:.0f}", f"{workers[-1]:.0f}",
        )  # fmt: skip
        print(" | ".join(cells), flush=True)
        good &= judged.f1 >= LEAST_F1
    print(f"F1 at least {LEAST_F1}: {'met' if good else 'MISSED'}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, nargs="+", default=[5, 15, 60])
    parser.add_argument("--clips-per-class", type=int, default=60)
    parser.add_argument("--tune", action="store_true")
    parser.add_argument(
        "--words", nargs="*", default=[], help="more options for clipwise timeline, without --"
    )
    chosen = parser.parse_args()
    run = trained(chosen.out, clips_per_class=chosen.clips_per_class)
    classifier = load(run)
    if chosen.tune:
        paths = [recording(chosen.out, minutes=TUNING_MINUTES, seed=seed) for seed in TUNING_SEEDS]
        tune(classifier, paths)
        return 0
    tests = [(each, recording(chosen.out, minutes=each, seed=TEST_SEED)) for each in chosen.minutes]
    timeline = classifier.timeline(tests[0][1])
    with timeline:
        next(timeline)
        stride = timeline.stride_seconds
    return (
        0
        if measure(run, tests, [f"--{word}" if word[0].isalpha() else word for word in chosen.words], stride)
        else 1
    )


if __name__ == "__main__":
    sys.exit(main())
