"""The film strip: the frames of one clip with their times; of a classified one with what they count for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.report.importance import SMALL_FALL, fall_points, most_important
from pipeline.report.picture import blank_figure, pixel_axes, write_png
from pipeline.report.text import drawable, text_width_px

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARGIN_PX = 24
_GAP_PX = 8
_BAR_AREA_PX = 56
_FALL_AREA_PX = 44
_FALL_LINE_PX = 22
_TIME_LINE_PX = 24
_ROW_GAP_PX = 18
_MAX_COLUMNS = 8
_STRIP_WIDTH_PX = 1280
_MAX_FRAME_PX = 240
_MIN_WIDTH_PX = 640
_NUM_TOP_LABELS = 5
_PROBABILITY_LINE_PX = 24
_CAPTION_PX = 44
_LINE_PX = 20

_INK, _GREY, _PALE, _ACCENT = "#1a1a1a", "#6b6b6b", "#e4e7eb", "#d9480f"
_BAR, _FALL = "#4c78a8", "#9c4a1a"


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Where things are, in pixels from the top left."""

    columns: int
    rows: int
    frame_px: int
    num_labels: int
    num_lines: int
    has_attention: bool
    has_falls: bool

    @property
    def width_px(self) -> int:
        strip_px = self.columns * (self.frame_px + _GAP_PX) - _GAP_PX
        return max(_MIN_WIDTH_PX, strip_px + 2 * _MARGIN_PX)

    @property
    def row_px(self) -> int:
        falls_px = _FALL_LINE_PX + _FALL_AREA_PX if self.has_falls else 0
        return self.frame_px + _TIME_LINE_PX + self._attention_px + falls_px + _ROW_GAP_PX

    @property
    def _attention_px(self) -> int:
        return _BAR_AREA_PX if self.has_attention else 0

    @property
    def falls_below_px(self) -> int:
        """From the foot of a frame to the middle of the line with its fall."""
        return _TIME_LINE_PX + self._attention_px + _FALL_LINE_PX // 2

    @property
    def strip_top_px(self) -> int:
        labels_px = self.num_labels * _PROBABILITY_LINE_PX
        return _MARGIN_PX + 42 + self.num_lines * _LINE_PX + labels_px + (20 if labels_px else 0)

    @property
    def height_px(self) -> int:
        return self.strip_top_px + self.rows * self.row_px + (_CAPTION_PX if self.has_falls else 0)

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
    importances: Sequence[float],
    title: str,
    probabilities: Mapping[str, float],
    is_unsure: bool = False,
    why_no_attention: str = "",
    note: str = "",
) -> None:
    """Draws one classified clip as a PNG: the answer, the frames in order, what each counts for under it.

    Args:
        path: a `.png`, written whole or not at all.
        frames: (T, S, S, 3) RGB, as the model saw them.
        times_seconds: of each frame in its video.
        attention_weights: of each frame; they sum to 1.
        importances: of each frame: how much the label's probability falls without it.
        title: what was classified, a file name say.
        probabilities: of every label; the most probable ones are shown.
        is_unsure: whether the answer is below the model's threshold.
        why_no_attention: leaves the attention out, and says why (`Classifier.why_no_attention`).
        note: a line of warning under the title, about damage for example.

    Raises:
        ValueError: shapes or lengths do not belong together.
    """
    if not len(times_seconds) == len(attention_weights) == len(importances):
        raise ValueError(
            f"{len(frames)} frames, {len(times_seconds)} times, {len(attention_weights)} attention weights "
            f"and {len(importances)} importances"
        )
    if not probabilities:
        raise ValueError("at least one label with its probability is needed")
    top = sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))[:_NUM_TOP_LABELS]
    lines = [(title, _GREY), *([(note, _ACCENT)] if note else [])]
    frames = _checked(frames, times_seconds)
    has_attention = not why_no_attention
    layout = _lay_out(
        len(frames), num_labels=len(top), num_lines=len(lines), has_attention=has_attention, has_falls=True
    )
    figure = blank_figure(layout.width_px, layout.height_px)
    axes = pixel_axes(figure)
    label, probability = top[0]
    share = f"{'unsure, ' if is_unsure else ''}{_percent(probability)}"
    _draw_head(axes, layout, lines=lines, answer=label, share=share)
    _draw_probabilities(axes, layout, top)
    _draw_frames(axes, layout, frames, times_seconds)
    if has_attention:
        _draw_attention(axes, layout, attention_weights)
    _draw_importance(axes, layout, importances)
    _draw_captions(axes, layout, why_no_attention)
    write_png(path, figure)


