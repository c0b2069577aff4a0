"""A whole recording at a glance: its segments, what each window said, and how much time each label has."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.report.axes import ticks
from pipeline.report.picture import blank_figure, pixel_axes, write_png
from pipeline.report.text import drawable, text_width_px
from pipeline.report.timeline_colours import UNREADABLE, hex_colour, ink_on, label_colours
from pipeline.report.timeline_text import clock
from pipeline.report.timeline_windows import WindowSeries

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH_PX, _MARGIN_PX = 1280, 32
_INNER_PX = _WIDTH_PX - 2 * _MARGIN_PX
_TITLE_PX, _LINE_PX, _NAME_PX = 40, 22, 22
_BAR_PX, _BAND_PX, _AXIS_PX, _LEGEND_LINE_PX = 46, 150, 46, 24
_LEGEND_COLUMNS = 3
_MOST_IN_LEGEND = 18
_INK, _GREY, _LINE, _ACCENT = "#1a1a1a", "#5f5f5f", "#c9ced6", "#b33c00"


def write_timeline_picture(
    path: Path,
    *,
    segments: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    windows: WindowSeries,
    title: str,
    note: str = "",
) -> None:
    """Draws a timeline as a PNG.

    Args:
        path: a `.png`, written whole or not at all.
        segments: `Segment.to_dict()` of each, in order.
        labels: in the order of the probabilities.
        windows: what each window said by itself.
        title: what was read, a file name say.
        note: a line of warning, about damage for example.

    Raises:
        ValueError: no segment at all.
    """
    if not segments:
        raise ValueError("a timeline needs at least one segment")
    colours = label_colours(len(labels))
    shares = _seconds_of(segments, labels)
    legend = _legend(shares, labels)
    num_rows = -(-len(legend) // _LEGEND_COLUMNS)
    bar_px = _MARGIN_PX + _TITLE_PX + (_LINE_PX if note else 0) + _NAME_PX
    band_px = bar_px + _BAR_PX + _NAME_PX + 12
    axis_px = band_px + _BAND_PX
    figure = blank_figure(_WIDTH_PX, axis_px + _AXIS_PX + num_rows * _LEGEND_LINE_PX + _MARGIN_PX)
    axes = pixel_axes(figure)
    end_seconds = max(float(segments[-1]["end_seconds"]), 1e-9)
    _write(axes, _MARGIN_PX, _MARGIN_PX + 8, title, size_pt=14, bold=True, max_px=0.75 * _INNER_PX)
    total = f"{clock(end_seconds)}, {len(segments)} segment{'s' * (len(segments) != 1)}"
    _write(axes, _WIDTH_PX - _MARGIN_PX, _MARGIN_PX + 8, total, size_pt=10, colour=_GREY, align="right")
    if note:
        _write(
            axes, _MARGIN_PX, _MARGIN_PX + _TITLE_PX - 6, note, size_pt=9, colour=_ACCENT, max_px=_INNER_PX
        )
    _write(axes, _MARGIN_PX, bar_px - 11, "segments (hatched: unsure)", size_pt=9, colour=_GREY)
    _draw_segments(axes, segments, end_seconds, colours, top_px=bar_px)
    _write(axes, _MARGIN_PX, band_px - 11, "probabilities, window by window", size_pt=9, colour=_GREY)
    axes.imshow(
        _band(windows, end_seconds, colours),
        extent=(_MARGIN_PX, _MARGIN_PX + _INNER_PX, axis_px, band_px),
        aspect="auto",
        interpolation="nearest",
    )
    _draw_axis(axes, end_seconds, top_px=axis_px, line_from_px=bar_px)
    for number, (text, colour) in enumerate(legend):
        row, column = number % num_rows, number // num_rows
        left_px = _MARGIN_PX + column * _INNER_PX / _LEGEND_COLUMNS
        middle_px = axis_px + _AXIS_PX + (row + 0.5) * _LEGEND_LINE_PX
        if colour is not None:
            _box(axes, left_px, middle_px - 7, 14, 14, colour=hex_colour(colours[colour]))
        _write(axes, left_px + 22, middle_px, text, size_pt=9, max_px=_INNER_PX / _LEGEND_COLUMNS - 34)
    write_png(path, figure)


def _seconds_of(segments: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> dict[str, float]:
    seconds = dict.fromkeys(labels, 0.0)
    for segment in segments:
        if segment["status"] == "ok" and not segment["unsure"]:
            seconds[segment["label"]] += segment["end_seconds"] - segment["start_seconds"]
    return seconds


def _legend(seconds: Mapping[str, float], labels: Sequence[str]) -> list[tuple[str, int | None]]:
    """Lines and the number of the label whose colour stands before each; those with most time first."""
    order = sorted(range(len(labels)), key=lambda number: -seconds[labels[number]])
    lines: list[tuple[str, int | None]] = [
        (f"{clock(seconds[labels[number]])}  {labels[number]}", number) for number in order[:_MOST_IN_LEGEND]
    ]
    if len(order) > _MOST_IN_LEGEND:
        lines.append((f"and {len(order) - _MOST_IN_LEGEND} more labels", None))
    return lines


def _draw_segments(
    axes: "Axes",
    segments: Sequence[Mapping[str, Any]],
    end_seconds: float,
    colours: Sequence[tuple[int, int, int]],
    *,
    top_px: float,
) -> None:
    for segment in segments:
        left_px = _MARGIN_PX + _INNER_PX * segment["start_seconds"] / end_seconds
        width_px = _MARGIN_PX + _INNER_PX * segment["end_seconds"] / end_seconds - left_px
        is_read = segment["status"] == "ok"
        rgb = colours[segment["class_index"]] if is_read else UNREADABLE
        hatch = "////" if segment["unsure"] else "" if is_read else "xxxx"
        _box(axes, left_px, top_px, width_px, _BAR_PX, colour=hex_colour(rgb), hatch=hatch)
        text = segment["label"] if is_read else "could not be read"
        word = drawable(text, size_pt=9, max_width_px=max(width_px - 8, 1))
        if not hatch and width_px > 30 and text_width_px(word.text, word.font) <= width_px - 8:
            axes.text(
                left_px + width_px / 2, top_px + _BAR_PX / 2, word.text, color=ink_on(rgb), ha="center",
                va="center", **word.style,
            )  # fmt: skip


def _band(
    windows: WindowSeries, end_seconds: float, colours: Sequence[tuple[int, int, int]]
) -> NDArray[np.uint8]:
    """Probabilities stacked in each column of pixels, (H, W, 3): the mean of its windows, or the nearest."""
    palette = np.array([*colours, UNREADABLE], np.uint8)
    image = np.full((_BAND_PX, _INNER_PX), len(colours), np.int64)
    if len(windows):
        centres, values = windows.centres_seconds, windows.probabilities
        middles = (np.arange(_INNER_PX) + 0.5) * end_seconds / _INNER_PX
        after = np.clip(np.searchsorted(centres, middles), 1, max(1, len(centres) - 1))
        nearest = np.where(
            middles - centres[after - 1] < centres[np.minimum(after, len(centres) - 1)] - middles,
            after - 1,
            np.minimum(after, len(centres) - 1),
        )
        columns = values[nearest]
        place = np.minimum((centres * _INNER_PX / end_seconds).astype(int), _INNER_PX - 1)
        for column in np.flatnonzero(np.bincount(place, minlength=_INNER_PX) > 1):
            columns[column] = values[place == column].mean(axis=0)
        heights = (np.arange(_BAND_PX)[::-1] + 0.5) / _BAND_PX  # from the top down
        for column in np.flatnonzero(np.isfinite(columns).all(axis=1)):
            image[:, column] = np.searchsorted(np.cumsum(columns[column])[:-1], heights)
    return np.asarray(palette[image])


def _axis_labels(end_seconds: float) -> list[tuple[float, str]]:
    """Round times, and what is written there: of a few seconds, as many digits as tell them apart."""
    unit = 3600.0 if end_seconds >= 4 * 3600 else 60.0 if end_seconds >= 240 else 1.0
    times = [value * unit for value in ticks(0.0, end_seconds / unit, most=10)]
    digits = max(0, math.ceil(-math.log10(times[1] - times[0]) - 1e-6))
    return [(seconds, f"{seconds:.{digits}f} s" if digits else clock(seconds)[:-2]) for seconds in times]


def _draw_axis(axes: "Axes", end_seconds: float, *, top_px: float, line_from_px: float) -> None:
    for seconds, text in _axis_labels(end_seconds):
        left_px = _MARGIN_PX + _INNER_PX * seconds / end_seconds
        axes.plot([left_px] * 2, [top_px, top_px + 6], color=_GREY, linewidth=1)
        _write(axes, left_px, top_px + 18, text, size_pt=9, colour=_GREY, align="center")
    axes.plot([_MARGIN_PX, _MARGIN_PX + _INNER_PX], [top_px] * 2, color=_LINE, linewidth=1)


def _box(
    axes: "Axes",
    left_px: float,
    top_px: float,
    width_px: float,
    height_px: float,
    *,
    colour: str,
    hatch: str = "",
) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle(
            (left_px, top_px),
            width_px,
            height_px,
            facecolor=colour,
            edgecolor="white",
            linewidth=0.4,
            hatch=hatch,
        )
    )


def _write(
    axes: "Axes",
    x_px: float,
    y_px: float,
    text: str,
    *,
    size_pt: float,
    colour: str = _INK,
    bold: bool = False,
    align: str = "left",
    max_px: float | None = None,
) -> None:
    word = drawable(text, size_pt=size_pt, bold=bold, max_width_px=max_px)
    axes.text(x_px, y_px, word.text, color=colour, va="center", ha=align, **word.style)
