"""The frame of a chart in SVG: from values to pixels, with ticks, grid lines and the names of the axes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.report.charts import GREY, GRID, text_part

_LEFT_PX, _RIGHT_PX, _TOP_PX, _BOTTOM_PX = 46, 10, 10, 42


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Two axes on a drawing.

    Attributes:
        x, y: least and largest value.
        x_name, y_name: what they are; "": it is said elsewhere.
        has_whole_x: values of x are whole numbers, and so are its ticks.
        x_marks: what stands where along x, instead of round values.
        width_px, height_px: of the drawing.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    x_name: str
    y_name: str = ""
    has_whole_x: bool = False
    x_marks: Mapping[float, str] | None = None
    width_px: int = 440
    height_px: int = 270

    def __post_init__(self) -> None:
        for name, (low, high) in (("x", self.x), ("y", self.y)):
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(
                    f"an axis needs two finite values, the lower one first; {name} is {low, high}"
                )

    def x_px(self, value: float) -> float:
        """Where a value of x lies, from the left."""
        share = (value - self.x[0]) / (self.x[1] - self.x[0])
        return _LEFT_PX + share * (self.width_px - _LEFT_PX - _RIGHT_PX)

    def y_px(self, value: float) -> float:
        """Where a value of y lies, from the top."""
        share = (value - self.y[0]) / (self.y[1] - self.y[0])
        return self.height_px - _BOTTOM_PX - share * (self.height_px - _TOP_PX - _BOTTOM_PX)

    def parts(self) -> list[str]:
        """Grid lines, numbers and names, as elements of an SVG."""
        left, right = self.x_px(self.x[0]), self.x_px(self.x[1])
        foot, middle = self.y_px(self.y[0]), self.height_px / 2 - _BOTTOM_PX / 2
        drawn = []
        for value in ticks(*self.y):
            y = self.y_px(value)
            drawn.append(f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{GRID}"/>')
            drawn.append(text_part(left - 6, y + 4, f"{value:g}", anchor="end"))
        drawn.append(f'<path d="M{left:.1f} {foot:.1f}H{right:.1f}" stroke="{GREY}"/>')
        marks = self.x_marks
        if marks is None:
            marks = {value: f"{value:g}" for value in ticks(*self.x, has_whole_steps=self.has_whole_x)}
        for value, text in marks.items():
            drawn.append(text_part(self.x_px(value), foot + 17, text, anchor="middle"))
        drawn.append(text_part((left + right) / 2, foot + 36, self.x_name, anchor="middle"))
        if self.y_name:
            turned = f'transform="rotate(-90 12 {middle:.1f})"'
            drawn.append(text_part(12, middle, self.y_name, anchor="middle", more=turned))
        return drawn

    def path(self, points: list[tuple[float, float]]) -> str:
        """The `d` of a line through points (x, y); one that is not finite leaves a gap."""
        words, goes_on = [], False
        for x, y in points:
            is_there = math.isfinite(x) and math.isfinite(y)
            if is_there:
                words.append(f"{'L' if goes_on else 'M'}{self.x_px(x):.1f} {self.y_px(y):.1f}")
            goes_on = is_there
        return "".join(words)


def ticks(low: float, high: float, *, most: int = 5, has_whole_steps: bool = False) -> list[float]:
    """Round values between two, in steps of 1, 2 or 5 times a power of ten."""
    least = (high - low) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
    if has_whole_steps:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]
