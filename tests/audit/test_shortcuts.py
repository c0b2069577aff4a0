"""Shortcuts: found where planted, silent under shuffled labels, and scored as scikit-learn would."""

import numpy as np
import pytest
from sklearn.naive_bayes import CategoricalNB

from pipeline.audit import shortcuts
from pipeline.audit.properties import Property
from pipeline.audit.shortcuts import bins, check_shortcuts


def columns(rng: np.random.Generator, number: int) -> list[Property]:
    return [
        Property(name="width", values=rng.choice([320.0, 640.0, 1280.0], number)),
        Property(name="length", values=rng.lognormal(2, 0.4, number)),
        Property(name="rate", values=np.full(number, 25.0)),
    ]


@pytest.mark.parametrize(("sets", "allowed"), [(20, 2), pytest.param(60, 4, marks=pytest.mark.slow)])
def test_shuffled_labels_give_no_alarm(sets: int, allowed: int) -> None:
    """At 2 % 0.4 and 1.2 are expected; one more than allowed would be seen once in a hundred such runs."""
    alarms = 0
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        labels = [str(label) for label in rng.integers(3, size=90)]
        check = check_shortcuts(columns(rng, 90), labels, [str(i) for i in range(90)], seed=seed)
        alarms += bool(check.found)
        assert check.constant == ("rate",)
    assert alarms <= allowed


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize(("sets", "allowed"), [(10, 1), pytest.param(30, 2, marks=pytest.mark.slow)])
def test_labels_and_properties_of_groups_give_no_alarm(sets: int, allowed: int, *, mixed: bool) -> None:
    """Six cameras, each of one width: whatever they are of, that is no shortcut that six can prove."""
    alarms = 0
    for seed in range(sets):
        rng = np.random.default_rng(seed)
        groups = rng.integers(6, size=120)
        shares = rng.dirichlet([0.5] * 3, 6)
        of_group = rng.integers(3, size=6)
        labels = [str(rng.choice(3, p=shares[g]) if mixed else of_group[g]) for g in groups]
        width = Property(name="width", values=rng.choice([320.0, 640.0], 6)[groups])
        alarms += bool(check_shortcuts([width], labels, [str(g) for g in groups], seed=seed).found)
    assert alarms <= allowed


def test_a_planted_property_is_found_and_the_others_are_not() -> None:
    rng = np.random.default_rng(3)
    labels = np.array(["a", "b"] * 60)
    given = columns(rng, 120)
    tied = np.where(rng.random(120) < np.where(labels == "a", 0.8, 0.1), 640.0, 320.0)
    check = check_shortcuts(
        [Property(name="width", values=tied), *given[1:]], list(labels), [str(i) for i in range(120)]
    )
    assert [it.name for it in check.found] == ["width"]
    assert check.found[0].accuracy == pytest.approx(0.85, abs=0.08)
    assert check.found[0].chance == pytest.approx(0.5, abs=0.03)


def test_what_is_not_known_can_give_the_class_away() -> None:
    labels = ["a"] * 40 + ["b"] * 40
    values = np.where(np.arange(80) < 40, np.nan, 25.0)
    check = check_shortcuts([Property(name="rate", values=values)], labels, [str(i) for i in range(80)])
    assert check.found[0].accuracy == 1.0


def test_accuracy_is_that_of_naive_bayes() -> None:
    rng = np.random.default_rng(1)
    classes = rng.choice(3, 150, p=[0.6, 0.3, 0.1])
    values = np.minimum(3, rng.poisson(classes + 0.5)).astype(np.intp)
    folds = shortcuts._deal_folds(np.arange(150), rng)
    said = np.empty(150, int)
    for fold in range(5):
        model = CategoricalNB(alpha=1.0, fit_prior=False, min_categories=4)
        model.fit(values[folds != fold, None], classes[folds != fold])
        said[folds == fold] = model.predict(values[folds == fold, None])
    balanced = np.mean([(said[classes == k] == k).mean() for k in range(3)])
    (accuracy,) = shortcuts._accuracies({"v": values}, classes, [folds])
    assert accuracy == pytest.approx(balanced)


def test_groups_stay_whole_in_folds_and_shuffles() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), rng.integers(1, 9, 12))
    folds = shortcuts._deal_folds(groups, rng)
    assert all(len(set(folds[groups == g])) == 1 for g in range(12))
    assert len(set(folds)) == 5
    classes = (groups % 3).astype(np.intp)
    whole = shortcuts._shuffle_whole(classes, groups, rng)
    assert not np.array_equal(whole, classes)
    assert all(len(set(whole[groups == g])) == 1 for g in range(12)), "a group of one class stays of one"
    mixed = (rng.random(len(groups)) < 0.5).astype(np.intp)
    dealt = shortcuts._shuffle_whole(mixed, groups, rng)
    assert np.array_equal(np.bincount(dealt), np.bincount(mixed))
    within = shortcuts._shuffle_within(mixed, groups, rng)
    assert not np.array_equal(within, mixed)
    for g in range(12):
        assert sorted(within[groups == g]) == sorted(mixed[groups == g])


def test_bins_keep_few_values_apart_and_cut_many_at_quantiles() -> None:
    assert len(set(bins(np.repeat([320.0, 640.0, 1280.0], 20)))) == 3
    assert len(set(bins(np.r_[np.full(50, 25.0), 30.0]))) == 1, "one clip is no bin of its own"
    many = np.bincount(bins(np.random.default_rng(0).normal(size=400)))
    assert len(many) == 8
    assert many.min() >= 45
    with_unknown = bins(np.r_[np.full(30, np.nan), np.full(30, 2.0)])
    assert len(set(with_unknown)) == 2


@pytest.mark.parametrize(
    ("labels", "reason"), [(["a"] * 30, "fewer than two classes"), (["a", "b"] * 15, "the same in all clips")]
)
def test_where_nothing_can_be_checked_it_says_why(labels: list[str], reason: str) -> None:
    constant = Property(name="rate", values=np.full(30, 25.0))
    check = check_shortcuts([constant], labels, [str(i) for i in range(30)])
    assert reason in check.reason
    assert not check.shortcuts
