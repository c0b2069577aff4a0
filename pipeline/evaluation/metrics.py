"""What a set of predictions is worth: accuracy, macro-F1, per-class figures, and how sure we can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from pipeline.labels import Labels

MIN_GROUPS_FOR_INTERVAL = 20
_NUM_RESAMPLES = 2000
_CHUNK_RESAMPLES = 200


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
    accuracy, macro_f1, balanced = _scores_of_confusions(confusion(true, predicted, num_classes)[None])
    return Scores(
        accuracy=float(accuracy[0]), macro_f1=float(macro_f1[0]), balanced_accuracy=float(balanced[0])
    )


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


def bootstrap_intervals(
    true: np.ndarray,
    predicted: np.ndarray,
    groups: Sequence[str],
    *,
    num_classes: int,
    seed: int = 0,
) -> dict[str, tuple[float, float]] | None:
    """95 % percentile-bootstrap intervals of the scores, drawing whole groups with replacement.

    Clips of one group are not independent, so the group is what is drawn (the cluster bootstrap of Davison
    and Hinkley, Bootstrap Methods and their Application, 1997, section 3.8).

    Returns:
        {"accuracy": (low, high), "macro_f1": ..., "balanced_accuracy": ...}; None where such an interval
        would promise too much: with fewer than `MIN_GROUPS_FOR_INTERVAL` groups, and where all answers are
        right or all wrong, which every resample repeats.
    """
    names = sorted(set(groups))
    num_right = int((np.asarray(true) == np.asarray(predicted)).sum())
    if len(names) < MIN_GROUPS_FOR_INTERVAL or num_right in (0, len(true)):
        return None
    index_of = {name: index for index, name in enumerate(names)}
    per_group = np.zeros((len(names), num_classes, num_classes))
    for true_class, predicted_class, group in zip(true, predicted, groups, strict=True):
        per_group[index_of[group], true_class, predicted_class] += 1
    random = np.random.default_rng(seed)
    chunks = []
    for _ in range(_NUM_RESAMPLES // _CHUNK_RESAMPLES):
        counts = random.multinomial(
            len(names), np.full(len(names), 1 / len(names)), size=_CHUNK_RESAMPLES
        )  # how often each group is drawn
        resampled = np.tensordot(counts.astype(float), per_group, axes=1)
        chunks.append(np.stack(_scores_of_confusions(resampled)))
    values = np.concatenate(chunks, axis=1)
    low, high = np.quantile(values, [0.025, 0.975], axis=1)
    keys = ("accuracy", "macro_f1", "balanced_accuracy")
    return {key: (float(low[row]), float(high[row])) for row, key in enumerate(keys)}


def _scores_of_confusions(confusions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accuracy, macro-F1 and balanced accuracy, each (R,), of confusion matrices (R, K, K).

    Classes without a true clip are left out of the means.
    """
    hits = np.diagonal(confusions, axis1=1, axis2=2)  # (R, K)
    true_counts = confusions.sum(axis=2)  # (R, K)
    predicted_counts = confusions.sum(axis=1)  # (R, K)
    occurs = true_counts > 0
    num_occurring = occurs.sum(axis=1)
    f1 = np.where(occurs, 2 * hits / np.maximum(true_counts + predicted_counts, 1), 0.0)
    recall = np.where(occurs, hits / np.maximum(true_counts, 1), 0.0)
    accuracy = hits.sum(axis=1) / confusions.sum(axis=(1, 2))
    return accuracy, f1.sum(axis=1) / num_occurring, recall.sum(axis=1) / num_occurring
