"""Agreement of models: known likenesses, and what is left of it by chance."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline.evaluation.agreement import likeness

GROUPS = [str(row) for row in range(40)]


def test_correlations_are_those_of_scipy() -> None:
    first, second, third = np.random.default_rng(0).normal(size=(3, 40, 6))
    second = first + second
    third[:, :3] = 0.5  # ties
    found = likeness([first, second, third], GROUPS)
    pairs = [(first, second), (first, third), (second, third)]
    expected = np.mean([spearmanr(a[row], b[row]).statistic for a, b in pairs for row in range(40)])
    assert found.rank_correlation == pytest.approx(expected)
    assert found.rank_interval is not None
    assert found.rank_interval[0] < expected < found.rank_interval[1]


def test_the_same_and_the_reverse() -> None:
    values = np.random.default_rng(0).normal(size=(40, 6))
    same, reverse = likeness([values, 2 * values], GROUPS), likeness([values, -values], GROUPS)
    assert (same.rank_correlation, same.top_overlap) == pytest.approx((1, 1))
    assert (reverse.rank_correlation, reverse.top_overlap) == pytest.approx((-1, 0))
    assert same.chance == 1 / 6


def test_a_model_that_ranks_nothing_agrees_by_chance() -> None:
    values = np.random.default_rng(0).normal(size=(40, 6))
    found = likeness([values, np.full((40, 6), 1 / 6)], GROUPS)
    assert found.rank_correlation == 0
    assert found.top_overlap == pytest.approx(1 / 6)


def test_places_that_are_always_first_show_on_different_clips_too() -> None:
    random = np.random.default_rng(0)
    places = np.array([0.0, 10, 20, 50, 30, 5]) + random.normal(size=(40, 6))  # the same in all clips
    found = likeness([places, places + random.normal(size=(40, 6))], GROUPS)
    assert found.top_overlap == found.other_clips_overlap == 1
    assert found.other_clips_correlation > 0.9
    clips = random.normal(size=(40, 6))  # of each clip by itself
    found = likeness([clips, clips], GROUPS)
    assert found.top_overlap == 1
    assert found.other_clips_overlap < 0.4
    assert abs(found.other_clips_correlation) < 0.2


def test_too_few_groups_have_no_interval() -> None:
    values = np.random.default_rng(0).normal(size=(40, 6))
    found = likeness([values, values], ["a", "b"] * 20)
    assert (found.rank_interval, found.top_interval) == (None, None)
