"""The bench of the default's parts, on few clips: a table for each set, and finished pieces are kept."""

from pathlib import Path

import pytest

from scripts import bench_default
from scripts.made_up_sequences import make_sequences, write_sequences


def test_a_table_of_differences_and_pieces_that_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_default, "NUM_FOLDS", 2)
    write_sequences(tmp_path / "easy.npz", make_sequences("appearance", 60, 0))
    arguments = [str(tmp_path / "easy.npz"), "--out", str(tmp_path / "out"), "--settings", "64 units"]
    assert bench_default.main([*arguments, "--workers", "1"]) == 0
    first = capsys.readouterr().out
    assert "easy: 60 clips of 60 groups" in first
    assert [line.split("macro-F1")[0].strip() for line in first.splitlines()[2:]] == ["default", "64 units"]
    assert first.count("; to the default ") == 1
    assert float(first.split("macro-F1 ")[1].split(",")[0]) > 0.8
    assert len(list((tmp_path / "out").rglob("*.npz"))) == 4
    monkeypatch.setattr(bench_default, "fit_piece", None)
    assert bench_default.main(arguments) == 0
    assert capsys.readouterr().out == first
