"""From a video to a clip: the one function that decodes, samples and letterboxes, on every side.

index        the packets predict the frames and their times, without decoding
first pass   every frame is grabbed, to the end; those planned from the index are fetched and fitted
proof        the plan is made again from the times really seen; the same plan: done
second pass  otherwise the right frames are fetched in a second sequential reading, which is always right
"""

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.capture import MAX_FAILURES, AnyPath, Capture, name_of, open_frames
from pipeline.video.complaints import complaint_log
from pipeline.video.damage import Damage
from pipeline.video.images import FrameFolder
from pipeline.video.index import PacketIndex, read_index
from pipeline.video.letterbox import displayed_size, fit_frame, sane_pixel_aspect
from pipeline.video.sampling import frame_times, median_gap, plan_frames


@dataclass(frozen=True, kw_only=True)
class ClipRead:
    """A clip and what was learnt of its video.

    Attributes:
        frames: (T, S, S, 3) uint8 RGB.
        frame_indices: T indices among the frames really shown.
        frame_times_seconds: T times; 0 is the first shown frame.
        width: displayed width in pixels: rotation and pixel aspect applied.
        height: displayed height in pixels.
        frame_rate: frames a second.
        num_frames: frames really shown.
        duration_seconds: of the whole video; the last frame lasts the median gap.
        damage: what is wrong with the video, although this clip is whole; empty when nothing is.
    """

    frames: NDArray[np.uint8]
    frame_indices: tuple[int, ...]
    frame_times_seconds: tuple[float, ...]
    width: int
    height: int
    frame_rate: float
    num_frames: int
    duration_seconds: float
    damage: str

    def __repr__(self) -> str:
        """Short: shapes, not pixels."""
        return (
            f"ClipRead(frames={self.frames.shape}, num_frames={self.num_frames}, "
            f"{self.width}x{self.height}, {self.duration_seconds:.2f} s, damage={self.damage!r})"
        )


def read_clip(
    path: AnyPath,
    spec: ClipSpec,
    *,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
    frame_rate: float | None = None,
) -> ClipRead:
    """Reads a video, or a folder of frame images, as one clip.

    Decodes in this process: for files of unknown origin use `read_clips_isolated`, which also counts
    the decoder's complaints.

    Args:
        path: a video file, or a folder of images together with `frame_rate`.
        spec: what a clip is.
        start_seconds: only frames from this time on; 0 is the first shown frame.
        end_seconds: only frames before this time.
        frame_rate: frames a second of a folder of images.

    Raises:
        VideoError: the video cannot become this clip; says why.
    """
    wanted = _Wanted(spec=spec, start_seconds=start_seconds, end_seconds=end_seconds)
    try:
        if frame_rate is not None and os.path.isdir(path):  # noqa: PTH112 - the path may be bytes
            return _read_folder(path, wanted, frame_rate)
        return _read_video(path, wanted)
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(str(error)) from error
        raise VideoError(name_of(path), f"the decoder failed: {error.err}") from error


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    """What the caller asked for."""

    spec: ClipSpec
    start_seconds: float | None
    end_seconds: float | None

    def plan(self, times: tuple[float, ...]) -> tuple[int, ...]:
        """Indices of the clip's frames; empty where the range holds none."""
        return plan_frames(
            times,
            num_frames=self.spec.num_frames,
            start_seconds=self.start_seconds,
            end_seconds=self.end_seconds,
        )

    def sure_plan(self, name: str, times: tuple[float, ...], frame_rate: float) -> tuple[int, ...]:
        """As `plan`; an empty range is a VideoError."""
        if plan := self.plan(times):
            return plan
        start = "the start" if self.start_seconds is None else f"{self.start_seconds:g} s"
        end = "the end" if self.end_seconds is None else f"{self.end_seconds:g} s"
        lasts = f"the video lasts {_duration(times, frame_rate):.2f} s"
        raise VideoError(name, f"no frame from {start} to {end}: {lasts}")


def _read_folder(path: AnyPath, wanted: _Wanted, frame_rate: float) -> ClipRead:
    folder = FrameFolder.open(path, frame_rate=frame_rate)
    times = folder.times_seconds
    plan = wanted.sure_plan(folder.folder, times, frame_rate)
    fetched = {}
    for index in sorted(set(plan)):
        frame = folder.frame(index)
        fetched[index] = fit_frame(frame, wanted.spec)
    size_wh = (frame.shape[1], frame.shape[0])
    return _clip(fetched=fetched, plan=plan, times=times, size_wh=size_wh, frame_rate=frame_rate, damage="")


