"""Metrics against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, top_k_accuracy_score
from sklearn.metrics import log_loss as sklearn_log_loss

from pipeline.evaluation.metrics import confusion, log_losses, score, score_classes, top_k_hits
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


@pytest.mark.parametrize("seed", range(3))
def test_log_loss_and_top_k_agree_with_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    true, probabilities = random.integers(0, 7, 80), random.dirichlet(np.ones(7), 80)
    classes = list(range(7))
    expected = sklearn_log_loss(true, probabilities, labels=classes)
    assert log_losses(true, probabilities).mean() == pytest.approx(expected)
    hits = top_k_hits(true, probabilities)
    assert list(hits) == [3, 5]
    for k, hit in hits.items():
        assert hit.mean() == top_k_accuracy_score(true, probabilities, k=k, labels=classes)


@pytest.mark.parametrize(("num_classes", "ks"), [(2, []), (3, []), (4, [3]), (5, [3]), (6, [3, 5])])
def test_top_k_is_shown_below_the_number_of_classes_only(num_classes: int, ks: list[int]) -> None:
    probabilities = np.full((4, num_classes), 1 / num_classes)
    assert list(top_k_hits(np.zeros(4, int), probabilities)) == ks


def test_of_equal_probabilities_the_first_class_comes_first() -> None:
    probabilities = np.full((4, 4), 0.25)
    assert top_k_hits(np.arange(4), probabilities)[3].tolist() == [True, True, True, False]


def test_an_impossible_truth_costs_much_but_not_infinitely() -> None:
    (loss,) = log_losses(np.array([1]), np.array([[1.0, 0.0]]))
    assert 700 < loss < 710
