from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.clips.clip import Split
from pipeline.clips.source import Source, SourceList
from pipeline.clips.split_rule import SplitRule
from pipeline.clips.splits import Dealt, deal, describe_gaps, merge_groups
from pipeline.errors import UsageError

SHARES: dict[Split, float] = {"train": 0.7, "val": 0.15, "test": 0.15}


def make(label: str, count: int, *, groups_of: int = 1) -> list[Dealt]:
    return [
        Dealt(id=f"{label}{number:04d}", label=label, group=f"{label}-{number // groups_of}")
        for number in range(count)
    ]


def count(clips: list[Dealt], result: Mapping[str, Split], label: str) -> tuple[int, int, int]:
    numbers = Counter(result[clip.id] for clip in clips if clip.label == label)
    return numbers["train"], numbers["val"], numbers["test"]


@st.composite
def clip_lists(draw: st.DrawFn, *, mixed: bool) -> list[Dealt]:
    labels = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=60))
    groups = draw(st.lists(st.integers(0, 12), min_size=len(labels), max_size=len(labels)))
    return [
        Dealt(id=f"id{number}", label=label, group=f"{group}" if mixed else f"{label}{group}")
        for number, (label, group) in enumerate(zip(labels, groups, strict=True))
    ]


@given(clips=clip_lists(mixed=True), seed=st.integers(0, 3))
def test_no_group_stands_on_two_sides(clips: list[Dealt], seed: int) -> None:
    result = deal(clips, shares=SHARES, seed=seed)
    assert result.keys() == {clip.id for clip in clips}
    sides = defaultdict(set)
    for clip in clips:
        sides[clip.group].add(result[clip.id])
    assert all(len(splits) == 1 for splits in sides.values())


@given(clips=clip_lists(mixed=False), seed=st.integers(0, 3))
def test_every_class_with_three_groups_is_in_all_splits(clips: list[Dealt], seed: int) -> None:
    result = deal(clips, shares=SHARES, seed=seed)
    groups, splits = defaultdict(set), defaultdict(set)
    for clip in clips:
        groups[clip.label].add(clip.group)
        splits[clip.label].add(result[clip.id])
    expected = {1: {"train"}, 2: {"train", "test"}}
    for label, names in groups.items():
        assert splits[label] == expected.get(len(names), {"train", "val", "test"})


@given(clips=clip_lists(mixed=True), data=st.data())
def test_the_order_of_the_list_says_nothing(clips: list[Dealt], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(clips))
    assert deal(clips, shares=SHARES, seed=0) == deal(shuffled, shares=SHARES, seed=0)


@given(clips=clip_lists(mixed=True), data=st.data())
@settings(max_examples=150, deadline=None)  # a busy machine takes its time
def test_new_clips_never_move_old_ones(clips: list[Dealt], data: st.DataObject) -> None:
    old = clips[: data.draw(st.integers(0, len(clips)))]
    before = deal(old, shares=SHARES, seed=0)
    after = deal(clips, shares=SHARES, seed=0, kept=before)
    assert {clip_id: after[clip_id] for clip_id in before} == before
    sides = {clip.group: before[clip.id] for clip in old}
    for clip in clips:
        if clip.group in sides:  # a new clip of an old group joins it
            assert after[clip.id] == sides[clip.group]


@pytest.mark.parametrize("groups_of", [1, 2, 5])
def test_shares_are_met_class_by_class(groups_of: int) -> None:
    clips = make("common", 300, groups_of=groups_of) + make("rare", 40, groups_of=groups_of)
    result = deal(clips, shares=SHARES, seed=0)
    for label, total in (("common", 300), ("rare", 40)):
        for got, share in zip(count(clips, result, label), SHARES.values(), strict=True):
            assert abs(got - share * total) <= groups_of


def test_shares_come_back_when_clips_are_added() -> None:
    old = make("a", 20)
    before = deal(old, shares={"train": 0.5, "val": 0.25, "test": 0.25}, seed=0)
    assert count(old, before, "a") == (10, 5, 5)
    clips = make("a", 100)
    assert count(clips, deal(clips, shares=SHARES, seed=0, kept=before), "a") == (70, 15, 15)


