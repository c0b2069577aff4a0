"""Which frames of a video make the clip: pure arithmetic on the times of the frames really shown.

    constant rate   |--|--|--|--|--|--|--|--|--|     N frames, T segments of N / T frames
                      segment 0  |  segment 1  ...   index floor((i + 0.5) N / T)
    variable rate   |-|---|-|-|-----|--|             the last frame shown at the centre of segment i

Times are in seconds, start at 0 with the first shown frame, and never fall.
"""

import bisect
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

# Containers round times to a tick. The coarsest in use is 1/600 s (QuickTime), AVI apart, whose tick is a
# whole frame: there two ticks instead of one are a dropped frame, not rounding.
MAX_TICK_SECONDS = 1 / 600
SAME_SECONDS = 2e-6  # times come as floating point milliseconds


def frame_times(raw_seconds: Sequence[float], *, claimed_rate: float = 0.0) -> tuple[float, ...]:
    """Times as the decoder told them -> times from 0 that never fall.

    A raw stream has none at all: there the header's rate makes them.
    A frame that lost its time comes as exactly 0 (the last frames of AVI and MPEG files with B-frames): it is
    put evenly between its neighbours, or one median gap after the frame before. A jump back in time (joined
    recordings) counts as one median gap.
    """
    if not raw_seconds:
        return ()
    if claimed_rate > 0 and len(raw_seconds) > 1 and not any(raw_seconds):
        return tuple(i / claimed_rate for i in range(len(raw_seconds)))
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


def plausible_rate(claimed: float, times: Sequence[float]) -> float:
    """The header's rate where the times bear it out (it is exact where they are rounded), else theirs."""
    plausible = math.isfinite(claimed) and 0 < claimed <= 1000
    if len(times) < 2 or times[-1] <= 0:
        return claimed if plausible else 0.0
    measured = (len(times) - 1) / times[-1]
    return claimed if plausible and abs(claimed - measured) <= 0.02 * measured else measured


def is_constant_rate(times: Sequence[float], *, tick_seconds: float = MAX_TICK_SECONDS) -> bool:
    """Whether all gaps are equal but for the rounding of the container's tick.

    Rounding makes two lengths of gap, one tick apart, and keeps all times within a tick of a straight line; a
    third length is a real variation, and so are times that bend away (25 frames a second after 24).
    """
    gaps = _gaps(times)
    if not gaps:
        return True
    spread = max(gaps) - min(gaps)
    if spread <= SAME_SECONDS:
        return True
    two_lengths = all(gap - min(gaps) <= SAME_SECONDS or max(gaps) - gap <= SAME_SECONDS for gap in gaps)
    if not two_lengths or spread > tick_seconds + SAME_SECONDS:
        return False
    mean_gap = (times[-1] - times[0]) / len(gaps)
    return all(
        abs(time - times[0] - i * mean_gap) <= tick_seconds + SAME_SECONDS for i, time in enumerate(times)
    )


def inferred_tick_seconds(times: Sequence[float]) -> float:
    """The tick of an unknown container, as far as times betray it: the smallest difference of two gaps."""
    gaps = sorted(_gaps(times))
    steps = [b - a for a, b in pairwise(gaps) if b - a > SAME_SECONDS]
    return min([MAX_TICK_SECONDS, *steps])


def frames_in_range(
    times: Sequence[float], *, start_seconds: float | None, end_seconds: float | None
) -> range:
    """Indices of the frames with start <= time < end."""
    first = 0 if start_seconds is None else bisect.bisect_left(times, start_seconds - SAME_SECONDS)
    stop = len(times) if end_seconds is None else bisect.bisect_left(times, end_seconds - SAME_SECONDS)
    return range(first, max(first, stop))


def segment_centres(
    times: Sequence[float], *, num_frames: int, tick_seconds: float | None = None
) -> tuple[int, ...]:
    """Indices of the frames at the centres of `num_frames` equal segments.

    A centre just before a frame's time still shows that frame if half a tick brings it there: rounding may
    have made the time late. `tick_seconds` None: not known, inferred from the times.
    Fewer frames than segments repeats the nearest. There must be at least one frame.
    """
    count = len(times)
    if is_constant_rate(times, tick_seconds=tick_seconds or MAX_TICK_SECONDS):
        return tuple((2 * i + 1) * count // (2 * num_frames) for i in range(num_frames))
    duration = times[-1] + median_gap(times) - times[0]
    slack = (tick_seconds or inferred_tick_seconds(times)) / 2 + SAME_SECONDS
    centres = (times[0] + (i + 0.5) * duration / num_frames for i in range(num_frames))
    return tuple(max(0, bisect.bisect_right(times, centre + slack) - 1) for centre in centres)


def plan_frames(
    times: Sequence[float],
    *,
    num_frames: int,
    oversample: int = 1,
    tick_seconds: float | None = None,
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
    chosen = list(segment_centres(inside, num_frames=num_frames * oversample, tick_seconds=tick_seconds))
    if oversample > 1:  # equal but for the rounding of a centre: a clip depends on nothing stored beside it
        centres = segment_centres(inside, num_frames=num_frames, tick_seconds=tick_seconds)
        chosen[oversample // 2 :: oversample] = centres
    return tuple(wanted.start + index for index in chosen)


def _gaps(times: Sequence[float]) -> list[float]:
    return [b - a for a, b in pairwise(times)]
