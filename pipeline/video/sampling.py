"""Which frames of a video make the clip: pure arithmetic on the times of the frames really shown.

    constant rate   |--|--|--|--|--|--|--|--|--|     N frames, T segments of N / T frames
                      segment 0  |  segment 1  ...   index floor((i + 0.5) N / T)
    variable rate   |-|---|-|-|-----|--|             the last frame shown at the centre of segment i

Times are in seconds, start at 0 with the first shown frame, and never fall.
"""

import bisect
import statistics
from collections.abc import Sequence
from itertools import pairwise

# Containers round times to a tick; OpenCV does not tell its length. The coarsest in use is 1/600 s
# (QuickTime; Matroska, FLV and ASF have 1/1000), AVI apart, whose tick is a whole frame: there two ticks
# instead of one are a dropped frame, not rounding.
MAX_TICK_SECONDS = 1 / 600
_SAME_SECONDS = 2e-6  # times come as floating point milliseconds


def frame_times(raw_seconds: Sequence[float]) -> tuple[float, ...]:
    """Times as the decoder told them -> times from 0 that never fall.

    A frame that lost its time comes as exactly 0 (the last frames of AVI and MPEG files with B-frames): it is
    put evenly between its neighbours, or one median gap after the frame before. A jump back in time (joined
    recordings) counts as one median gap.
    """
    if not raw_seconds:
        return ()
    known = [(i, t) for i, t in enumerate(raw_seconds) if i == 0 or t != 0]
    forward = [(t - before) / (i - j) for (j, before), (i, t) in pairwise(known) if t >= before]
    gap = statistics.median(forward) if forward else 0.0
    times = [0.0]
    for (j, before), (i, t) in pairwise(known):
        step = (t - before) / (i - j) if t >= before else gap
        base = times[-1]
        times += [base + step * n for n in range(1, i - j)]
        times.append(base + (t - before if t >= before else gap * (i - j)))
    times += [times[-1] + gap * n for n in range(1, len(raw_seconds) - known[-1][0])]
    return tuple(times)


def median_gap(times: Sequence[float], *, single_seconds: float = 0.0) -> float:
    """How long the last frame is taken to last; `single_seconds` for a video of one frame."""
    gaps = _gaps(times)
    return statistics.median(gaps) if gaps else single_seconds


def is_constant_rate(times: Sequence[float]) -> bool:
    """Whether all gaps are equal but for the rounding of the container's tick."""
    gaps = _gaps(times)
    if not gaps:
        return True
    spread = max(gaps) - min(gaps)
    if spread <= _SAME_SECONDS:
        return True
    # Rounding to a tick makes two lengths of gap, one tick apart; a third length is a real variation.
    two_lengths = all(gap - min(gaps) <= _SAME_SECONDS or max(gaps) - gap <= _SAME_SECONDS for gap in gaps)
    return two_lengths and spread <= MAX_TICK_SECONDS + _SAME_SECONDS


def tick_seconds(times: Sequence[float]) -> float:
    """The container's tick as far as the times betray it: the smallest difference between two gaps."""
    gaps = sorted(_gaps(times))
    steps = [b - a for a, b in pairwise(gaps) if b - a > _SAME_SECONDS]
    return min([MAX_TICK_SECONDS, *steps])


def frames_in_range(
    times: Sequence[float], *, start_seconds: float | None, end_seconds: float | None
) -> range:
    """Indices of the frames with start <= time < end."""
    first = 0 if start_seconds is None else bisect.bisect_left(times, start_seconds - _SAME_SECONDS)
    stop = len(times) if end_seconds is None else bisect.bisect_left(times, end_seconds - _SAME_SECONDS)
    return range(first, max(first, stop))


def segment_centres(times: Sequence[float], *, num_frames: int) -> tuple[int, ...]:
    """Indices of the frames at the centres of `num_frames` equal segments.

    Fewer frames than segments repeats the nearest. There must be at least one frame.
    """
    count = len(times)
    if is_constant_rate(times):
        return tuple((2 * i + 1) * count // (2 * num_frames) for i in range(num_frames))
    duration = times[-1] + median_gap(times) - times[0]
    slack = tick_seconds(times) / 2
    centres = (times[0] + (i + 0.5) * duration / num_frames for i in range(num_frames))
    return tuple(max(0, bisect.bisect_right(times, centre + slack) - 1) for centre in centres)


def plan_frames(
    times: Sequence[float],
    *,
    num_frames: int,
    oversample: int = 1,
    start_seconds: float | None = None,
    end_seconds: float | None = None,
) -> tuple[int, ...]:
    """The indices that make the clip; empty where the range holds no frame.

    With `oversample` m (odd) there are m frames for each segment, in order: the centres of m equal parts of
    it, of which the middle one is the segment's own centre.
    """
    wanted = frames_in_range(times, start_seconds=start_seconds, end_seconds=end_seconds)
    if not wanted:
        return ()
    inside = times[wanted.start : wanted.stop]
    chosen = list(segment_centres(inside, num_frames=num_frames * oversample))
    # Equal but for the rounding of a time; a clip must not depend on what else is stored beside it.
    chosen[oversample // 2 :: oversample] = segment_centres(inside, num_frames=num_frames)
    return tuple(wanted.start + index for index in chosen)


def _gaps(times: Sequence[float]) -> list[float]:
    return [b - a for a, b in pairwise(times)]
