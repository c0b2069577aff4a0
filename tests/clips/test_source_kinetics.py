from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.source import SourceList
from pipeline.clips.sources import list_sources
from pipeline.errors import UsageError
from tests.helpers.touch import touch

HEADER = "label,youtube_id,time_start,time_end,split,is_cc"


def write(folder: Path, name: str, rows: Sequence[str], *, header: str = HEADER) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def by_id(listed: SourceList) -> dict[str, tuple[str, str | None, float | None, float | None]]:
    return {
        source.group: (source.path, source.split, source.start_seconds, source.end_seconds)
        for source in listed.sources
    }


@pytest.fixture
def kinetics(tmp_path: Path) -> Path:
    rows = [
        "air drumming,-abc_DEF-00,7,17,train,0",  # in a folder of its label, with an underscore
        '"tying knot (not on a tie)",flat0000000,0,10,validate,0',  # beside the table
        "air drumming,whole000000,30,40,test,0",  # a whole video: the seconds count
        "archery,whole000000,130,140,train,0",
        "archery,gone0000000,5,15,val,0",
        "archery,insplit0000,5,15,test,0",  # in a folder of its split
    ]
    write(tmp_path, "kinetics.csv", rows)
    touch(
        tmp_path,
        "air_drumming/-abc_DEF-00_000007_000017.mp4",
        "flat0000000_000000_000010.webm",
        "flat0000000_000000_000099.webm",  # another range of it: not this row's
        "deep/er/whole000000.mkv",
        "test/insplit0000_000005_000015.mp4",
    )  # fmt: skip
    return tmp_path


def test_videos_are_found_by_id_and_time(kinetics: Path) -> None:
    listed = list_sources(kinetics / "kinetics.csv")
    assert (listed.input_format, listed.split_origin) == ("kinetics", "csv")
    assert listed.grouping == "column youtube_id"
    assert listed.labels.names == ("air drumming", "archery", "tying knot (not on a tie)")
    found = by_id(listed)
    assert found["-abc_DEF-00"] == ("air_drumming/-abc_DEF-00_000007_000017.mp4", "train", None, None)
    assert found["flat0000000"] == ("flat0000000_000000_000010.webm", "val", None, None)
    assert found["insplit0000"] == ("test/insplit0000_000005_000015.mp4", "test", None, None)
    whole = [source for source in listed.sources if source.group == "whole000000"]
    assert [(it.path, it.label, it.start_seconds, it.end_seconds) for it in whole] == [
        ("deep/er/whole000000.mkv", "air drumming", 30.0, 40.0),
        ("deep/er/whole000000.mkv", "archery", 130.0, 140.0),
    ]
    assert listed.read_as == "the Kinetics CSV kinetics.csv, with 2 ranges of whole videos"
    assert found["gone0000000"] == ("gone0000000_000005_000015.mp4", "val", None, None)
    assert any("1 of 6 listed videos are not there, such as gone0000000" in note for note in listed.notes)


def test_a_folder_with_a_table_for_each_split(tmp_path: Path) -> None:
    header = "label,youtube_id,time_start,time_end"  # the split is in the name alone
    for name, ids in (("train", "abcd"), ("validate", "ef"), ("test", "gh")):
        rows = [f"{('sit', 'stand')[number % 2]},{i},0,10" for number, i in enumerate(ids)]
        write(tmp_path, f"annotations/{name}.csv", rows, header=header)
        touch(tmp_path, *(f"videos/{i}_000000_000010.mp4" for i in ids))
    listed = list_sources(tmp_path)
    assert listed.input_format == "kinetics"
    assert {name: split for name, (_, split, _, _) in by_id(listed).items()} == {
        **dict.fromkeys("abcd", "train"), **dict.fromkeys("ef", "val"), **dict.fromkeys("gh", "test"),
    }  # fmt: skip
    assert listed.notes == ()
    listed = list_sources(tmp_path / "annotations" / "train.csv", ListingOptions(root=tmp_path))
    assert [source.path for source in listed.sources] == [f"videos/{i}_000000_000010.mp4" for i in "abcd"]
    with pytest.raises(UsageError, match=r"none of its 4 files exists, .*--root FOLDER"):
        list_sources(tmp_path / "annotations" / "train.csv")
    write(tmp_path, "annotations/test.csv", ["x,0,10"], header="youtube_id,time_start,time_end")
    assert any("left out: test.csv, which has no labels" in note for note in list_sources(tmp_path).notes)


