from pathlib import Path

import pytest

from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.sources import list_sources
from pipeline.errors import UsageError
from tests.helpers.touch import touch

CLASSES = ("ApplyEyeMakeup", "Biking")
INDEX = "1 ApplyEyeMakeup\r\n2 Biking\r\n\r\n"


def video(label: str, group: int, clip: int = 1) -> str:
    return f"{label}/v_{label}_g{group:02d}_c{clip:02d}.avi"


def write_ucf101(
    folder: Path, *, lists: str = "ucfTrainTestlist", videos: str = "UCF-101", index: str = INDEX
) -> Path:
    """Two classes of 6 groups of 2 clips; test list n holds the groups 2n-1 and 2n. Line ends of Windows."""
    (folder / lists).mkdir(parents=True, exist_ok=True)
    (folder / lists / "classInd.txt").write_text(index)
    for number in (1, 2, 3):
        train: list[str] = []
        test: list[str] = []
        for class_number, label in enumerate(CLASSES, 1):
            for group in range(1, 7):
                for clip in (1, 2):
                    touch(folder / videos, video(label, group, clip))
                    is_test = (group - 1) // 2 == number - 1
                    (test if is_test else train).append(
                        video(label, group, clip) + f" {class_number}" * (not is_test)
                    )
        (folder / lists / f"trainlist{number:02d}.txt").write_bytes("\r\n".join([*train, "", ""]).encode())
        (folder / lists / f"testlist{number:02d}.txt").write_bytes("\r\n".join([*test, ""]).encode())
    return folder


def test_the_lists_split_label_and_group(tmp_path: Path) -> None:
    listed = list_sources(write_ucf101(tmp_path))
    assert (listed.input_format, listed.split_origin, listed.root) == ("ucf101", "lists", tmp_path)
    assert len(listed.sources) == 24
    assert listed.labels.names == CLASSES
    assert listed.notes == ()
    assert "UCF101 lists, number 1 of 1, 2, 3 (--list-number)" in listed.read_as
    for source in listed.sources:
        assert Path(source.location).is_file()
        name = Path(source.path).name
        assert source.path == f"UCF-101/{source.label}/{name}"
        assert source.group == f"{source.label}_{name.split('_')[2]}"  # g01 of another class is another group
        assert source.split == ("test" if source.group[-3:] in ("g01", "g02") else "train")
    assert len({source.group for source in listed.sources}) == 12
    assert listed.grouping == "UCF101 class and gNN"


def test_another_list(tmp_path: Path) -> None:
    listed = list_sources(write_ucf101(tmp_path), ListingOptions(list_number=3))
    assert {source.group[-3:] for source in listed.sources if source.split == "test"} == {"g05", "g06"}
    with pytest.raises(
        UsageError, match=r"trainlist04\.txt is missing; .* numbers 1, 2, 3\. Choose one with --list-number"
    ):
        list_sources(tmp_path, ListingOptions(list_number=4))
    (tmp_path / "ucfTrainTestlist" / "testlist02.txt").unlink()
    with pytest.raises(UsageError, match=r"testlist02\.txt is missing"):
        list_sources(tmp_path, ListingOptions(list_number=2))


@pytest.mark.parametrize(
    ("lists", "videos", "given"),
    [
        (".", ".", "."),  # all in one folder
        ("ucfTrainTestlist", "videos", "."),
        ("ucfTrainTestlist", "data/UCF-101", "."),
        (
            "ucfTrainTestlist",
            "UCF-101",
            "ucfTrainTestlist",
        ),  # the videos lie beside the folder that was given
    ],
)
def test_where_the_videos_may_lie(tmp_path: Path, lists: str, videos: str, given: str) -> None:
    write_ucf101(tmp_path, lists=lists, videos=videos)
    listed = list_sources(tmp_path / given)
    assert all(Path(source.location).is_file() for source in listed.sources)
    assert {str(Path(source.path).parent.parent) for source in listed.sources} == {videos}
    assert len(listed.sources) == 24


def test_another_root(tmp_path: Path) -> None:
    write_ucf101(tmp_path / "lists")
    (tmp_path / "lists" / "UCF-101").rename(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match=r"none of its 24 files exists, .* say with --root FOLDER"):
        list_sources(tmp_path / "lists" / "ucfTrainTestlist")
    listed = list_sources(tmp_path / "lists", ListingOptions(root=tmp_path / "elsewhere"))
    assert listed.sources[0].path == video("ApplyEyeMakeup", 1)
    assert listed.root == tmp_path / "elsewhere"


