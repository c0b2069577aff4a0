"""Reading a long video by jumps: planned from the packet index, proved by the frames' times, or thrown away.

    key frames   |           |           |           |           |
    wanted             x                        x            x
    decoded      |-----x                 |------x    |-------x

A jump lands on a key frame; from there each frame decoded must have just the time that the index says is
next, without a word from the decoder, up to the one wanted. The first frame is looked at too, and the end of
the video where an edit list may hide frames. Anything else than expected, and the whole pass is worth
nothing: the video is then read sequentially.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from pipeline.spec import ClipSpec
from pipeline.video.capture import AnyPath, Capture, open_frames
from pipeline.video.collector import Collector
from pipeline.video.complaints import complaint_log
from pipeline.video.index import PacketIndex
from pipeline.video.passes import Reading

# OpenCV's jump to frame n lands on the key frame at or before n - 16 (by time) and decodes up to n - 1.
_JUMP_FRAMES = 16
_SAME_SECONDS = 1e-5
_JUMP_COST_FRAMES = 4  # what a jump costs beside the frames that it decodes
_WORTH_SHARE = 0.7  # jumps must leave at most this share of the frames to decode: else straight on


@dataclass(frozen=True, kw_only=True)
class Step:
    """The way to one frame.

    Attributes:
        target: index of the frame.
        landing: index of the key frame to jump to first; None: straight on from where we are.
    """

    target: int
    landing: int | None


def plan_steps(index: PacketIndex, wanted: Sequence[int]) -> tuple[Step, ...]:
    """The cheapest way over the wanted frames; empty where jumping is not worth it.

    Args:
        index: the packets.
        wanted: indices of frames, rising.
    """
    times, last = index.times_seconds, index.num_packets - 1
    is_sound = index.can_jump and index.claimed_rate > 0 and not index.num_complaints
    if last < 1 or not is_sound or index.bytes_missing:
        return ()
    keys = [bisect.bisect_left(times, time) for time in index.key_times_seconds]
    ahead = _JUMP_FRAMES + 1 + max(0, round(index.claimed_rate * times[0]))  # frames from landing to n
    steps: list[Step] = []
    position, cost = 0, 1
    end = [last] if index.may_hide_frames else []
    for target in dict.fromkeys([*(position for position in wanted if position), *end]):
        key = bisect.bisect_right(keys, target - ahead) - 1
        landing = keys[key] if key >= 0 else None
        if landing is not None and target - landing + 1 + _JUMP_COST_FRAMES < target - position:
            cost += target - landing + 1 + _JUMP_COST_FRAMES
        else:
            landing = None
            cost += target - position
        steps.append(Step(target=target, landing=landing))
        position = target
    return tuple(steps) if cost <= _WORTH_SHARE * len(times) else ()


class _Refuted(Exception):  # noqa: N818 - an outcome, never seen outside
    """Something was not as the packet index says."""


def read_by_jumps(
    path: AnyPath, spec: ClipSpec, collector: Collector, index: PacketIndex, steps: Sequence[Step]
) -> Reading | None:
    """Goes the planned way and fits the wanted frames; None where anything was not as the index says.

    Raises:
        VideoError: the file cannot be opened.
    """
    log = complaint_log()
    complaints_before = log.count() if log else 0
    times = index.times_seconds
    with open_frames(path) as capture:
        reading = Reading.begun(capture)
        try:
            position = 0
            _decode(capture, times[0], reading)
            for step in [Step(target=0, landing=None), *steps]:
                if step.landing is not None:
                    position = _jump(capture, times, step, reading)
                while position < step.target:
                    position += 1
                    _decode(capture, times[position], reading)
                if collector.wants(position):
                    _fetch(capture, position, reading, spec, collector)
        except _Refuted:
            return None
        if position == len(times) - 1 and capture.grab():  # more frames than packets
            return None
    if log and log.count() > complaints_before:
        return None
    reading.raw_times_seconds = list(times)
    return reading


def _decode(capture: Capture, expected_seconds: float, reading: Reading) -> None:
    """Decodes one more frame, which must be the one with this time."""
    if not capture.grab() or not _is_same(_seconds(capture), expected_seconds):
        raise _Refuted
    reading.num_decoded += 1


def _jump(capture: Capture, times: Sequence[float], step: Step, reading: Reading) -> int:
    """Jumps to a key frame; returns the index of the frame where the capture stands then."""
    landing = step.landing or 0
    number = round(reading.claimed_rate * times[landing]) + _JUMP_FRAMES + 1
    capture.set(cv2.CAP_PROP_POS_FRAMES, number)
    seconds = _seconds(capture)
    position = bisect.bisect_left(times, seconds - _SAME_SECONDS)
    if not landing <= position <= step.target or not _is_same(times[position], seconds):
        raise _Refuted
    reading.num_decoded += position - landing + 1
    return position


def _fetch(capture: Capture, index: int, reading: Reading, spec: ClipSpec, collector: Collector) -> None:
    shown, frame = capture.retrieve()
    if not shown:
        raise _Refuted
    reading.put(index, frame, spec, collector)  # type: ignore[arg-type]


def _seconds(capture: Capture) -> float:
    """The time of the frame that was decoded last."""
    return capture.get(cv2.CAP_PROP_POS_MSEC) / 1000


def _is_same(seconds: float, other_seconds: float) -> bool:
    return abs(seconds - other_seconds) < _SAME_SECONDS
