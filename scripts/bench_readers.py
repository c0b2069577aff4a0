"""One reader at work, for `bench_decode.py`, which starts this file as a process of its own each time.

    python scripts/bench_readers.py JOB.json        prints one object: CPU and wall seconds, what was unread

Every reader gets the same files and the same frame indices, decodes with one thread, and fits each wanted
frame with Clipwise's letterbox. Imports and one warm-up file are not on the clock.
"""

import contextlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.spec import ClipSpec

SPEC = ClipSpec()
CLIPWISE = "Clipwise"
_SEEK_OVER_FRAMES = 250  # x264's default GOP; PyAV has no index: it seeks where the next frame is further off

Clip = NDArray[np.uint8]  # (T, S, S, 3)


@dataclass(frozen=True, kw_only=True)
class Case:
    """A file and what is wanted of it.

    Attributes:
        path: the file.
        indices: of the wanted frames; rising, repeated where the video is short.
        pixel_aspect: width over height of a pixel.
    """

    path: str
    indices: tuple[int, ...]
    pixel_aspect: float

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Case":
        """Rebuilds it from JSON."""
        return cls(**{**values, "indices": tuple(values["indices"])})


def _fitted(case: Case, frames: Iterator[tuple[int, Any]]) -> Clip:
    """Frames as (index, picture in OpenCV's channel order) -> clip, as soon as they come."""
    from pipeline.video.letterbox import fit_frame

    found = {index: fit_frame(picture, SPEC, pixel_aspect=case.pixel_aspect) for index, picture in frames}
    return np.stack([found[index] for index in case.indices])


def _fitted_rgb(case: Case, pictures: Any) -> Clip:
    """As `_fitted`, of RGB pictures, one for each different index."""
    clip = _fitted(case, zip(sorted(set(case.indices)), pictures, strict=True))
    return clip[..., ::-1]  # a view: the letterbox swapped the channels


def torchcodec(seek_mode: str) -> Callable[[Case], Clip]:
    import torch
    from torchcodec.decoders import VideoDecoder

    torch.set_num_threads(1)

    def read(case: Case) -> Clip:
        decoder = VideoDecoder(case.path, num_ffmpeg_threads=1, dimension_order="NHWC", seek_mode=seek_mode)
        return _fitted_rgb(case, decoder.get_frames_at(sorted(set(case.indices))).data.numpy())

    return read


def decord() -> Callable[[Case], Clip]:
    from decord import VideoReader, cpu

    def read(case: Case) -> Clip:
        reader = VideoReader(case.path, ctx=cpu(0), num_threads=1)
        return _fitted_rgb(case, reader.get_batch(sorted(set(case.indices))).asnumpy())

    return read


def pyav() -> Callable[[Case], Clip]:
    import av

    def read(case: Case) -> Clip:
        wanted = sorted(set(case.indices))
        with av.open(case.path) as container:
            return _fitted(case, _pyav_frames(container, wanted))

    return read


def _pyav_frames(container: Any, wanted: list[int]) -> Iterator[tuple[int, Any]]:
    stream = container.streams.video[0]
    stream.thread_type, stream.thread_count = "NONE", 1
    frames, at = container.decode(stream), -1
    start = stream.start_time or 0
    for index in wanted:
        far = index - at > _SEEK_OVER_FRAMES
        if far:
            container.seek(start + round(index / stream.average_rate / stream.time_base), stream=stream)
            frames = container.decode(stream)
        while at < index:
            frame = next(frames)
            if far:
                at, far = round((frame.pts - start) * stream.time_base * stream.average_rate), False
            else:
                at += 1
        yield index, frame.to_ndarray(format="bgr24")


def cv2_grab() -> Callable[[Case], Clip]:
    import cv2

    from pipeline.video.capture import open_frames

    cv2.setNumThreads(1)

    def read(case: Case) -> Clip:
        with open_frames(case.path) as capture:
            return _fitted(case, _grabbed(capture, set(case.indices)))

    return read


def _grabbed(capture: Any, wanted: set[int]) -> Iterator[tuple[int, Any]]:
    for index in range(max(wanted) + 1):
        if not capture.grab():
            raise ValueError(f"ended after {index} frames")
        if index in wanted:
            yield index, capture.retrieve()[1]


