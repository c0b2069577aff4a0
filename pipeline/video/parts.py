"""Which parts of a video become clips: the whole, a range, or windows that follow each other.

video     |-----------------------------------|
windows   |-------|                               window_seconds long,
              |-------|                           stride_seconds after each other,
                  |-------|      ...              each whole: what is left at the end is in none
"""

import math
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import UsageError

DamagedPolicy = Literal["auto", "keep", "fail"]
"""What becomes of a damaged video: `auto` takes a clip if all its frames can be shown to be clean, `keep`
takes it anyway and says so, `fail` takes none of a video with any damage."""

_ROUNDING_SECONDS = 1e-6
_MIN_SECONDS = 0.1
_FITTED_SHARE = 0.05


@dataclass(frozen=True, kw_only=True)
class Part:
    """A range of a video's time, start <= t < end; 0 is the first shown frame.

    Attributes:
        start_seconds: None: the beginning.
        end_seconds: None: the end.
    """

    start_seconds: float | None = None
    end_seconds: float | None = None

    def __str__(self) -> str:
        start = "the start" if self.start_seconds is None else f"{self.start_seconds:g} s"
        end = "the end" if self.end_seconds is None else f"{self.end_seconds:g} s"
        return f"from {start} to {end}"


@dataclass(frozen=True, kw_only=True)
class Windows:
    """How a part is cut into clips of equal length.

    Attributes:
        window_seconds: length of each.
        stride_seconds: from the start of one to the start of the next; shorter than a window they overlap.
    """

    window_seconds: float
    stride_seconds: float

    def __post_init__(self) -> None:
        _check_seconds("--window-seconds", self.window_seconds)
        _check_seconds("--stride-seconds", self.stride_seconds)

    def cut(self, part: Part, duration_seconds: float) -> tuple[Part, ...]:
        """The windows of a part of a video that lasts so long; a shorter part is its own only window."""
        start = part.start_seconds or 0.0
        end = duration_seconds if part.end_seconds is None else min(part.end_seconds, duration_seconds)
        room_seconds = end - start - self.window_seconds + _ROUNDING_SECONDS
        if room_seconds < 0:
            return (part,)
        return tuple(self.window(number, start_seconds=start) for number in range(self.count(end - start)))

    def window(self, number: int, *, start_seconds: float = 0.0) -> Part:
        """The window of this number, from 0, of a part that starts there."""
        begin = start_seconds + number * self.stride_seconds
        return Part(start_seconds=round(begin, 6), end_seconds=round(begin + self.window_seconds, 6))

    def count(self, seconds: float) -> int:
        """How many windows fit into so many seconds; at least one."""
        room_seconds = seconds - self.window_seconds + _ROUNDING_SECONDS
        return 1 if room_seconds < 0 else int(room_seconds / self.stride_seconds) + 1


def _check_seconds(flag: str, value: float) -> None:
    if not _MIN_SECONDS <= value <= 1e6:
        raise UsageError(f"{flag} is {value:g}; allowed: seconds from 0.1 to 1,000,000.")


def check_windows(window_seconds: float | None, stride_seconds: float | None) -> None:
    """Refuses lengths of windows that cannot be, or that leave some of the video in no window.

    Args:
        window_seconds: None: not known yet.
        stride_seconds: likewise.

    Raises:
        UsageError: names the option.
    """
    if window_seconds is not None:
        _check_seconds("--window-seconds", window_seconds)
    if stride_seconds is not None:
        _check_seconds("--stride-seconds", stride_seconds)
    if window_seconds is None or stride_seconds is None:
        return
    if stride_seconds > window_seconds + _ROUNDING_SECONDS:
        most = math.floor(window_seconds * 1000) / 1000
        raise UsageError(
            f"--stride-seconds is {stride_seconds:g}, more than a window of {window_seconds:g} s: some of "
            f"the video would be in none. Allowed: at most {most:g}; give a shorter stride, or "
            "longer windows by --window-seconds."
        )


def fitted_windows(
    clip_seconds: float,
    frame_rate: float,
    num_frames: int,
    *,
    window_seconds: float | None = None,
    stride_seconds: float | None = None,
) -> Windows:
    """Windows for a model, such that neighbours share the frames that they look at.

    The T frames of a window lie 1 / T of it apart. Where that is a whole number of frames of the video, and
    the stride so many of these distances, most frames of a window are those of the one before. So, unless
    told otherwise, a window is as long as the training clips were, give or take what makes that number whole
    (at most 5 %), and the stride is half of it, or a little less where T is odd. A quarter put boundaries no
    nearer in recordings of known content (scripts/bench_timeline.py): the model is the limit, not the stride.

    Args:
        clip_seconds: length of the training clips.
        frame_rate: of the video, by its header; 0 where it says nothing.
        num_frames: T.
        window_seconds: what was asked for; None: nothing.
        stride_seconds: likewise.
    """
    if window_seconds is None:
        window_seconds = max(clip_seconds, _MIN_SECONDS)
        step_frames = round(window_seconds * frame_rate / num_frames)
        fitted = step_frames * num_frames / frame_rate if frame_rate else 0.0
        if step_frames and abs(fitted - window_seconds) <= _FITTED_SHARE * window_seconds:
            window_seconds = fitted
    if stride_seconds is None:
        stride_seconds = max(window_seconds * max(1, num_frames // 2) / num_frames, _MIN_SECONDS)
    return Windows(window_seconds=window_seconds, stride_seconds=stride_seconds)
