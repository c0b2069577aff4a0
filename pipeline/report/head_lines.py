"""Lines of heads as inline SVG: their scores by the number of clips, their loss by their size.

Ten lines in one chart cannot be told apart, so there is a chart for each family of heads, all on the same
scales; the head that the data supports stands in each of them for comparison.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.axes import Axes
from pipeline.report.charts import BLUE, BROWN, GREEN, INK, PURPLE, RED, svg, swatch
from pipeline.report.compare_result import CompareResult, Figure, value

# Told apart without colours too, by their dashes and marks.
_STYLES = (
    (BLUE, "", "●"),
    (BROWN, "7 4", "■"),
    (GREEN, "2 4", "▲"),
    (PURPLE, "9 3 2 3", "○"),
    (RED, "4 3", "□"),
    (INK, "1 3", "△"),
)
_SUPPORTED_STROKE = 'stroke="#b9c3cf" stroke-width="6" stroke-linecap="round" stroke-linejoin="round"'
_SUPPORTED = ", the head supported (broad line)"
_DODGE_PX = 3.0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One head's line.

    Attributes:
        name: of the head.
        title: of the head.
        family: the title of the chart it stands in.
        points: x -> figure, x in its order.
    """

    name: str
    title: str
    family: str
    points: Sequence[tuple[float, Figure]]


def lines_of(comparison: CompareResult, key: str, x_key: str, y_key: str) -> list[Line]:
    """The lines of heads that have one.

    Args:
        comparison: what was found.
        key: "curves" or "hidden_sizes".
        x_key: of a point: what goes along x.
        y_key: of a point: the figure.
    """
    return [
        Line(
            name=head["name"],
            title=head["title"],
            family=_family(head),
            points=sorted(
                ((float(point[x_key]), point[y_key]) for point in entry["points"]), key=lambda pair: pair[0]
            ),
        )
        for head, entry in comparison.lines(key)
    ]


def line_charts(
    lines: Sequence[Line],
    *,
    supported: str | None,
    x_name: str,
    y_name: str,
    y_limits: tuple[float, float],
    low_is_good: bool,
) -> list[dict[str, Any]]:
    """A chart for each family of heads.

    Args:
        lines: at least one.
        supported: name of the head that stands in every chart.
        x_name: what x is; its scale doubles from step to step.
        y_name: what y is.
        y_limits: nothing lies outside of these.
        low_is_good: the lowest line comes first in the legend.

    Returns:
        Each with `title`, `chart` and `legend`.
    """
    numbers = sorted({x for line in lines for x, _ in line.points})
    ends = [end for line in lines for _, figure in line.points for end in _ends(figure)]
    low, high = min(ends), max(ends)
    room = max(0.05 * (high - low), 0.01)
    axes = Axes(
        x=(math.log2(numbers[0]) - 0.25, math.log2(numbers[-1]) + 0.25),
        y=(max(y_limits[0], low - room), min(y_limits[1], high + room)),
        x_name=x_name,
        y_name=y_name,
        x_marks=_marks(numbers),
    )
    charts = []
    families = list(dict.fromkeys(line.family for line in lines))
    for family in families:
        own = [line for line in lines if line.family == family]
        behind = [line for line in lines if line.name == supported]
        charts.append(_chart(family, own, behind, axes, low_is_good=low_is_good))
    return charts


def _chart(
    family: str, own: Sequence[Line], behind: Sequence[Line], axes: Axes, *, low_is_good: bool
) -> dict[str, Any]:
    parts, items = axes.parts(), []
    for line in behind:
        path = axes.path([(math.log2(x), figure["mean"]) for x, figure in line.points])
        parts.append(f'<path d="{path}" fill="none" {_SUPPORTED_STROKE}/>')
    for number, line in enumerate(own):
        colour, dashes, mark = _STYLES[number % len(_STYLES)]
        stroke = f'stroke="{colour}" stroke-width="2"' + (f' stroke-dasharray="{dashes}"' if dashes else "")
        shift = _DODGE_PX * (number - (len(own) - 1) / 2)
        path = axes.path([(math.log2(x), figure["mean"]) for x, figure in line.points])
        parts.append(f'<g transform="translate({shift:.1f} 0)"><path d="{path}" fill="none" {stroke}/>')
        for x, figure in line.points:
            x_px, y_px = axes.x_px(math.log2(x)), axes.y_px(figure["mean"])
            if figure["interval"]:
                low, high = (axes.y_px(end) for end in figure["interval"])
                parts.append(f'<path d="M{x_px:.1f} {low:.1f}V{high:.1f}" stroke="{colour}" opacity=".55"/>')
            parts.append(_mark(mark, x_px, y_px, colour))
        parts.append("</g>")
        number_said, words = _said(line, low_is_good=low_is_good)
        drawn = swatch(f'<path d="M1 6h24" fill="none" {stroke}/>' + _mark(mark, 13, 6, colour))
        items.append(
            (number_said, {"swatch": drawn, "name": f"{words}{_SUPPORTED if line in behind else ''}"})
        )
    items.sort(key=lambda item: item[0] if low_is_good else -item[0])
    legend = [item for _, item in items]
    for line in behind:
        if line not in own:
            drawn = swatch(f'<path d="M4 6h18" {_SUPPORTED_STROKE}/>')
            words = _said(line, low_is_good=low_is_good)[1]
            legend.append({"swatch": drawn, "name": f"{words}{_SUPPORTED}"})
    told = "; ".join(
        f"{line.title} " + ", ".join(f"{x:g}: {value(figure)}" for x, figure in line.points) for line in own
    )
    label = f"{axes.y_name} by {axes.x_name}, {family}: {told}"
    return {
        "title": family,
        "chart": svg(axes.width_px, axes.height_px, parts, label=label),
        "legend": legend,
    }


def _said(line: Line, *, low_is_good: bool) -> tuple[float, str]:
    """What the legend says of a line: its last point, or its lowest and where that is."""
    if not low_is_good:
        figure = line.points[-1][1]
        return figure["mean"], f"{line.title} {value(figure)}"
    x, figure = min(line.points, key=lambda point: point[1]["mean"])
    return figure["mean"], f"{line.title} {value(figure)} at {x:g}"


def _family(head: Mapping[str, Any]) -> str:
    if head["place"] != "ladder":
        return "Beside the ladder"
    return (
        "The ladder: heads that read the order" if head["reads_order"] else "The ladder: blind to the order"
    )


def _ends(figure: Figure) -> list[float]:
    return [end for end in (figure["mean"], *(figure["interval"] or ())) if math.isfinite(end)]


def _marks(numbers: Sequence[float]) -> dict[float, str]:
    """Where numbers stand on an axis that doubles; those too near to the one before are not written."""
    marks: dict[float, str] = {}
    last = -math.inf
    for number in numbers:
        at = math.log2(number)
        if at - last >= 0.12 * (math.log2(numbers[-1]) - math.log2(numbers[0])):
            marks[at] = f"{number:g}"
            last = at
    return marks


def _mark(kind: str, x: float, y: float, colour: str) -> str:
    """A small mark around a point: full or hollow, round, square or three-cornered."""
    fill = f'fill="{colour}"' if kind in "●■▲" else f'fill="#fff" stroke="{colour}" stroke-width="1.6"'
    if kind in "●○":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.6" {fill}/>'
    if kind in "■□":
        return f'<rect x="{x - 3.4:.1f}" y="{y - 3.4:.1f}" width="6.8" height="6.8" {fill}/>'
    return f'<path d="M{x:.1f} {y - 4.2:.1f}l4.2 7.4h-8.4z" {fill}/>'
