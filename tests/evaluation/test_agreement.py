"""Agreement of models: known likenesses, and what is left of it by chance."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipeline.evaluation.agreement import _other_clips, likeness

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
    assert found.other_clips_correlation is not None
    assert found.other_clips_correlation > 0.9
    clips = random.normal(size=(40, 6))  # of each clip by itself
    found = likeness([clips, clips], GROUPS)
    assert found.top_overlap == 1
    assert found.other_clips_overlap is not None
    assert found.other_clips_correlation is not None
    assert found.other_clips_overlap < 0.4
    assert abs(found.other_clips_correlation) < 0.2


def test_too_few_groups_have_no_interval() -> None:
    values = np.random.default_rng(0).normal(size=(40, 6))
    found = likeness([values, values], ["a", "b"] * 20)
    assert (found.rank_interval, found.top_interval) == (None, None)


@pytest.mark.parametrize(
    "groups",
    [["a"] * 9 + ["b"], ["a", "b"], ["b", "a", "c", "a", "b"] * 7, ["long", "a", "long"]],
)
def test_another_clip_is_of_another_group(groups: list[str]) -> None:
    other = _other_clips(groups)
    assert other is not None
    assert all(groups[row] != groups[found] for row, found in enumerate(other))


def test_of_one_group_another_clip_is_at_least_not_the_same_one() -> None:
    for count in (2, 3, 30):
        other = _other_clips(["a"] * count)
        assert other is not None
        assert (other != np.arange(count)).all()
        assert other.max() < count


def test_one_clip_has_no_other() -> None:
    values = np.random.default_rng(0).normal(size=(1, 6))
    found = likeness([values, values], ["a"])
    assert (found.other_clips_correlation, found.other_clips_overlap) == (None, None)
    assert found.to_dict()["other_clips_overlap"] is None
    assert found.rank_correlation == pytest.approx(1)
