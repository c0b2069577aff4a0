"""Made-up clips in groups, and regressions really fitted on them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from pipeline.compare.answers import Answers
from pipeline.evaluation.metrics import log_losses

NUM_FEATURES = 12
KINDS = {"strong": (NUM_FEATURES, 0.01), "weak": (NUM_FEATURES, 100.0), "few features": (3, 1.0)}
"""Regressions: how many of the features each looks at, and how little it is held back (C)."""


@dataclass(frozen=True, kw_only=True)
class Clips:
    """Features (N, D), classes (N,) and the group of each clip."""

    features: np.ndarray
    classes: np.ndarray
    groups: np.ndarray


class Source:
    """Where clips come from: class means, and groups that each have their own look."""

    def __init__(
        self, *, num_classes: int, separation: float, group_spread: float, pure: bool = False
    ) -> None:
        """`pure`: groups are of one class each, else of clips of any class."""
        self.num_classes, self.group_spread, self.pure = num_classes, group_spread, pure
        self.means = np.random.default_rng(0).normal(
            0, separation / NUM_FEATURES**0.5, (num_classes, NUM_FEATURES)
        )

    def draw(self, random: np.random.Generator, num_groups: int) -> Clips:
        """1 to 8 clips a group."""
        sizes = random.integers(1, 9, num_groups)
        groups = np.repeat(np.arange(num_groups), sizes)
        if self.pure:
            classes = np.arange(num_groups)[groups] % self.num_classes
        else:
            classes = random.integers(0, self.num_classes, len(groups))
        look = random.normal(0, self.group_spread, (num_groups, NUM_FEATURES))[groups]
        features = self.means[classes] + look + random.normal(0, 1, (len(groups), NUM_FEATURES))
        return Clips(features=features, classes=classes, groups=groups.astype(str))


def fitted(kind: str, features: np.ndarray, classes: np.ndarray) -> LogisticRegression:
    used, strength = KINDS[kind]
    return LogisticRegression(C=strength, max_iter=200, tol=1e-3).fit(features[:, :used], classes)


def log_probabilities(
    kind: str, model: LogisticRegression, features: np.ndarray, num_classes: int
) -> np.ndarray:
    """(N, K); a class that was not among those trained on has next to none."""
    found = model.predict_log_proba(features[:, : KINDS[kind][0]])
    full = np.full((len(features), num_classes), -12.0)
    full[:, model.classes_] = np.maximum(found, -12.0)
    return np.asarray(full - logsumexp(full, axis=1, keepdims=True))


def cross_validated(
    kind: str, clips: Clips, *, num_classes: int, num_folds: int, repeats: int, seed: int
) -> Answers:
    """Held-back answers of a regression fitted on the other folds."""
    N = len(clips.classes)
    predicted, losses = np.zeros((repeats, N), int), np.zeros((repeats, N))
    for repeat in range(repeats):
        splitter = StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed + repeat)
        for train, test in splitter.split(clips.features, clips.classes, clips.groups):
            model = fitted(kind, clips.features[train], clips.classes[train])
            found = log_probabilities(kind, model, clips.features[test], num_classes)
            predicted[repeat, test] = found.argmax(axis=1)
            losses[repeat, test] = log_losses(clips.classes[test], np.exp(found))
    return Answers(predicted=predicted, losses=losses)
