"""Memory stays flat: of the parent over many clips and over a video of an hour; of the workers always.

    python -m scripts.fault_memory [--clips 5000] [--minutes 60] [--workers 2]

Runs `clipwise preprocess` and looks at the resident memory of the command and of its workers, four times a
second: on many tiny videos, on one long video, and on the same cut into windows. From a tenth of the clips on
the parent may grow by what it must remember of each clip, 8 kB, and by 16 MiB on top; a worker must stay
below its limit.
"""

import contextlib
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import psutil

from pipeline.video.worker import DEFAULT_MEMORY_LIMIT_BYTES
from scripts.fault_common import SPEC_WORDS, Promises, parser, start_command
from tests.helpers.videos import numbered_frame, write_numbered_video

KB_A_CLIP = 8
SLACK_BYTES = 16 << 20
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Resident memory at one moment.

    Attributes:
        num_clips: clips written by then.
        parent_bytes: of the command.
        worker_bytes: of its largest worker.
    """

    num_clips: int
    parent_bytes: int
    worker_bytes: int


def watch(out: Path, *words: object) -> tuple[int, str, list[Sample]]:
    """Runs preprocess and looks at its memory; exit code, stderr, samples."""
    samples: list[Sample] = []
    with (out.parent / f"{out.name}.log").open("w+b") as log:
        process = start_command("preprocess", *words, "--out", out, stderr=log)
        parent = psutil.Process(process.pid)
        while process.poll() is None:
            with contextlib.suppress(psutil.Error, OSError):
                workers = [child.memory_info().rss for child in parent.children(recursive=True)]
                clips = len(os.listdir(out / "frames")) if (out / "frames").is_dir() else 0  # noqa: PTH208
                samples.append(
                    Sample(
                        num_clips=clips,
                        parent_bytes=parent.memory_info().rss,
                        worker_bytes=max(workers, default=0),
                    )
                )
            time.sleep(0.25)
        log.seek(0)
        return process.returncode, log.read().decode("utf-8", "backslashreplace"), samples


def judge(name: str, out: Path, words: list[object], promises: Promises) -> None:
    """Runs one case; prints and checks what was seen."""
    began = time.monotonic()
    code, errors, samples = watch(out, *words)
    seconds = time.monotonic() - began
    if not promises.check(code == 0 and samples, f"{name}: ends with 0", (code, errors[-500:])):
        return
    num_clips = len(list((out / "frames").glob("*.npy")))
    begun = [sample for sample in samples if sample.num_clips >= num_clips / 10] or samples
    first, last = begun[0].parent_bytes, max(sample.parent_bytes for sample in begun)
    worker = max(sample.worker_bytes for sample in samples)
    print(
        f"{name}: {num_clips} clips in {seconds:.0f} s; the parent had {first / MIB:.1f} MiB after a tenth "
        f"of them and {last / MIB:.1f} MiB at most after that; the largest worker {worker / MIB:.1f} MiB"
    )
    allowed = SLACK_BYTES + KB_A_CLIP * 1000 * num_clips
    promises.check(last - first <= allowed, f"{name}: the parent's memory stays flat", last - first)
    promises.check(worker <= DEFAULT_MEMORY_LIMIT_BYTES, f"{name}: a worker stays under its limit", worker)


def make_many(folder: Path, count: int) -> Path:
    """Tiny videos with bytes of their own."""
    plain = write_numbered_video(folder.parent / "tiny.avi", 5).read_bytes()
    for number in range(count):
        path = folder / ("up" if number % 2 else "down") / f"{number:05d}.avi"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(plain + number.to_bytes(8, "little"))
    return folder


def make_long(folder: Path, minutes: float) -> Path:
    """A long H.264 video of 25 frames a second, beside a short one of another class."""
    size_wh = (320, 240)
    for label, count in (("long", round(minutes * 60 * 25)), ("short", 50)):
        path = folder / label / "video.mp4"
        path.parent.mkdir(parents=True)
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
            stream.width, stream.height = size_wh
            stream.pix_fmt, stream.gop_size = "yuv420p", 250
            for start in range(0, count, 50):  # a new picture every two seconds
                shown = numbered_frame(start // 50 % 2000, size_wh=size_wh)
                picture = av.VideoFrame.from_ndarray(shown, format="rgb24").reformat(format="yuv420p")
                for number in range(start, min(start + 50, count)):
                    picture.pts = number
                    container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    return folder


def run(folder: Path, *, num_clips: int, minutes: float, num_workers: int) -> Promises:
    """All three cases."""
    promises = Promises()
    words = [*SPEC_WORDS, "--workers", num_workers]
    if num_clips:
        many = make_many(folder / "many", num_clips)
        judge("many videos", folder / "many-store", [many, *words], promises)
        shutil.rmtree(many)
    if minutes:
        long = make_long(folder / "hour", minutes)
        judge(f"a video of {minutes:g} minutes", folder / "hour-store", [long, *words], promises)
        windows = ["--window-seconds", 2]
        judge("the same in windows of 2 s", folder / "window-store", [long, *words, *windows], promises)
    return promises


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--clips", type=int, default=5000)
    options.add_argument("--minutes", type=float, default=60)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        promises = run(
            Path(folder), num_clips=chosen.clips, minutes=chosen.minutes, num_workers=chosen.workers
        )
    return promises.report()


if __name__ == "__main__":
    sys.exit(main())
