"""Intervals against what they promise: that they hold the truth as often as they say."""

from collections.abc import Callable

import numpy as np
import pytest

from pipeline.evaluation.intervals import (
    bootstrap_intervals,
    group_scores,
    mean_interval,
    paired_intervals,
)
from pipeline.evaluation.metrics import score


def test_intervals_hold_the_score_and_repeat() -> None:
    random = np.random.default_rng(1)
    true = random.integers(0, 3, 200)
    predicted = np.where(random.random(200) < 0.8, true, (true + 1) % 3)
    groups = [str(row) for row in range(200)]
    intervals = bootstrap_intervals(true, predicted, groups, num_classes=3)
    assert intervals is not None
    for key, value in score(true, predicted, 3).to_dict().items():
        low, high = intervals[key]
        assert low < value < high
    # The binomial interval of the accuracy, by the normal approximation.
    accuracy = float((true == predicted).mean())
    half = 1.96 * (accuracy * (1 - accuracy) / 200) ** 0.5
    assert intervals["accuracy"] == pytest.approx((accuracy - half, accuracy + half), abs=0.012)
    assert intervals == bootstrap_intervals(true, predicted, groups, num_classes=3)


def test_intervals_draw_groups_not_clips() -> None:
    """Ten copies of each clip are not ten times the evidence."""
    random = np.random.default_rng(2)
    true = random.integers(0, 2, 40)
    predicted = np.where(random.random(40) < 0.7, true, 1 - true)
    once = bootstrap_intervals(true, predicted, [str(row) for row in range(40)], num_classes=2)
    copied = bootstrap_intervals(
        np.repeat(true, 10), np.repeat(predicted, 10), [str(row // 10) for row in range(400)], num_classes=2
    )
    assert once is not None
    assert copied is not None
    width = [high - low for low, high in (once["accuracy"], copied["accuracy"])]
    assert width[1] == pytest.approx(width[0], rel=0.1)


def test_few_groups_give_no_interval() -> None:
    true, predicted = np.zeros(100, int), np.arange(100) % 2
    assert bootstrap_intervals(true, predicted, ["a", "b"] * 50, num_classes=2) is None


def test_no_mistake_is_no_proof_of_perfection() -> None:
    """Every resample of right answers is right: `1.000 to 1.000` would be a lie."""
    true, groups = np.arange(40) % 2, [str(row) for row in range(40)]
    assert bootstrap_intervals(true, true, groups, num_classes=2) is None
    assert bootstrap_intervals(true, 1 - true, groups, num_classes=2) is None


def _grouped(
    random: np.random.Generator, num_groups: int, accuracies: tuple[float, ...]
) -> tuple[np.ndarray, list[np.ndarray], list[str]]:
    """Three classes; 1 to 5 clips a group, some groups harder than others for all methods alike."""
    true, answers, groups = [], [[] for _ in accuracies], []  # type: ignore[var-annotated]
    for group in range(num_groups):
        ease = random.normal(0, 1)
        for _ in range(random.integers(1, 6)):
            true.append(random.choice(3, p=[0.5, 0.3, 0.2]))
            groups.append(f"g{group}")
            for method, accuracy in enumerate(accuracies):
                shown = 1 / (1 + np.exp(-(np.log(accuracy / (1 - accuracy)) + ease)))
                wrong = (true[-1] + random.integers(1, 3)) % 3
                answers[method].append(true[-1] if random.random() < shown else wrong)
    return np.array(true), [np.array(each) for each in answers], groups


def _coverage(found: Callable[[int], dict[str, tuple[float, float]] | None], truth: dict[str, float]) -> None:
    repeats = 100
    held = dict.fromkeys(truth, 0)
    for seed in range(repeats):
        intervals = found(seed)
        assert intervals is not None
        for key, value in truth.items():
            held[key] += intervals[key][0] <= value <= intervals[key][1]
    for key, count in held.items():
        # A binomial of 100 with .95 is below .88 in less than one case of 100.
        assert 0.88 <= count / repeats < 1, (key, count / repeats)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    true, (predicted,), _ = _grouped(np.random.default_rng(0), 40_000, (0.8,))
    truth = score(true, predicted, 3).to_dict()

    def found(seed: int) -> dict[str, tuple[float, float]] | None:
        true, (predicted,), groups = _grouped(np.random.default_rng(1000 + seed), 30, (0.8,))
        return bootstrap_intervals(true, predicted, groups, num_classes=3, seed=seed)

    _coverage(found, truth)


def test_paired_intervals_hold_the_true_difference_and_are_narrower() -> None:
    true, (first, second), _ = _grouped(np.random.default_rng(0), 40_000, (0.8, 0.7))
    one, other = score(true, first, 3).to_dict(), score(true, second, 3).to_dict()
    widths = []

    def found(seed: int) -> dict[str, tuple[float, float]] | None:
        true, (first, second), groups = _grouped(np.random.default_rng(1000 + seed), 30, (0.8, 0.7))
        paired = paired_intervals(true, first, second, groups, num_classes=3, seed=seed)
        assert paired is not None
        if seed < 10:
            alone = [
                bootstrap_intervals(true, each, groups, num_classes=3, seed=seed) for each in (first, second)
            ]
            apart = sum((each["accuracy"][1] - each["accuracy"][0]) ** 2 for each in alone if each) ** 0.5
            widths.append((paired["accuracy"][1] - paired["accuracy"][0]) / apart)
        return paired

    _coverage(found, {key: one[key] - other[key] for key in one})
    assert np.mean(widths) < 0.95


def test_equal_answers_differ_by_nothing() -> None:
    random = np.random.default_rng(3)
    true, predicted = random.integers(0, 3, 60), random.integers(0, 3, 60)
    paired = paired_intervals(true, predicted, predicted, [str(row) for row in range(60)], num_classes=3)
    assert paired == dict.fromkeys(("accuracy", "macro_f1", "balanced_accuracy"), (0.0, 0.0))
    assert paired_intervals(true, predicted, predicted, ["a", "b"] * 30, num_classes=3) is None


def test_the_mean_of_figures_of_single_clips_has_an_interval_too() -> None:
    random = np.random.default_rng(4)
    values, groups = random.normal(2, 1, 400), [str(row) for row in range(400)]
    interval = mean_interval(values, groups)
    half = 1.96 * values.std() / 20
    assert interval == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    assert mean_interval(values, ["a"] * 400) is None
    true = random.integers(0, 3, 400)
    predicted = np.where(random.random(400) < 0.8, true, 0)
    found = bootstrap_intervals(true, predicted, groups, num_classes=3, values={"loss": values})
    assert found is not None
    assert found["loss"] == interval


def test_many_classes_and_groups_stay_small() -> None:
    """400 classes and 5,000 groups: a matrix for each group would be 6 GB."""
    random = np.random.default_rng(5)
    true = random.integers(0, 400, 5000)
    predicted = np.where(random.random(5000) < 0.7, true, random.integers(0, 400, 5000))
    found = bootstrap_intervals(true, predicted, [str(row) for row in range(5000)], num_classes=400)
    assert found is not None
    assert found["accuracy"][0] < (true == predicted).mean() < found["accuracy"][1]


def test_each_group_has_its_accuracy() -> None:
    scores = group_scores(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), ["b", "b", "a", "b"])
    assert [(row.group, row.accuracy, row.support) for row in scores] == [("a", 1.0, 1), ("b", 2 / 3, 3)]