def read_everything() -> Callable[[Case], Clip]:
    """The loop of most repositories: decode, convert and resize every frame, keep those wanted."""
    import cv2

    from pipeline.video.capture import open_frames
    from pipeline.video.letterbox import fit_frame

    cv2.setNumThreads(1)

    def read(case: Case) -> Clip:
        kept, index, wanted = {}, 0, set(case.indices)
        with open_frames(case.path) as capture:
            while True:
                shown, picture = capture.read()
                if not shown:
                    break
                fitted = fit_frame(picture, SPEC, pixel_aspect=case.pixel_aspect)  # type: ignore[arg-type]
                if index in wanted:
                    kept[index] = fitted
                index += 1
        return np.stack([kept[index] for index in case.indices])

    return read


READERS: dict[str, Callable[[], Callable[[Case], Clip]]] = {
    "torchcodec exact": lambda: torchcodec("exact"),
    "torchcodec approximate": lambda: torchcodec("approximate"),
    "PyAV": pyav,
    "decord": decord,
    "cv2 grab": cv2_grab,
    "cv2 read everything": read_everything,
}


class _Clock:
    """CPU (children that have ended included) and wall seconds of a block."""

    def __enter__(self) -> "_Clock":
        self._cpu, self._wall = _cpu_seconds(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu_seconds = _cpu_seconds() - self._cpu
        self.wall_seconds = time.perf_counter() - self._wall


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(it.ru_utime + it.ru_stime for it in used)


def run_reader(tool: str, cases: list[Case], warm_up: Case, at: IO[bytes]) -> tuple[_Clock, list[Clip | str]]:
    """Reads all cases; a clip that cannot be read is the reason instead.

    The number of the case being read is kept in the file `at`: a reader may crash or hang.
    """
    read = READERS[tool]()
    with contextlib.suppress(Exception):
        read(warm_up)
    clips: list[Clip | str] = []
    with _Clock() as clock:
        for number, case in enumerate(cases):
            os.pwrite(at.fileno(), b"%9d" % number, 0)
            try:
                clips.append(read(case))
            except Exception as error:  # of all kinds: the readers are not ours
                clips.append(f"{type(error).__name__}: {error}".splitlines()[0][:200])
    return clock, clips


def run_clipwise(
    cases: list[Case], table: Path, out: Path, num_workers: int
) -> tuple[_Clock, list[Clip | str]]:
    """`preprocess` from the listing to the finished store, isolation and writing included."""
    from pipeline.clips.preprocess import preprocess

    with _Clock() as clock:
        store = preprocess(table, out, spec=SPEC, num_workers=num_workers).store
    by_path = {clip.path: clip for clip in store.clips}
    clips: list[Clip | str] = []
    for case in cases:
        clip = by_path[Path(case.path).relative_to(table.parent).as_posix()]
        clips.append(np.load(out / "frames" / f"{clip.id}.npy") if clip.is_usable else clip.reason)
    return clock, clips


def main() -> None:
    job = json.loads(Path(sys.argv[1]).read_bytes())
    cases = [Case.from_dict(values) for values in job["cases"]]
    answer = os.dup(1)  # decoders print on stdout
    os.dup2(2, 1)
    try:
        if job["tool"] == CLIPWISE:
            clock, clips = run_clipwise(cases, Path(job["table"]), Path(job["out"]), job["num_workers"])
        else:
            with Path(job["at"]).open("wb") as at:
                clock, clips = run_reader(job["tool"], cases, Case.from_dict(job["warm_up"]), at)
        result: dict[str, Any] = {"cpu_seconds": clock.cpu_seconds, "wall_seconds": clock.wall_seconds}
        result["errors"] = {str(i): clip for i, clip in enumerate(clips) if isinstance(clip, str)}
    except (ImportError, RuntimeError, OSError) as error:
        if job["tool"] == CLIPWISE:
            raise
        result, clips = {"missing": str(error).splitlines()[0][:200]}, []
    if job["clips"]:
        arrays: dict[str, Any] = {str(i): clip for i, clip in enumerate(clips) if not isinstance(clip, str)}
        np.savez(job["clips"], **arrays)
    os.write(answer, json.dumps(result).encode())


if __name__ == "__main__":
    main()
