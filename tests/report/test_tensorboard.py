"""The history as TensorBoard reads it."""

import builtins
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import MachineError
from pipeline.report.tensorboard import EventWriter

pytest.importorskip("tensorboard")


def _row(epoch: int) -> dict[str, Any]:
    return {
        "epoch": epoch,
        "stage": "all",
        "learning_rate": 1e-3,
        "train_loss": 1 / epoch,
        "train_macro_f1": 0.5,
        "val_loss": 2 / epoch,
        "val_loss_rescaled": 1.5 / epoch,
        "val_accuracy": 0.75,
        "val_macro_f1": 0.25,
    }


def _read(folder: Path) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {
        name: [(event.step, event.value) for event in events.Scalars(name)]
        for name in events.Tags()["scalars"]
    }


def test_each_epoch_is_there_once_after_a_resume_too(tmp_path: Path) -> None:
    for num_epochs in (2, 3):  # a run that goes on gives its earlier epochs again
        writer = EventWriter(tmp_path)
        for epoch in range(1, num_epochs + 1):
            writer.add(_row(epoch))
        writer.close()
    curves = _read(tmp_path / "tensorboard")
    assert curves["loss/validation"] == [(1, 2.0), (2, 1.0), (3, pytest.approx(2 / 3))]
    assert sorted(curves) == [
        "accuracy/validation",
        "learning rate",
        "loss/train",
        "loss/validation",
        "loss/validation, at its best temperature",
        "macro-F1/train",
        "macro-F1/validation",
    ]


def test_nothing_is_written_before_the_first_epoch(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "of another run").touch()
    EventWriter(tmp_path).close()
    assert [path.name for path in (tmp_path / "tensorboard").iterdir()] == ["of another run"]


def test_a_missing_package_is_named_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith(("tensorboard", "torch.utils.tensorboard")):
            raise ModuleNotFoundError("No module named 'tensorboard'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(
        MachineError, match=r"needs the package tensorboard.*pip install -e '\.\[tensorboard\]'"
    ):
        EventWriter(tmp_path)
