"""Do probabilities mean what they say? Of the answers given with .8, eight in ten should be right."""

from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_BINS = 10
MIN_CLIPS_A_BIN = 10
_NUM_DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class ReliabilityBin:
    """Clips of about the same confidence: how many, their mean confidence, and the share that was right."""

    num_clips: int
    confidence: float
    accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"num_clips": self.num_clips, "confidence": self.confidence, "accuracy": self.accuracy}


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """The reliability diagram of a set of answers, and its one figure.

    Attributes:
        ece: expected calibration error: the mean distance between confidence and accuracy of the bins, by
            clips. It is never 0 on few clips, however good the probabilities are; so it comes with
        ece_if_calibrated: the mean and the 95 % quantile of the figure if every answer were right with
            exactly the probability it was given with.
        bins: from the least to the most confident.
    """

    ece: float
    ece_if_calibrated: tuple[float, float]
    bins: tuple[ReliabilityBin, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        mean, quantile = self.ece_if_calibrated
        return {
            "ece": self.ece,
            "ece_if_calibrated": {"mean": mean, "quantile_95": quantile},
            "bins": [each.to_dict() for each in self.bins],
        }


def reliability(confidences: np.ndarray, right: np.ndarray, *, seed: int = 0) -> Reliability:
    """Compares how sure answers were with how often they were right.

    The bins hold equally many clips (Nguyen and O'Connor, Posterior Calibration and Exploratory Analysis for
    Natural Language Processing Models, 2015), `MIN_CLIPS_A_BIN` or more of them, `MAX_BINS` bins at most.
    What chance alone would show is drawn (Bröcker and Smith, Increasing the Reliability of Reliability
    Diagrams, 2007).

    Args:
        confidences: (N,) the probability of each answer.
        right: (N,) whether it was right.
        seed: of the draws.
    """
    order = np.argsort(confidences, kind="stable")
    confidences, right = np.asarray(confidences, dtype=float)[order], np.asarray(right, dtype=float)[order]
    N = len(order)
    num_bins = min(MAX_BINS, max(1, N // MIN_CLIPS_A_BIN))
    edges = np.linspace(0, N, num_bins + 1).round().astype(int)
    starts, sizes = edges[:-1], np.diff(edges)
    mean_confidences = np.add.reduceat(confidences, starts) / sizes
    accuracies = np.add.reduceat(right, starts) / sizes

    def error(shares: np.ndarray) -> np.ndarray:
        return np.asarray((np.abs(shares - mean_confidences) * sizes).sum(axis=-1) / N)

    random = np.random.default_rng(seed)
    drawn = [np.add.reduceat(random.random(N) < confidences, starts, dtype=float) for _ in range(_NUM_DRAWS)]
    chance = error(np.array(drawn) / sizes)
    return Reliability(
        ece=float(error(accuracies)),
        ece_if_calibrated=(float(chance.mean()), float(np.quantile(chance, 0.95))),
        bins=tuple(
            ReliabilityBin(num_clips=int(size), confidence=float(confidence), accuracy=float(accuracy))
            for size, confidence, accuracy in zip(sizes, mean_confidences, accuracies, strict=True)
        ),
    )
