"""Metrics against scikit-learn, and intervals against what they promise."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from pipeline.evaluation.metrics import bootstrap_intervals, confusion, score, score_classes
from pipeline.labels import Labels


@pytest.mark.parametrize("seed", range(5))
def test_scores_agree_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    true, predicted = random.integers(0, 4, 60), random.integers(0, 4, 60)
    scores = score(true, predicted, 4)
    assert scores.accuracy == pytest.approx(accuracy_score(true, predicted))
    assert scores.macro_f1 == pytest.approx(f1_score(true, predicted, average="macro"))
    assert scores.balanced_accuracy == pytest.approx(balanced_accuracy_score(true, predicted))


def test_a_class_without_true_clips_is_left_out_of_the_means() -> None:
    true, predicted = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    scores = score(true, predicted, 3)
    assert scores.balanced_accuracy == pytest.approx(0.75)
    assert scores.macro_f1 == pytest.approx(f1_score(true, predicted, average="macro", labels=[0, 1]))


def test_majority_answers_have_chance_macro_f1_whatever_their_accuracy() -> None:
    true = np.array([0] * 90 + [1] * 10)
    scores = score(true, np.zeros(100, int), 2)
    assert scores.accuracy == pytest.approx(0.9)
    assert scores.balanced_accuracy == pytest.approx(0.5)
    assert scores.macro_f1 < 0.5


def test_per_class_figures_and_confusion_by_hand() -> None:
    true, predicted = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 0])
    assert confusion(true, predicted, 3).tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 0]]
    first, second, absent = score_classes(true, predicted, Labels(("a", "b", "c")))
    assert [first.precision, first.recall] == pytest.approx([2 / 3, 2 / 3])
    assert first.support == 3
    assert (second.precision, second.recall, second.f1) == (0.5, 0.5, 0.5)
    assert (absent.precision, absent.recall, absent.f1, absent.support) == (0, 0, 0, 0)


def test_no_predictions_are_refused() -> None:
    with pytest.raises(ValueError, match="no predictions"):
        score(np.array([], int), np.array([], int), 2)


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