def test_the_seed_draws_another_split() -> None:
    clips = make("a", 40)
    results = [deal(clips, shares=SHARES, seed=seed) for seed in (0, 1)]
    assert results[0] != results[1]
    assert count(clips, results[0], "a") == count(clips, results[1], "a")


def test_one_large_group_trains() -> None:
    clips = [Dealt(id=f"x{n}", label="a", group="big" if n < 8 else str(n)) for n in range(10)]
    assert count(clips, deal(clips, shares=SHARES, seed=0), "a") == (8, 1, 1)


def test_small_classes_are_named() -> None:
    clips = make("many", 20) + make("one", 1) + make("two", 2)
    result = deal(clips, shares=SHARES, seed=0)
    assert count(clips, result, "one") == (1, 0, 0)
    assert count(clips, result, "two") == (1, 0, 1)
    assert describe_gaps(clips, result, SHARES.keys()) == [
        "class 'one' has no clip in val and test: it has 1 group that must not be split.",
        "class 'two' has no clip in val: it has 2 groups that must not be split.",
    ]


def test_a_class_that_kept_its_split_is_named() -> None:
    clips = make("a", 4)
    result: dict[str, Split] = {clip.id: "train" for clip in clips}
    assert describe_gaps(clips, result, SHARES.keys()) == [
        "class 'a' has no clip in val and test: its clips keep the split they were given before."
    ]


def test_groups_that_share_a_clip_are_one() -> None:
    groups = merge_groups({"1": ["a"], "2": ["b"], "3": ["a", "b"], "4": ["c"], "5": []})
    assert groups == {"1": "1", "2": "1", "3": "1", "4": "4", "5": "5"}


# --- the rule -----------------------------------------------------------------------------------


def test_a_given_split_is_kept() -> None:
    clips = make("a", 6)
    given_split: dict[str, Split | None] = dict(
        zip((clip.id for clip in clips), ("train", "val", "test", "test", "val", "train"), strict=True)
    )
    rule = SplitRule(origin="csv", makes="nothing")
    result, notes = rule.assign(usable=clips, failed=[], given=given_split, kept={clips[0].id: "test"})
    assert result == given_split
    assert notes == []


def test_a_missing_val_is_taken_from_train() -> None:
    clips = make("a", 100) + make("b", 40)
    given_split: dict[str, Split | None] = {
        clip.id: "test" if int(clip.id[1:]) % 2 else "train" for clip in clips
    }
    rule = SplitRule(origin="csv", makes="val")
    result, _ = rule.assign(usable=clips, failed=[], given=given_split, kept={})
    assert all(result[i] == "test" for i, split in given_split.items() if split == "test")
    assert count(clips, result, "a") in ((42, 8, 50), (43, 7, 50))
    assert count(clips, result, "b") == (17, 3, 20)
    more = [*clips, Dealt(id="b9998", label="b", group="new")]
    again, _ = rule.assign(usable=more, failed=[], given={**given_split, "b9998": "train"}, kept=result)
    assert {clip.id: again[clip.id] for clip in clips} == result


