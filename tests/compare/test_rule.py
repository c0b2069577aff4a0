"""The rule for the supported rung, on tables whose answer can be seen."""

import numpy as np
import pytest

from pipeline.compare.answers import Answers
from pipeline.compare.rule import behind_best, supported_rung
from tests.helpers.boards import TRUE, N, board, scorer, wrong

RUNGS = ("single_frame", "mean", "attention_pooling", "lstm", "full")


def test_where_all_say_the_same_the_simplest_is_supported() -> None:
    rung = board({name: wrong(0.2) for name in RUNGS}).rung
    assert (rung.supported, rung.best) == ("single_frame", "single_frame")
    assert all(each.behind == 0 for each in rung.shortfalls.values())


@pytest.mark.parametrize("right", range(len(RUNGS)))
def test_the_first_rung_of_those_far_ahead_is_supported(right: int) -> None:
    heads = {name: wrong(0.45 if rung < right else 0.1, seed=rung) for rung, name in enumerate(RUNGS)}
    rung = board(heads).rung
    assert rung.supported == RUNGS[right]
    assert rung.above_chance.found
    assert [each.surely for each in rung.shortfalls.values()] == [True] * right + [False] * (5 - right)


def test_a_rung_ahead_by_what_picking_the_best_gives_is_not_needed() -> None:
    """Five heads of 20 %, on clips of their own, and one happens to be ahead."""
    shares = dict(zip(RUNGS, (0.20, 0.21, 0.19, 0.22, 0.18), strict=True))
    rung = board({name: wrong(share, seed=int(share * 100)) for name, share in shares.items()}).rung
    assert (rung.supported, rung.best) == ("single_frame", "full")
    short = rung.shortfalls["single_frame"]
    assert short.behind == pytest.approx(0.02, abs=0.01)
    assert short.allowed is not None
    assert rung.one_standard_error is not None
    assert short.allowed >= rung.one_standard_error


def test_a_coin_does_not_beat_the_majority_whatever_its_macro_f1() -> None:
    heads = {name: wrong(0.5, seed=rung) for rung, name in enumerate(RUNGS)}
    found = board(heads)
    assert found.macro_f1("full") > found.macro_f1("majority") + 0.1
    assert found.rung.supported == "majority"
    assert found.rung.above_chance.found is False
    assert found.rung.best in RUNGS


def test_the_best_of_many_heads_must_be_further_from_chance() -> None:
    alone = board({"mean": wrong(0.41)}).rung.above_chance
    among = board(
        {"mean": wrong(0.41), **{f"coin_{seed}": wrong(0.5, seed=seed) for seed in range(1, 40)}}
    ).rung.above_chance
    assert alone.by_chance is not None
    assert among.by_chance is not None
    assert among.by_chance > 1.2 * alone.by_chance


def test_heads_beside_the_ladder_count_where_it_is_asked_whether_anything_works() -> None:
    coins = {"mean": wrong(0.5), "lstm": wrong(0.5, seed=1)}
    rung = board({**coins, "gru": wrong(0.1, seed=2)}, beside=("gru",)).rung
    assert rung.above_chance.found
    assert rung.above_chance.head == "gru"
    assert rung.best != "gru"


def test_few_groups_tell_nothing() -> None:
    few = [f"g{row % 19}" for row in range(N)]
    rung = board({"mean": wrong(0.4), "lstm": wrong(0.1)}, groups=few).rung
    assert (rung.supported, rung.best, rung.one_standard_error) == (None, "lstm", None)
    assert not rung.can_tell
    assert rung.above_chance.found is None
    assert rung.to_dict()["shortfalls"]["mean"]["allowed"] is None


def test_where_nothing_is_wrong_the_simplest_is_supported() -> None:
    rung = board({"mean": wrong(0.0), "lstm": wrong(0.0)}).rung
    assert (rung.supported, rung.one_standard_error) == ("mean", None)


def test_the_shortfall_is_that_to_the_best_of_the_others() -> None:
    own = scorer()
    heads = [own.score(wrong(share, seed=row)) for row, share in enumerate((0.3, 0.2, 0.1))]
    short = behind_best(own, heads[0], {"a": heads[1], "b": heads[2]})
    assert short.behind == pytest.approx(heads[2].values["macro_f1"] - heads[0].values["macro_f1"])
    assert short.surely


def test_a_ladder_without_its_foot_is_refused() -> None:
    own = scorer()
    head = own.score(wrong(0.2))
    with pytest.raises(ValueError, match="it takes 'majority' first and one more rung"):
        supported_rung(own, {"mean": head})
    with pytest.raises(ValueError, match="it takes 'majority' first and one more rung"):
        supported_rung(own, {"majority": own.score(Answers.always(0, np.full((1, len(TRUE)), 0.7)))})


def test_heads_far_behind_could_not_have_been_picked() -> None:
    own = scorer()
    one = own.score(wrong(0.1))
    near = {"near": own.score(wrong(0.1, seed=1))}
    far = {f"far_{seed}": own.score(wrong(0.45, seed=seed)) for seed in range(2, 12)}
    equal = {f"equal_{seed}": own.score(wrong(0.1, seed=seed)) for seed in range(2, 12)}
    alone, among_far, among_equal = (
        behind_best(own, one, {**near, **others}).allowed or 0.0 for others in ({}, far, equal)
    )
    assert among_far == alone > 0
    assert among_equal > 1.2 * alone


def test_one_standard_error_is_always_allowed() -> None:
    """Two heads that differ on one clip: what picking gives by chance is next to nothing."""
    rung = board({"mean": wrong(0.2), "lstm": wrong(0.2 - 1 / N)}).rung
    picked = behind_best(scorer(), scorer().score(wrong(0.2)), {"lstm": scorer().score(wrong(0.2 - 1 / N))})
    assert picked.allowed is not None
    assert rung.one_standard_error is not None
    assert picked.allowed < rung.one_standard_error == rung.shortfalls["mean"].allowed


def test_chance_is_counted_in_balanced_accuracy() -> None:
    rows = np.arange(N)
    predicted = np.where(rows % 20 == 1, 1, 0)  # one of ten clips of the second class, none of the first
    above = board({"mean": Answers(predicted=predicted[None], losses=np.ones((1, N)))}).rung.above_chance
    assert above.advantage == pytest.approx((1.0 + 0.1) / 2 - 1 / 2)
