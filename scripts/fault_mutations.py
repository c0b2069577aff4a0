"""Bytes changed at random in videos of many kinds: what is noticed, and what is not.

    python -m scripts.fault_mutations [--count 1000] [--seed 0] [--workers 2]

Every frame of the clean videos shows its number. Their mutations go through the real `preprocess`: the parent
must neither crash nor hang, and every file must end as ok, damaged or failed, the last two with a reason. The
sampled frames of the others are compared with their number and with the clean video; the first of these words
that fits is counted for each kind:

    other frame   a frame shows another number than its index says
    spoilt        a frame shows no number any more
    differs       a frame differs visibly from the clean one
    shorter       all that is right, but the video has lost frames
    right         all of it is right

What is not right and nevertheless `ok` was wrong without a word.
"""

import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.clips import preprocess as preprocess_module
from pipeline.clips.clip import Clip
from pipeline.clips.store import ClipStore
from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.worker import read_clips_isolated
from scripts.fault_common import Promises, parser
from tests.helpers.videos import numbered_frame, read_number

NUM_FRAMES = 60
SIZE_WH = (176, 144)  # H.263 knows few others
SPEC = ClipSpec(num_frames=12, image_size=96)
TIME_LIMIT_SECONDS = 60.0
VISIBLE = 3.0  # mean absolute difference of a frame from the clean one, 0 to 255


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A container and a codec."""

    name: str
    suffix: str
    codec: str
    pixel_format: str = "yuv420p"
    options: tuple[tuple[str, str], ...] = ()


KINDS = (
    Kind(name="mp4-h264", suffix=".mp4", codec="libx264"),
    Kind(name="mp4-hevc", suffix=".mp4", codec="libx265", options=(("x265-params", "log-level=none"),)),
    Kind(name="mp4-av1", suffix=".mp4", codec="libsvtav1", options=(("svtav1-params", "lp=1"),)),
    Kind(name="mov-mjpeg", suffix=".mov", codec="mjpeg", pixel_format="yuvj420p"),
    Kind(name="mkv-h264", suffix=".mkv", codec="libx264"),
    Kind(name="mkv-ffv1", suffix=".mkv", codec="ffv1", options=(("slicecrc", "1"),)),
    Kind(name="webm-vp8", suffix=".webm", codec="libvpx"),
    Kind(name="webm-vp9", suffix=".webm", codec="libvpx-vp9"),
    Kind(name="avi-mpeg4", suffix=".avi", codec="mpeg4"),
    Kind(name="avi-ffv1", suffix=".avi", codec="ffv1"),
    Kind(name="ts-h264", suffix=".ts", codec="libx264"),
    Kind(name="mpg-mpeg2", suffix=".mpg", codec="mpeg2video"),
    Kind(name="flv-flv1", suffix=".flv", codec="flv"),
    Kind(name="wmv-wmv2", suffix=".wmv", codec="wmv2"),
    Kind(name="3gp-h263", suffix=".3gp", codec="h263"),
    Kind(name="raw-h264", suffix=".h264", codec="libx264"),
    Kind(name="gif", suffix=".gif", codec="gif", pixel_format="rgb8"),
)


def write_clean(folder: Path, kind: Kind) -> Path:
    """A video of this kind; frame i shows the number i."""
    path = folder / f"{kind.name}{kind.suffix}"
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:  # no random identifiers
        options = {"threads": "1"} | dict(kind.options)
        stream: Any = container.add_stream(kind.codec, rate=25, options=options)
        stream.width, stream.height = SIZE_WH
        stream.pix_fmt, stream.bit_rate, stream.gop_size = kind.pixel_format, 1_500_000, 15
        for number in range(NUM_FRAMES):
            picture = numbered_frame(number, size_wh=SIZE_WH)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=kind.pixel_format)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Bytes changed, a run of bytes overwritten, lost or put in, or the end cut off."""
    data = bytearray(content)
    length = rng.choice([1, 4, 16, 64, 256, 1024])
    at = rng.randrange(len(data))
    match rng.choices(["bytes", "run", "lost", "more", "cut"], weights=[50, 20, 10, 10, 10])[0]:
        case "bytes":
            for _ in range(rng.choice([1, 2, 4, 8, 16, 32])):
                data[rng.randrange(len(data))] = rng.randrange(256)
        case "run":
            data[at : at + length] = rng.randbytes(len(data[at : at + length]))
        case "lost":
            del data[at : at + length]
        case "more":
            data[at:at] = rng.randbytes(length)
        case _:
            del data[max(1, at) :]
    return bytes(data)


