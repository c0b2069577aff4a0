"""What a set of predictions is worth: accuracy, macro-F1, log-loss, top-k, per-class figures."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from pipeline.labels import Labels

TOP_KS = (3, 5)
"""Shown where there are more classes: the right one of so few among so many is news."""
_SMALLEST = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Figures of one set of predictions; all between 0 and 1.

    Attributes:
        accuracy: share of clips with the right label.
        macro_f1: mean of the F1 of the classes that occur among the true labels.
        balanced_accuracy: mean of the recall of those classes.
    """

    accuracy: float
    macro_f1: float
    balanced_accuracy: float

    def to_dict(self) -> dict[str, float]:
        """JSON-ready values."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "balanced_accuracy": self.balanced_accuracy,
        }


@dataclass(frozen=True, kw_only=True)
class ClassScores:
    """Figures of one class: precision, recall, F1, and support, the number of its clips."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "label": self.label,
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "support": self.support,
        }


def confusion(true: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts (K, K): rows are true classes, columns predicted ones."""
    return np.asarray(confusion_matrix(true, predicted, labels=list(range(num_classes))))


def score(true: np.ndarray, predicted: np.ndarray, num_classes: int) -> Scores:
    """Scores of predicted class indices (N,) against the true ones (N,); N is at least 1."""
    if len(true) == 0:
        raise ValueError("no predictions to score")
    hits, true_counts, predicted_counts = (
        np.bincount(indices, minlength=num_classes).astype(float)[None]
        for indices in (true[true == predicted], true, predicted)
    )
    accuracy, macro_f1, balanced = scores_of_counts(hits, true_counts, predicted_counts)
    return Scores(
        accuracy=float(accuracy[0]), macro_f1=float(macro_f1[0]), balanced_accuracy=float(balanced[0])
    )


def scores_of_counts(
    hits: np.ndarray, true_counts: np.ndarray, predicted_counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accuracy, macro-F1 and balanced accuracy, each (R,), of R sets of predictions.

    Args:
        hits: (R, K) clips of each class that were predicted as it.
        true_counts: (R, K) clips of each class. Classes without one are left out of the means.
        predicted_counts: (R, K) clips predicted as each class.
    """
    occurs = true_counts > 0
    num_occurring = occurs.sum(axis=1)
    f1 = np.where(occurs, 2 * hits / np.maximum(true_counts + predicted_counts, 1), 0.0)
    recall = np.where(occurs, hits / np.maximum(true_counts, 1), 0.0)
    accuracy = hits.sum(axis=1) / true_counts.sum(axis=1)
    return accuracy, f1.sum(axis=1) / num_occurring, recall.sum(axis=1) / num_occurring


def score_classes(true: np.ndarray, predicted: np.ndarray, labels: Labels) -> tuple[ClassScores, ...]:
    """Precision, recall, F1 and support of each class; 0 where a figure has no denominator."""
    precision, recall, f1, support = precision_recall_fscore_support(
        true, predicted, labels=list(range(len(labels))), zero_division=0.0
    )
    return tuple(
        ClassScores(
            label=label,
            precision=float(precision[index]),
            recall=float(recall[index]),
            f1=float(f1[index]),
            support=int(support[index]),
        )
        for index, label in enumerate(labels)
    )


def log_losses(true: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """-log p of the true class of each clip (N,), of probabilities (N, K); their mean is the log-loss."""
    chosen = probabilities[np.arange(len(true)), true]
    return np.asarray(-np.log(np.maximum(chosen, _SMALLEST)))


def top_k_hits(true: np.ndarray, probabilities: np.ndarray) -> dict[int, np.ndarray]:
    """Whether the true class is among the k most probable, (N,) for each k of `TOP_KS` below K.

    Of equal probabilities the first class comes first, as in the prediction itself.
    """
    num_classes = probabilities.shape[1]
    chosen = probabilities[np.arange(len(true)), true][:, None]
    before = (probabilities == chosen) & (np.arange(num_classes)[None] < true[:, None])
    ranks = (probabilities > chosen).sum(axis=1) + before.sum(axis=1)  # from 0
    return {k: ranks < k for k in TOP_KS if k < num_classes}
