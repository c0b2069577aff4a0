"""Folds: groups stay whole, no fold is empty, and no class is lost to learning if that can be helped."""

from collections import defaultdict
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clips.folds import deal_folds, groups_that_cannot_be_held_back
from pipeline.clips.splits import Dealt
from pipeline.errors import StoreError, UsageError


def _clips(groups: list[tuple[str, int]]) -> list[Dealt]:
    """Clips of groups, each given as the letters of its clips' classes and how often they come."""
    return [
        Dealt(id=f"{number:03d}-{clip}", label=label, group=f"g{number}")
        for number, (labels, times) in enumerate(groups)
        for clip, label in enumerate(labels * times)
    ]


_GROUPS = st.lists(
    st.tuples(st.text("abcd", min_size=1, max_size=3), st.integers(1, 6)), min_size=2, max_size=40
)


@settings(max_examples=150, deadline=None)
@given(groups=_GROUPS, num_folds=st.integers(2, 6), seed=st.integers(0, 5))
def test_what_always_holds(groups: list[tuple[str, int]], num_folds: int, seed: int) -> None:
    clips = _clips(groups)
    if num_folds > len(groups):
        with pytest.raises(UsageError, match=f"--folds is {num_folds}; allowed: 2 to {len(groups)}"):
            deal_folds(clips, num_folds=num_folds, seed=seed)
        return
    folds = deal_folds(clips, num_folds=num_folds, seed=seed)
    assert set(folds) == {clip.id for clip in clips}
    assert set(folds.values()) == set(range(num_folds)), "a fold is empty"
    of_group = defaultdict(set)
    for clip in clips:
        of_group[clip.group].add(folds[clip.id])
    assert all(len(where) == 1 for where in of_group.values()), "a group stands in two folds"
    assert folds == deal_folds(clips[::-1], num_folds=num_folds, seed=seed), "the order of the clips matters"


@settings(max_examples=150, deadline=None)
@given(counts=st.lists(st.integers(1, 8), min_size=2, max_size=5), num_folds=st.integers(2, 5))
def test_a_class_reaches_as_many_folds_as_it_has_groups(counts: list[int], num_folds: int) -> None:
    """So a class of two groups or more is always learned from, whatever fold is held back."""
    clips = _clips(
        [("abcde"[index], 1 + number) for index, count in enumerate(counts) for number in range(count)]
    )
    if sum(counts) < num_folds:
        return
    folds = deal_folds(clips, num_folds=num_folds, seed=0)
    for index, count in enumerate(counts):
        reached = {folds[clip.id] for clip in clips if clip.label == "abcde"[index]}
        assert len(reached) == min(count, num_folds)


def test_few_classes_of_mixed_groups_miss_a_fold_that_they_could_be_in() -> None:
    """In 200 hard sets: no class in one fold alone, and few in fewer folds than they could be in."""
    total = few = 0
    for seed in range(200):
        random = Random(seed)
        names = "abcdefgh"[: random.randint(2, 8)]
        groups = [
            ("".join(random.sample(names, random.randint(1, min(3, len(names))))), random.choice((1, 2, 10)))
            for _ in range(random.randint(5, 14))
        ]
        clips = _clips(groups)
        folds = deal_folds(clips, num_folds=5, seed=seed)
        for name in names:
            num_groups = sum(name in labels for labels, _ in groups)
            reached = {folds[clip.id] for clip in clips if clip.label == name}
            assert len(reached) >= min(num_groups, 2)
            total += num_groups >= 2
            few += len(reached) < min(num_groups, 5)
    assert total > 700
    assert few / total < 0.08  # .13 where only sizes are balanced


def test_folds_are_stratified() -> None:
    clips = _clips([("a", 1)] * 60 + [("b", 1)] * 20 + [("c", 1)] * 10)
    folds = deal_folds(clips, num_folds=5, seed=0)
    for label, each in (("a", 12), ("b", 4), ("c", 2)):
        held = [folds[clip.id] for clip in clips if clip.label == label]
        assert [held.count(fold) for fold in range(5)] == [each] * 5


def test_another_seed_deals_otherwise_even_if_no_two_groups_are_alike() -> None:
    clips = _clips([("ab"[number % 2], 3 + number) for number in range(20)])
    dealt = [deal_folds(clips, num_folds=4, seed=seed) for seed in range(3)]
    assert dealt[0] != dealt[1] != dealt[2] != dealt[0]


def test_a_group_that_is_all_of_a_class_cannot_be_held_back() -> None:
    clips = _clips([("a", 2), ("ab", 1), ("c", 5), ("b", 1)])
    assert groups_that_cannot_be_held_back(clips) == {"g2"}


def test_one_group_or_one_fold_is_refused() -> None:
    with pytest.raises(StoreError, match="come from 1 independent groups"):
        deal_folds(_clips([("ab", 5)]), num_folds=2, seed=0)
    with pytest.raises(UsageError, match="--folds is 1; allowed: 2 to 3"):
        deal_folds(_clips([("a", 1), ("b", 1), ("a", 1)]), num_folds=1, seed=0)
