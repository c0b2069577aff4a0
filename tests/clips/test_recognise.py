import os
from pathlib import Path

import pytest

from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.recognise import recognise
from pipeline.clips.sources import list_sources
from pipeline.errors import UsageError
from tests.helpers.touch import touch

UCF101 = {
    "l/classInd.txt": "1 a\n2 b\n",
    "l/trainlist01.txt": "a/1.mp4 1\nb/2.mp4 2\n",
    "l/testlist01.txt": "a/3.mp4\n",
}
KINETICS = {
    "k/train.csv": "label,youtube_id,time_start,time_end,split\n"
    "a,v,0,9,train\na,w,0,9,train\nb,x,0,9,train\nb,y,0,9,train\n"
}
LISTS = {"train.txt": "a/1.mp4 a\nb/2.mp4 b\n", "val.txt": "a/3.mp4 a\n"}
TABLE = {"list.csv": "path,label\na/1.mp4,a\nb/2.mp4,b\n"}


def write(folder: Path, *contents: dict[str, str]) -> Path:
    touch(folder, "a/1.mp4", "b/2.mp4", "a/3.mp4")
    if KINETICS in contents:
        touch(folder, *(f"k/{i}_000000_000009.mp4" for i in "vwxy"))
    for name, text in (item for content in contents for item in content.items()):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ((), "folders"),
        ((UCF101,), "ucf101"),
        ((KINETICS,), "kinetics"),
        ((LISTS,), "list"),
        ((TABLE,), "csv"),
        (({"train.txt": "We train on 12 clips.\nThe end.\n", "test.txt": "none\n"},), "folders"),
        (({"train.txt": LISTS["train.txt"]},), "folders"),  # one list alone is named itself
        (({"readme.csv": "name,age\nann,3\n"},), "folders"),
        (({"classInd.txt": "1 a\n2 b\n"},), "folders"),
        (({"lists/train.list": "f/one 12 3\nf/two 15 4\n", "lists/val.list": "f/three 12 3\n"},), "list"),
    ],
)
def test_what_a_folder_is_read_as(
    tmp_path: Path, contents: tuple[dict[str, str], ...], expected: str
) -> None:
    write(tmp_path, *contents)
    assert recognise(tmp_path) == expected
    if "f/one" not in str(contents):
        assert list_sources(tmp_path).input_format == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("x.csv", "path,label\n", "csv"),
        ("x.CSV", "label,path,split\n", "csv"),
        ("x.csv", "label,youtube_id,time_start,time_end,split\n", "kinetics"),
        ("x.csv", "a/1.mp4 0\nb/2.mp4 1\n", "list"),
        ("x.csv", "a/1.mp4,0\nb/2.mp4,1\n", "list"),
        ("x.csv", "video,class\na,b\n", "csv"),  # where it is refused, with the columns that are needed
        ("x.csv", "", "csv"),
        ("x.txt", "anything", "list"),
        ("x.list", "anything", "list"),
    ],
)
def test_what_a_file_is_read_as(tmp_path: Path, name: str, text: str, expected: str) -> None:
    (tmp_path / name).write_text(text)
    assert recognise(tmp_path / name) == expected


def test_two_ways_are_asked_about(tmp_path: Path) -> None:
    write(tmp_path, UCF101, LISTS)
    message = (
        r"can be read in several ways \(ucf101: l; list: train\.txt, val\.txt\)\. "
        "Say which one is meant with --input-format ucf101 or list"
    )
    with pytest.raises(UsageError, match=message):
        list_sources(tmp_path)
    for chosen in ("ucf101", "list", "folders"):
        listed = list_sources(tmp_path, ListingOptions(input_format=chosen))
        assert listed.input_format == chosen
    both = tmp_path / "both.csv"
    both.write_text("path,label,youtube_id,time_start,time_end\n")
    with pytest.raises(UsageError, match=r"csv: the columns path,label; kinetics: the column youtube_id"):
        list_sources(both)


def test_lists_that_name_few_of_the_videos_are_asked_about(tmp_path: Path) -> None:
    write(tmp_path, LISTS)
    touch(tmp_path, *(f"{label}/{number}.avi" for label in "abc" for number in range(3)))
    with pytest.raises(
        UsageError,
        match=r"two ways: as the lists train\.txt, val\.txt .* \(3 videos that are there\), or as class "
        r"folders \(a, b, c: 9 videos",
    ):
        list_sources(tmp_path)
    listed = list_sources(tmp_path, ListingOptions(input_format="list"))
    assert len(listed.sources) == 3
    assert "left out: 9 videos" in listed.notes[0]
    assert len(list_sources(tmp_path, ListingOptions(input_format="folders")).sources) == 12


def test_lists_are_not_read_through_links_that_lead_out(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write(tmp_path)
    elsewhere = write(tmp_path_factory.mktemp("private"), LISTS, TABLE)
    for name in ("train.txt", "val.txt", "list.csv"):
        (tmp_path / name).symlink_to(elsewhere / name)
    os.mkfifo(tmp_path / "test.csv")  # would be waited for without end
    assert recognise(tmp_path) == "folders"
    (tmp_path / "train.txt").unlink()
    (tmp_path / "train.txt").write_text("a/1.mp4 0\nb/2.mp4 1\n")
    (tmp_path / "classes.txt").symlink_to(elsewhere / "train.txt")
    assert "class names" not in list_sources(tmp_path / "train.txt").read_as


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("film.mp4", {}, r"is a file but not a \.csv, \.txt or \.list"),
        (".", {"root": Path()}, "--root needs a CSV or a list, but .* is a folder of class folders"),
        (".", {"list_number": 1}, "--list-number needs numbered lists"),
        (".", {"class_names": Path("x")}, "--class-names needs a list of paths and labels"),
        (".", {"input_format": "csv"}, "must hold one CSV with the columns path,label; it holds none"),
        (".", {"input_format": "list"}, "has no lists of paths and labels that are named after splits"),
        (
            "t.csv",
            {"input_format": "list"},
            r"has the columns path,label: it is read with --input-format csv",
        ),
        ("t.csv", {"input_format": "folders"}, "--input-format folders needs a folder"),
        (
            "t.csv",
            {"input_format": "kinetics", "frame_rate": 5},
            "--frame-rate needs folders of frame images",
        ),
    ],
)
def test_options_that_do_not_fit(
    tmp_path: Path, given: str, options: dict[str, object], message: str
) -> None:
    touch(tmp_path, "a/1.mp4", "b/2.mp4", "film.mp4")
    (tmp_path / "t.csv").write_text(TABLE["list.csv"])
    (tmp_path / "t.csv").rename(tmp_path / "a" / "t.csv")
    path = tmp_path / ("a/t.csv" if given == "t.csv" else given)
    with pytest.raises(UsageError, match=message):
        list_sources(path, ListingOptions(**options))  # type: ignore[arg-type]
