"""Answers that are withheld because the model is not sure enough, and what is left of the others."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, kw_only=True)
class Abstention:
    """What is left when answers below a threshold are withheld.

    Attributes:
        threshold: the lowest probability of an answer that is given.
        num_kept: answers given.
        coverage: their share of all.
        precision: the share of them that is right; None: none is given.
    """

    threshold: float
    num_kept: int
    coverage: float
    precision: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "threshold": self.threshold,
            "num_kept": self.num_kept,
            "coverage": self.coverage,
            "precision": self.precision,
        }


def withhold(confidences: np.ndarray, right: np.ndarray, *, threshold: float) -> Abstention:
    """Withholds the answers whose confidence (N,) is below the threshold; right (N,) says which are right."""
    kept = confidences >= threshold
    num_kept = int(kept.sum())
    return Abstention(
        threshold=threshold,
        num_kept=num_kept,
        coverage=num_kept / len(kept),
        precision=float(right[kept].mean()) if num_kept else None,
    )
