"""What lies in a run folder is read back, or refused with a sentence."""

import json
from pathlib import Path

import pytest

from pipeline.errors import CheckpointError, ConflictError
from pipeline.training.options import TrainOptions
from pipeline.training.run_folder import check_same, history_csv, read_finished
from pipeline.training.task import Epoch

_EPOCH = Epoch(
    epoch=1, stage="head", learning_rate=1e-3, train_loss=1.5, train_macro_f1=0.5, val_loss=0.25,
    val_loss_rescaled=0.2, val_accuracy=1.0, val_macro_f1=1.0,
)  # fmt: skip


def _run(folder: Path, *, history: str) -> Path:
    (folder / "metrics.json").write_text(json.dumps({"accuracy": 1.0}), encoding="utf-8")
    (folder / "history.csv").write_text(history, encoding="utf-8")
    return folder


def test_a_history_is_read_back(tmp_path: Path) -> None:
    result = read_finished(_run(tmp_path, history=history_csv([_EPOCH])))
    assert result.history == (_EPOCH,)
    assert result.metrics == {"accuracy": 1.0}
    assert result.was_finished


@pytest.mark.parametrize(
    "history",
    [
        "epoch,train_loss\n1,0.5\n",  # of a version without stages
        history_csv([_EPOCH]).replace("1.5", "one"),
        history_csv([_EPOCH]).replace("learning_rate", "rate"),
    ],
)
def test_another_history_is_refused(tmp_path: Path, history: str) -> None:
    with pytest.raises(CheckpointError, match="damaged, or of another version") as caught:
        read_finished(_run(tmp_path, history=history))
    assert caught.value.exit_code == 4


def test_options_that_an_older_run_did_not_know_had_their_defaults(tmp_path: Path) -> None:
    older = TrainOptions(epochs=3).to_dict()
    for name in ("recurrence", "bidirectional_dim", "linear_penalty"):
        del older[name]
    (tmp_path / "run.json").write_text(json.dumps({"data": "d", "options": older}), encoding="utf-8")
    check_same(tmp_path, {"data": "d", "options": TrainOptions(epochs=3).to_dict()})
    with pytest.raises(ConflictError, match=r"options\.recurrence was 'lstm' and is now 'gru'"):
        check_same(tmp_path, {"data": "d", "options": TrainOptions(epochs=3, recurrence="gru").to_dict()})