def test_videos_through_a_link_need_leave(tmp_path: Path) -> None:
    write_ucf101(tmp_path / "lists")
    (tmp_path / "lists" / "UCF-101").rename(tmp_path / "elsewhere")
    (tmp_path / "lists" / "UCF-101").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        UsageError, match=r"trainlist01\.txt, line 1: .* leads out of .*elsewhere.*--allow-outside"
    ):
        list_sources(tmp_path / "lists")
    assert len(list_sources(tmp_path / "lists", ListingOptions(allow_outside=True)).sources) == 24


def test_a_missing_video_is_listed_and_counted(tmp_path: Path) -> None:
    write_ucf101(tmp_path)
    (tmp_path / "UCF-101" / video("Biking", 4)).unlink()
    listed = list_sources(tmp_path)
    assert len(listed.sources) == 24
    assert listed.notes == (
        "1 of 24 listed videos are not there, such as UCF-101/Biking/v_Biking_g04_c01.avi: they give no clip "
        "and count as failed.",
    )


@pytest.mark.parametrize(
    ("index", "line", "message"),
    [
        (
            "0 ApplyEyeMakeup\n1 Biking\n",
            "",
            r"has the number 1, but classInd\.txt says 0\. The list counts from 1, classInd\.txt from 0",
        ),
        ("2 ApplyEyeMakeup\n3 Biking\n", "", r"the number 1, but classInd\.txt says 2\. Correct one"),
        (INDEX, "Biking/v_x.avi 1", r"line 17: Biking has the number 1, but classInd\.txt says 2"),
        (INDEX, "Bikin/v_x.avi 2", r"line 17: classInd\.txt has no class 'Bikin'\. Is Biking meant\?"),
        (INDEX, "v_x.avi", "line 17: 'v_x.avi' names neither the folder of its class nor a number"),
        (INDEX, video("Biking", 6) + " 2", "line 17: .* is listed already in .*trainlist01.txt, line 15"),
        (
            INDEX,
            video("Biking", 1) + " 2",
            "testlist01.txt, line 5: .* is listed already in .*trainlist01.txt",
        ),
        (INDEX, "Biking/\0.avi 2", "line 17: path is 'Biking/.x00.avi'"),
        ("1 a\n1 b\n", "", "classInd.txt has the number 1 2 times"),
        ("1 a\n2 a\n", "", "classInd.txt has the name 'a' 2 times"),
        ("\n", "", "classInd.txt is empty"),
    ],
)
def test_lists_that_contradict_each_other(tmp_path: Path, index: str, line: str, message: str) -> None:
    write_ucf101(tmp_path, index=index)
    path = tmp_path / "ucfTrainTestlist" / "trainlist01.txt"
    path.write_text(path.read_text().rstrip() + "\n" + line)
    with pytest.raises(UsageError, match=message):
        list_sources(tmp_path)


def test_a_list_that_counts_from_0(tmp_path: Path) -> None:
    write_ucf101(tmp_path)
    path = tmp_path / "ucfTrainTestlist" / "trainlist01.txt"
    path.write_text(path.read_text().replace(".avi 1", ".avi 0").replace(".avi 2", ".avi 1"))
    with pytest.raises(
        UsageError, match=r"line 1: .* number 0, .* says 1\. The list counts from 0, classInd\.txt from 1"
    ):
        list_sources(tmp_path)


def test_a_flat_folder_is_labelled_by_number(tmp_path: Path) -> None:
    write_ucf101(tmp_path)
    path = tmp_path / "ucfTrainTestlist" / "trainlist01.txt"
    path.write_text(path.read_text().rstrip() + "\nv_loose_g09_c01.avi 2\n")
    (source,) = (it for it in list_sources(tmp_path).sources if "loose" in it.path)
    assert (source.label, source.group, source.split) == ("Biking", "Biking_g09", "train")


def test_not_such_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "a/1.mp4", "b/2.mp4")
    for given in (tmp_path, tmp_path / "a" / "1.mp4"):
        with pytest.raises(UsageError, match=r"is not a folder with UCF101 lists: .*classInd\.txt"):
            list_sources(given, ListingOptions(input_format="ucf101"))
