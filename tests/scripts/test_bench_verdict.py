"""A small dose of the simulations of the verdict: intervals hold the truth, the rule names the right rung."""

import numpy as np
import pytest

from scripts.bench_verdict import FINDABLE, Coverage, fixed, named, refitted
from scripts.made_up_clips import Source
from scripts.made_up_ladders import LADDER, RIGHT, make_table

GAPS = (FINDABLE, 8.0)


def of(found: dict[str, Coverage], *keys: str) -> list[float]:
    return [each.held for name, each in found.items() if name.split(" of ")[0] in keys]


def test_the_rule_names_the_right_rung() -> None:
    rows = [named(right, run, gaps=GAPS) for right in RIGHT for run in range(10)]
    # Of 60 with .95 each, fewer than 53 are right in less than one case of 100.
    assert sum(row.right for row in rows) >= 53
    assert sum(row.right_by_one_standard_error for row in rows) < sum(row.right for row in rows) - 5


def test_intervals_hold_the_truth_where_nothing_is_refitted() -> None:
    found = fixed(3, (0.8, 0.72), runs=60)
    held = of(found, "macro_f1", "accuracy")
    assert len(held) == 6  # two heads and their difference
    # Of 60 with .95 each, fewer than 52 hold it in less than one case of 100.
    assert min(held) >= 52 / 60
    assert found["macro_f1 of 0"].plain <= found["macro_f1 of 0"].held


def test_tables_are_those_asked_for() -> None:
    table = make_table(np.random.default_rng(0), "lstm", gap=6.0, worse=0.0)
    right = {name: float((each.predicted == table.true).mean()) for name, each in table.answers.items()}
    assert tuple(right) == LADDER
    before = [right[name] for name in LADDER[1 : LADDER.index("lstm")]]
    after = [right[name] for name in LADDER[LADDER.index("lstm") :]]
    assert max(before) + 0.05 < min(after)
    again = make_table(np.random.default_rng(0), "lstm", gap=6.0, worse=0.0)
    assert all((again.answers[name].predicted == table.answers[name].predicted).all() for name in LADDER)


@pytest.mark.slow
@pytest.mark.parametrize("right", RIGHT)
def test_the_rule_names_the_right_rung_in_many_runs(right: str) -> None:
    # Of 100 with .96, fewer than 90 are right in less than one case of 100.
    assert sum(named(right, run, gaps=GAPS).right for run in range(100)) >= 90


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # regressions not quite at their end
def test_intervals_hold_the_truth_of_models_really_refitted() -> None:
    found = refitted(Source(num_classes=3, separation=2.0, group_spread=0.7), 1, runs=60)
    assert min(of(found, "macro_f1", "accuracy", "balanced_accuracy")) >= 52 / 60
