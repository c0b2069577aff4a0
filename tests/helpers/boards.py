"""Scoreboards whose truth is known: which clips each head gets wrong is written down."""

import numpy as np

from pipeline.compare.answers import Answers
from pipeline.compare.finding import Scoreboard
from pipeline.compare.rule import supported_rung
from pipeline.compare.scorer import Scorer

N = 160
TRUE = np.arange(N) % 2
GROUPS = [f"g{row // 4}" for row in range(N)]
READS_ORDER = frozenset({"mean_std_difference", "lstm", "full"})


def wrong(share: float, seed: int = 0) -> Answers:
    """Answers of a head that gets such a share of the clips wrong; of two heads of one seed the same ones."""
    order = np.random.default_rng(seed).permutation(N)
    predicted = TRUE.copy()
    rows = order[: round(share * N)]
    predicted[rows] = 1 - TRUE[rows]
    return Answers(predicted=predicted[None], losses=np.where(predicted == TRUE, 0.2, 1.6)[None])


def scorer(groups: list[str] = GROUPS) -> Scorer:
    return Scorer(TRUE, groups, num_classes=2, folds_by_share=1.25, seed=0)


def board(
    heads: dict[str, Answers],
    *,
    shuffled: dict[str, Answers] | None = None,
    groups: list[str] = GROUPS,
    beside: tuple[str, ...] = (),
) -> Scoreboard:
    own = scorer(groups)
    answers = {"majority": Answers.always(0, np.full((1, N), 0.7)), **heads}
    scored = {name: own.score(each) for name, each in answers.items()}
    ladder = {name: each for name, each in scored.items() if name not in beside}
    return Scoreboard(
        scorer=own,
        scored=scored,
        shuffled={name: own.score(each) for name, each in (shuffled or {}).items()},
        reads_order=READS_ORDER,
        titles={name: name.replace("_", " ") for name in scored},
        rung=supported_rung(own, ladder, beside={name: scored[name] for name in beside}),
    )