def write_clip_strip(
    path: Path,
    *,
    frames: NDArray[np.uint8],
    times_seconds: Sequence[float],
    label: str,
    lines: Sequence[str],
    note: str = "",
) -> None:
    """Draws one clip as it is stored as a PNG: what is known of it, and the frames in order with their times.

    Args:
        path: a `.png`, written whole or not at all.
        frames: (T, S, S, 3) RGB.
        times_seconds: of each frame in its video.
        label: its class.
        lines: what else is known of it, a short line each.
        note: a line of warning, about damage for example.

    Raises:
        ValueError: shapes or lengths do not belong together.
    """
    frames = _checked(frames, times_seconds)
    told = [*((line, _GREY) for line in lines), *([(note, _ACCENT)] if note else [])]
    layout = _lay_out(len(frames), num_labels=0, num_lines=len(told), has_attention=False, has_falls=False)
    figure = blank_figure(layout.width_px, layout.height_px)
    axes = pixel_axes(figure)
    _draw_head(axes, layout, lines=told, answer=label)
    _draw_frames(axes, layout, frames, times_seconds)
    write_png(path, figure)


def _checked(frames: NDArray[np.uint8], times_seconds: Sequence[float]) -> NDArray[np.uint8]:
    frames = np.asarray(frames)
    if frames.ndim != 4 or frames.shape[3] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise ValueError(f"frames must be (T, S, S, 3) uint8 with T >= 1; got {frames.shape} {frames.dtype}")
    if len(frames) != len(times_seconds):
        raise ValueError(f"{len(frames)} frames and {len(times_seconds)} times")
    return frames


