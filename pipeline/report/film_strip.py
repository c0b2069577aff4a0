"""The film strip: the frames of one clip with their times, and under them how much attention each one got."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.report.picture import blank_figure, pixel_axes, write_png
from pipeline.report.text import drawable, text_width_px

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARGIN_PX = 24
_GAP_PX = 8
_BAR_AREA_PX = 56
_TIME_LINE_PX = 24
_ROW_GAP_PX = 18
_MAX_COLUMNS = 8
_STRIP_WIDTH_PX = 1280
_MAX_FRAME_PX = 240
_MIN_WIDTH_PX = 640
_NUM_TOP_LABELS = 5
_PROBABILITY_LINE_PX = 24
_CAPTION_PX = 26

_INK, _GREY, _PALE, _ACCENT = "#1a1a1a", "#6b6b6b", "#e4e7eb", "#d9480f"
_BAR = "#4c78a8"


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where things are, in pixels from the top left."""

    columns: int
    rows: int
    frame_px: int
    num_labels: int
    has_note: bool

    @property
    def width_px(self) -> int:
        strip_px = self.columns * (self.frame_px + _GAP_PX) - _GAP_PX
        return max(_MIN_WIDTH_PX, strip_px + 2 * _MARGIN_PX)

    @property
    def row_px(self) -> int:
        return self.frame_px + _TIME_LINE_PX + _BAR_AREA_PX + _ROW_GAP_PX

    @property
    def strip_top_px(self) -> int:
        note_px = 20 if self.has_note else 0
        return _MARGIN_PX + 62 + note_px + self.num_labels * _PROBABILITY_LINE_PX + 20

    @property
    def height_px(self) -> int:
        return self.strip_top_px + self.rows * self.row_px + _CAPTION_PX

    def corner_px(self, index: int) -> tuple[int, int]:
        """Left and top of a frame."""
        row, column = divmod(index, self.columns)
        return _MARGIN_PX + column * (self.frame_px + _GAP_PX), self.strip_top_px + row * self.row_px


