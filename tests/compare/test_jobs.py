"""The answers of a fit as they are kept: whole, or not there."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.compare.jobs import read_answers, save_answers
from pipeline.compare.one_fit import FitAnswers

ANSWERS = FitAnswers(
    predicted=np.array([0, 1, 1]),
    losses=np.array([0.5, 0.25, 2.0]),
    shuffled=None,
    attention=None,
    falls=None,
    figures={"val_loss": 0.5, "epochs": 3.0, "best_epoch": 1.0},
    cpu_seconds=1.5,
)


def test_answers_are_read_back(tmp_path: Path) -> None:
    save_answers(tmp_path / "a.npz", ANSWERS)
    read = read_answers(tmp_path / "a.npz")
    assert read is not None
    assert read.figures == ANSWERS.figures
    np.testing.assert_array_equal(read.predicted, ANSWERS.predicted)


@pytest.mark.parametrize(
    ("offset", "value"), [(4, 255), (6, 1), (8, 99), (10, 99)], ids=["version", "flags", "method", "time"]
)
def test_a_damaged_file_counts_as_none_whatever_is_damaged(tmp_path: Path, offset: int, value: int) -> None:
    """Fields of the directory at the end of the archive, which numpy reads first."""
    path = tmp_path / "a.npz"
    save_answers(path, ANSWERS)
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02") + offset + 2  # the directory has a field more in front
    content[place] = value
    path.write_bytes(content)
    read = read_answers(path)
    assert read is None or read.figures == ANSWERS.figures


def test_a_file_that_is_cut_off_or_missing_counts_as_none(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_answers(path, ANSWERS)
    for length in (0, 10, path.stat().st_size // 2):
        path.write_bytes(path.read_bytes()[:length])
        assert read_answers(path) is None
    assert read_answers(tmp_path / "b.npz") is None
