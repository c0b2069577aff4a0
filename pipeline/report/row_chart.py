"""A chart of rows: a name in each, and something drawn along one axis that all of them share.

It is drawn twice: wide, with the names beside the drawing, and narrow enough for a telephone, with the names
above it; the page shows the one that fits.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from pipeline.report.axes import ticks
from pipeline.report.charts import BLUE, GREY, GRID, svg, text_part
from pipeline.report.words import display_width, one_line, shortened

_WIDE_PX, _NARROW_PX = 980, 340
_WIDE_ROW_PX, _NARROW_ROW_PX, _HEADING_PX, _FOOT_PX, _MARGIN_PX = 27, 42, 30, 44, 10
_COLUMN_PX = 7.0  # of a text, per column; a little more than most letters take
_MAX_NAME_COLUMNS = 54
_DOT_PX = 4.5


@dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the chart.

    Attributes:
        name: what it is about.
        note: its figures, at the end of the row.
        short_note: the same where there is little room.
        heading: stands above it, where a block of rows begins.
        is_strong: written in bold.
    """

    name: str
    note: str
    short_note: str
    heading: str = ""
    is_strong: bool = False


@dataclass(frozen=True, kw_only=True)
class RowAxis:
    """From values to pixels in such a chart.

    Attributes:
        rows: from the top.
        x: least and largest value.
        x_name: what the values are.
        is_narrow: for a telephone.
    """

    rows: Sequence[Row]
    x: tuple[float, float]
    x_name: str
    is_narrow: bool

    def __post_init__(self) -> None:
        low, high = self.x
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"an axis needs two finite values, the lower one first; x is {self.x}")

    @property
    def width_px(self) -> int:
        """Of the drawing."""
        return _NARROW_PX if self.is_narrow else _WIDE_PX

    @property
    def height_px(self) -> int:
        """Of the drawing."""
        return math.ceil(self.foot_px + _FOOT_PX)

    @property
    def foot_px(self) -> float:
        """Where the axis lies, from the top."""
        return self._tops()[-1] + self._row_px + 4

    def x_px(self, number: float) -> float:
        """Where a value lies, from the left."""
        left, right = self._sides()
        share = (number - self.x[0]) / (self.x[1] - self.x[0])
        return left + min(max(share, 0.0), 1.0) * (right - left)

    def y_px(self, row: int) -> float:
        """The middle of what is drawn in a row, from the top."""
        return self._tops()[row] + (30 if self.is_narrow else _WIDE_ROW_PX / 2)

    def upright(self, number: float) -> str:
        """The `d` of a line through all rows at a value; it leaves out names that are in its way."""
        x = self.x_px(number)
        if not self.is_narrow:
            return f"M{x:.1f} {self._tops()[0] - 4:.1f}V{self.foot_px:.1f}"
        pieces = (f"M{x:.1f} {self.y_px(row) - 9:.1f}v18" for row in range(len(self.rows)))
        return "".join(pieces) + f"M{x:.1f} {self.foot_px - 4:.1f}v4"

    def parts(self) -> list[str]:
        """Grid lines, names, notes and numbers, as elements of an SVG."""
        (left, right), foot = self._sides(), self.foot_px
        drawn = []
        for number in ticks(*self.x, most=5 if self.is_narrow else 8):
            x = self.x_px(number)
            colour = GREY if number == 0 else GRID
            drawn.append(f'<path d="{self.upright(number)}" stroke="{colour}"/>')
            drawn.append(text_part(x, foot + 17, f"{number:g}", anchor="middle"))
        drawn.append(f'<path d="M{left:.1f} {foot:.1f}H{right:.1f}" stroke="{GREY}"/>')
        drawn.append(text_part((left + right) / 2, foot + 36, self.x_name, anchor="middle"))
        for number, (row, row_top) in enumerate(zip(self.rows, self._tops(), strict=True)):
            if row.heading:
                drawn.append(text_part(0, row_top - 7, row.heading, anchor="start", more='class="strong"'))
            drawn += self._words(row, row_top, self.y_px(number))
        return drawn

    def _words(self, row: Row, top: float, middle: float) -> list[str]:
        look = f'class="{"strong" if row.is_strong else "ink"}"'
        name = shortened(one_line(row.name), 34 if self.is_narrow else _MAX_NAME_COLUMNS)
        y = top + 15 if self.is_narrow else middle + 4
        note = row.short_note if self.is_narrow else row.note
        return [
            text_part(0, y, name, anchor="start", more=look),
            text_part(self.width_px, y, note, anchor="end", more='class="figure"'),
        ]

    @property
    def _row_px(self) -> int:
        return _NARROW_ROW_PX if self.is_narrow else _WIDE_ROW_PX

    def _tops(self) -> list[float]:
        tops, at = [], 4.0
        for row in self.rows:
            at += _HEADING_PX if row.heading else 0
            tops.append(at)
            at += self._row_px
        return tops

    def _sides(self) -> tuple[float, float]:
        """Where the axis begins and ends."""
        if self.is_narrow:
            return _MARGIN_PX, self.width_px - _MARGIN_PX
        names = max(min(_MAX_NAME_COLUMNS, display_width(row.name)) for row in self.rows)
        notes = max(display_width(row.note) for row in self.rows)
        return _COLUMN_PX * names + 24, self.width_px - _COLUMN_PX * notes - 18


