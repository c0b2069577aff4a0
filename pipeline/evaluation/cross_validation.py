"""What the folds of a cross-validation say together: means, honest intervals, and all held-back answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pipeline.evaluation.baselines import BASELINE_NAMES, SHUFFLED
from pipeline.evaluation.draws import Interval
from pipeline.evaluation.intervals import (
    MIN_GROUPS_FOR_INTERVAL,
    SCORE_KEYS,
    GroupScore,
    corrected_t_interval,
    group_scores,
)
from pipeline.evaluation.metrics import ClassScores, Scores, confusion, score, score_classes
from pipeline.evaluation.notes import interval_notes
from pipeline.evaluation.verdict import Verdict, verdict_on
from pipeline.labels import Labels

_SAME = 1e-12


@dataclass(frozen=True, kw_only=True)
class FoldAnswers:
    """What was said of the clips that one fold held back.

    Attributes:
        repeat, fold: which one, from 0.
        num_train, num_val: clips the model learned from, and clips that told it when to stop.
        best_epoch, epochs: of the training.
        true: class indices (N,) of the clips held back.
        logits: what the model said of them (N, K).
        baselines: those that each simpler method said (N,), fitted on the same training clips.
        shuffled: scores of the model on shuffled frames.
        groups: the group of each clip, in words.
    """

    repeat: int
    fold: int
    num_train: int
    num_val: int
    best_epoch: int
    epochs: int
    true: np.ndarray
    logits: np.ndarray
    baselines: Mapping[str, np.ndarray]
    shuffled: Scores
    groups: tuple[str, ...]

    @property
    def predicted(self) -> np.ndarray:
        """Class indices (N,) that the model said."""
        return np.asarray(self.logits.argmax(axis=1))


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """All folds together.

    Attributes:
        labels: the classes.
        num_groups: independent groups among the clips that were held back.
        per_fold: a row for each fold: which one, numbers of clips and epochs, scores of model and baselines.
        scores: the mean over folds and repeats; intervals: of these means (`corrected_t_interval`); None with
            too few groups, and where no answer or every answer is wrong.
        baselines: mean scores of the simpler methods on the same clips.
        verdict: the model beside the best of them, paired over folds.
        per_class: figures of all answers together, of all repeats; the support is that of one repeat.
        confusion: (K, K) counts of all answers of all repeats.
        per_group: the accuracy on each group, where there are too few of them for intervals.
        notes: sentences that belong to the figures.
    """

    labels: Labels
    num_groups: int
    per_fold: tuple[dict[str, Any], ...]
    scores: Scores
    intervals: dict[str, Interval] | None
    baselines: dict[str, Scores]
    verdict: Verdict
    per_class: tuple[ClassScores, ...]
    confusion: np.ndarray
    per_group: tuple[GroupScore, ...] | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "num_groups": self.num_groups,
            **self.scores.to_dict(),
            "intervals": {key: list(pair) for key, pair in self.intervals.items()}
            if self.intervals
            else None,
            "baselines": {name: scores.to_dict() for name, scores in self.baselines.items()},
            "verdict": self.verdict.to_dict(),
            "per_class": [row.to_dict() for row in self.per_class],
            "confusion_matrix": self.confusion.tolist(),
            "per_group": [row.to_dict() for row in self.per_group] if self.per_group is not None else None,
            "per_fold": list(self.per_fold),
            "notes": list(self.notes),
        }


def summarise_folds(folds: Sequence[FoldAnswers], labels: Labels) -> CrossValidation:
    """Puts the folds of a cross-validation together; at least two, each clip held back once a repeat."""
    num_classes, num_repeats = len(labels), 1 + max(each.repeat for each in folds)
    own = [score(each.true, each.predicted, num_classes) for each in folds]
    others = {
        name: [score(each.true, each.baselines[name], num_classes) for each in folds]
        for name in BASELINE_NAMES
        if name in folds[0].baselines
    }
    means = {name: _mean(scores) for name, scores in others.items()}
    true, predicted = (
        np.concatenate([getattr(each, key) for each in folds]) for key in ("true", "predicted")
    )
    groups = [group for each in folds for group in each.groups]
    num_groups = len(set(groups))
    enough = num_groups >= MIN_GROUPS_FOR_INTERVAL
    test_share = float(np.mean([len(each.true) / each.num_train for each in folds]))
    varied = int((true == predicted).sum()) not in (0, len(true))
    intervals = _intervals([_values(each) for each in own], test_share) if enough and varied else None
    unsure = enough and varied and intervals is None
    notes = ["No intervals: a score is the same in all folds, which says nothing of how sure it is."] * unsure
    best = max(means, key=lambda name: (means[name].macro_f1, means[name].accuracy))
    paired = [_values(a) - _values(b) for a, b in zip(own, others[best], strict=True)]
    differences = _intervals(paired, test_share) if enough else None
    return CrossValidation(
        labels=labels,
        num_groups=num_groups,
        per_fold=tuple(
            _row(each, scores, {name: others[name][row] for name in others})
            for row, (each, scores) in enumerate(zip(folds, own, strict=True))
        ),
        scores=_mean(own),
        intervals={key: (max(0.0, low), min(1.0, high)) for key, (low, high) in intervals.items()}
        if intervals
        else None,
        baselines={**means, SHUFFLED: _mean([each.shuffled for each in folds])},
        verdict=verdict_on(
            best,
            _mean(own).to_dict(),
            means[best].to_dict(),
            differences,
            num_groups=num_groups,
            num_folds=len(folds),
        ),
        per_class=_of_one_repeat(score_classes(true, predicted, labels), num_repeats),
        confusion=confusion(true, predicted, num_classes),
        per_group=None
        if enough
        else _groups_of_one_repeat(group_scores(true, predicted, groups), num_repeats),
        notes=(*interval_notes(true, predicted, groups), *notes),
    )


def _row(answers: FoldAnswers, own: Scores, others: Mapping[str, Scores]) -> dict[str, Any]:
    return {
        "repeat": answers.repeat + 1,
        "fold": answers.fold + 1,
        "num_train": answers.num_train,
        "num_val": answers.num_val,
        "num_test": len(answers.true),
        "best_epoch": answers.best_epoch,
        "epochs": answers.epochs,
        **own.to_dict(),
        "baselines": {
            name: scores.to_dict() for name, scores in ({**others, SHUFFLED: answers.shuffled}).items()
        },
    }


def _values(scores: Scores) -> np.ndarray:
    return np.array([getattr(scores, key) for key in SCORE_KEYS])


def _mean(scores: Sequence[Scores]) -> Scores:
    accuracy, macro_f1, balanced = np.mean([_values(each) for each in scores], axis=0).tolist()
    return Scores(accuracy=accuracy, macro_f1=macro_f1, balanced_accuracy=balanced)


def _intervals(values: Sequence[np.ndarray], test_share: float) -> dict[str, Interval] | None:
    """Of each score over the folds; None where a score is the same in all of them, and not 0."""
    columns = np.stack(values, axis=1)  # (3, folds)
    if any(np.ptp(column) < _SAME and abs(column[0]) > _SAME for column in columns):
        return None  # a spread of 0 would make certainty of a coincidence
    return {
        key: corrected_t_interval(column, test_share=test_share)
        for key, column in zip(SCORE_KEYS, columns, strict=True)
    }


def _of_one_repeat(rows: Sequence[ClassScores], num_repeats: int) -> tuple[ClassScores, ...]:
    """Each clip is among the answers once a repeat, but it is one clip."""
    return tuple(
        ClassScores(
            label=row.label,
            precision=row.precision,
            recall=row.recall,
            f1=row.f1,
            support=row.support // num_repeats,
        )
        for row in rows
    )


def _groups_of_one_repeat(groups: Sequence[GroupScore], num_repeats: int) -> tuple[GroupScore, ...]:
    return tuple(replace(group, support=group.support // num_repeats) for group in groups)
