"""What one head said of all clips, each held back once a repeat."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Held-back answers of one head, from one kind of features and one share of the clips.

    Attributes:
        predicted: class indices (R, N) of R repeats of N clips.
        losses: -log p of the true class (R, N).
        shuffled: class indices (R, S, N) on S random orders of the frames; None: not asked.
    """

    predicted: np.ndarray
    losses: np.ndarray
    shuffled: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Checks shapes and that the answers are class indices with a loss each."""
        if self.predicted.ndim != 2 or 0 in self.predicted.shape:
            raise ValueError(f"predicted has shape {self.predicted.shape}; it takes (R repeats, N clips).")
        if self.losses.shape != self.predicted.shape:
            raise ValueError(
                f"losses have shape {self.losses.shape}; they take that of predicted, {self.predicted.shape}."
            )
        if not np.isfinite(self.losses).all():
            raise ValueError(f"{int((~np.isfinite(self.losses)).sum())} losses are not finite numbers.")
        R, N = self.predicted.shape
        if self.shuffled is not None and (
            self.shuffled.ndim != 3 or (self.shuffled.shape[0], self.shuffled.shape[2]) != (R, N)
        ):
            raise ValueError(f"shuffled has shape {self.shuffled.shape}; it takes ({R}, S orders, {N}).")
        for indices in (self.predicted, self.shuffled):
            if indices is not None and indices.dtype.kind not in "iu":
                raise ValueError(f"answers of type {indices.dtype}; they are class indices, whole numbers.")

    def __repr__(self) -> str:
        """Shapes, not arrays."""
        orders = "" if self.shuffled is None else f", shuffled {self.shuffled.shape}"
        return f"Answers(predicted {self.predicted.shape}{orders})"

    @classmethod
    def always(cls, class_index: int, losses: np.ndarray) -> Self:
        """The answers of a head that says one class of every clip; its losses are (R, N)."""
        return cls(predicted=np.full(losses.shape, class_index), losses=losses)
