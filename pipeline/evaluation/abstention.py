"""Answers that are withheld because the model is not sure enough, and what is left of the others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import beta

SURETY = 0.95
"""How sure a threshold is to keep its promise."""


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


def choose_threshold(
    confidences: np.ndarray, right: np.ndarray, groups: Sequence[str], *, wanted_precision: float
) -> tuple[float | None, str]:
    """The lowest threshold whose answers are right often enough, surely, and why it is what it is.

    "Right often enough" is the exact lower bound of a binomial share (Clopper and Pearson, 1934), one-sided
    at `SURETY`, with each group counted as one answer: clips of one group may all be right or wrong together.
    The share itself will not do: simulated with 49 to 300 clips and calibrated probabilities, the threshold
    at which it is as wanted kept its promise on new clips in about half the cases, this one in .95 or more.
    The clips also decided when training stopped, which makes them a little easier than new ones.

    Args:
        confidences: the probability of each validation answer (N,).
        right: whether it was right (N,).
        groups: the group of each clip.
        wanted_precision: the share of answers that should be right, between 0 and 1.

    Returns:
        The threshold, rounded down so that the last bits of another runtime do not matter; None where no part
        of the answers shows that precision; and a sentence.
    """
    order = np.argsort(-confidences, kind="stable")
    sure, rights = confidences[order], np.asarray(right, dtype=float)[order]
    num_kept = np.arange(1, len(order) + 1)
    precisions = rights.cumsum() / num_kept
    is_new = np.zeros(len(order), dtype=int)
    is_new[np.unique([groups[row] for row in order], return_index=True)[1]] = 1
    num_groups = is_new.cumsum()
    bounds = _lower_bound(precisions * num_groups, num_groups)
    ends = np.append(sure[1:] < sure[:-1], True)  # equal confidences are kept or withheld together
    enough = np.flatnonzero(ends & (bounds >= wanted_precision))
    if len(enough):
        last = int(enough[-1])
        return math.floor(sure[last] * 1e6) / 1e6, (
            f"{int(rights[: last + 1].sum())} of the {last + 1} validation answers that are as sure are "
            f"right: this shows {bounds[last]:.3f} or more ({SURETY:.0%} sure)"
        )
    best = int(np.argmax(np.where(ends, bounds, -1)))
    shown = (
        f"{num_kept[best]} of {len(order)} answers, from {num_groups[best]} groups, show {bounds[best]:.3f}"
    )
    return None, (
        f"the validation clips do not show a precision of {wanted_precision:g}: at best, {shown} or more "
        f"({SURETY:.0%} sure)"
    )


def _lower_bound(num_right: np.ndarray, num_all: np.ndarray) -> np.ndarray:
    """Exact one-sided lower bounds of shares; counts need not be whole."""
    bounds = beta.ppf(1 - SURETY, np.maximum(num_right, 1e-9), num_all - num_right + 1)
    return np.where(num_right > 0, bounds, 0.0)
