"""The reliability diagram: how often answers are right that were given with some probability."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy.stats import binom

from pipeline.report.picture import blank_figure, place_axes, write_png
from pipeline.report.text import drawable

_INK, _GREY, _BLUE, _BAND = "#1a1a1a", "#6b6b6b", "#4c78a8", "#dfe7f1"


def write_reliability(path: Path, calibration: Mapping[str, Any]) -> None:
    """Draws the bins of answers as a PNG: mean probability against the share that was right.

    Behind each bin stands the range in which the share of such a bin lies 95 times in 100 if every answer is
    right with the probability it was given with.

    Args:
        path: a `.png`, written whole or not at all.
        calibration: `calibration` of a judgement: `bins` (with `num_clips`, `confidence`, `accuracy`), `ece`
            and `ece_if_calibrated`.

    Raises:
        ValueError: no bin at all.
    """
    bins = calibration["bins"]
    if not bins:
        raise ValueError("a reliability diagram needs at least one bin")
    figure = blank_figure(560, 560)
    axes = place_axes(figure, left_px=72, top_px=70, width_px=440, height_px=420)
    confidences = [float(each["confidence"]) for each in bins]
    ranges = ranges_by_chance(bins)
    axes.vlines(
        confidences,
        [low for low, _ in ranges],
        [high for _, high in ranges],
        color=_BAND,
        linewidth=9,
        label="if the probabilities were perfect",
        zorder=1,
    )
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle=(0, (4, 3)), zorder=2)
    axes.plot(
        confidences,
        [float(each["accuracy"]) for each in bins],
        color=_BLUE,
        linewidth=1.6,
        marker="o",
        markersize=6,
        label=_bins_text([int(each["num_clips"]) for each in bins]),
        zorder=3,
    )
    axes.set_xlim(min(0.0, *confidences) if min(confidences) < 0.5 else 0.4, 1.02)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("probability of the answer")
    axes.set_ylabel("share that is right")
    axes.grid(color="#e4e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    chance = calibration["ece_if_calibrated"]
    for text, y, size_pt, color in (
        (f"calibration error {calibration['ece']:.3f}", 0.945, 12, _INK),
        (
            f"perfect probabilities would show {chance['mean']:.3f}, up to {chance['quantile_95']:.3f}",
            0.905,
            9,
            _GREY,
        ),
    ):
        words = drawable(text, size_pt=size_pt)
        figure.text(72 / 560, y, words.text, color=color, **words.style)
    write_png(path, figure)


def ranges_by_chance(bins: Sequence[Mapping[str, Any]]) -> list[tuple[float, float]]:
    """Where the share of right answers of each bin lies 95 times in 100, if its probabilities are perfect."""
    return [
        (low / each["num_clips"], high / each["num_clips"])
        for each in bins
        for low, high in [binom.interval(0.95, each["num_clips"], each["confidence"])]
    ]


def _bins_text(sizes: list[int]) -> str:
    """How many clips a point stands for."""
    low, high = min(sizes), max(sizes)
    clips = f"{low}" if low == high else f"{low} to {high}"
    return f"answers, {clips} clips a point"
