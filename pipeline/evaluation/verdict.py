"""Does this data need the model? It is compared with the best of the simpler methods, clip by clip."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.baselines import BASELINE_NAMES, BASELINE_TEXTS
from pipeline.evaluation.draws import Interval
from pipeline.evaluation.intervals import MIN_GROUPS_FOR_INTERVAL, paired_intervals
from pipeline.evaluation.metrics import score

_KEYS = ("macro_f1", "accuracy")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A model beside the best of its baselines, on the same clips.

    Attributes:
        sentence: all of it in words.
        baseline: name of the best one by macro-F1; None: there is none to compare with. It was chosen on
            these same clips, which flatters it a little.
        difference: macro-F1 and accuracy of the model minus those of the baseline.
        interval: their 95 % intervals, paired over groups; None with too few groups.
        beats: whether the model has more macro-F1, beyond the interval, without surely less accuracy; None:
            that cannot be told.
    """

    sentence: str
    baseline: str | None
    difference: dict[str, float] | None
    interval: dict[str, Interval] | None
    beats: bool | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "sentence": self.sentence,
            "baseline": self.baseline,
            "difference": self.difference,
            "interval": {key: list(pair) for key, pair in self.interval.items()} if self.interval else None,
            "beats": self.beats,
        }


def compare_with_best(
    true: np.ndarray,
    predicted: np.ndarray,
    baselines: Mapping[str, np.ndarray],
    groups: Sequence[str],
    *,
    num_classes: int,
) -> Verdict:
    """Compares predictions with those of the best baseline.

    Args:
        true: class indices (N,).
        predicted: class indices (N,) by the model.
        baselines: class indices (N,) by each simpler method.
        groups: the group of each clip.
        num_classes: K.
    """
    if not baselines:
        return Verdict(
            sentence="Whether this data needs it cannot be told: there is no simpler method to compare with.",
            baseline=None,
            difference=None,
            interval=None,
            beats=None,
        )
    scores = {name: score(true, baselines[name], num_classes) for name in BASELINE_NAMES if name in baselines}
    # Of equals the first, which is the simplest.
    best = max(scores, key=lambda name: (scores[name].macro_f1, scores[name].accuracy))
    own, other = score(true, predicted, num_classes).to_dict(), scores[best].to_dict()
    paired = paired_intervals(true, predicted, baselines[best], groups, num_classes=num_classes)
    return verdict_on(best, own, other, paired, num_groups=len(set(groups)))


def verdict_on(
    baseline: str,
    own: Mapping[str, float],
    other: Mapping[str, float],
    intervals: Mapping[str, Interval] | None,
    *,
    num_groups: int,
    num_folds: int | None = None,
) -> Verdict:
    """The verdict on a model beside a baseline.

    Args:
        baseline: its name.
        own: macro-F1 and accuracy of the model.
        other: those of the baseline.
        intervals: of the differences, paired; None with too few groups, or where they do not vary.
        num_groups: that they rest on.
        num_folds: of a cross-validation, whose folds the intervals are taken over.
    """
    over = f"{num_groups} groups" if num_folds is None else f"{num_folds} folds of {num_groups} groups"
    interval = {key: intervals[key] for key in _KEYS} if intervals else None
    return Verdict(
        sentence=_sentence(BASELINE_TEXTS[baseline], own, other, interval, num_groups=num_groups, over=over),
        baseline=baseline,
        difference={key: own[key] - other[key] for key in _KEYS},
        interval=interval,
        beats=interval["macro_f1"][0] > 0 and interval["accuracy"][1] >= 0 if interval else None,
    )


def _sentence(
    baseline: str,
    own: Mapping[str, float],
    other: Mapping[str, float],
    interval: Mapping[str, Interval] | None,
    *,
    num_groups: int,
    over: str,
) -> str:
    against = (
        f"macro-F1 {own['macro_f1']:.3f} against {other['macro_f1']:.3f}, "
        f"accuracy {own['accuracy']:.3f} against {other['accuracy']:.3f}"
    )
    if interval is None and num_groups >= MIN_GROUPS_FOR_INTERVAL:
        return (
            "Whether this data needs it cannot be told: all folds have the same difference, which says "
            "nothing of how sure it is. Beside the best of the simpler methods, "
            f"{baseline}, it has {against}."
        )
    if interval is None:
        return (
            f"Whether this data needs it cannot be told from {num_groups} independent groups (at least "
            f"{MIN_GROUPS_FOR_INTERVAL} are needed). Beside the best of the simpler methods, {baseline}, it "
            f"has {against}."
        )
    (low, high), (accuracy_low, accuracy_high) = interval["macro_f1"], interval["accuracy"]
    sure = (
        f"{against} (95 % interval of the difference {low:+.3f} to {high:+.3f} in macro-F1, "
        f"{accuracy_low:+.3f} to {accuracy_high:+.3f} in accuracy, over {over})"
    )
    if low > 0 and accuracy_high < 0:
        return (
            f"It is better in macro-F1 than the best of the simpler methods, {baseline}, and surely less "
            f"often right: {sure}. Which of the two counts depends on whether rare classes matter as much as "
            "frequent ones."
        )
    if low > 0:
        return f"It is better than the best of the simpler methods, {baseline}: {sure}."
    if high < 0:
        return f"This data does not need it: the simpler {baseline} is better: {sure}."
    return (
        f"This data does not need it, as far as can be told: it is not surely better than {baseline}: {sure}."
    )
