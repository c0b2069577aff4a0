"""Two scores of each head joined by a line, as inline SVG: how far one falls behind the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.report.charts import BLUE, BROWN, GREY, swatch
from pipeline.report.compare_result import Figure, value, with_spread
from pipeline.report.row_chart import Row, RowAxis, dot, row_chart, span


@dataclass(frozen=True, kw_only=True)
class Dumbbell:
    """A row of the chart.

    Attributes:
        name: of the head.
        upper: the score that is usually the higher one.
        lower: the other one.
        difference: upper minus lower, with its interval.
        is_strong: written in bold.
    """

    name: str
    upper: float
    lower: float
    difference: Figure | None
    is_strong: bool = False


def dumbbell_chart(
    dumbbells: Sequence[Dumbbell], *, upper_name: str, lower_name: str, title: str
) -> dict[str, Any]:
    """Draws them.

    Args:
        dumbbells: at least one.
        upper_name: what the upper scores are.
        lower_name: what the lower scores are.
        title: what the chart shows, for those who do not see it.

    Returns:
        The `chart` (wide and narrow) and its `legend`.
    """
    rows = [
        Row(
            name=each.name,
            note=with_spread(each.difference, signed=True),
            short_note=value(each.difference, signed=True),
            is_strong=each.is_strong,
        )
        for each in dumbbells
    ]
    x = span([end for each in dumbbells for end in (each.upper, each.lower)], limits=(0.0, 1.0))

    def draw(axis: RowAxis) -> list[str]:
        parts = []
        for number, each in enumerate(dumbbells):
            y, ends = axis.y_px(number), (axis.x_px(each.lower), axis.x_px(each.upper))
            parts.append(f'<path d="M{ends[0]:.1f} {y:.1f}H{ends[1]:.1f}" stroke="{GREY}" stroke-width="2"/>')
            parts.append(_upper_mark(ends[1], y))
            parts.append(dot(ends[0], y, colour=BLUE))
        return parts

    told = "; ".join(
        f"{each.name} {upper_name} {each.upper:.3f}, {lower_name} {each.lower:.3f}" for each in dumbbells
    )
    return {
        "chart": row_chart(rows, x=x, x_name="macro-F1", label=f"{title}: {told}", draw=draw),
        "legend": [
            {"swatch": swatch(dot(13, 6, colour=BLUE)), "name": lower_name},
            {"swatch": swatch(_upper_mark(13, 6)), "name": upper_name},
        ],
    }


def _upper_mark(x: float, y: float) -> str:
    """A hollow square: told from the point without colours, and seen around it where both are the same."""
    return (
        f'<rect x="{x - 5:.1f}" y="{y - 5:.1f}" width="10" height="10" fill="#fff" stroke="{BROWN}" '
        f'stroke-width="1.8"/>'
    )
