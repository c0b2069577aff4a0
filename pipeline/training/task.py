"""What is fitted to what, and what comes of it: plain data, so that anything can call the loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import nn

Stage = Literal["head", "all"]


class Batches(Protocol):
    """Labelled clips that come in batches."""

    class_indices: np.ndarray
    """(N,) int64, the labels."""

    def inputs(self, rows: Sequence[int], *, epoch: int | None) -> torch.Tensor:
        """The model's inputs for some clips; `epoch` seeds augmentation, None means none."""

    def targets(self, rows: Sequence[int] | np.ndarray, *, epoch: int | None) -> np.ndarray:
        """The labels (B,) of these inputs: augmentation may change them."""

    def name(self, row: int) -> str:
        """What a person calls the clip."""


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
        stage: what is trained: the head alone, or all of the model.
        most_at_once: clips that go through the model together, where memory is short: a batch goes in parts
            whose gradients add up to its own. None: whole batches.
    """

    model: nn.Module
    logits: Callable[[torch.Tensor], torch.Tensor]
    parameter_groups: list[dict[str, Any]]
    train: Batches
    val: Batches
    num_classes: int
    device: torch.device
    stage: Stage = "head"
    most_at_once: int | None = None


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One row of the history. Losses are class-weighted cross-entropy; the rate is that of the last step.

    `stage` says what was trained: the head alone, or all. `val_loss_rescaled` is the validation loss at its
    best temperature: it leaves out how sure the answers are, which goes on growing while they still get
    better. Early stopping goes by it.
    """

    epoch: int
    stage: Stage
    learning_rate: float
    train_loss: float
    train_macro_f1: float
    val_loss: float
    val_loss_rescaled: float
    val_accuracy: float
    val_macro_f1: float


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """History of all epochs, and the one whose weights the model now has; 0: those that it started from."""

    history: tuple[Epoch, ...]
    best_epoch: int
