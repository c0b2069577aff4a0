"""How fast, and how right, are Clipwise and its peers at taking 12 frames from each of many videos?

    python scripts/bench_decode.py DATA --out OUT [--only short odd 720p 1080p] [--repeats 3]

DATA has `tank_state.csv` and `odd_videos.csv` with their videos. Peers are taken where they are installed
(`pip install torchcodec decord`; torchcodec needs FFmpeg's shared libraries, as the system's ffmpeg has). All
read the same frames of the same files with one process and one decoding thread, in turn, and fit them with
the same letterbox; the least of the repeats counts. Peers' imports and one file to warm up are not counted.
Clipwise is `preprocess` with one worker, from the listing to the written store: CPU seconds of the parent and
its worker. What the same costs with next to nothing to read is given as its start and taken off.

What lies in OUT (long videos, the truth) is used again.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # run as a script: its own folder is on the path, the project's root is not
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pipeline
from scripts.bench_readers import CLIPWISE, READERS, Case
from scripts.bench_truth import VideoList, case_to_dict, long_list, odd_list, short_list
from scripts.bench_videos import SIZES_WH, encode

EVERYTHING, GRAB = "cv2 read everything", "cv2 grab"
TORCHCODEC = ("torchcodec exact", "torchcodec approximate")
LISTS = ("short", "odd", *SIZES_WH)
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_LIMIT_SECONDS = 1800  # a reader that takes longer hangs


@dataclass(kw_only=True)
class Result:
    """What one reader did with one list.

    Attributes:
        cpu_seconds: the least of all repeats.
        wall_seconds: the least of all repeats.
        wrong: number of wrong frames, by the number of the case.
        errors: why a case was not read.
        missing: why the reader could not be used at all.
    """

    cpu_seconds: float = float("inf")
    wall_seconds: float = float("inf")
    wrong: dict[int, int] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    missing: str = ""

    @property
    def is_right(self) -> bool:
        """Whether it may serve as a yardstick."""
        return not (self.wrong or self.errors or self.missing)


class Bench:
    """Runs readers as processes of their own."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._table = out / f"bench-{os.getpid()}.csv"
        self._tiny = [out / f"tiny_{name}.mp4" for name in "ab"]
        for path in self._tiny:
            if not path.exists():
                encode(path, (64, 48), 12)

    def run(self, tool: str, videos: VideoList, *, check: bool, num_workers: int = 1) -> Result:
        """One repeat of one reader; frames are looked at when asked."""
        with tempfile.TemporaryDirectory(prefix="scratch-", dir=self._out) as folder:
            try:
                return self._run(tool, videos, Path(folder), check=check, num_workers=num_workers)
            finally:
                self._table.unlink(missing_ok=True)

    def start(self) -> Result:
        """Clipwise with next to nothing to read."""
        cases = tuple(Case(path=str(path), indices=tuple(range(12)), pixel_aspect=1.0) for path in self._tiny)
        return self.run(CLIPWISE, VideoList(name="start", cases=cases), check=False)

    def _run(self, tool: str, videos: VideoList, scratch: Path, *, check: bool, num_workers: int) -> Result:
        job: dict[str, Any] = {
            "tool": tool,
            "cases": [case_to_dict(case) for case in videos.cases],
            "warm_up": case_to_dict(Case(path=str(self._tiny[0]), indices=(0, 6), pixel_aspect=1.0)),
            "clips": str(scratch / "clips.npz") if check else None,
            "at": str(scratch / "at"),
        }
        if tool == CLIPWISE:
            self._write_table(videos.cases)
            job |= {"table": str(self._table), "out": str(scratch / "store"), "num_workers": num_workers}
        numbers = list(range(len(videos.cases)))
        result = Result()
        while True:
            answer = self._process(job, scratch / "job.json")
            if "died" not in answer:
                break
            if not (scratch / "at").exists():  # before the first video
                return Result(missing=answer["died"])
            at = int((scratch / "at").read_bytes())
            result.errors[numbers.pop(at)] = answer["died"]
            del job["cases"][at]
        if "missing" in answer:
            return Result(missing=answer["missing"])
        result.cpu_seconds, result.wall_seconds = answer["cpu_seconds"], answer["wall_seconds"]
        result.errors |= {numbers[int(place)]: reason for place, reason in answer["errors"].items()}
        if check:
            with np.load(scratch / "clips.npz") as clips:
                result.wrong = {
                    numbers[int(place)]: wrong
                    for place in clips.files
                    if (wrong := videos.wrong_frames(numbers[int(place)], clips[place]))
                }
        return result

    def _write_table(self, cases: Iterable[Case]) -> None:
        """A list for `preprocess`; with two classes, as it must have."""
        paths = [Path(case.path) for case in cases]
        if len(paths) == 1:
            paths.append(self._tiny[0])
        with self._table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "label"])
            writer.writerows([path.relative_to(self._out), "ab"[i % 2]] for i, path in enumerate(paths))

    def _process(self, job: dict[str, Any], path: Path) -> dict[str, Any]:
        path.write_text(json.dumps(job))
        root = str(Path(pipeline.__file__).parents[1])
        environment = {**os.environ, "PYTHONPATH": root, **dict.fromkeys(_ONE_THREAD, "1")}
        try:
            done = subprocess.run(
                [sys.executable, str(Path(__file__).with_name("bench_readers.py")), str(path)],
                capture_output=True,
                timeout=_LIMIT_SECONDS,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"died": f"took longer than {_LIMIT_SECONDS} s"}
        if done.returncode > 0 or (done.returncode and job["tool"] == CLIPWISE):  # a mistake of this script
            sys.exit(done.stderr.decode(errors="replace"))
        if done.returncode:
            return {"died": f"the process died of signal {-done.returncode}"}
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer


def measure(bench: Bench, videos: VideoList, repeats: int, readers: Sequence[str]) -> dict[str, Result]:
    """All readers in turn, several times over."""
    best: dict[str, Result] = {}
    is_long = videos.signatures is None
    for repeat in range(repeats):
        for tool in (CLIPWISE, *readers):
            slow = is_long and tool in (EVERYTHING, GRAB)
            if repeat and (slow or best[tool].missing):
                continue
            print(f"{videos.name}: {tool}, {repeat + 1} of {repeats}", file=sys.stderr, flush=True)
            result = bench.run(tool, videos, check=repeat == 0)
            if repeat:
                best[tool].cpu_seconds = min(best[tool].cpu_seconds, result.cpu_seconds)
                best[tool].wall_seconds = min(best[tool].wall_seconds, result.wall_seconds)
            else:
                best[tool] = result
    return best


def show(videos: VideoList, results: dict[str, Result], start: Result) -> None:
    """One list's table."""
    num_frames = sum(len(case.indices) for case in videos.cases)
    print(f"\n{videos.name}: {len(videos.cases)} videos, {num_frames} frames")
    print(f"{'':<24} {'CPU s':>8} {'wall s':>8} {'to Clipwise':>12} {'wrong':>6} {'unread':>7}")
    own = results[CLIPWISE].cpu_seconds - start.cpu_seconds
    for tool, result in results.items():
        if result.missing:
            print(f"{tool:<24} not installed ({result.missing})")
            continue
        cpu, wall = result.cpu_seconds, result.wall_seconds
        if tool == CLIPWISE:
            cpu, wall = own, wall - start.wall_seconds
        line = f"{tool:<24} {cpu:>8.2f} {wall:>8.2f} {cpu / own:>12.2f}"
        print(f"{line} {sum(result.wrong.values()):>6} {len(result.errors):>7}")
    print(
        f"{'  its start, once':<24} {start.cpu_seconds:>8.2f} {start.wall_seconds:>8.2f}",
        flush=True,
    )


def target(text: str, value: float, limit: float, *, at_least: bool = False) -> None:
    """One line: met or missed."""
    met = value >= limit if at_least else value <= limit
    sign = "at least" if at_least else "at most"
    print(f"target: {text}: {value:.2f}, {sign} {limit:.2f}: {'met' if met else 'missed'}", flush=True)


def judge(videos: VideoList, results: dict[str, Result], start: Result) -> None:
    """Compares with the targets; only readers without a wrong frame are yardsticks."""
    own = results[CLIPWISE].cpu_seconds - start.cpu_seconds

    def best(tools: Iterable[str]) -> float | None:
        return min(
            (results[it].cpu_seconds for it in tools if it in results and results[it].is_right), default=None
        )

    if videos.signatures is not None:
        if other := best(tool for tool in READERS):
            target(f"{videos.name}, CPU to the best of the others", own / other, 0.9)
        return
    if other := best(TORCHCODEC):
        target(f"{videos.name}, CPU to torchcodec", own / other, 1.2)
    if other := best([EVERYTHING]):
        target(f"{videos.name}, CPU to reading everything", own / other, 1 / 8)


def readable_by_all(bench: Bench, videos: VideoList) -> VideoList:
    """Reads a list once, says what each reader made of it, and keeps the videos that none stumbled over."""
    print(f"\n{videos.name}: what each could read of {len(videos.cases)} videos")
    print(f"{'':<24} {'unread':>7} {'with wrong frames':>18}")
    unread: set[int] = set()
    for tool in (CLIPWISE, *READERS):
        result = bench.run(tool, videos, check=True)
        if result.missing:
            continue
        unread |= set(result.errors)
        print(f"{tool:<24} {len(result.errors):>7} {len(result.wrong):>18}", flush=True)
        for number in sorted(set(result.errors) | set(result.wrong)):
            what = result.errors.get(number) or f"{result.wrong[number]} wrong frames"
            print(f"  {tool}: {videos.names[number]}: {what}", file=sys.stderr)
    return videos.only([number for number in range(len(videos.cases)) if number not in unread])


def two_workers(bench: Bench, videos: VideoList, repeats: int, start: Result) -> None:
    """The wall seconds of one worker and of two."""
    wall = {1: float("inf"), 2: float("inf")}
    for _ in range(repeats):
        for workers, least in wall.items():
            result = bench.run(CLIPWISE, videos, check=False, num_workers=workers)
            wall[workers] = min(least, result.wall_seconds)
    print(f"\ntwo workers: {wall[2]:.2f} s, one: {wall[1]:.2f} s (start {start.wall_seconds:.2f} s in both)")
    gain = (wall[1] - start.wall_seconds) / (wall[2] - start.wall_seconds)
    target("two workers, throughput to one's", gain, 1.8, at_least=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for videos and truth; used again")
    parser.add_argument("--only", nargs="+", choices=LISTS, default=LISTS, help="these lists")
    parser.add_argument(
        "--readers", nargs="+", choices=list(READERS), default=list(READERS), help="these peers"
    )
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.out)
    start = min((bench.start() for _ in range(max(2, options.repeats))), key=lambda it: it.cpu_seconds)
    for name in options.only:
        if name in SIZES_WH:
            videos = long_list(name, options.out)
        else:
            videos = (short_list if name == "short" else odd_list)(options.data, options.out)
        if name == "odd":
            videos = readable_by_all(bench, videos)
        results = measure(bench, videos, options.repeats, options.readers)
        show(videos, results, start)
        judge(videos, results, start)
        if name == "short":
            two_workers(bench, videos, options.repeats, start)


if __name__ == "__main__":
    main()
