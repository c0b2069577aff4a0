"""The ladder of heads as inline SVG: the score of each with its interval, and which one the data supports."""

from typing import Any

from pipeline.report.charts import BLUE, GREY, INK, swatch
from pipeline.report.compare_result import CompareResult, value, with_spread
from pipeline.report.row_chart import Row, RowAxis, diamond, dot, row_chart, span, whisker

_BAND, _BAND_EDGE = "#d7e2f0", "#8ba6c6"
_GUESS = f'stroke="{GREY}" stroke-width="1.5" stroke-dasharray="2 4"'
_BLOCKS = {"ladder": "The ladder, the simplest head first", "beside": "Beside the ladder"}


def ladder_chart(comparison: CompareResult) -> dict[str, Any]:
    """Draws macro-F1 of every head.

    Args:
        comparison: with at least one result.

    Returns:
        The `chart` (wide and narrow), its `legend`, and `has_bands`: it says what is as good as the best.
    """
    shown = comparison.rows()
    rows, block = [], ""
    for head, result in shown:
        heading = _BLOCKS[head["place"]] if head["place"] != block else ""
        block = head["place"]
        figure = result["macro_f1"]
        rows.append(
            Row(
                name=head["title"],
                note=with_spread(figure),
                short_note=value(figure),
                heading=heading,
                is_strong=head["name"] == comparison.supported,
            )
        )
    figures = [result["macro_f1"] for _, result in shown]
    bands = [_band(comparison, head["name"]) for head, _ in shown]
    guess = float(comparison.result["data"]["chance"])
    ends = [end for figure in figures for end in (figure["mean"], *(figure["interval"] or ()))]
    x = span([*ends, *(end for band in bands for end in band or ()), guess], limits=(0.0, 1.0))

    def behind(axis: RowAxis) -> list[str]:
        parts = []
        for number, band in enumerate(bands):
            if band:
                left, right = (axis.x_px(end) for end in band)
                parts.append(_band_part(left, axis.y_px(number) - 9, max(1.0, right - left), 18))
        return parts

    def draw(axis: RowAxis) -> list[str]:
        parts = [f'<path d="{axis.upright(guess)}" {_GUESS}/>']
        for number, ((head, _), figure) in enumerate(zip(shown, figures, strict=True)):
            is_supported = head["name"] == comparison.supported
            colour = BLUE if is_supported else INK
            x, y = axis.x_px(figure["mean"]), axis.y_px(number)
            parts.append(whisker(axis, figure["interval"], y, colour=colour))
            parts.append(diamond(x, y) if is_supported else dot(x, y, colour=colour))
        return parts

    told = "; ".join(
        f"{head['title']} {with_spread(figure)}" for (head, _), figure in zip(shown, figures, strict=True)
    )
    chart = row_chart(
        rows, x=x, x_name="macro-F1 on clips held back", label=f"macro-F1 of each head: {told}",
        behind=behind, draw=draw,
    )  # fmt: skip
    return {"chart": chart, "legend": _legend(comparison, any(bands), guess), "has_bands": any(bands)}


def _band(comparison: CompareResult, name: str) -> tuple[float, float] | None:
    """From the least score with which this head is as good as the best, up to that of the best."""
    shortfall = comparison.shortfall(name)
    if shortfall is None or shortfall["allowed"] is None or comparison.beats_nothing:
        return None
    best = next(
        result["macro_f1"]["mean"] for head, result in comparison.rows() if head["name"] == comparison.best
    )
    return best - shortfall["allowed"], best


def _band_part(x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{_BAND}"/>'
        f'<path d="M{x:.1f} {y:.1f}v{height:.1f}" stroke="{_BAND_EDGE}"/>'
    )


def _legend(comparison: CompareResult, has_band: bool, guess: float) -> list[dict[str, Any]]:
    line = "" if not comparison.has_intervals else f'<path d="M1 6h24M1 2v8M25 2v8" stroke="{INK}"/>'
    of = "macro-F1" if not comparison.has_intervals else "macro-F1 and its 95 % interval"
    items = [{"swatch": swatch(line + dot(13, 6, colour=INK)), "name": of}]
    if comparison.supported is not None:
        items.append({"swatch": swatch(diamond(13, 6)), "name": "the head that this data supports"})
    if has_band:
        name = f"as good as the {comparison.best_words}, for all that is known"
        items.append({"swatch": swatch(_band_part(1, 0, 24, 12)), "name": name})
    name = f"guessing each class as often as it occurs: {guess:.3f}"
    items.append({"swatch": swatch(f'<path d="M13 0v12" {_GUESS}/>'), "name": name})
    return items