def test_a_video_at_several_places(tmp_path: Path) -> None:
    touch(
        tmp_path, "train/archery/a_000000_000010.mp4", "train/sit/a_000000_000010.mp4", "b_000000_000010.mp4"
    )
    touch(tmp_path, "test/sit/a_000000_000010.mp4")
    path = write(
        tmp_path,
        "k.csv",
        ["sit,a,0,10,test,0", "archery,b,0,10,train,0", "sit,c,0,9,train,0"],
    )
    listed = list_sources(path)
    assert by_id(listed)["a"][0] == "test/sit/a_000000_000010.mp4"
    assert any("1 videos lie at several places, such as" in note for note in listed.notes)


def test_rows_that_say_the_same(kinetics: Path) -> None:
    path = kinetics / "kinetics.csv"
    path.write_text(path.read_text() + "archery,gone0000000,5,15,val,0\n")
    listed = list_sources(path)
    assert len(listed.sources) == 6
    assert any(
        "1 rows say the same as an earlier row, such as" in note and "line 8" in note for note in listed.notes
    )
    path.write_text(path.read_text() + "air drumming,gone0000000,5,15,val,0\n")
    with pytest.raises(
        UsageError, match=r"line 9: gone0000000_000005_000015 is listed already in .*line 6, with another"
    ):
        list_sources(path)


def test_links_do_not_lead_out(kinetics: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = touch(tmp_path_factory.mktemp("private"), "secret.mp4") / "secret.mp4"
    (kinetics / "archery").mkdir()
    (kinetics / "archery" / "gone0000000_000005_000015.mp4").symlink_to(secret)
    listed = list_sources(kinetics / "kinetics.csv")
    assert not Path(by_id(listed)["gone0000000"][0]).exists()
    assert any(
        "1 links that lead out of the folder" in note and "--allow-outside" in note for note in listed.notes
    )
    listed = list_sources(kinetics / "kinetics.csv", ListingOptions(allow_outside=True))
    assert by_id(listed)["gone0000000"][0] == "archery/gone0000000_000005_000015.mp4"
    # where the name of a video that is not there would be looked for
    (kinetics / "gone0000000_000005_000015.mp4").symlink_to(secret)
    with pytest.raises(UsageError, match=r"line 6: 'gone0000000_000005_000015\.mp4' leads out of"):
        list_sources(kinetics / "kinetics.csv")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("archery,x,5,15,holdout,0", "line 8: unknown split 'holdout'; allowed: train, val"),
        ("archery,x,15,5,val,0", r"line 8: time_end is 5, not after time_start \(15\)"),
        ("archery,x,soon,5,val,0", "line 8: time_start is 'soon'; allowed: seconds"),
        ("archery,x,0,nan,val,0", "line 8: time_end is 'nan'"),
        ("archery,x,0,1e300,val,0", "line 8: time_end is '1e300'"),
        ("archery,../../etc/x,0,9,val,0", "line 8: youtube_id is '../../etc/x'; it must name a video"),
        (",x,0,9,val,0", "line 8: label is empty"),
        ("archery,x,0,9", "line 8: 4 columns, but the first line names 6"),
        ("archery,x,0,9,,0", "some rows have a split and some have none, such as x_000000_000009.mp4"),
    ],
)
def test_mistakes_name_file_and_line(kinetics: Path, row: str, message: str) -> None:
    path = kinetics / "kinetics.csv"
    path.write_text(path.read_text() + row + "\n")
    with pytest.raises(UsageError, match=message) as caught:
        list_sources(path)
    assert "kinetics.csv" in str(caught.value)


def test_a_group_column_of_its_own(kinetics: Path) -> None:
    listed = list_sources(kinetics / "kinetics.csv", ListingOptions(group_column="is_cc"))
    assert {source.group for source in listed.sources} == {"0"}
    assert listed.grouping == "column is_cc"
    with pytest.raises(
        UsageError, match=r"--group-column camera: .* has no such column; it has: label, youtube_id"
    ):
        list_sources(kinetics / "kinetics.csv", ListingOptions(group_column="camera"))


def test_no_such_table(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp4", "b/2.mp4")
    options = ListingOptions(input_format="kinetics")
    with pytest.raises(UsageError, match="has no CSV with the columns youtube_id,time_start,time_end"):
        list_sources(tmp_path, options)
    with pytest.raises(
        UsageError, match="line 1: no column time_start and no column time_end; it has: label, youtube_id"
    ):
        list_sources(write(tmp_path, "k.csv", [], header="label,youtube_id"), options)
    with pytest.raises(UsageError, match="has no column label"):
        list_sources(write(tmp_path, "k.csv", ["a,0,10"], header="youtube_id,time_start,time_end"))
