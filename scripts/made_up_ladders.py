"""Made-up tables of a comparison: what ten rungs said of each clip, where it is known which rung is right."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from pipeline.compare.answers import Answers
from pipeline.compare.scorer import Scorer

FOLDS_BY_SHARE = 1.25
LADDER = (
    "majority",
    "single_frame",
    "mean",
    "mean_std_difference",
    "attention_pooling",
    "lstm",
    "lstm2",
    "lstm2_bi",
    "attention",
    "full",
)
RIGHT = ("majority", "single_frame", "mean", "attention_pooling", "lstm", "full")
"""Kinds of data: the rung that is needed and enough; `majority`: nothing works."""
_OWN, _SHARED_GUESS, _GROUP_GUESS = 0.25, 0.5, 0.5
_RETRAINED = 0.4  # standard errors of a difference by which another training set moves a rung


@dataclass(frozen=True, kw_only=True)
class Table:
    """One made-up comparison.

    Attributes:
        true: class indices (N,).
        groups: the group of each clip.
        num_classes: K.
        right: name of the rung that is needed and enough.
        answers: of each rung of `LADDER`.
    """

    true: np.ndarray
    groups: list[str]
    num_classes: int
    right: str
    answers: dict[str, Answers]

    def scorer(self, seed: int) -> Scorer:
        """Of its clips."""
        return Scorer(
            self.true,
            self.groups,
            num_classes=self.num_classes,
            folds_by_share=FOLDS_BY_SHARE,
            seed=seed,
        )


class Design:
    """The clips of a table, what they have in common, and how rungs answer on them."""

    def __init__(self, random: np.random.Generator) -> None:
        """120 to 500 clips of 2 to 4 classes, in at least 20 groups; of one class each, or mixed."""
        N, K = int(random.integers(120, 501)), int(random.integers(2, 5))
        G = int(random.integers(20, N // 2))
        groups = np.sort(np.concatenate([np.arange(G), random.integers(0, G, N - G)]))
        shares = random.dirichlet(np.full(K, 10.0))
        true = (
            random.choice(K, G, p=shares)[groups] if random.random() < 0.5 else random.choice(K, N, p=shares)
        )
        true[:K] = np.arange(K)
        hard = random.uniform(0, 0.3), random.uniform(0.2, 0.4)
        self.true, self.groups, self.num_classes = true, groups, K
        self._shares, self._num_groups, self._random = shares, G, random
        self.repeats = int(random.integers(1, 3))
        self._common = math.sqrt(hard[0]) * random.normal(size=G)[groups] + math.sqrt(
            hard[1]
        ) * random.normal(size=N)
        self._rest = 1 - sum(hard)
        self._guess = self._guesses()

    def answers(self, knowledge: float) -> Answers:
        """A rung that knows the class of so large a share of the clips, and of the others guesses.

        Which ones it knows hangs on the group, the clip, the rung and the repeat; guesses are shared with
        other rungs or not, and alike within a group or not.
        """
        random, shape = self._random, (self.repeats, len(self.true))
        own = math.sqrt(_OWN * self._rest) * random.normal(size=shape[1])
        z = self._common + own + math.sqrt((1 - _OWN) * self._rest) * random.normal(size=shape)
        guess = np.where(random.random(shape[1]) < _SHARED_GUESS, self._guess, self._guesses())
        known = z < norm.ppf(knowledge)
        return Answers(predicted=np.where(known, self.true, guess), losses=np.where(known, 0.3, 1.5))

    def _guesses(self) -> np.ndarray:
        K, random = self.num_classes, self._random
        of_group = random.choice(K, self._num_groups, p=self._shares)[self.groups]
        alone = random.choice(K, len(self.true), p=self._shares)
        return np.where(random.random(len(self.true)) < _GROUP_GUESS, of_group, alone)


def make_table(random: np.random.Generator, right: str, *, gap: float, worse: float) -> Table:
    """A table in which the rungs before the right one are behind it, and later ones not ahead.

    Args:
        random: source of all draws.
        right: one of `RIGHT`.
        gap: by how many standard errors of the difference the rungs before it are behind.
        worse: by how many standard errors the later ones may be behind: each by a part of it.
    """
    design = Design(random)
    best = float(random.uniform(0.6, 0.9))
    level = dict.fromkeys(LADDER, best)
    if right == "majority":
        level = dict.fromkeys(LADDER, 0.0)
    else:
        error = _standard_error(design, best)
        place = LADDER.index(right)
        for rung, name in enumerate(LADDER):
            behind = gap if rung < place else worse * float(random.random()) if rung > place else 0.0
            retrained = float(random.normal(0, _RETRAINED))
            level[name] = float(np.clip(best + error * (retrained - behind), 0.0, 0.99))
    answers = {name: design.answers(level[name]) for name in LADDER[1:]}
    usual = int(np.bincount(design.true).argmax())
    majority = Answers.always(usual, np.ones((design.repeats, len(design.true))))
    return Table(
        true=design.true,
        groups=design.groups.astype(str).tolist(),
        num_classes=design.num_classes,
        right=right,
        answers={"majority": majority, **answers},
    )


def _standard_error(design: Design, knowledge: float) -> float:
    """Of the difference of two rungs that know about as much, as a share of clips known."""
    groups, K = design.groups.astype(str).tolist(), design.num_classes
    scorer = Scorer(design.true, groups, num_classes=K, folds_by_share=FOLDS_BY_SHARE)
    first, second = (scorer.score(design.answers(share)) for share in (knowledge, knowledge - 0.1))
    error = scorer.differences(first, second)["macro_f1"].se
    return float("nan") if error is None else error / (1 - 1 / K)  # a guess is right in 1 of K cases
