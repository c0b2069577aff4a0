"""What each fit may see: the same for all heads, and no group on two sides of it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clips.store import ClipStore
from pipeline.compare.plan import FRACTIONS, Plan, make_plan
from pipeline.errors import StoreError, UsageError
from tests.helpers.stores import make_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ClipStore:
    """3 classes with 40 clips outside the test split, and 4 in it."""
    return make_store(
        tmp_path_factory.mktemp("plan") / "clips",
        classes=("a", "b", "c"),
        clips_per_class={"train": 30, "val": 10, "test": 4},
    )


def grouped(store: ClipStore, group_of: list[str]) -> ClipStore:
    clips = [replace(clip, group=group) for clip, group in zip(store.clips, group_of, strict=True)]
    return replace(store, clips=tuple(clips))


def plan(store: ClipStore, **changes: object) -> Plan:
    values = {"num_folds": 4, "num_repeats": 2, "seed": 0, "all_clips": False, "curve": True, **changes}
    return make_plan(store, **values)  # type: ignore[arg-type]


@settings(max_examples=12, deadline=None)
@given(num_groups=st.integers(12, 60), seed=st.integers(0, 1000))
def test_no_group_is_on_two_sides_of_any_fit(store: ClipStore, num_groups: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    sets = grouped(store, [f"g{draw.integers(num_groups)}" for _ in store.clips])
    made = plan(sets, seed=seed)
    for fold in made.folds:
        of = {
            name: {made.clips[row].group for row in rows}
            for name, rows in (("val", fold.val), ("test", fold.test))
        }
        assert not of["val"] & of["test"]
        for rows in fold.train.values():
            trained = {made.clips[row].group for row in rows}
            assert not trained & of["test"]
            assert not trained & of["val"]


def test_the_same_bytes_are_on_one_side_whatever_their_groups(store: ClipStore) -> None:
    """A video that lies there twice, under two names in two groups, is not learned from and judged on."""
    sets = grouped(store, [f"g{place:03d}" for place in range(len(store.clips))])
    twins = [replace(clip, sha256=f"{place // 2:016d}" * 4) for place, clip in enumerate(sets.clips)]
    made = plan(replace(sets, clips=tuple(twins)))
    for fold in made.folds:
        sides = [{made.clips[row].sha256 for row in rows} for rows in (fold.train[1.0], fold.val, fold.test)]
        assert not sides[0] & sides[1]
        assert not sides[0] & sides[2]
        assert not sides[1] & sides[2]
    assert len(set(made.groups)) == len({clip.sha256 for clip in made.clips})


def test_each_clip_is_held_back_once_a_repeat_and_none_of_the_test_split_ever(store: ClipStore) -> None:
    made = plan(store)
    assert {clip.split for clip in made.clips} <= {"train", "val", "test"}
    tests = {clip.id for clip in store.usable("test")}
    assert not tests & {clip.id for clip in made.clips}
    for repeat in (0, 1):
        rows = np.concatenate([fold.test for fold in made.folds if fold.repeat == repeat])
        assert sorted(rows.tolist()) == list(range(120))
    assert made.held.tolist() == list(range(120))
    assert any("12 clips of the test split have no part" in note for note in made.notes)


def test_all_clips_takes_the_test_split_too(store: ClipStore) -> None:
    made = plan(store, all_clips=True)
    assert len(made.held) == 132
    assert not any("test split" in note for note in made.notes)


def test_shares_lie_within_each_other_with_their_size_and_their_classes(store: ClipStore) -> None:
    made = plan(store)
    assert made.fractions == FRACTIONS
    for fold in made.folds:
        full = len(fold.train[1.0])
        for smaller, larger in pairwise(FRACTIONS):
            assert set(fold.train[smaller]) < set(fold.train[larger])
            assert len(fold.train[smaller]) == pytest.approx(smaller * full, abs=3)
        assert set(made.class_indices[fold.train[0.1]]) == {0, 1, 2}


def test_shares_that_leave_too_little_are_left_out_and_named(store: ClipStore) -> None:
    few = replace(store, clips=tuple(clip for clip in store.clips if clip.id[-1] in "012"))
    made = plan(few, num_folds=3, num_repeats=1)
    assert made.fractions[-1] == 1.0
    assert 0.1 not in made.fractions
    assert any("No learning curve at 10%" in note for note in made.notes)


def test_without_a_curve_there_are_no_shares(store: ClipStore) -> None:
    assert plan(store, curve=False).fractions == (1.0,)


def test_repeats_and_seeds_deal_differently_and_the_same_seed_the_same(store: ClipStore) -> None:
    one, again, other = plan(store), plan(store), plan(store, seed=7)
    tests = [[fold.test.tolist() for fold in each.folds] for each in (one, again, other)]
    assert tests[0] == tests[1]
    assert tests[0] != tests[2]
    assert tests[0][:4] != tests[0][4:]
    assert len({fold.seed for fold in one.folds}) == 8


def test_what_cannot_be_dealt_is_refused(store: ClipStore) -> None:
    with pytest.raises(UsageError, match="--repeats is 0; allowed: 1 or more"):
        plan(store, num_repeats=0)
    with pytest.raises(UsageError, match="--folds is 400; allowed: 2 to 120"):
        plan(store, num_folds=400)
    alone = grouped(store, [clip.label for clip in store.clips])
    with pytest.raises(StoreError, match="at least"):
        plan(alone)