def verdict(clip: Clip, frames: NDArray[np.uint8] | None, clean: Sequence[NDArray[np.uint8]]) -> str:
    """What became of a mutated video, in a word."""
    if frames is None:
        return "failed"
    for index, frame in zip(clip.frame_indices, frames, strict=True):
        try:
            number = read_number(frame, size_wh=SIZE_WH)
        except ValueError:
            return f"{clip.status}, spoilt"  # no number can be read any more
        if number != index:
            return f"{clip.status}, other frame"
        if np.abs(frame.astype(int) - clean[index]).mean() > VISIBLE:
            return f"{clip.status}, differs"
    return f"{clip.status}, shorter" if clip.num_frames != NUM_FRAMES else f"{clip.status}, right"


def run(folder: Path, *, count: int, seed: int, num_workers: int) -> tuple[Promises, dict[str, Counter[str]]]:
    """Mutates, preprocesses, judges: the promises, and for each kind how often which verdict was reached."""
    promises, rng = Promises(), random.Random(seed)
    (folder / "clean").mkdir()
    paths = [write_clean(folder / "clean", kind) for kind in KINDS]
    every_frame = ClipSpec(num_frames=NUM_FRAMES, image_size=SPEC.image_size)
    clean: dict[str, list[NDArray[np.uint8]]] = {}
    for kind, (_, outcome) in zip(KINDS, read_clips_isolated(paths, every_frame), strict=True):
        if isinstance(outcome, VideoError):
            sys.exit(f"the clean video is not read: {outcome}")
        numbers = [read_number(frame, size_wh=SIZE_WH) for frame in outcome.frames]
        promises.check(
            not outcome.damage and numbers == list(range(NUM_FRAMES)),
            "a clean video is read right",
            kind.name,
        )
        clean[kind.name] = list(outcome.frames)
    for number in range(count):
        kind, path = KINDS[number % len(KINDS)], paths[number % len(KINDS)]
        place = folder / "mutated" / kind.name / f"{number:05d}{kind.suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(mutate(path.read_bytes(), rng))
    began = time.monotonic()
    with mock.patch.object(preprocess_module, "_time_limit", return_value=TIME_LIMIT_SECONDS):
        result = preprocess_module.preprocess(
            folder / "mutated", folder / "store", spec=SPEC, num_workers=num_workers
        )
    print(f"{count} mutated videos preprocessed in {time.monotonic() - began:.0f} s")
    return promises, _judge(result.store, clean, promises, count)


def _judge(
    store: ClipStore, clean: dict[str, list[NDArray[np.uint8]]], promises: Promises, count: int
) -> dict[str, Counter[str]]:
    promises.check(len(store.clips) == count, "every file has an outcome", len(store.clips))
    verdicts: dict[str, Counter[str]] = {kind.name: Counter() for kind in KINDS}
    for clip in store.clips:
        promises.check(clip.status in ("ok", "damaged", "failed"), "ok, damaged or failed", clip)
        promises.check(clip.status == "ok" or clip.reason, "what is not ok has a reason", clip)
        for word in ("worker process", "took longer", "too much memory"):
            if word in clip.reason:
                print(f"lost its worker: {clip.path}: {clip.reason}")
                verdicts[clip.label]["lost its worker"] += 1
        frames = np.asarray(store.frames(clip)) if clip.is_usable else None
        verdicts[clip.label][verdict(clip, frames, clean[clip.label])] += 1
    return verdicts


def print_table(verdicts: dict[str, Counter[str]]) -> None:
    """For each kind how often which verdict was reached."""
    columns = ["failed", "lost its worker"]
    for status in ("damaged", "ok"):
        columns += [f"{status}, {word}" for word in ("right", "shorter", "differs", "spoilt", "other frame")]
    verdicts = verdicts | {"all": sum(verdicts.values(), Counter())}
    print("| kind | files | " + " | ".join(columns) + " |")
    print("| --- " * (len(columns) + 2) + "|")
    for name, counts in verdicts.items():
        total = counts.total() - counts["lost its worker"]
        print(f"| {name} | {total} | " + " | ".join(str(counts[column]) for column in columns) + " |")


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        promises, verdicts = run(
            Path(folder), count=chosen.count, seed=chosen.seed, num_workers=chosen.workers
        )
    print_table(verdicts)
    return promises.report()


if __name__ == "__main__":
    sys.exit(main())
