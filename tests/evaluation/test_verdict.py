"""Whether the data needs the model: what is said, and that it is said of the best simpler method."""

import numpy as np
import pytest

from pipeline.evaluation.verdict import Verdict, compare_with_best

GROUPS = [str(row) for row in range(120)]
TRUE = np.arange(120) % 3


def _wrong(rows: range) -> np.ndarray:
    """The right classes, but for these rows."""
    answers = TRUE.copy()
    answers[list(rows)] = (answers[list(rows)] + 1) % 3
    return answers


def _compare(predicted: np.ndarray, baselines: dict[str, np.ndarray], groups: list[str] = GROUPS) -> Verdict:
    return compare_with_best(TRUE, predicted, baselines, groups, num_classes=3)


def test_a_model_beyond_the_best_baseline_is_said_to_be_better() -> None:
    verdict = _compare(_wrong(range(5)), {"majority": np.zeros(120, int), "mean": _wrong(range(50))})
    assert (verdict.baseline, verdict.beats) == ("mean", True)
    assert verdict.difference == pytest.approx({"macro_f1": 0.375, "accuracy": 0.375}, abs=0.01)
    assert verdict.interval is not None
    low, high = verdict.interval["macro_f1"]
    assert 0 < low < verdict.difference["macro_f1"] < high  # type: ignore[index]
    assert verdict.sentence.startswith(
        "It is better than the best of the simpler methods, mean + logistic regression: macro-F1 0.958 "
        "against 0.583"
    )
    assert "over 120 groups" in verdict.sentence


def test_a_model_that_is_not_surely_better_is_not_needed() -> None:
    verdict = _compare(_wrong(range(20)), {"mean": _wrong(range(15, 38))})
    assert verdict.difference is not None
    assert verdict.difference["accuracy"] == pytest.approx(3 / 120)
    assert verdict.beats is False
    assert "This data does not need it" in verdict.sentence
    assert "not surely better than" in verdict.sentence


def test_a_model_below_the_best_baseline_is_said_to_be_worse() -> None:
    verdict = _compare(_wrong(range(50)), {"mean": _wrong(range(20)), "single_frame": _wrong(range(5))})
    assert (verdict.baseline, verdict.beats) == ("single_frame", False)
    assert "does not need it: the simpler single frame + logistic regression is better" in verdict.sentence


def test_more_macro_f1_with_surely_less_accuracy_is_no_plain_better() -> None:
    """80 clips of one class and 6 of each other: the majority class is seldom wrong, and knows no other."""
    true = np.repeat([0, 1, 2], [80, 6, 6])
    predicted = np.concatenate([np.where(np.arange(80) < 50, 0, 1), [1] * 6, [2] * 6])
    verdict = compare_with_best(
        true, predicted, {"majority": np.zeros(92, int)}, [str(row) for row in range(92)], num_classes=3
    )
    assert verdict.interval is not None
    assert verdict.interval["macro_f1"][0] > 0 > verdict.interval["accuracy"][1]
    assert verdict.beats is False
    assert "better in macro-F1 than the best of the simpler methods, majority class, and surely less" in (
        verdict.sentence
    )


def test_few_groups_tell_nothing() -> None:
    verdict = _compare(_wrong(range(5)), {"mean": _wrong(range(50))}, ["a", "b", "c"] * 40)
    assert (verdict.beats, verdict.interval) == (None, None)
    assert verdict.difference is not None
    assert "cannot be told from 3 independent groups" in verdict.sentence


def test_without_baselines_nothing_is_compared() -> None:
    verdict = _compare(TRUE, {})
    assert (verdict.baseline, verdict.difference, verdict.beats) == (None, None, None)
    assert "no simpler method to compare with" in verdict.sentence


def test_of_equal_baselines_the_simplest_is_named() -> None:
    answers = _wrong(range(30))
    verdict = _compare(TRUE, {"mean_std_difference": answers, "mean": answers, "single_frame": answers})
    assert verdict.baseline == "single_frame"