def row_chart(
    rows: Sequence[Row],
    *,
    x: tuple[float, float],
    x_name: str,
    label: str,
    draw: Callable[[RowAxis], Sequence[str]],
    behind: Callable[[RowAxis], Sequence[str]] = lambda axis: (),
) -> dict[str, Markup]:
    """The two drawings, `wide` and `narrow`.

    Args:
        rows: at least one.
        x: least and largest value.
        x_name: what the values are.
        label: what the chart shows, for those who do not see it.
        draw: makes the elements that stand in the rows.
        behind: makes those that lie under everything else.
    """
    charts = {}
    for name, is_narrow in (("wide", False), ("narrow", True)):
        axis = RowAxis(rows=rows, x=x, x_name=x_name, is_narrow=is_narrow)
        parts = [*behind(axis), *axis.parts(), *draw(axis)]
        charts[name] = svg(axis.width_px, axis.height_px, parts, label=label)
    return charts


def whisker(axis: RowAxis, interval: Sequence[float] | None, y: float, *, colour: str) -> str:
    """A line over an interval; nothing where there is none."""
    if not interval:
        return ""
    low, high = (axis.x_px(end) for end in interval)
    return (
        f'<path d="M{low:.1f} {y:.1f}H{high:.1f}M{low:.1f} {y - 4:.1f}v8M{high:.1f} {y - 4:.1f}v8" '
        f'stroke="{colour}" stroke-width="1.6" fill="none"/>'
    )


def dot(x: float, y: float, *, colour: str = BLUE, is_hollow: bool = False) -> str:
    """A point, filled or hollow."""
    look = f'fill="#fff" stroke="{colour}" stroke-width="1.8"' if is_hollow else f'fill="{colour}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_DOT_PX - 0.5 * is_hollow:.1f}" {look}/>'


def diamond(x: float, y: float, *, colour: str = BLUE) -> str:
    """A mark that is told from a point without colours."""
    return f'<path d="M{x:.1f} {y - 8:.1f}l8 8l-8 8l-8 -8z" fill="{colour}" stroke="#fff"/>'


def span(numbers: Sequence[float], *, limits: tuple[float, float] | None = None) -> tuple[float, float]:
    """Least and largest of an axis that has room for all of these, on round values.

    Args:
        numbers: at least one; those that are not finite do not count.
        limits: nothing lies outside of these.
    """
    finite = [number for number in numbers if math.isfinite(number)] or [0.0]
    low, high = min(finite), max(finite)
    room = max(0.03 * (high - low), 0.005)
    low, high = low - room, high + room
    if limits is not None:
        low, high = max(low, limits[0]), min(high, limits[1])
    return low, high
