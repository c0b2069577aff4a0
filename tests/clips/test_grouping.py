from pathlib import Path

import pytest

from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.source import SourceList
from pipeline.clips.sources import list_sources
from pipeline.errors import UsageError
from tests.helpers.touch import touch


def groups(listed: SourceList) -> dict[str, str]:
    return {source.path: source.group for source in listed.sources}


def test_the_folder_above_a_video(tmp_path: Path) -> None:
    touch(tmp_path, "walk/ann/1.mp4", "walk/bob/x/2.mp4", "run/ann/3.mp4", "run/4.mp4")
    listed = list_sources(tmp_path, ListingOptions(groups="parent-folder"))
    assert groups(listed) == {
        "run/4.mp4": "", "run/ann/3.mp4": "ann", "walk/ann/1.mp4": "ann", "walk/bob/x/2.mp4": "x",
    }  # fmt: skip
    assert listed.grouping == "parent folder"
    assert listed.notes == (
        "--groups parent-folder: 1 of 4 paths lie directly in the folder of their class, such as run/4.mp4: "
        "each of them is a group of its own.",
    )


def test_the_folder_of_a_class_is_no_group(tmp_path: Path) -> None:
    touch(tmp_path, "fast_run/1.mp4", "walk/2.mp4")
    with pytest.raises(
        UsageError, match=r"each video, such as fast_run/1\.mp4, lies in the folder of its class"
    ):
        list_sources(tmp_path, ListingOptions(groups="parent-folder"))
    (tmp_path / "list.txt").write_text("fast_run/1.mp4,Fast Run\nwalk/2.mp4,walk\n")
    with pytest.raises(UsageError, match="a group would be a whole class"):
        list_sources(tmp_path / "list.txt", ListingOptions(groups="parent-folder"))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"person(\d+)", ("01", "02", "01")),
        (r"person\d+", ("person01", "person02", "person01")),
        (r"^([^/]+)/", ("run", "run", "walk")),
        (r"(?P<who>person\d+).*_(?P<day>d\d)", ("person01-d1", "person02-d1", "person01-d2")),
        (r"nobody(\d)|(_d\d)", ("_d1", "_d1", "_d2")),  # the group that took part
        (r"(.+)_part\d+", ("run/person01_d1", "run/person02_d1", "walk/person01_d2")),
    ],
)
def test_a_pattern_in_the_path(tmp_path: Path, pattern: str, expected: tuple[str, ...]) -> None:
    names = ("run/person01_d1_part1.mp4", "run/person02_d1_part1.mp4", "walk/person01_d2_part3.mp4")
    touch(tmp_path, *names)
    listed = list_sources(tmp_path, ListingOptions(group_regex=pattern))
    assert groups(listed) == dict(zip(names, expected, strict=True))
    assert listed.grouping == f"regex {pattern}"
    assert listed.notes == ()


def test_paths_without_the_pattern_stand_alone(tmp_path: Path) -> None:
    touch(tmp_path, "run/person01.mp4", "run/other.mp4", "walk/person01.mp4")
    listed = list_sources(tmp_path, ListingOptions(group_regex=r"person(\d+)"))
    assert groups(listed)["run/other.mp4"] == ""
    assert listed.notes == (
        "--group-regex is not found in 1 of 3 paths, such as run/other.mp4: each of them is a group of its "
        "own.",
    )
    with pytest.raises(UsageError, match=r"'actor' is found in none of the 3 paths, such as run/other\.mp4"):
        list_sources(tmp_path, ListingOptions(group_regex="actor"))
    with pytest.raises(UsageError, match="all 3 videos are in one group"):
        list_sources(tmp_path, ListingOptions(group_regex=r"\.mp4"))


def test_groups_of_the_input_can_be_set_aside(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "b_1.mp4")
    (tmp_path / "list.csv").write_text("path,label,group\na.mp4,x,g\nb_1.mp4,y,h\n")
    table = tmp_path / "list.csv"
    assert (groups(list_sources(table)), list_sources(table).grouping) == (
        {"a.mp4": "g", "b_1.mp4": "h"},
        "column group",
    )
    listed = list_sources(table, ListingOptions(groups="none"))
    assert (groups(listed), listed.grouping) == ({"a.mp4": "", "b_1.mp4": ""}, "")
    assert groups(list_sources(table, ListingOptions(group_regex=r"_(\d)"))) == {"a.mp4": "", "b_1.mp4": "1"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"group_regex": "a(b"},
            r"--group-regex 'a\(b' is no regular expression: missing \), .* at character 2\.",
        ),
        ({"group_regex": "*"}, "nothing to repeat at character 1"),
        (
            {"group_regex": "a", "group_column": "b"},
            "--group-column and --group-regex both say what a group is",
        ),
        ({"group_regex": "a", "groups": "none"}, "--group-regex and --groups none both say"),
        ({"groups": "folder"}, "--groups is 'folder'; allowed: auto, parent-folder, none"),
        (
            {"input_format": "json"},
            "--input-format is 'json'; allowed: auto, folders, csv, ucf101, kinetics, list",
        ),
        ({"list_number": -1}, "--list-number is -1; allowed: 0 or more"),
    ],
)
def test_choices_that_cannot_be_right(options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ListingOptions(**options)  # type: ignore[arg-type]