def _read_video(path: AnyPath, wanted: _Wanted) -> ClipRead:
    name = name_of(path)
    index = read_index(path)
    reading = _read_frames(path, wanted.plan(frame_times(index.times_seconds)), wanted.spec)
    times = frame_times(reading.raw_times_seconds)
    if not times:
        raise VideoError(name, "no frame could be decoded")
    rate = _frame_rate(reading.claimed_rate, times)
    plan = wanted.sure_plan(name, times, rate)
    damage = _damage(reading, index)
    if broken := damage.affected(plan):
        detail = f"{len(broken)} of {len(set(plan))} frames; {damage.sentence}"
        raise VideoError(name, f"sampled frames are damaged: {detail}")
    if not set(plan) <= set(reading.fetched):
        again = _read_frames(path, plan, wanted.spec)
        if len(again.raw_times_seconds) != len(times) or not set(plan) <= set(again.fetched):
            raise VideoError(name, "reads differently each time")
        reading = again
    size_wh = displayed_size(*reading.size_wh, pixel_aspect=reading.pixel_aspect)
    return _clip(
        fetched=reading.fetched,
        plan=plan,
        times=times,
        size_wh=size_wh,
        frame_rate=rate,
        damage=damage.sentence,
    )


@dataclass(kw_only=True)
class _Reading:
    """One sequential pass over a video."""

    claimed_rate: float = 0.0
    pixel_aspect: float = 1.0
    size_wh: tuple[int, int] = (0, 0)  # upright, before pixel aspect
    raw_times_seconds: list[float] = field(default_factory=list)  # one a shown frame
    fetched: dict[int, NDArray[np.uint8]] = field(default_factory=dict)  # frame index -> (S, S, 3)
    num_complaints: int = 0
    num_gaps: int = 0
    trouble_indices: list[int] = field(default_factory=list)  # the frame at (or before) which it came


def _read_frames(path: AnyPath, wanted: Iterable[int], spec: ClipSpec) -> _Reading:
    """Grabs every frame to the end and fetches those wanted, fitted at once to keep memory flat."""
    log = complaint_log()
    complaints_before = log.count() if log else 0
    reading = _Reading()
    wanted = set(wanted)
    with open_frames(path) as capture:
        reading.claimed_rate = capture.get(cv2.CAP_PROP_FPS)
        reading.pixel_aspect = _upright_pixel_aspect(capture)
        failures = 0
        while failures < MAX_FAILURES:
            index = len(reading.raw_times_seconds)
            shown = capture.grab()
            if shown and index in wanted:
                shown, frame = capture.retrieve()
                if shown:
                    reading.fetched[index] = fit_frame(frame, spec, pixel_aspect=reading.pixel_aspect)  # type: ignore[arg-type]
                    reading.size_wh = (frame.shape[1], frame.shape[0])
            if log and (count := log.count()) > complaints_before:
                reading.num_complaints += count - complaints_before
                complaints_before = count
                reading.trouble_indices.append(index)
            if not shown:
                failures += 1
                continue
            if failures:
                reading.num_gaps += 1
                reading.trouble_indices.append(index)
                failures = 0
            reading.raw_times_seconds.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
    return reading


def _clip(
    *,
    fetched: dict[int, NDArray[np.uint8]],
    plan: tuple[int, ...],
    times: tuple[float, ...],
    size_wh: tuple[int, int],
    frame_rate: float,
    damage: str,
) -> ClipRead:
    return ClipRead(
        frames=np.stack([fetched[index] for index in plan]),
        frame_indices=plan,
        frame_times_seconds=tuple(times[index] for index in plan),
        width=size_wh[0],
        height=size_wh[1],
        frame_rate=frame_rate,
        num_frames=len(times),
        duration_seconds=_duration(times, frame_rate),
        damage=damage,
    )


def _damage(reading: _Reading, index: PacketIndex) -> Damage:
    return Damage.assess(
        raw_times_seconds=reading.raw_times_seconds,
        index=index,
        num_complaints=reading.num_complaints,
        num_gaps=reading.num_gaps,
        trouble_indices=reading.trouble_indices,
    )


def _duration(times: tuple[float, ...], frame_rate: float) -> float:
    return times[-1] + median_gap(times, single_seconds=1 / frame_rate if frame_rate else 0.0)


def _frame_rate(claimed: float, times: tuple[float, ...]) -> float:
    """The header's rate where the times bear it out (it is exact where they are rounded), else theirs."""
    plausible = math.isfinite(claimed) and 0 < claimed <= 1000
    if len(times) < 2 or times[-1] <= 0:
        return claimed if plausible else 0.0
    measured = (len(times) - 1) / times[-1]
    return claimed if plausible and abs(claimed - measured) <= 0.02 * measured else measured


def _upright_pixel_aspect(capture: Capture) -> float:
    """Pixel aspect on the upright frame: a quarter turn swaps width and height of the pixels too."""
    aspect = sane_pixel_aspect(capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN))
    turned = round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180 != 0
    return 1 / aspect if turned else aspect