def _lay_out(
    num_frames: int, *, num_labels: int, num_lines: int, has_attention: bool, has_falls: bool
) -> _Layout:
    rows = math.ceil(num_frames / _MAX_COLUMNS)
    columns = math.ceil(num_frames / rows)
    frame_px = min(_MAX_FRAME_PX, (_STRIP_WIDTH_PX + _GAP_PX) // columns - _GAP_PX)
    return _Layout(
        columns=columns, rows=rows, frame_px=frame_px, num_labels=num_labels, num_lines=num_lines,
        has_attention=has_attention, has_falls=has_falls,
    )  # fmt: skip


def _draw_head(
    axes: "Axes", layout: _Layout, *, lines: Sequence[tuple[str, str]], answer: str, share: str = ""
) -> None:
    """The lines, each with its colour, and under them the answer in large letters."""
    inner_px = layout.width_px - 2 * _MARGIN_PX
    for position, (text, color) in enumerate(lines):
        line = drawable(text, size_pt=9, max_width_px=inner_px)
        axes.text(
            _MARGIN_PX, _MARGIN_PX + position * _LINE_PX, line.text, color=color, va="center", **line.style
        )
    answer_y_px = _MARGIN_PX + 10 + len(lines) * _LINE_PX
    word = drawable(answer, size_pt=17, bold=True, max_width_px=0.8 * inner_px)
    axes.text(_MARGIN_PX, answer_y_px, word.text, color=_INK, va="center", **word.style)
    number = drawable(share, size_pt=17, bold=True)
    right_px = layout.width_px - _MARGIN_PX
    axes.text(right_px, answer_y_px, number.text, color=_INK, va="center", ha="right", **number.style)


def _draw_probabilities(axes: "Axes", layout: _Layout, top: Sequence[tuple[str, float]]) -> None:
    """Bars of the most probable labels."""
    from matplotlib.patches import Rectangle

    inner_px, right_px = layout.width_px - 2 * _MARGIN_PX, layout.width_px - _MARGIN_PX
    top_px = _MARGIN_PX + 42 + layout.num_lines * _LINE_PX
    number_px = 70
    names = [drawable(label, size_pt=9, max_width_px=0.4 * inner_px) for label, _ in top]
    label_px = max(text_width_px(name.text, name.font) for name in names)
    bar_left_px = _MARGIN_PX + label_px + 12
    bar_px = inner_px - label_px - 12 - number_px
    for position, (name, (_, probability)) in enumerate(zip(names, top, strict=True)):
        y_px = top_px + (position + 0.5) * _PROBABILITY_LINE_PX
        axes.text(_MARGIN_PX, y_px, name.text, color=_INK, va="center", **name.style)
        axes.add_patch(Rectangle((bar_left_px, y_px - 7), bar_px, 14, color=_PALE, linewidth=0))
        color = _ACCENT if position == 0 else _BAR
        filled_px = bar_px * min(max(probability, 0.0), 1.0)
        axes.add_patch(Rectangle((bar_left_px, y_px - 7), filled_px, 14, color=color, linewidth=0))
        number = drawable(_percent(probability), size_pt=9)
        axes.text(right_px, y_px, number.text, color=_INK, va="center", ha="right", **number.style)


def _draw_frames(
    axes: "Axes", layout: _Layout, frames: NDArray[np.uint8], times_seconds: Sequence[float]
) -> None:
    """The frames in rows, each with its time under it."""
    side_px = layout.frame_px
    for index, (frame, time_seconds) in enumerate(zip(frames, times_seconds, strict=True)):
        left_px, top_px = layout.corner_px(index)
        axes.imshow(
            frame, extent=(left_px, left_px + side_px, top_px + side_px, top_px), aspect="auto",
            interpolation="antialiased",
        )  # fmt: skip
        time = drawable(f"{time_seconds:.2f} s", size_pt=9)
        axes.text(left_px, top_px + side_px + 13, time.text, color=_GREY, va="center", **time.style)


def _draw_attention(axes: "Axes", layout: _Layout, attention_weights: Sequence[float]) -> None:
    """Under each frame its attention, on one scale for all."""
    from matplotlib.patches import Rectangle

    weights = np.nan_to_num(np.asarray(attention_weights, dtype=np.float64))
    peak = max(float(weights.max()), 1e-9)
    side_px = layout.frame_px
    even_px = _BAR_AREA_PX * min(1.0, 1 / len(weights) / peak)
    for index, weight in enumerate(weights):
        left_px, top_px = layout.corner_px(index)
        right_px, foot_px = left_px + side_px, top_px + side_px
        number = drawable(_percent(weight), size_pt=9)
        axes.text(right_px, foot_px + 13, number.text, color=_BAR, va="center", ha="right", **number.style)
        base_px = foot_px + _TIME_LINE_PX + _BAR_AREA_PX
        bar_px = _BAR_AREA_PX * max(weight, 0.0) / peak
        axes.add_patch(Rectangle((left_px, base_px - bar_px), side_px, bar_px, color=_BAR, linewidth=0))
        axes.plot([left_px, right_px], [base_px, base_px], color=_GREY, linewidth=0.8)
        even_y_px = base_px - even_px
        axes.plot(
            [left_px, right_px], [even_y_px, even_y_px], color=_INK, linewidth=0.8, linestyle=(0, (2, 3))
        )


def _draw_importance(axes: "Axes", layout: _Layout, importances: Sequence[float]) -> None:
    """Under each frame, from a middle line: how much the probability falls without it (up) or rises."""
    from matplotlib.patches import Rectangle

    falls = np.nan_to_num(np.asarray(importances, dtype=np.float64))
    scale = max(float(np.abs(falls).max()), SMALL_FALL)
    decisive = most_important(falls.tolist())
    side_px, half_px = layout.frame_px, _FALL_AREA_PX / 2
    for index, fall in enumerate(falls):
        left_px, top_px = layout.corner_px(index)
        right_px = left_px + side_px
        if index == decisive:
            axes.add_patch(
                Rectangle((left_px, top_px), side_px, side_px, fill=False, edgecolor=_ACCENT, linewidth=3)
            )
        number_px = top_px + side_px + layout.falls_below_px
        number = drawable(fall_points(fall), size_pt=9, bold=index == decisive)
        axes.text(right_px, number_px, number.text, color=_FALL, va="center", ha="right", **number.style)
        name = drawable("left out", size_pt=9)
        axes.text(left_px, number_px, name.text, color=_GREY, va="center", **name.style)
        middle_px = number_px + 11 + half_px
        bar_px = half_px * fall / scale
        axes.add_patch(
            Rectangle(
                (left_px, middle_px - max(bar_px, 0.0)), side_px, abs(bar_px), linewidth=1, edgecolor=_FALL,
                facecolor=_FALL if fall > 0 else "white",
            )
        )  # fmt: skip
        axes.plot([left_px, right_px], [middle_px, middle_px], color=_GREY, linewidth=0.8)


def _draw_captions(axes: "Axes", layout: _Layout, why_no_attention: str) -> None:
    lines = [
        "left out: points of 100 by which the label's probability falls without the frame; hollow: rises",
        "blue: attention of each frame (together 100 %; dotted: an even share)"
        if layout.has_attention
        else f"attention is not shown: {why_no_attention}",
    ]
    for position, line in enumerate(lines):
        caption = drawable(line, size_pt=8, max_width_px=layout.width_px - 2 * _MARGIN_PX)
        y_px = layout.height_px - 10 - (len(lines) - position) * 14
        axes.text(_MARGIN_PX, y_px, caption.text, color=_GREY, va="center", **caption.style)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
