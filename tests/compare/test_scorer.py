"""Scores of heads against an independent oracle, and what their intervals do at the edges."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

from pipeline.compare.answers import Answers
from pipeline.compare.figure import fold_figure
from pipeline.compare.scorer import Scorer
from pipeline.evaluation.intervals import bootstrap_intervals, corrected_t_interval, mean_interval

N, K = 90, 3
GROUPS = [f"g{row // 3}" for row in range(N)]


def made(seed: int, accuracy: float, repeats: int = 2) -> tuple[np.ndarray, Answers]:
    random = np.random.default_rng(seed)
    true = np.random.default_rng(0).integers(0, K, N)
    predicted = np.where(random.random((repeats, N)) < accuracy, true, (true + 1) % K)
    return true, Answers(
        predicted=predicted,
        losses=random.exponential(1, (repeats, N)),
        shuffled=random.integers(0, K, (repeats, 4, N)),
    )


def scorer(true: np.ndarray, groups: list[str] = GROUPS, seed: int = 0) -> Scorer:
    return Scorer(true, groups, num_classes=K, folds_by_share=1.25, seed=seed)


def test_scores_are_those_of_each_repeat_averaged() -> None:
    true, answers = made(1, 0.7)
    figures = scorer(true).figures(scorer(true).score(answers))
    for key, oracle in (
        ("accuracy", accuracy_score),
        ("balanced_accuracy", balanced_accuracy_score),
        ("macro_f1", lambda *both: f1_score(*both, average="macro")),
    ):
        expected = np.mean([oracle(true, row) for row in answers.predicted])
        assert figures[key].mean == pytest.approx(expected)
        low, high = figures[key].interval or (1, 0)
        assert low < expected < high
    assert figures["log_loss"].mean == pytest.approx(answers.losses.mean())
    assert answers.shuffled is not None
    shuffled = scorer(true).score_shuffled(answers).values
    of_orders = [f1_score(true, row, average="macro") for row in answers.shuffled.reshape(-1, N)]
    assert shuffled["macro_f1"] == pytest.approx(np.mean(of_orders))
    assert "log_loss" not in shuffled


def test_intervals_are_those_over_groups_widened() -> None:
    true, answers = made(2, 0.7, repeats=1)
    own = scorer(true)
    plain = bootstrap_intervals(true, answers.predicted[0], GROUPS, num_classes=K)
    figure = own.figures(own.score(answers))["macro_f1"]
    assert plain is not None
    assert figure.interval is not None
    assert own.widening == pytest.approx(1.5**0.5)  # 1 + 0.4 x 1.25
    for end, expected in zip(figure.interval, plain["macro_f1"], strict=True):
        assert end - figure.mean == pytest.approx(own.widening * (expected - figure.mean))
    losses = answers.losses[0]
    loss, unwidened = own.figures(own.score(answers))["log_loss"], mean_interval(losses, GROUPS)
    assert loss.interval is not None
    assert unwidened is not None
    for end, expected in zip(loss.interval, unwidened, strict=True):
        assert end - loss.mean == pytest.approx(1.5 * (expected - loss.mean))  # 1 + 1.25


def test_differences_are_paired() -> None:
    true, first = made(3, 0.8)
    second = Answers(predicted=first.predicted.copy(), losses=first.losses)
    second.predicted[:, ::30] = (true[::30] + 1) % K  # on the other 87 clips they say the same
    own = scorer(true)
    one, other = own.score(first), own.score(second)
    difference = own.differences(one, other)["accuracy"]
    assert difference.mean == pytest.approx(one.values["accuracy"] - other.values["accuracy"])
    assert difference.se is not None
    alone = own.figures(one)["accuracy"].se
    assert alone is not None
    assert difference.se < 0.8 * alone
    back = own.differences(other, one)["accuracy"]
    assert back.mean == -difference.mean
    doubled = own.contrast(((2.0, one), (-2.0, other)))["accuracy"]
    assert doubled.se == pytest.approx(2 * difference.se)


def test_the_same_answers_differ_by_nothing() -> None:
    true, answers = made(4, 0.8)
    own = scorer(true)
    figure = own.differences(own.score(answers), own.score(answers))["macro_f1"]
    assert (figure.mean, figure.interval, figure.se) == (0.0, (0.0, 0.0), 0.0)
    assert not figure.surely_above
    assert not figure.surely_below


def test_no_mistake_is_no_proof_of_perfection() -> None:
    true, answers = made(5, 1.1)
    own = scorer(true)
    perfect = own.score(answers)
    figures = own.figures(perfect)
    assert (figures["accuracy"].mean, figures["accuracy"].interval, figures["accuracy"].se) == (
        1.0,
        None,
        None,
    )
    _, worse = made(6, 0.7)
    assert own.differences(perfect, own.score(worse))["accuracy"].surely_above


def test_few_groups_give_figures_without_intervals() -> None:
    true, answers = made(7, 0.7)
    own = scorer(true, [f"g{row % 19}" for row in range(N)])
    assert not own.can_tell
    figures = own.figures(own.score(answers))
    assert all(each.interval is None and each.se is None for each in figures.values())
    difference = own.differences(own.score(answers), own.score_shuffled(answers))
    assert difference["accuracy"].interval is None
    assert own.mean(np.arange(N)).interval is None
    assert own.mean(np.arange(N)).mean == 44.5


def test_the_same_seed_gives_the_same_figures() -> None:
    true, answers = made(8, 0.7)
    one, again, other = (scorer(true, seed=seed) for seed in (3, 3, 4))
    assert one.figures(one.score(answers)) == again.figures(again.score(answers))
    assert one.figures(one.score(answers)) != other.figures(other.score(answers))


def test_figures_of_folds() -> None:
    values = np.array([3.0, 5.0, 4.0, 8.0, 5.0])
    figure = fold_figure(values, test_share=0.25)
    assert figure.interval == corrected_t_interval(values, test_share=0.25)
    assert figure.se == pytest.approx((0.45 * values.var(ddof=1)) ** 0.5)
    assert fold_figure(np.full(5, 3.0), test_share=0.25).interval is None
    assert fold_figure(values, test_share=0.25, enough_groups=False).interval is None


def test_answers_that_cannot_be_are_refused() -> None:
    good = np.zeros((2, N), int)
    with pytest.raises(ValueError, match=r"shape \(90,\); it takes \(R repeats, N clips\)"):
        Answers(predicted=good[0], losses=np.zeros(N))
    with pytest.raises(ValueError, match=r"losses have shape \(1, 90\)"):
        Answers(predicted=good, losses=np.zeros((1, N)))
    with pytest.raises(ValueError, match="2 losses are not finite"):
        Answers(predicted=good, losses=np.where(np.arange(N) == 3, np.inf, np.zeros((2, N))))
    with pytest.raises(ValueError, match=r"it takes \(2, S orders, 90\)"):
        Answers(predicted=good, losses=np.zeros((2, N)), shuffled=np.zeros((1, 4, N), int))
    with pytest.raises(ValueError, match="float64; they are class indices"):
        Answers(predicted=good.astype(float), losses=np.zeros((2, N)))
    with pytest.raises(ValueError, match="89 groups for 90 clips"):
        scorer(np.zeros(N, int), GROUPS[1:])
    with pytest.raises(ValueError, match="answers on 90 clips; there are 3"):
        scorer(np.array([0, 1, 2]), ["a", "b", "c"]).score(Answers(predicted=good, losses=np.zeros((2, N))))
    with pytest.raises(ValueError, match="hold none on shuffled frames"):
        scorer(np.zeros(N, int)).score_shuffled(Answers(predicted=good, losses=np.zeros((2, N))))
