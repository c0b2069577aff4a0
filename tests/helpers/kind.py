"""What a kind of video is: how to make a file of it, and the truth of that file.

The truth comes from the numbers and times that were written, never from a reader.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate
from pathlib import Path

from tests.helpers.mp4 import media_time_of, set_edits
from tests.helpers.mux import FRAME, Coding, encode, wrap
from tests.helpers.videos import turn_mp4

# Ticks a second: of the clock where the container has one, or what is usual for 25 frames a second.
CLOCKS = {".mp4": 12800, ".mov": 12800, ".3gp": 12800, ".ts": 90_000, ".mpg": 90_000, ".gif": 100}
CLOCKS |= dict.fromkeys((".mkv", ".webm", ".flv", ".asf"), 1000)
CLOCKS |= dict.fromkeys((".avi", ".ogv", ".h264", ".hevc"), 25)  # one tick a frame
KEPT_IN = {".h264": "h264", ".hevc": "hevc"}
MOVIE_TICKS = 1000

Times = Callable[[int, int], Sequence[int]]
"""Frames and ticks a second -> the tick of each frame."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What a video really shows.

    Attributes:
        path: of the file.
        numbers: drawn in the frames, in the order shown.
        times: in seconds, 0 is the first shown frame.
        tick: to which the times were rounded; 0 where they are exact.
        size_wh: displayed size of the unturned frame.
        degrees: clockwise turn of the shown frame.
    """

    path: Path
    numbers: tuple[int, ...]
    times: tuple[Fraction, ...]
    tick: Fraction
    size_wh: tuple[int, int] = FRAME
    degrees: int = 0


Finish = Callable[[Truth], Truth]
"""Changes a file and its truth."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One kind of video.

    Attributes:
        suffix: of the file, with it the container.
        times: of the frames.
        coding: how the frames are encoded.
        clock: ticks a second; default: `CLOCKS`.
        options: of the muxer.
        kept_in: container that the encoder writes, before the packets are wrapped.
        all_key: whether the container says of each frame that it is a key frame.
        tick: by which rounding is judged; default: the clock's.
        finish: last changes.
        is_long: whether a long version, of many GOPs, can tell something that a short one cannot.
    """

    suffix: str
    times: Times
    coding: Coding = field(default_factory=Coding)
    clock: int | None = None
    options: dict[str, str] = field(default_factory=dict)
    kept_in: str | None = None
    all_key: bool = False
    tick: Fraction | None = None
    finish: Finish | None = None
    is_long: bool = True

    def make(self, folder: Path, num_frames: int = 40, key_every: int | None = None) -> Truth:
        """Writes a video of this kind."""
        coding = self.coding if key_every is None else replace(self.coding, key_every=key_every)
        path = folder / f"video{self.suffix}"
        kept_in = self.kept_in or KEPT_IN.get(self.suffix, "matroska")
        encoded = encode(num_frames, coding, format_name=kept_in)
        clock = self.clock or CLOCKS[self.suffix]
        ticks, tick = self.times(num_frames, clock), Fraction(1, clock)
        if self.suffix in KEPT_IN:
            path.write_bytes(encoded)
        else:
            is_mp4 = self.suffix in (".mp4", ".mov", ".3gp")
            options = self.options | ({"video_track_timescale": str(clock)} if is_mp4 else {})
            wrap(path, encoded, ticks, tick=tick, options=options, all_key=self.all_key)
        width, height = self.coding.size_wh
        truth = Truth(
            path=path,
            numbers=tuple(range(num_frames)),
            times=tuple((time - ticks[0]) * tick for time in ticks),
            tick=tick if self.tick is None else self.tick,
            size_wh=(int(width * self.coding.pixel_aspect + Fraction(1, 2)), height),
        )
        return truth if self.finish is None else self.finish(truth)


# --- times --------------------------------------------------------------------------------------


def steady(rate: Fraction | int, *, start_seconds: int = 0) -> Times:
    """A constant rate, each time rounded to the nearest tick."""
    return lambda count, clock: [
        start_seconds * clock + int(i * clock / Fraction(rate) + Fraction(1, 2)) for i in range(count)
    ]


def uneven(*, equal: bool = False) -> Times:
    """Gaps of 20 to 120 ms and pauses; some are 0 where frames may share a time. Each length begins alike."""

    def times(count: int, clock: int) -> list[int]:
        draw = random.Random(7)
        choices = [(20, 45), (20, 45), (30, 34), (40, 120), (300, 400)] + [(0, 0)] * equal
        spans = (draw.choice(choices) for _ in range(count - 1))
        gaps = [draw.randint(low * clock // 1000, high * clock // 1000) for low, high in spans]
        return list(accumulate(gaps, initial=0))

    return times


def in_parts(*rates: int) -> Times:
    """As many stretches of equal length as there are rates."""

    def times(count: int, clock: int) -> list[int]:
        gaps = [Fraction(clock, rates[i * len(rates) // count]) for i in range(count)]
        return [int(time + Fraction(1, 2)) for time in accumulate(gaps[:-1], initial=Fraction(0))]

    return times


def with_holes(count: int, clock: int) -> list[int]:
    """25 frames a second, of which every ninth is missing."""
    return [clock // 25 * (i + i // 8) for i in range(count)]


def with_pause(seconds: int) -> Times:
    """25 frames a second with one long pause in the middle."""
    return lambda count, clock: [
        clock // 25 * i + (seconds * clock if i >= count // 2 else 0) for i in range(count)
    ]


# --- last changes -------------------------------------------------------------------------------


def turned(degrees: int) -> Finish:
    """A display matrix that turns the frame."""

    def finish(truth: Truth) -> Truth:
        turn_mp4(truth.path, degrees)
        return replace(truth, degrees=degrees)

    return finish


def edited(*spans: tuple[Fraction | int, Fraction | int], wait_seconds: int = 0) -> Finish:
    """An edit list that shows these stretches of the video (shares of its frames), one after the other."""

    def finish(truth: Truth) -> Truth:
        count, offset = len(truth.times), media_time_of(truth.path)
        ends = [*truth.times, truth.times[-1] + truth.times[1]]
        edits = [(wait_seconds * MOVIE_TICKS, -1)] if wait_seconds else []
        numbers: list[int] = []
        times: list[Fraction] = []
        clock = Fraction(0)
        for first, stop in ((int(begin * count), int(end * count)) for begin, end in spans):
            lasts = ends[stop] - ends[first]
            edits.append((round(lasts * MOVIE_TICKS), offset + round(ends[first] / truth.tick)))
            numbers += range(first, stop)
            times += [clock + truth.times[i] - ends[first] for i in range(first, stop)]
            clock += lasts
        set_edits(truth.path, edits)
        return replace(truth, numbers=tuple(numbers), times=tuple(times))

    return finish
