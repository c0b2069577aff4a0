"""Differences as inline SVG: points with whiskers around 0, coloured only where they are surely not 0."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.charts import BLUE, BROWN, GREY, swatch
from pipeline.report.compare_result import Figure, sign, value, with_spread
from pipeline.report.row_chart import Row, RowAxis, dot, row_chart, span, whisker

_COLOURS = {1: BLUE, -1: BROWN, 0: GREY, None: GREY}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A row of the chart.

    Attributes:
        name: what is compared.
        other: with what, said to those who do not see the chart; "": the name says it.
        figure: the first one's score minus the second one's.
        heading: stands above it, where a block of rows begins.
    """

    name: str
    other: str
    figure: Figure
    heading: str = ""


def difference_chart(differences: Sequence[Difference], *, x_name: str) -> dict[str, Any]:
    """Draws differences of scores.

    Args:
        differences: at least one.
        x_name: of what they are differences.

    Returns:
        The `chart` (wide and narrow) and its `legend`.
    """
    figures = [each.figure for each in differences]
    rows = [
        Row(
            name=each.name,
            note=with_spread(each.figure, signed=True),
            short_note=value(each.figure, signed=True),
            heading=each.heading,
            is_strong=bool(sign(each.figure)),
        )
        for each in differences
    ]
    x = span(
        [0.0, *(end for figure in figures for end in (figure["mean"], *(figure["interval"] or ())))],
        limits=(-1.0, 1.0),
    )

    def draw(axis: RowAxis) -> list[str]:
        parts = []
        for number, figure in enumerate(figures):
            colour, y = _COLOURS[sign(figure)], axis.y_px(number)
            parts.append(whisker(axis, figure["interval"], y, colour=colour))
            parts.append(dot(axis.x_px(figure["mean"]), y, colour=colour, is_hollow=not sign(figure)))
        return parts

    told = "; ".join(
        f"{each.name}{f' against {each.other}' if each.other else ''} {with_spread(each.figure, signed=True)}"
        for each in differences
    )
    return {
        "chart": row_chart(rows, x=x, x_name=x_name, label=f"{x_name}: {told}", draw=draw),
        "legend": _legend(figures),
    }


def _legend(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    known = {sign(figure) for figure in figures}
    names = (
        (1, "surely better: the whole interval is above 0"),
        (-1, "surely worse: the whole interval is below 0"),
        (0, "not told apart: the interval holds 0"),
        (None, "no interval, so it cannot be told"),
    )
    items = []
    for way, name in names:
        if way in known:
            colour = _COLOURS[way]
            line = "" if way is None else f'<path d="M1 6h24" stroke="{colour}" stroke-width="1.6"/>'
            mark = dot(13, 6, colour=colour, is_hollow=not way)
            items.append({"swatch": swatch(line + mark), "name": name})
    return items
