"""What was found of a model's explanations: tables, sentences and charts, for the terminal and for pages."""

from collections.abc import Mapping
from typing import Any

from pipeline.evaluation.explanations import ATTENTION, LEAVE_ONE_OUT, ORDER_TEXTS, RANDOM
from pipeline.report.axes import Axes
from pipeline.report.charts import BLUE, GREY, RED, svg

ORDER_COLUMNS = (
    "deletion area",
    "better than random by",
    "insertion area",
    "better than random by",
    "verdict",
)
AGREEMENT_COLUMNS = (
    "rank correlation", "95 % interval", "on different clips", "same first frame", "95 % interval",
    "on different clips", "by chance",
)  # fmt: skip

_CURVES = {
    "deletion": ("Frames are taken out, the most important first", "frames taken out"),
    "insertion": ("Frames are put in, the most important first", "frames put in"),
}
# Told apart without colour too: drawn through, dashed, dotted.
_STROKES = {
    LEAVE_ONE_OUT: f'stroke="{BLUE}" stroke-width="2"',
    ATTENTION: f'stroke="{RED}" stroke-width="1.8" stroke-dasharray="6 4"',
    RANDOM: f'stroke="{GREY}" stroke-width="2" stroke-dasharray="1.5 3.5" stroke-linecap="round"',
}
_ORDER = (LEAVE_ONE_OUT, ATTENTION, RANDOM)
_VERDICTS = {True: "better than random", False: "not surely better than random", None: "cannot be told"}


def order_rows(explanations: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each order of the frames: name, areas, what it is better by than random orders, verdict.

    Args:
        explanations: `explanations` of `Judgement.to_dict`.
    """
    rows = []
    for name in _present(explanations["orders"]):
        found = explanations["orders"][name]
        gains = [_gain(found.get(f"{curve}_gain")) for curve in _CURVES]
        rows.append(
            {
                "name": ORDER_TEXTS[name],
                "cells": [
                    f"{found['deletion_area']:.3f}",
                    gains[0],
                    f"{found['insertion_area']:.3f}",
                    gains[1],
                    _VERDICTS[found["beats_random"]] if "beats_random" in found else "",
                ],
            }
        )
    return rows


def agreement_rows(agreement: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for leave-one-out, and one for attention where there is one: how alike the models rank frames.

    Args:
        agreement: `explanations.agreement` of `Judgement.to_dict`.
    """
    return [
        {
            "name": ORDER_TEXTS[name],
            "cells": [
                f"{found['rank_correlation']:.3f}",
                _interval(found["rank_interval"]),
                _figure(found["other_clips_correlation"]),
                f"{found['top_overlap']:.3f}",
                _interval(found["top_interval"]),
                _figure(found["other_clips_overlap"]),
                f"{found['chance']:.3f}",
            ],
        }
        for name in (LEAVE_ONE_OUT, ATTENTION)
        if (found := agreement[name]) is not None
    ]


def explanation_sentences(explanations: Mapping[str, Any]) -> list[str]:
    """What follows, in words: the verdict on attention, and what the figures are.

    Args:
        explanations: `explanations` of `Judgement.to_dict`.
    """
    agreement = explanations["agreement"]
    return [
        explanations["attention_note"],
        "Areas are of the mean probability of the predicted class while frames are taken out (smaller is "
        "better) or put in (larger is better). The first frame that leave-one-out takes out is by its making "
        "the one that costs most; the rest of its order has to prove itself.",
        *(
            [
                f"{agreement['num_models']} models were compared, by their order of the frames of each clip: "
                "a rank correlation of 1 is the same order, 0 chance. What they agree on for different clips "
                "too is a place in the clip, whatever is seen there."
            ]
            if agreement
            else []
        ),
    ]


def explanation_charts(explanations: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A chart of deletion and one of insertion, each with its `title`, `chart` and `legend`.

    Args:
        explanations: `explanations` of `Judgement.to_dict`.
    """
    return [_chart(curve, explanations["orders"]) for curve in _CURVES]


def _chart(curve: str, orders: Mapping[str, Any]) -> dict[str, Any]:
    title, x_name = _CURVES[curve]
    first = 0 if curve == "deletion" else 1
    num_frames = len(orders[RANDOM][curve])
    axes = Axes(
        x=(first, first + num_frames - 1), y=(0.0, 1.0), x_name=x_name,
        y_name="probability of the class", has_whole_x=True,
    )  # fmt: skip
    parts, legend, told = axes.parts(), [], []
    for name in reversed(_present(orders)):  # random order lies underneath
        points = [(float(first + step), float(value)) for step, value in enumerate(orders[name][curve])]
        parts.append(f'<path d="{axes.path(points)}" fill="none" {_STROKES[name]}/>')
    for name in _present(orders):
        swatch = svg(26, 12, [f'<path d="M1 6h24" fill="none" {_STROKES[name]}/>'])
        area = f"{orders[name][f'{curve}_area']:.3f}"
        legend.append({"swatch": swatch, "name": f"{ORDER_TEXTS[name]}, area {area}"})
        told.append(f"{ORDER_TEXTS[name]} has an area of {area}")
    label = f"Probability of the predicted class by {x_name}: {'; '.join(told)}"
    return {
        "title": title,
        "chart": svg(axes.width_px, axes.height_px, parts, label=label),
        "legend": legend,
    }


def _present(orders: Mapping[str, Any]) -> list[str]:
    """The orders that were tried: without an attention, there is none of it."""
    return [name for name in _ORDER if name in orders]


def _gain(gain: Mapping[str, Any] | None) -> str:
    if gain is None:
        return ""
    sure = f" ({_interval(gain['interval'])})" if gain["interval"] else ""
    return f"{gain['mean']:+.3f}{sure}"


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _interval(pair: list[float] | None) -> str:
    return f"{pair[0]:+.3f} to {pair[1]:+.3f}" if pair else ""