def test_failed_clips_take_no_place() -> None:
    clips, failed = make("a", 20), [Dealt(id="a9999", label="a", group="f")]
    given_split: dict[str, Split | None] = {clip.id: None for clip in clips + failed}
    rule = SplitRule(origin="made", makes="all")
    with_failed, _ = rule.assign(usable=clips, failed=failed, given=given_split, kept={})
    without, _ = rule.assign(usable=clips, failed=[], given=given_split, kept={})
    assert {clip.id: with_failed[clip.id] for clip in clips} == without
    assert with_failed["a9999"] in SHARES


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"val_fraction": -0.1}, "--val-fraction is -0.1; allowed: 0 or more and less than 1"),
        ({"test_fraction": 1.0}, "--test-fraction is 1.0"),
        ({"val_fraction": 0.5, "test_fraction": 0.5}, "leave nothing to train on"),
    ],
)
def test_impossible_fractions(values: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SplitRule(origin="made", makes="all", **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_splits", "makes"),
    [
        ([None, None], "all"),
        (["train", "test"], "val"),
        (["train", "val"], "nothing"),
        (["test"], "nothing"),
    ],
)
def test_what_is_made(given_splits: list[Split | None], makes: str) -> None:
    assert SplitRule.makes_of(given_splits) == makes


def listed(*given: tuple[str, Split | None]) -> SourceList:
    sources = [
        Source(path=f"{number}.mp4", location="", label=label, split=split)
        for number, (label, split) in enumerate(given)
    ]
    return SourceList(
        sources=tuple(sources),
        input_format="csv",
        read_as="a table",
        root=Path(),
        split_origin="csv" if given[0][1] else "made",
        grouping="column camera",
    )


def rule_of(*given: tuple[str, Split | None], regroup: bool = False) -> SplitRule:
    return SplitRule.of(listed(*given), regroup=regroup, seed=3, val_fraction=0.1, test_fraction=0.2)


def test_the_rule_of_a_list() -> None:
    given: tuple[tuple[str, Split | None], ...] = (("a", "train"), ("b", "train"), ("a", "test"))
    assert rule_of(*given) == SplitRule(
        origin="csv", makes="val", seed=3, val_fraction=0.1, test_fraction=0.2, grouping="column camera"
    )
    rule = rule_of(*given, regroup=True)
    assert (rule.origin, rule.makes, rule.regroup) == ("made", "all", True)
    assert rule_of(("a", None), ("b", None)).makes == "all"
    with pytest.raises(
        UsageError, match=r"--regroup sets a given split aside, but none is given \(read as a table"
    ):
        rule_of(("a", None), ("b", None), regroup=True)


def test_a_class_that_is_never_trained() -> None:
    given: tuple[tuple[str, Split | None], ...] = (("a", "train"), ("b", "train"), ("c", "test"))
    with pytest.raises(UsageError, match=r"label 'c' \(2\.mp4, split test\) has no clip in train"):
        rule_of(*given)
    assert rule_of(*given, regroup=True).makes == "all"  # the given split does not count


def test_regroup_sets_a_given_split_aside() -> None:
    clips = [Dealt(id=f"{i:02d}", label="ab"[i % 2], group=f"g{i // 4}") for i in range(40)]
    given_split: dict[str, Split | None] = {
        clip.id: "test" if int(clip.id) % 5 == 0 else "train" for clip in clips
    }
    rule = SplitRule(origin="made", makes="all", regroup=True)
    result, notes = rule.assign(usable=clips, failed=[], given=given_split, kept={})
    sides = defaultdict(set)
    for clip in clips:
        sides[clip.group].add(result[clip.id])
    assert all(len(splits) == 1 for splits in sides.values())
    assert set(result.values()) == {"train", "val", "test"}
    moved = sum(result[i] != split for i, split in given_split.items())
    assert notes == [f"--regroup: {moved} of 40 clips stand on another side than the given split has them."]
    assert result == rule.assign(usable=clips, failed=[], given=dict.fromkeys(result), kept={})[0]


def test_regroup_is_part_of_the_rule() -> None:
    given, anew = (
        SplitRule(origin="csv", makes="nothing"),
        SplitRule(origin="made", makes="all", regroup=True),
    )
    assert anew.differences(given.to_dict()) == ["--regroup is new"]
    assert given.differences(anew.to_dict()) == ["--regroup was given, now it is not"]
    assert anew.differences(anew.to_dict()) == []
    assert anew.differences({}) == []  # an earlier run that was never finished


def test_another_numbered_list_is_another_split() -> None:
    stored = SplitRule(origin="lists", makes="nothing", list_number=1)
    other = SplitRule(origin="lists", makes="nothing", list_number=2)
    assert other.differences(stored.to_dict()) == ["--list-number was 1, now 2"]
    assert other.differences(other.to_dict()) == other.differences({}) == []


def test_a_rule_that_differs_where_it_decides() -> None:
    stored = SplitRule(origin="csv", makes="val").to_dict()
    other = SplitRule(origin="csv", makes="val", seed=1, test_fraction=0.3, grouping="column camera")
    assert other.differences(stored) == ["--seed was 0, now 1", "grouping was '', now 'column camera'"]
    assert SplitRule(origin="csv", makes="nothing", seed=1).differences(stored) == []
