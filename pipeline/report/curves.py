"""Learning curves as inline SVG: loss and macro-F1 over the epochs of a run."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.report.axes import Axes
from pipeline.report.charts import BLUE, GREY, RED, svg

_CURVES = {
    "loss": {
        "train_loss": "training",
        "val_loss": "validation",
        "val_loss_rescaled": "validation, at its best temperature",
    },
    "macro-F1": {"train_macro_f1": "training", "val_macro_f1": "validation"},
}
# Told apart without colour too, in print: dotted, drawn through, dashed.
_STROKES = (
    f'stroke="{GREY}" stroke-width="2" stroke-dasharray="1.5 3.5" stroke-linecap="round"',
    f'stroke="{BLUE}" stroke-width="2"',
    f'stroke="{BLUE}" stroke-width="1.6" stroke-dasharray="6 4"',
)
_KEPT = f'stroke="{RED}" stroke-width="1.3" stroke-dasharray="3 3"'
_CHANGE = f'stroke="{GREY}" stroke-width="1.3"'


def learning_curves(history: Sequence[Mapping[str, Any]], *, best_epoch: int) -> list[dict[str, Any]]:
    """A chart of the losses and one of macro-F1, each with its `title`, `chart` and `legend`.

    Args:
        history: a row an epoch, as in history.csv; at least one.
        best_epoch: the epoch whose weights were kept; 0: those that training started from.

    Raises:
        ValueError: no epoch at all.
    """
    if not history:
        raise ValueError("learning curves need at least one epoch")
    return [_chart(title, curves, history, best_epoch) for title, curves in _CURVES.items()]


def _chart(
    title: str, curves: Mapping[str, str], history: Sequence[Mapping[str, Any]], best_epoch: int
) -> dict[str, Any]:
    epochs = [int(row["epoch"]) for row in history]
    values = {key: [float(row[key]) for row in history] for key in curves}
    finite = [value for column in values.values() for value in column if math.isfinite(value)]
    top = 1.0 if title == "macro-F1" else max(finite, default=0.0) * 1.05
    axes = Axes(
        x=(epochs[0] - 0.5, epochs[-1] + 0.5), y=(0.0, max(top, 1e-6)), x_name="epoch", has_whole_x=True
    )
    parts, legend = axes.parts(), []
    for (key, name), stroke in zip(curves.items(), _STROKES, strict=False):
        path = axes.path(list(zip(epochs, values[key], strict=True)))
        parts.append(f'<path d="{path}" fill="none" {stroke}/>')
        if len(epochs) == 1 and path:
            parts.append(
                f'<circle cx="{axes.x_px(epochs[0]):.1f}" cy="{axes.y_px(values[key][0]):.1f}" r="3"/>'
            )
        legend.append({"swatch": _swatch(stroke), "name": name})
    change = _change(history)
    for epoch, stroke, name in (
        (best_epoch, _KEPT, f"kept: epoch {best_epoch}"),
        (
            None if change is None else change - 0.5,
            _CHANGE,
            f"from epoch {change} on, the backbone learns too",
        ),
    ):
        if epoch is not None and epochs[0] <= epoch <= epochs[-1]:
            x, y = axes.x_px(epoch), (axes.y_px(axes.y[0]), axes.y_px(axes.y[1]))
            parts.append(f'<path d="M{x:.1f} {y[0]:.1f}V{y[1]:.1f}" {stroke}/>')
            legend.append({"swatch": _swatch(stroke), "name": name})
    told = "; ".join(f"{curves[key]} from {of[0]:.3f} to {of[-1]:.3f}" for key, of in values.items())
    label = f"{title} over {len(epochs)} epochs: {told}"
    return {
        "title": title,
        "chart": svg(axes.width_px, axes.height_px, parts, label=label),
        "legend": legend,
    }


def _change(history: Sequence[Mapping[str, Any]]) -> int | None:
    """The first epoch of another stage than the first one's; None: there is none."""
    return next((int(row["epoch"]) for row in history if row["stage"] != history[0]["stage"]), None)


def _swatch(stroke: str) -> Any:
    return svg(26, 12, [f'<path d="M1 6h24" fill="none" {stroke}/>'])
