"""Which rung of the ladder the data supports: the simplest that is not surely behind the best.

Rungs named in made-up tables (`scripts/bench_verdict.py`): 120 to 500 clips in 20 groups or more, 2 to 4
classes, mistakes that rungs share and that groups share, and in each rung the luck of its training clips. The
rungs before the right one are behind it by so many standard errors of the difference (widened as intervals
are); those after it are as good in half of the tables, up to 3 behind in the others. 1,000 tables of each
kind (`--gaps 4 8`). The rule was chosen before, on 500 made alike, in part from the same seeds, of 30 groups
or more, and has not been changed since:

    needed and enough    4 to 5   5 to 6   6 to 7   7 to 8   all    one standard error alone
    nothing works                                            .978   .978
    single_frame          .967     .988     .984     .984    .981   .608
    mean                  .940     .952     .979     .989    .965   .637
    attention_pooling     .913     .984     .972     .980    .962   .692
    lstm                  .910     .971     .979     .989    .962   .706
    full                  .882     .992     .996     .996    .965   .998

So from 5 standard errors on the right rung is named in 95 % of the cases or more, whichever it is. On seeds
that had no part in anything (runs 1000 to 1149, some 90 tables a kind from 5 on) in .97, .97, .97, .98, .91
and .99, of lstm in .98 of 300 more (runs 2000 to 2299). At 3 to 4, some 30 tables a kind, in 1.00, .92, .82,
.69 and .63 of those where something works: a simpler rung is named instead. With a `LEVEL` of 0.95, or
without widening, lstm was named in 47 of 50 at 4 to 5 instead of 45, but single_frame in 46 instead of 49.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.compare.scorer import PRIMARY, Scored, Scorer

LEVEL = 0.975
FAR_BEHIND = 2.0
"""Heads further behind the best than so many standard errors of the difference could not have been picked."""
_CHANCE_KEY = "balanced_accuracy"


@dataclass(frozen=True, kw_only=True)
class Shortfall:
    """How far a rung is behind the best one, in macro-F1.

    Attributes:
        behind: the best rung's score minus its own.
        allowed: so far behind it may be and still be called as good; None: too few groups to tell.
    """

    behind: float
    allowed: float | None

    @property
    def surely(self) -> bool | None:
        """Whether it is surely behind; None: that cannot be told."""
        return None if self.allowed is None else self.behind > self.allowed

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"behind": self.behind, "allowed": self.allowed}


@dataclass(frozen=True, kw_only=True)
class AboveChance:
    """Whether any head tells the classes apart.

    The macro-F1 of always saying the most frequent class is low (1/3 for two even classes) and tossing a coin
    beats it; the balanced accuracy of both is 1 / K exactly.

    Attributes:
        head: the one with the most balanced accuracy.
        advantage: its balanced accuracy minus 1 / K.
        by_chance: so much the best of as many heads reaches by chance, in 39 of 40 cases at most; None: too
            few groups to tell.
    """

    head: str
    advantage: float
    by_chance: float | None

    @property
    def found(self) -> bool | None:
        """None: that cannot be told."""
        return None if self.by_chance is None else self.advantage > self.by_chance

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "head": self.head,
            "advantage": self.advantage,
            "by_chance": self.by_chance,
            "found": self.found,
        }


@dataclass(frozen=True, kw_only=True)
class SupportedRung:
    """The rule's answer.

    Attributes:
        supported: name of the rung; None: that cannot be told.
        best: the rung with the highest macro-F1 (of equals the simplest), the majority left aside.
        one_standard_error: of the best rung's macro-F1; None with too few groups, or not one mistake.
        shortfalls: of each rung but the majority.
        above_chance: whether anything beats the majority; where not, that is the rung supported.
    """

    supported: str | None
    best: str
    one_standard_error: float | None
    shortfalls: dict[str, Shortfall]
    above_chance: AboveChance

    @property
    def can_tell(self) -> bool:
        """Whether there were groups enough."""
        return self.supported is not None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "supported": self.supported,
            "best": self.best,
            "one_standard_error": self.one_standard_error,
            "shortfalls": {name: each.to_dict() for name, each in self.shortfalls.items()},
            "above_chance": self.above_chance.to_dict(),
        }


def supported_rung(
    scorer: Scorer,
    ladder: Mapping[str, Scored],
    *,
    majority: str = "majority",
    beside: Mapping[str, Scored] | None = None,
) -> SupportedRung:
    """The simplest rung that is not surely behind the best of those above it.

    "The simplest within one standard error of the best" (Breiman et al., Classification and Regression Trees,
    1984, section 3.4.3) takes the best for a given one. It is the best of many, and where all are as good the
    best of ten is ahead of the simplest by more than one standard error more often than not. So a rung is
    also allowed to be behind by what picking the best of equals gives by chance: the `LEVEL` quantile over
    draws of groups of the largest centred difference of the rungs above it to it (as in the model confidence
    set of Hansen, Lunde and Nason, 2011), widened as intervals are. Rungs far behind the best do not count
    among the equals (as in Hansen, A Test for Superior Predictive Ability, 2005).

    Args:
        scorer: that scored them.
        ladder: scores of the rungs, simplest first.
        majority: the name of the rung that always says the most frequent class, the first one.
        beside: scores of heads that are no rungs: looked at too where it is asked whether anything works.
    """
    names = [name for name in ladder if name != majority]
    if not names or next(iter(ladder)) != majority:
        raise ValueError(
            f"a ladder of {list(ladder)}; it takes {majority!r} first and one more rung at least."
        )
    values = np.array([ladder[name].values[PRIMARY] for name in names])
    best = int(values.argmax())  # of equals the first, which is the simplest
    above_chance = _above_chance(scorer, {**{name: ladder[name] for name in names}, **(beside or {})})
    error = scorer.figures(ladder[names[best]])[PRIMARY].se
    shortfalls = {}
    for rung, name in enumerate(names):
        above = {other: ladder[other] for other in names[min(rung, best) :] if other != name}
        short = behind_best(scorer, ladder[name], above) if above else Shortfall(behind=0.0, allowed=None)
        shortfalls[name] = Shortfall(
            behind=float(values[best] - values[rung]),
            allowed=max(error or 0.0, short.allowed or 0.0) if scorer.can_tell else None,
        )
    supported = None
    if above_chance.found is not None:
        supported = majority
        if above_chance.found:
            supported = next(name for name, each in shortfalls.items() if not each.surely)
    return SupportedRung(
        supported=supported,
        best=names[best],
        one_standard_error=error,
        shortfalls=shortfalls,
        above_chance=above_chance,
    )


def behind_best(scorer: Scorer, one: Scored, others: Mapping[str, Scored]) -> Shortfall:
    """How far one head is behind the best of others, and how far picking that one gives by chance."""
    values = np.array([each.values[PRIMARY] for each in others.values()])
    behind = float(values.max()) - one.values[PRIMARY]
    if not scorer.can_tell:
        return Shortfall(behind=behind, allowed=None)
    centred = _stacked(others, PRIMARY) - values
    best = int(values.argmax())
    errors = scorer.widening * (centred - centred[:, [best]]).std(axis=0)
    near = values[best] - values <= FAR_BEHIND * errors
    own = _stacked({"": one}, PRIMARY) - one.values[PRIMARY]
    leads = (centred[:, near] - own).max(axis=1)  # were all of these as good
    return Shortfall(behind=behind, allowed=scorer.widening * max(0.0, float(np.quantile(leads, LEVEL))))


def _above_chance(scorer: Scorer, heads: Mapping[str, Scored]) -> AboveChance:
    values = np.array([each.values[_CHANCE_KEY] for each in heads.values()])
    head = list(heads)[int(values.argmax())]
    by_chance = None
    if scorer.can_tell:
        # Not widened: what looks at nothing is at chance whatever clips it learned from.
        centred = _stacked(heads, _CHANCE_KEY) - values
        by_chance = float(np.quantile(centred.max(axis=1), LEVEL))
    return AboveChance(head=head, advantage=float(values.max()) - scorer.chance, by_chance=by_chance)


def _stacked(heads: Mapping[str, Scored], key: str) -> np.ndarray:
    """Draws (B, H) of one score of all heads."""
    return np.stack([each.draws[key] for each in heads.values() if each.draws is not None], axis=1)
