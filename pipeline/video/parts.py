"""Which parts of a video become clips: the whole, a range, or windows that follow each other.

video     |-----------------------------------|
windows   |-------|                               window_seconds long,
              |-------|                           stride_seconds after each other,
                  |-------|      ...              each whole: what is left at the end is in none
"""

from dataclasses import dataclass
from typing import Literal

from pipeline.errors import UsageError

DamagedPolicy = Literal["auto", "keep", "fail"]
"""What becomes of a damaged video: `auto` takes a clip if all its frames can be shown to be clean, `keep`
takes it anyway and says so, `fail` takes none of a video with any damage."""

_ROUNDING_SECONDS = 1e-6


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
        for flag, value in (
            ("--window-seconds", self.window_seconds),
            ("--stride-seconds", self.stride_seconds),
        ):
            if not 0.1 <= value <= 1e6:
                raise UsageError(f"{flag} is {value}; allowed: seconds from 0.1 to 1,000,000.")

    def cut(self, part: Part, duration_seconds: float) -> tuple[Part, ...]:
        """The windows of a part of a video that lasts so long; a shorter part is its own only window."""
        start = part.start_seconds or 0.0
        end = duration_seconds if part.end_seconds is None else min(part.end_seconds, duration_seconds)
        room_seconds = end - start - self.window_seconds + _ROUNDING_SECONDS
        if room_seconds < 0:
            return (part,)
        starts = (start + number * self.stride_seconds for number in range(self.count(end - start)))
        return tuple(
            Part(start_seconds=round(begin, 6), end_seconds=round(begin + self.window_seconds, 6))
            for begin in starts
        )

    def count(self, seconds: float) -> int:
        """How many windows fit into so many seconds; at least one."""
        room_seconds = seconds - self.window_seconds + _ROUNDING_SECONDS
        return 1 if room_seconds < 0 else int(room_seconds / self.stride_seconds) + 1
