"""All that changes while a model is fitted, and the file that keeps it."""

import io
import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from pipeline.errors import CheckpointError, MachineError
from pipeline.files import write_bytes
from pipeline.model.weights import read_state
from pipeline.training.options import TrainOptions
from pipeline.training.task import Epoch, Task

_LEAST_SECONDS_BETWEEN_SAVES = 1.0
_WORK_FOR_EACH_SAVE = 20  # at most a twentieth of the time goes into saving


class FitState:
    """Weights, optimiser, history, and how far the epoch has come.

    Attributes:
        model, optimizer: of the task.
        rates: factor on the learning rate of each of the optimiser's groups.
        history: the epochs that are done.
        best_epoch, best_loss, best_weights: of the lowest rescaled validation loss so far.
        steps_done: of the epoch that is under way.
        loss_sum: over the clips of these steps.
        predicted: (N,) the classes that training gave its clips, in the order of the epoch.
    """

    def __init__(self, task: Task, options: TrainOptions) -> None:
        self.model = task.model
        self.optimizer = torch.optim.AdamW(
            [{"params": group["params"]} for group in task.parameter_groups],
            lr=options.peak_learning_rate,
            weight_decay=options.weight_decay,
            fused=task.device.type in ("cpu", "cuda"),  # 0.4 instead of 2.0 ms of CPU a step of a head
        )
        self.rates = [float(group["rate"]) for group in task.parameter_groups]
        self.history: list[Epoch] = []
        self.best_epoch = 0
        self.best_loss = math.inf
        self.best_weights: dict[str, torch.Tensor] = {}
        self.steps_done = 0
        self.loss_sum = 0.0
        self.predicted = np.empty(len(task.train.class_indices), np.int64)
        self._saved_at, self._save_seconds = time.monotonic(), 0.0

    def finished(self, options: TrainOptions) -> bool:
        """Whether all epochs are done, or enough of them without a better one."""
        done = len(self.history)
        return done >= options.epochs or done - self.best_epoch >= options.patience

    def keep_if_best(self, epoch: int, loss: float) -> None:
        """Keeps the weights if their rescaled validation loss is the lowest so far."""
        if loss < self.best_loss:
            self.best_epoch, self.best_loss = epoch, loss
            self.best_weights = {
                name: weight.detach().clone() for name, weight in self.model.state_dict().items()
            }

    def add(self, row: Epoch) -> None:
        """Ends the epoch that is under way."""
        self.history.append(row)
        self.steps_done, self.loss_sum = 0, 0.0
        self.keep_if_best(row.epoch, row.val_loss_rescaled)

    def is_due(self) -> bool:
        """Whether it is time to save: seldom enough that saving costs little."""
        wait = max(_LEAST_SECONDS_BETWEEN_SAVES, _WORK_FOR_EACH_SAVE * self._save_seconds)
        return time.monotonic() - self._saved_at > wait

    def save(self, path: Path) -> None:
        """Writes all of it, whole or not at all.

        Raises:
            MachineError: it cannot be written; what was saved before stays.
        """
        started = time.monotonic()
        buffer = io.BytesIO()
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "best_weights": self.best_weights,
                "best_epoch": self.best_epoch,
                "best_loss": self.best_loss,
                "history": [asdict(row) for row in self.history],
                "steps_done": self.steps_done,
                "loss_sum": self.loss_sum,
                "predicted": torch.from_numpy(self.predicted),
            },
            buffer,
        )
        try:
            write_bytes(path, buffer.getvalue())
        except MachineError as error:
            raise MachineError(
                f"{error}. Training stopped; what was saved before stays. Mend this and run the same command "
                "again: it goes on from there."
            ) from error
        self._saved_at = time.monotonic()
        self._save_seconds = self._saved_at - started

    def restore(self, path: Path) -> None:
        """Takes over what `save` wrote.

        Raises:
            CheckpointError: the file is damaged, or of another run.
        """
        try:
            saved = read_state(path)
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.best_weights = saved["best_weights"]
            self.best_epoch, self.best_loss = saved["best_epoch"], saved["best_loss"]
            self.history = [Epoch(**row) for row in saved["history"]]
            self.steps_done, self.loss_sum = saved["steps_done"], saved["loss_sum"]
            self.predicted[:] = saved["predicted"].numpy()
        except Exception as error:
            raise CheckpointError(
                f"{path} cannot be resumed from: it is damaged, or not of this run. "
                "Delete it to train from the start."
            ) from error
