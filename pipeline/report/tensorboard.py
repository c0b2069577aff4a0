"""The history of a run as TensorBoard reads it: `tensorboard --logdir RUN`."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import MachineError

if TYPE_CHECKING:
    pass

EVENTS_FOLDER = "tensorboard"
_CURVES = {
    "train_loss": "loss/train",
    "val_loss": "loss/validation",
    "val_loss_rescaled": "loss/validation, at its best temperature",
    "train_macro_f1": "macro-F1/train",
    "val_macro_f1": "macro-F1/validation",
    "val_accuracy": "accuracy/validation",
    "learning_rate": "learning rate",
}


class EventWriter:
    """Writes epochs as events into RUN/tensorboard.

    A run that goes on gives its earlier epochs again: events of before are removed first, so that each epoch
    is there once.

    Args:
        run: the run folder. Nothing is written before the first epoch: until then it may be another's.

    Raises:
        MachineError: the package tensorboard is missing.
    """

    def __init__(self, run: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MachineError(
                "--tensorboard needs the package tensorboard. Install it: `pip install -e '.[tensorboard]'` "
                "in the folder of clipwise, or leave the option out: history.csv is always written."
            ) from None
        self._folder = run / EVENTS_FOLDER
        self._new_writer = SummaryWriter
        self._writer: SummaryWriter | None = None

    def add(self, row: Mapping[str, Any]) -> None:
        """Writes an epoch, a row of the history.

        Raises:
            MachineError: it cannot be written.
        """
        try:
            if self._writer is None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._writer = self._new_writer(str(self._folder))
            for name, curve in _CURVES.items():
                self._writer.add_scalar(curve, row[name], row["epoch"])
            self._writer.flush()
        except OSError as error:
            raise MachineError(f"cannot write {self._folder}: {error.strerror or error}") from error

    def close(self) -> None:
        """Ends the file."""
        if self._writer is not None:
            self._writer.close()
