"""From a video to clips: the one way in which frames are decoded, sampled and letterboxed, on every side.

index        the packets predict the frames and their times, without decoding
first pass   by jumps where that saves much (`seeking`), else every frame to the end (`passes`); frames that
             are planned from the index are fitted on the way
proof        the plan is made again from the times really seen; the same plan: done
second pass  otherwise the right frames are fetched in a sequential reading, which is always right
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.capture import AnyPath, decoder_errors, name_of
from pipeline.video.collector import Collector
from pipeline.video.container import naming_what_is_missing
from pipeline.video.damage import Damage
from pipeline.video.images import FrameFolder
from pipeline.video.index import PacketIndex, read_index
from pipeline.video.parts import DamagedPolicy, Part, Windows
from pipeline.video.passes import INTERLACED, Reading, read_sequentially
from pipeline.video.sampling import frame_times, plausible_rate
from pipeline.video.seeking import plan_steps, read_by_jumps
from pipeline.video.wanted import ClipOutcome, HandOver, PlannedClip, Wanted, duration_of


@dataclass(frozen=True, kw_only=True)
class VideoRead:
    """What was learnt of a video, and its clips.

    Attributes:
        width: displayed width in pixels: rotation and pixel aspect applied.
        height: displayed height in pixels.
        frame_rate: frames a second.
        num_frames: frames really shown; those that were skipped by jumps are taken from the packet index.
        duration_seconds: of the whole video; the last frame lasts the median gap.
        frames_expected: frames that the header and the packets promise.
        frames_read: frames that were decoded.
        num_gaps: places where decoding failed and went on later.
        num_complaints: lines in the decoder's log.
        damage: what is wrong with the video in a sentence; empty when nothing is.
        clips: one for each part, in order.
    """

    width: int
    height: int
    frame_rate: float
    num_frames: int
    duration_seconds: float
    frames_expected: int
    frames_read: int
    num_gaps: int
    num_complaints: int
    damage: str
    clips: tuple[ClipOutcome, ...]


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
        damage: what is wrong with the video, although this clip was taken; empty when nothing is.
        frames_expected, frames_read, num_gaps, num_complaints: as in `VideoRead`.
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
    frames_expected: int
    frames_read: int
    num_gaps: int
    num_complaints: int

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
    damaged: DamagedPolicy = "auto",
) -> ClipRead:
    """Reads a video, or a folder of frame images, as one clip.

    Decodes in this process, for tests and for videos of one's own. Everything else uses
    `read_clips_isolated`: only a worker hears the decoder's complaints, without which damage is not seen and
    interlaced frames are garbage.

    Args:
        path: a video file, or a folder of images together with `frame_rate`.
        spec: what a clip is.
        start_seconds: only frames from this time on; 0 is the first shown frame.
        end_seconds: only frames before this time.
        frame_rate: frames a second of a folder of images.
        damaged: what becomes of a damaged video.

    Raises:
        VideoError: the video cannot become this clip; says why.
    """
    kept: dict[int, NDArray[np.uint8]] = {}
    part = Part(start_seconds=start_seconds, end_seconds=end_seconds)
    video = read_video(
        path, spec, [part], hand_over=lambda _number, _part, frames: kept.update({0: frames}),
        frame_rate=frame_rate, damaged=damaged,
    )  # fmt: skip
    (clip,) = video.clips
    if clip.error:
        raise VideoError(name_of(path), clip.error)
    return ClipRead(
        frames=kept[0],
        frame_indices=clip.frame_indices,
        frame_times_seconds=clip.frame_times_seconds,
        width=video.width,
        height=video.height,
        frame_rate=video.frame_rate,
        num_frames=video.num_frames,
        duration_seconds=video.duration_seconds,
        damage="; ".join(filter(None, (clip.note, video.damage))),
        frames_expected=video.frames_expected,
        frames_read=video.frames_read,
        num_gaps=video.num_gaps,
        num_complaints=video.num_complaints,
    )


def read_video(
    path: AnyPath,
    spec: ClipSpec,
    parts: Sequence[Part],
    *,
    hand_over: HandOver,
    windows: Windows | None = None,
    oversample: int = 1,
    frame_rate: float | None = None,
    damaged: DamagedPolicy = "auto",
) -> VideoRead:
    """Reads the clips of a video in one pass, and in a second one where the first was planned wrongly.

    Args:
        path: a video file, or a folder of images together with `frame_rate`.
        spec: what a clip is.
        parts: of the video; each becomes a clip, or several where `windows` cut it.
        hand_over: is called with each clip's part and frames (T * oversample, S, S, 3) as soon as it is
            whole. The last word on a part is `VideoRead.clips`: a part may come twice (then the second
            counts), or come and not be listed, or be listed with an error.
        windows: cut each part into clips of equal length.
        oversample: frames stored for each of the T segments (odd).
        frame_rate: frames a second of a folder of images.
        damaged: what becomes of a damaged video.

    Raises:
        VideoError: no clip at all can be made; says why.
    """
    wanted = Wanted(spec=spec, parts=tuple(parts), windows=windows, oversample=oversample, damaged=damaged)
    with decoder_errors(path):
        if frame_rate is not None and os.path.isdir(path):  # noqa: PTH112 - the path may be bytes
            return _read_folder(path, wanted, frame_rate, hand_over)
        return _read_file(path, wanted, hand_over)


def _read_folder(path: AnyPath, wanted: Wanted, frame_rate: float, hand_over: HandOver) -> VideoRead:
    folder = FrameFolder.open(path, frame_rate=frame_rate)
    times = folder.times_seconds
    planned = wanted.plan(times, frame_rate)
    collector = wanted.collector(planned, hand_over)
    reading = Reading(claimed_rate=frame_rate)
    for index in collector.wanted:
        reading.put(index, folder.frame(index), wanted.spec, collector)
    reading.num_decoded = len(collector.wanted)
    damage = Damage.none(len(times))
    return _video(
        reading=reading, wanted=wanted, planned=planned, times=times, frame_rate=frame_rate, damage=damage
    )


def _read_file(path: AnyPath, wanted: Wanted, hand_over: HandOver) -> VideoRead:
    name = name_of(path)
    with naming_what_is_missing(path):
        index = read_index(path)
    listed_times = frame_times(index.times_seconds, claimed_rate=index.claimed_rate)
    expected = wanted.plan(
        listed_times, plausible_rate(index.claimed_rate, listed_times), tick_seconds=index.tick_seconds
    )
    reading, collector = _first_pass(path, index, wanted, expected, hand_over)
    is_as_listed = reading.raw_times_seconds == list(index.times_seconds)
    times = (
        listed_times
        if is_as_listed
        else frame_times(reading.raw_times_seconds, claimed_rate=index.claimed_rate)
    )
    if not times:
        raise VideoError(name, "no frame could be decoded")
    if reading.is_interlaced:
        raise VideoError(name, INTERLACED)
    rate = plausible_rate(reading.claimed_rate, times)
    planned = expected if is_as_listed else wanted.plan(times, rate, tick_seconds=index.tick_seconds)
    video = _video(
        reading=reading,
        wanted=wanted,
        planned=planned,
        times=times,
        frame_rate=rate,
        damage=Damage.assess(reading, index),
    )
    takes_some = any(not clip.error for clip in video.clips)
    if takes_some and (planned != expected or not collector.is_complete):
        collector = wanted.collector(planned, hand_over)
        again = read_sequentially(path, wanted.spec, collector)
        if len(again.raw_times_seconds) != len(times) or not collector.is_complete:
            raise VideoError(name, "reads differently each time")
        width, height = again.displayed_size
        video = replace(video, width=width, height=height)
    return video


def _first_pass(
    path: AnyPath, index: PacketIndex, wanted: Wanted, expected: Sequence[PlannedClip], hand_over: HandOver
) -> tuple[Reading, Collector]:
    """By jumps if they are worth it and nothing speaks against them, otherwise sequentially."""
    collector = wanted.collector(expected, hand_over)
    steps = plan_steps(index, collector.wanted)
    if steps:
        reading = read_by_jumps(path, wanted.spec, collector, index, steps)
        if reading is not None:
            return reading, collector
        collector = wanted.collector(expected, hand_over)
    return read_sequentially(path, wanted.spec, collector), collector


def _video(
    *,
    reading: Reading,
    wanted: Wanted,
    planned: Sequence[PlannedClip],
    times: Sequence[float],
    frame_rate: float,
    damage: Damage,
) -> VideoRead:
    width, height = reading.displayed_size
    return VideoRead(
        width=width,
        height=height,
        frame_rate=frame_rate,
        num_frames=len(times),
        duration_seconds=duration_of(times, frame_rate),
        frames_expected=damage.frames_expected,
        frames_read=reading.num_decoded,
        num_gaps=reading.num_gaps,
        num_complaints=reading.num_complaints,
        damage=damage.sentence,
        clips=tuple(
            wanted.outcome(clip, times=times, frame_rate=frame_rate, damage=damage) for clip in planned
        ),
    )