def write_film_strip(
    path: Path,
    *,
    frames: NDArray[np.uint8],
    times_seconds: Sequence[float],
    attention_weights: Sequence[float],
    title: str,
    probabilities: Mapping[str, float],
    note: str = "",
) -> None:
    """Draws one classified clip as a PNG: the answer, the frames in order, the attention under each.

    Args:
        path: a `.png`, written whole or not at all.
        frames: (T, S, S, 3) RGB, as the model saw them.
        times_seconds: of each frame in its video.
        attention_weights: of each frame; they sum to 1.
        title: what was classified, a file name say.
        probabilities: of every label; the most probable ones are shown.
        note: a line of warning under the title, about damage for example.

    Raises:
        ValueError: shapes or lengths do not belong together.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be (T, S, S, 3) uint8 with T >= 1; got {frames.shape} {frames.dtype}")
    if not len(frames) == len(times_seconds) == len(attention_weights):
        raise ValueError(
            f"{len(frames)} frames, {len(times_seconds)} times and {len(attention_weights)} attention weights"
        )
    if not probabilities:
        raise ValueError("at least one label with its probability is needed")
    top = sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))[:_NUM_TOP_LABELS]
    layout = _lay_out(len(frames), num_labels=len(top), has_note=bool(note))
    figure = blank_figure(layout.width_px, layout.height_px)
    axes = pixel_axes(figure)
    _draw_answer(axes, layout, title=title, note=note, top=top, num_labels=len(probabilities))
    _draw_strip(axes, layout, frames, times_seconds, attention_weights)
    write_png(path, figure)


def _lay_out(num_frames: int, *, num_labels: int, has_note: bool) -> _Layout:
    rows = math.ceil(num_frames / _MAX_COLUMNS)
    columns = math.ceil(num_frames / rows)
    frame_px = min(_MAX_FRAME_PX, (_STRIP_WIDTH_PX + _GAP_PX) // columns - _GAP_PX)
    return _Layout(columns=columns, rows=rows, frame_px=frame_px, num_labels=num_labels, has_note=has_note)


def _draw_answer(
    axes: "Axes", layout: _Layout, *, title: str, note: str, top: list[tuple[str, float]], num_labels: int
) -> None:
    """Title, note, winning label, and bars of the most probable labels."""
    from matplotlib.patches import Rectangle

    inner_px, right_px = layout.width_px - 2 * _MARGIN_PX, layout.width_px - _MARGIN_PX
    top_px = _MARGIN_PX
    name = drawable(title, size_pt=9, max_width_px=inner_px)
    axes.text(_MARGIN_PX, top_px, name.text, color=_GREY, va="center", **name.style)
    if note:
        top_px += 20
        warning = drawable(note, size_pt=9, max_width_px=inner_px)
        axes.text(_MARGIN_PX, top_px, warning.text, color=_ACCENT, va="center", **warning.style)
    label, probability = top[0]
    answer_px = 0.8 * inner_px
    answer = drawable(label, size_pt=17, bold=True, max_width_px=answer_px)
    axes.text(_MARGIN_PX, top_px + 30, answer.text, color=_INK, va="center", **answer.style)
    share = drawable(_percent(probability), size_pt=17, bold=True)
    axes.text(right_px, top_px + 30, share.text, color=_INK, va="center", ha="right", **share.style)
    number_px = 70
    names = [drawable(label, size_pt=9, max_width_px=0.4 * inner_px) for label, _ in top]
    label_px = max(text_width_px(name.text, name.font) for name in names)
    bar_left_px = _MARGIN_PX + label_px + 12
    bar_px = inner_px - label_px - 12 - number_px
    for position, (name, (_, probability)) in enumerate(zip(names, top, strict=True)):
        y_px = top_px + 62 + (position + 0.5) * _PROBABILITY_LINE_PX
        axes.text(_MARGIN_PX, y_px, name.text, color=_INK, va="center", **name.style)
        axes.add_patch(Rectangle((bar_left_px, y_px - 7), bar_px, 14, color=_PALE, linewidth=0))
        color = _ACCENT if position == 0 else _BAR
        filled_px = bar_px * min(max(probability, 0.0), 1.0)
        axes.add_patch(Rectangle((bar_left_px, y_px - 7), filled_px, 14, color=color, linewidth=0))
        number = drawable(_percent(probability), size_pt=9)
        axes.text(right_px, y_px, number.text, color=_INK, va="center", ha="right", **number.style)


def _draw_strip(
    axes: "Axes",
    layout: _Layout,
    frames: NDArray[np.uint8],
    times_seconds: Sequence[float],
    attention_weights: Sequence[float],
) -> None:
    """The frames in rows; under each its time and its attention, on one scale for all."""
    from matplotlib.patches import Rectangle

    weights = np.nan_to_num(np.asarray(attention_weights, dtype=np.float64))
    peak = max(float(weights.max()), 1e-9)
    strongest = int(weights.argmax()) if np.ptp(weights) > 1e-6 else None  # all alike: none is marked
    side_px = layout.frame_px
    even_px = _BAR_AREA_PX * min(1.0, 1 / len(weights) / peak)
    for index, (frame, time_seconds, weight) in enumerate(zip(frames, times_seconds, weights, strict=True)):
        left_px, top_px = layout.corner_px(index)
        right_px, foot_px = left_px + side_px, top_px + side_px
        axes.imshow(
            frame, extent=(left_px, right_px, foot_px, top_px), aspect="auto", interpolation="antialiased"
        )
        color = _ACCENT if index == strongest else _BAR
        if index == strongest:
            axes.add_patch(
                Rectangle((left_px, top_px), side_px, side_px, fill=False, edgecolor=_ACCENT, linewidth=3)
            )
        time = drawable(f"{time_seconds:.2f} s", size_pt=9)
        axes.text(left_px, foot_px + 13, time.text, color=_GREY, va="center", **time.style)
        number = drawable(_percent(weight), size_pt=9, bold=index == strongest)
        axes.text(right_px, foot_px + 13, number.text, color=_INK, va="center", ha="right", **number.style)
        base_px = foot_px + _TIME_LINE_PX + _BAR_AREA_PX
        bar_px = _BAR_AREA_PX * max(weight, 0.0) / peak
        axes.add_patch(Rectangle((left_px, base_px - bar_px), side_px, bar_px, color=color, linewidth=0))
        axes.plot([left_px, right_px], [base_px, base_px], color=_GREY, linewidth=0.8)
        even_y_px = base_px - even_px
        axes.plot(
            [left_px, right_px], [even_y_px, even_y_px], color=_INK, linewidth=0.8, linestyle=(0, (2, 3))
        )
    caption = drawable("bars: attention of each frame (together 100 %); dotted: an even share", size_pt=8)
    axes.text(_MARGIN_PX, layout.height_px - 20, caption.text, color=_GREY, va="center", **caption.style)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
