"""Deletion and insertion curves, against values worked out by hand."""

import numpy as np
import pytest

from pipeline.evaluation.frame_curves import FrameCurves, area, frame_curves, mean_curves, order_of
from tests.helpers.heads import linear_head


def _sigmoid(values: list[float]) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.array(values))))


def test_by_hand() -> None:
    """The probability of class 0 is sigmoid(2 mean) of what is there of 0, 3, -1."""
    head = linear_head(np.array([[1.0], [-1.0]]))
    features = np.array([[0.0], [3.0], [-1.0]], np.float32)
    best, worst = frame_curves(head, features, 0, [np.array([1, 0, 2]), np.array([2, 0, 1])])
    assert best.deletion == pytest.approx(_sigmoid([4 / 3, -1, -2]), abs=1e-6)
    assert best.insertion == pytest.approx(_sigmoid([6, 3, 4 / 3]), abs=1e-6)
    assert worst.deletion == pytest.approx(best.insertion[::-1], abs=1e-6)
    assert worst.insertion == pytest.approx(best.deletion[::-1], abs=1e-6)
    first, second, third = _sigmoid([4 / 3, -1, -2])
    assert best.deletion_area == pytest.approx((first + second) / 4 + (second + third) / 4, abs=1e-6)
    assert best.advantage == pytest.approx((best.insertion_area - best.deletion_area) / 2)
    assert worst.advantage == pytest.approx(-best.advantage, abs=1e-6)
    (warm,) = frame_curves(head, features, 0, [np.array([1, 0, 2])], temperature=2.0)
    assert warm.deletion == pytest.approx(_sigmoid([2 / 3, -0.5, -1]), abs=1e-6)
    (other,) = frame_curves(head, features, 1, [np.array([1, 0, 2])])
    assert other.deletion == pytest.approx(1 - best.deletion, abs=1e-6)


def test_an_area_is_that_of_trapezoids_over_one() -> None:
    assert area(np.array([1.0, 1.0, 1.0])) == 1
    assert area(np.array([1.0, 0.0])) == 0.5
    assert area(np.array([1.0, 0.0, 0.0, 0.0, 0.0])) == 0.125


def test_equal_frames_come_in_any_order() -> None:
    random = np.random.default_rng(0)
    orders = [tuple(order_of(np.array([0.2, 0.5, 0.2, 0.2]), random)) for _ in range(200)]
    assert {order[0] for order in orders} == {1}
    assert {order[1] for order in orders} == {0, 2, 3}


def test_the_mean_is_taken_point_by_point() -> None:
    curves = [FrameCurves(deletion=np.array([1.0, a]), insertion=np.array([a, 1.0])) for a in (0.0, 0.5)]
    mean = mean_curves(curves)
    assert mean.deletion.tolist() == [1.0, 0.25]
    assert mean.insertion.tolist() == [0.25, 1.0]
