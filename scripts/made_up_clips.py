"""Made-up clips in groups, and regressions really fitted on them."""

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold

from pipeline.compare.answers import Answers
from pipeline.evaluation.metrics import log_losses

KINDS = {"held back": (1.0, 0.01), "free": (1.0, 100.0), "few features": (0.15, 1.0)}
"""Regressions: the part of the features that each looks at, three at least, and how free it is (C)."""


@dataclass(frozen=True, kw_only=True)
class Clips:
    """Features (N, D), classes (N,) and the group of each clip."""

    features: np.ndarray
    classes: np.ndarray
    groups: np.ndarray


class Source:
    """Where clips come from: class means, and groups that each have their own look."""

    def __init__(
        self,
        *,
        num_classes: int,
        separation: float,
        group_spread: float,
        pure: bool = False,
        num_features: int = 12,
    ) -> None:
        """`pure`: groups are of one class each, else of clips of any class."""
        self.num_classes, self.group_spread, self.pure = num_classes, group_spread, pure
        spread = separation / num_features**0.5
        self.means = np.random.default_rng(0).normal(0, spread, (num_classes, num_features))

    def draw(self, random: np.random.Generator, num_groups: int) -> Clips:
        """1 to 8 clips a group."""
        sizes = random.integers(1, 9, num_groups)
        groups = np.repeat(np.arange(num_groups), sizes)
        if self.pure:
            classes = np.arange(num_groups)[groups] % self.num_classes
        else:
            classes = random.integers(0, self.num_classes, len(groups))
        look = random.normal(0, self.group_spread, (num_groups, self.means.shape[1]))[groups]
        features = self.means[classes] + look + random.normal(0, 1, self.means[classes].shape)
        return Clips(features=features, classes=classes, groups=groups.astype(str))


def fitted(kind: str, features: np.ndarray, classes: np.ndarray) -> LogisticRegression:
    model = LogisticRegression(C=KINDS[kind][1], max_iter=200, tol=1e-3)
    return model.fit(looked_at(kind, features), classes)


def looked_at(kind: str, features: np.ndarray) -> np.ndarray:
    return features[:, : max(3, int(KINDS[kind][0] * features.shape[1]))]


def log_probabilities(
    kind: str, model: LogisticRegression, features: np.ndarray, num_classes: int
) -> np.ndarray:
    """(N, K); a class that was not among those trained on has next to none."""
    found = model.predict_log_proba(looked_at(kind, features))
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
