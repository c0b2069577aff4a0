"""Plots of a training run: its learning curves and its confusion matrix."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.report.picture import blank_figure, pixel_axes, place_axes, write_png
from pipeline.report.text import drawable, text_width_px

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK, _GREY, _BLUE, _LIGHT_BLUE, _ORANGE = "#1a1a1a", "#6b6b6b", "#4c78a8", "#8fb4d9", "#d9480f"
_MAX_LABEL_PX = 190
_TITLE_PX = 44


def write_learning_curves(
    path: Path, history: Sequence[Mapping[str, float | None]], *, best_epoch: int | None = None
) -> None:
    """Draws loss and macro-F1 over the epochs of a run as a PNG.

    Args:
        path: a `.png`, written whole or not at all.
        history: a row for each epoch with `epoch`, `train_loss`, `val_loss`, `val_macro_f1` and, if there
            are any, `val_loss_rescaled` and `train_macro_f1`; what is None, NaN or absent is left out.
        best_epoch: the epoch whose weights were kept; marked on the last curve of both plots.

    Raises:
        ValueError: no epoch at all.
    """
    if not history:
        raise ValueError("learning curves need at least one epoch")
    figure = blank_figure(1100, 430)
    for position, (title, curves) in enumerate(
        (
            (
                "loss",
                {
                    "train_loss": "training",
                    "val_loss": "validation",
                    "val_loss_rescaled": "validation, at its best temperature",
                },
            ),
            ("macro-F1", {"train_macro_f1": "training", "val_macro_f1": "validation"}),
        )
    ):
        axes = place_axes(figure, left_px=64 + position * 540, top_px=44, width_px=450, height_px=320)
        _draw_curves(axes, history, curves, title=title, best_epoch=best_epoch)
    figure.axes[1].set_ylim(-0.02, 1.02)
    write_png(path, figure)


def _draw_curves(
    axes: "Axes",
    history: Sequence[Mapping[str, float | None]],
    curves: Mapping[str, str],
    *,
    title: str,
    best_epoch: int | None,
) -> None:
    from matplotlib.ticker import MaxNLocator

    epochs = _column(history, "epoch")
    drawn = {key: name for key, name in curves.items() if not np.isnan(_column(history, key)).all()}
    for (key, name), color in zip(drawn.items(), (_GREY, _BLUE, _LIGHT_BLUE), strict=False):
        values = _column(history, key)
        marker = "o" if np.isfinite(values).sum() <= 30 else None
        axes.plot(epochs, values, color=color, linewidth=1.8, marker=marker, markersize=4, label=name)
        if best_epoch is not None and key == list(drawn)[-1] and best_epoch in epochs:
            best = float(values[epochs == best_epoch][0])
            axes.axvline(best_epoch, color=_ORANGE, linewidth=1, linestyle=(0, (3, 3)))
            axes.plot(
                [best_epoch],
                [best],
                color=_ORANGE,
                marker="o",
                markersize=8,
                linestyle="none",
                label=f"kept: epoch {best_epoch}, {best:.3f}",
            )
    axes.set_title(title, loc="left", fontsize=12)
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 1, epochs[0] + 1)
    axes.grid(color="#e4e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9)


def _column(history: Sequence[Mapping[str, float | None]], key: str) -> NDArray[np.float64]:
    """One value a row; NaN where there is none that can be drawn."""
    values = [row.get(key) for row in history]
    return np.array([value if value is not None and math.isfinite(value) else np.nan for value in values])


def write_confusion_matrix(path: Path, matrix: NDArray[np.int64], labels: Sequence[str]) -> None:
    """Draws true against predicted labels as a PNG: counts, and the share of the row by number and shade.

    Args:
        path: a `.png`, written whole or not at all.
        matrix: (K, K) clips counted; row: the true label, column: the predicted one.
        labels: K names in the order of the rows.

    Raises:
        ValueError: the matrix is not (K, K).
    """
    matrix = np.asarray(matrix)
    K = len(labels)
    if matrix.shape != (K, K) or not K:
        raise ValueError(f"the confusion matrix of {K} labels must be ({K}, {K}); got {matrix.shape}")
    cell_px = 96 if K <= 4 else 76 if K <= 8 else 56 if K <= 14 else 44 if K <= 24 else 30
    label_pt = 10 if cell_px >= 44 else 8
    names = [drawable(label, size_pt=label_pt, max_width_px=_MAX_LABEL_PX) for label in labels]
    names_px = max(text_width_px(name.text, name.font) for name in names)
    upright = names_px > cell_px - 8  # the names under the columns stand on end
    left_px, grid_px = 56 + names_px, K * cell_px
    foot_px = (names_px if upright else 16) + 60
    figure = blank_figure(max(left_px + grid_px + 24, 420), _TITLE_PX + grid_px + foot_px)
    axes = pixel_axes(figure)
    _draw_cells(axes, matrix, left_px=left_px, cell_px=cell_px)
    for index, name in enumerate(names):
        centre_px = (index + 0.5) * cell_px
        axes.text(
            left_px - 8, _TITLE_PX + centre_px, name.text, color=_INK, ha="right", va="center", **name.style
        )
        axes.text(
            left_px + centre_px,
            _TITLE_PX + grid_px + 8,
            name.text,
            color=_INK,
            ha="center",
            va="top",
            rotation=90 if upright else 0,
            **name.style,
        )
    num_clips, num_right = int(matrix.sum()), int(np.trace(matrix))
    title = drawable(f"{num_right} of {num_clips} clips right", size_pt=11, bold=True)
    axes.text(left_px, 22, title.text, color=_INK, va="center", **title.style)
    middle_px = grid_px / 2
    for text, x_px, y_px, rotation in (
        ("true label", 18, _TITLE_PX + middle_px, 90),
        ("predicted label", left_px + middle_px, _TITLE_PX + grid_px + foot_px - 22, 0),
    ):
        word = drawable(text, size_pt=10)
        axes.text(
            x_px, y_px, word.text, color=_GREY, ha="center", va="center", rotation=rotation, **word.style
        )
    write_png(path, figure)


def _draw_cells(axes: "Axes", matrix: NDArray[np.int64], *, left_px: float, cell_px: int) -> None:
    """The shaded grid with counts and, where there is room, the percentage of the row under them."""
    from matplotlib import colormaps

    K = len(matrix)
    row_sums = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(row_sums, 1)  # a label without clips has an empty row
    grid_px = K * cell_px
    extent = (left_px, left_px + grid_px, _TITLE_PX + grid_px, _TITLE_PX)
    axes.imshow(
        shares,
        extent=extent,
        aspect="auto",
        cmap=colormaps["Blues"],
        vmin=0,
        vmax=1.15,
        interpolation="nearest",
    )
    for edge in range(K + 1):
        axes.plot(
            [left_px, left_px + grid_px], [_TITLE_PX + edge * cell_px] * 2, color="#c9ced6", linewidth=0.6
        )
        axes.plot(
            [left_px + edge * cell_px] * 2, [_TITLE_PX, _TITLE_PX + grid_px], color="#c9ced6", linewidth=0.6
        )
    with_percent = cell_px >= 44
    widest = len(str(int(matrix.max()))) if K else 1
    count_pt = min(11.0 if cell_px >= 56 else 9.0, 0.72 * cell_px / (0.62 * widest) * 72 / 100)
    plain, bold = (drawable("0", size_pt=count_pt, bold=is_bold).style for is_bold in (False, True))
    small = drawable("0", size_pt=8 if cell_px >= 56 else 6.5).style
    for row, column in np.ndindex(K, K):
        count, share = int(matrix[row, column]), float(shares[row, column])
        if count == 0 and K > 8:
            continue  # empty cells of a large grid stay quiet
        x_px, y_px = left_px + (column + 0.5) * cell_px, _TITLE_PX + (row + 0.5) * cell_px
        color = "white" if share > 0.6 else _INK
        style = bold if row == column else plain
        lift_px = cell_px * 0.12 if with_percent and count else 0
        axes.text(x_px, y_px - lift_px, str(count), color=color, ha="center", va="center", **style)
        if with_percent and count:
            percent = f"{100 * share:.0f} %"
            y_px += cell_px * 0.22
            axes.text(x_px, y_px, percent, color=color, ha="center", va="center", **small)
