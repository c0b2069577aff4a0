"""The likeliest path against all paths, tried one by one; and that it is told early, and bounded."""

import itertools

import numpy as np
import pytest

from pipeline.inference.label_path import LabelPath


def told(path: LabelPath, scores: np.ndarray) -> list[int]:
    states = [state for row in scores for state in path.add(row)]
    return states + path.finish()


def best_of_all(scores: np.ndarray, *, change_cost: float, min_windows: int) -> list[int]:
    """By trying every path whose inner stretches are long enough."""
    best, best_score = [], -np.inf
    for states in itertools.product(range(scores.shape[1]), repeat=len(scores)):
        lengths = [len(list(group)) for _, group in itertools.groupby(states)]
        if any(length < min_windows for length in lengths[1:-1]):
            continue
        score = sum(scores[i, state] for i, state in enumerate(states)) - change_cost * (len(lengths) - 1)
        if score > best_score:
            best, best_score = list(states), score
    return best


@pytest.mark.parametrize("min_windows", [1, 2, 3])
@pytest.mark.parametrize("change_cost", [0.0, 0.7, 3.0])
def test_it_is_the_best_of_all_paths(min_windows: int, change_cost: float) -> None:
    rng = np.random.default_rng(min_windows)
    for _ in range(6):
        scores = np.log(rng.dirichlet([0.5] * 3, size=7))
        path = LabelPath(3, change_cost=change_cost, min_windows=min_windows)
        expected = best_of_all(scores, change_cost=change_cost, min_windows=min_windows)
        assert told(path, scores) == expected
        assert told(path, scores) == expected  # it begins anew


def test_a_window_is_decided_as_soon_as_nothing_can_change_it() -> None:
    path = LabelPath(2, change_cost=1.0)
    one, other = np.log([0.99, 0.01]), np.log([0.01, 0.99])
    assert path.add(one) == []
    assert path.add(one) == [0]  # whatever comes, the first one was 0: the other path is behind by 4.6
    assert path.add(other) == [0]
    assert path.add(other) == [1]
    assert path.finish() == [1]
    assert told(LabelPath(2, change_cost=10.0), np.array([one, one, other, one, one])) == [0] * 5


def test_no_state_is_ruled_out_for_ever_by_a_probability_of_zero() -> None:
    with np.errstate(divide="ignore"):
        scores = np.log(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]))
    assert told(LabelPath(2, change_cost=2.0), scores) == [0, 0, 1, 1]


def test_waiting_is_bounded() -> None:
    path = LabelPath(2, change_cost=1.0, longest_wait_windows=20)
    even = np.log([0.5, 0.5])
    decided = [len(path.add(even)) for _ in range(200)]
    assert sum(decided) >= 180
    assert len(path._waiting) <= 20
    assert sum(decided) + len(path.finish()) == 200


def test_one_state_and_no_window() -> None:
    path = LabelPath(1, change_cost=1.0)
    assert path.finish() == []
    assert told(path, np.zeros((3, 1))) == [0, 0, 0]


@pytest.mark.parametrize("values", [{"min_windows": 0}, {"change_cost": -1.0}, {"change_cost": float("nan")}])
def test_values_that_cannot_be(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="allowed"):
        LabelPath(2, **{"change_cost": 1.0, **values})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="shape"):
        LabelPath(2, change_cost=1.0).add(np.zeros(3))
