"""Withheld answers: a threshold that keeps its promise on new clips, or none with the reason."""

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binomtest

from pipeline.evaluation.abstention import choose_threshold, withhold


def _draw(random: np.random.Generator, num_clips: int) -> tuple[np.ndarray, np.ndarray]:
    probabilities = softmax(random.normal(0, 6, (num_clips, 4)), axis=1)
    true = (probabilities.cumsum(axis=1) > random.random((num_clips, 1))).argmax(axis=1)
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == true


def _each(num_clips: int) -> list[str]:
    return [str(row) for row in range(num_clips)]


def test_the_promise_is_kept_on_new_clips() -> None:
    """The precision of new answers is below the wanted one in at most about 1 case of 20."""
    new_confidences, new_right = _draw(np.random.default_rng(10**6), 50_000)
    broken = found = 0
    for seed in range(200):
        confidences, right = _draw(np.random.default_rng(seed), 150)
        threshold, _ = choose_threshold(confidences, right, _each(150), wanted_precision=0.9)
        if threshold is not None:
            found += 1
            kept = withhold(new_confidences, new_right, threshold=threshold)
            broken += kept.precision is not None and kept.precision < 0.9
    assert found > 150
    assert broken / found <= 0.06


def test_the_lowest_threshold_that_shows_it_by_hand() -> None:
    """40 right answers, then a wrong one and 9 right, then only wrong ones: 50 show .908, 51 show less."""
    confidences = np.linspace(0.99, 0.4, 60)
    right = np.array([True] * 40 + [False] + [True] * 9 + [False] * 10)
    threshold, reason = choose_threshold(confidences, right, _each(60), wanted_precision=0.9)
    assert threshold == pytest.approx(confidences[49], abs=1e-6)
    assert threshold is not None
    assert threshold <= confidences[49]
    bound = binomtest(49, 50, alternative="greater").proportion_ci(0.95).low
    assert f"49 of the 50 validation answers that are as sure are right: this shows {bound:.3f}" in reason


def test_what_few_clips_cannot_show_is_said() -> None:
    confidences, right = np.linspace(0.9, 0.99, 25), np.ones(25, bool)
    threshold, reason = choose_threshold(confidences, right, _each(25), wanted_precision=0.9)
    assert threshold is None
    assert "do not show a precision of 0.9: at best, 25 of 25 answers, from 25 groups, show 0.887" in reason


def test_a_group_counts_as_one_answer() -> None:
    confidences, right = np.linspace(0.9, 0.99, 100), np.ones(100, bool)
    groups = [str(row // 10) for row in range(100)]
    assert choose_threshold(confidences, right, _each(100), wanted_precision=0.9)[0] is not None
    assert choose_threshold(confidences, right, groups, wanted_precision=0.9)[0] is None


def test_equal_confidences_are_kept_or_withheld_together() -> None:
    confidences = np.array([0.99] * 40 + [0.7] * 20)
    right = np.array([True] * 55 + [False] * 5)
    threshold, _ = choose_threshold(confidences, right, _each(60), wanted_precision=0.9)
    assert threshold == pytest.approx(0.99, abs=1e-6)  # not .7, of which the first 15 happen to be right


def test_withheld_answers_by_hand() -> None:
    confidences, right = np.array([0.9, 0.8, 0.5, 0.4]), np.array([True, False, True, True])
    kept = withhold(confidences, right, threshold=0.8)
    assert (kept.num_kept, kept.coverage, kept.precision) == (2, 0.5, 0.5)
    none = withhold(confidences, right, threshold=0.95)
    assert (none.num_kept, none.coverage, none.precision) == (0, 0.0, None)
