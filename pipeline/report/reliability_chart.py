"""The reliability diagram as inline SVG: are answers with some probability right as often as it says?"""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from pipeline.report.axes import Axes
from pipeline.report.charts import BLUE, GREY, svg
from pipeline.report.reliability_plot import ranges_by_chance

_BAND = "#dfe7f1"


def reliability_chart(calibration: Mapping[str, Any]) -> Markup:
    """Draws the bins of answers; behind each, the range it lies in 95 times in 100 if all is as it should be.

    Args:
        calibration: `calibration` of a judgement.

    Raises:
        ValueError: no bin at all.
    """
    bins = calibration["bins"]
    if not bins:
        raise ValueError("a reliability diagram needs at least one bin")
    lowest = min(float(each["confidence"]) for each in bins)
    axes = Axes(
        x=(0.0 if lowest < 0.5 else 0.45, 1.02), y=(0.0, 1.0), x_name="probability of the answer",
        y_name="share that is right", width_px=400, height_px=370,
    )  # fmt: skip
    parts = axes.parts()
    for each, (low, high) in zip(bins, ranges_by_chance(bins), strict=True):
        x = axes.x_px(each["confidence"])
        path = f"M{x:.1f} {axes.y_px(low):.1f}V{axes.y_px(high):.1f}"
        parts.append(f'<path d="{path}" stroke="{_BAND}" stroke-width="9" stroke-linecap="round"/>')
    diagonal = axes.path([(axes.x[0], axes.x[0]), (1.0, 1.0)])
    parts.append(f'<path d="{diagonal}" stroke="{GREY}" stroke-dasharray="4 3" fill="none"/>')
    points = [(float(each["confidence"]), float(each["accuracy"])) for each in bins]
    parts.append(f'<path d="{axes.path(points)}" stroke="{BLUE}" stroke-width="1.8" fill="none"/>')
    parts += [
        f'<circle cx="{axes.x_px(x):.1f}" cy="{axes.y_px(y):.1f}" r="4.5" fill="{BLUE}"/>' for x, y in points
    ]
    told = "; ".join(f"probability {x:.2f}: {y:.2f} right" for x, y in points)
    return svg(axes.width_px, axes.height_px, parts, label=f"reliability diagram: {told}")
