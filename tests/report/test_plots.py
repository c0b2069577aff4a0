"""Learning curves and the confusion matrix: what stands in the picture, for few and many labels."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from pipeline.report import picture, plots
from pipeline.report.plots import write_confusion_matrix, write_learning_curves


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """The figures as they are handed to the writer, which still writes them."""
    seen: list[Figure] = []
    write = picture.write_png

    def spy(path: Path, figure: Figure) -> None:
        seen.append(figure)
        write(path, figure)

    monkeypatch.setattr(plots, "write_png", spy)
    return seen


def words_of(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


MATRIX = np.array([[8, 2, 0], [0, 5, 0], [0, 0, 0]])


def test_counts_and_percentages_of_rows(tmp_path: Path, figures: list[Figure]) -> None:
    write_confusion_matrix(tmp_path / "matrix.png", MATRIX, ["up", "down", "none"])
    words = words_of(figures[0])
    assert words.count("up") == words.count("down") == words.count("none") == 2
    assert [word for word in words if word.isdigit()] == ["8", "2", "0", "0", "5", "0", "0", "0", "0"]
    assert [word for word in words if word.endswith("%")] == ["80 %", "20 %", "100 %"]
    assert "13 of 15 clips right" in words
    shown = figures[0].axes[0].images[0].get_array()
    assert shown is not None
    assert np.asarray(shown).tolist() == [[0.8, 0.2, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_rows_are_the_true_labels(tmp_path: Path, figures: list[Figure]) -> None:
    write_confusion_matrix(tmp_path / "matrix.png", MATRIX, ["up", "down", "none"])
    texts = {text.get_text(): text.get_position() for text in figures[0].axes[0].texts}
    x_px, y_px = texts["2"]
    eight_x_px, eight_y_px = texts["8"]
    assert y_px == eight_y_px
    assert x_px > eight_x_px, "the two confused clips stand in the row of `up`, the column of `down`"


def overlap(figure: Figure) -> bool:
    """Whether any two texts touch, or one leaves the picture."""
    renderer: Any = figure.canvas
    boxes = [
        text.get_window_extent(renderer.get_renderer()) for text in figure.axes[0].texts if text.get_text()
    ]
    width_px, height_px = figure.get_size_inches() * figure.dpi
    if any(box.x0 < 0 or box.y0 < 0 or box.x1 > width_px or box.y1 > height_px for box in boxes):
        return True
    edges = np.array([(box.x0, box.y0, box.x1, box.y1) for box in boxes])
    x0, y0, x1, y1 = (edges[:, [column]] for column in range(4))
    touch = (x0 + 1 < x1.T) & (x1 > x0.T + 1) & (y0 + 1 < y1.T) & (y1 > y0.T + 1)
    return bool(np.triu(touch, 1).any())


@pytest.mark.parametrize("num_labels", [1, 2, 4, 5, 9, 15, 25, 60])
def test_nothing_overlaps(tmp_path: Path, figures: list[Figure], num_labels: int) -> None:
    K = num_labels
    matrix: NDArray[np.int64] = np.diag(np.full(K, 1234)) + (np.arange(K * K).reshape(K, K) % 7 == 3)
    labels = [f"클래스 {index} with a long name" if index % 2 else f"c{index}" for index in range(K)]
    write_confusion_matrix(tmp_path / "matrix.png", matrix, labels)
    assert not overlap(figures[0])
    assert max(figures[0].get_size_inches() * 100) < 2300


def test_hostile_labels(tmp_path: Path, figures: list[Figure]) -> None:
    write_confusion_matrix(tmp_path / "matrix.png", MATRIX, ["$x^2$", "\x1b[31m\n", "x" * 500])
    words = words_of(figures[0])
    assert "$x^2$" in words
    assert r"\x1b[31m\n" in words
    assert not overlap(figures[0])


def test_a_matrix_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be \(2, 2\); got \(3, 3\)"):
        write_confusion_matrix(tmp_path / "matrix.png", MATRIX, ["a", "b"])
    assert list(tmp_path.iterdir()) == []


HISTORY: list[dict[str, float | None]] = [
    {"epoch": 1, "train_loss": 1.4, "val_loss": 1.2, "val_macro_f1": 0.3},
    {"epoch": 2, "train_loss": 1.1, "val_loss": 0.9, "val_macro_f1": 0.6},
    {"epoch": 3, "train_loss": 0.8, "val_loss": 1.0, "val_macro_f1": 0.5},
]


def test_learning_curves(tmp_path: Path, figures: list[Figure]) -> None:
    write_learning_curves(tmp_path / "curves.png", HISTORY, best_epoch=2)
    loss, f1 = figures[0].axes
    curves = {str(line.get_label()): np.asarray(line.get_xydata()) for line in loss.lines}
    np.testing.assert_array_equal(curves["training"], [[1, 1.4], [2, 1.1], [3, 0.8]])
    np.testing.assert_array_equal(curves["validation"], [[1, 1.2], [2, 0.9], [3, 1.0]])
    np.testing.assert_array_equal(curves["kept: epoch 2, 0.900"], [[2, 0.9]])
    labels = [str(line.get_label()) for line in f1.lines]
    assert "kept: epoch 2, 0.600" in labels
    assert "training" not in labels, "no macro-F1 of training was given"


@pytest.mark.parametrize("best_epoch", [None, 1, 7])
def test_curves_with_holes(tmp_path: Path, best_epoch: int | None) -> None:
    history: list[dict[str, float | None]] = [
        {"epoch": 1, "train_loss": math.nan, "val_loss": None, "val_macro_f1": 0.2},
        {"epoch": 2, "train_loss": math.inf},
    ]
    for rows in (history, history[:1], HISTORY * 100):
        write_learning_curves(tmp_path / "curves.png", rows, best_epoch=best_epoch)
    assert (tmp_path / "curves.png").stat().st_size > 1000


def test_no_epoch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one epoch"):
        write_learning_curves(tmp_path / "curves.png", [])


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_learning_curves(tmp_path / name, HISTORY, best_epoch=2)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert b"matplotlib" not in (tmp_path / "a.png").read_bytes(), "no version inside"
