import os
from pathlib import Path

import pytest

from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.source import SourceList
from pipeline.clips.sources import list_sources
from pipeline.errors import UsageError
from tests.helpers.touch import touch

NAMES = "walk\nrun fast\njump\n"


def write(
    folder: Path, text: str, *, name: str = "list.txt", videos: tuple[str, ...] = ("a.mp4", "b.mp4")
) -> Path:
    touch(folder, *videos)
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return path


def labelled(listed: SourceList) -> dict[str, str]:
    return {source.path: source.label for source in listed.sources}


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a.mp4 up\nb.mp4 down\n", "blanks"),
        ("a.mp4  up\r\n\r\n  b.mp4   down  \r\n", "blanks"),
        ("a.mp4\tup\nb.mp4\tdown", "tabs"),
        ("a.mp4,up\nb.mp4, down\n", "commas"),
        ('"a.mp4" up\n"b.mp4" down\n', "blanks"),
        ('a.mp4,up\n"b.mp4",down\n', "commas"),
        ("\ufeffa.mp4 up\nb.mp4 down\n", "blanks"),
    ],
)
@pytest.mark.parametrize("name", ["list.txt", "my.list", "all.csv"])
def test_a_path_and_a_label(tmp_path: Path, text: str, separator: str, name: str) -> None:
    listed = list_sources(write(tmp_path, text, name=name))
    assert labelled(listed) == {"a.mp4": "up", "b.mp4": "down"}
    assert (listed.input_format, listed.split_origin, listed.root) == ("list", "made", tmp_path)
    assert listed.read_as == f"the list {name} of paths and labels, separated by {separator}"
    assert {source.split for source in listed.sources} == {None}


def test_paths_with_blanks_and_labels_with_blanks(tmp_path: Path) -> None:
    videos = ("my clip 1.mp4", "my clip 2 3.mp4", "a,b.mp4", "last")
    text = "my clip 1.mp4 up\nmy clip 2 3.mp4 down\na,b.mp4 up\nlast down\n"
    listed = list_sources(write(tmp_path, text, videos=videos))
    assert labelled(listed) == dict(zip(videos, ("up", "down", "up", "down"), strict=True))
    commas = '"a,b.mp4",going up\nmy clip 1.mp4,going down\n'
    assert labelled(list_sources(write(tmp_path, commas, videos=videos))) == {
        "a,b.mp4": "going up",
        "my clip 1.mp4": "going down",
    }


def test_the_separator_by_which_the_paths_exist(tmp_path: Path) -> None:
    text = "a, b.mp4 1\nc, d.mp4 2\n"  # each line has commas and blanks
    listed = list_sources(write(tmp_path, text, videos=("a, b.mp4", "c, d.mp4")))
    assert labelled(listed) == {"a, b.mp4": "1", "c, d.mp4": "2"}


def test_names_of_all_kinds(tmp_path: Path) -> None:
    names = [
        "new\nline.mp4",
        os.fsdecode(b"\xff\xfe.mp4"),
        'quote".mp4',
        '"quoted".mp4',
        "-x.mp4",
        "%d.mp4",
        "concat:a.mp4",
        "한글 이름.mp4",
        "x" * 200 + ".mp4",
    ]
    lines = [
        '"' + name.replace('"', '""') + f'" {("up", "down")[number % 2]}' for number, name in enumerate(names)
    ]
    listed = list_sources(write(tmp_path, "\n".join(lines), videos=tuple(names)))
    assert {source.path for source in listed.sources} == set(names)
    assert all(Path(source.location).is_file() for source in listed.sources)
    assert len({source.id for source in listed.sources}) == len(names)
    assert all(source.id.isascii() and "\n" not in source.id for source in listed.sources)


def test_lists_for_each_split(tmp_path: Path) -> None:
    for split, names in (("train", "abc"), ("val", "d"), ("test", "ef")):
        lines = [f"{i}.mp4 {number % 2}" for number, i in enumerate(names)]
        write(
            tmp_path,
            "\n".join(lines),
            name=f"my_{split}_list.txt",
            videos=tuple(f"videos/{i}.mp4" for i in names),
        )
    (tmp_path / "classes.txt").write_text("walk\nrun fast\n")
    touch(tmp_path, "videos/x.mp4")
    listed = list_sources(tmp_path)
    assert {source.path: source.split for source in listed.sources} == {
        **{f"videos/{i}.mp4": "train" for i in "abc"}, "videos/d.mp4": "val",
        "videos/e.mp4": "test", "videos/f.mp4": "test",
    }  # fmt: skip
    assert listed.labels.names == ("run fast", "walk")
    assert listed.split_origin == "lists"
    for said in (
        "my_train_list.txt, my_val_list.txt, my_test_list.txt",
        "class names of classes.txt",
        "in videos",
    ):
        assert said in listed.read_as
    assert listed.notes == (f"left out: 1 videos in {tmp_path} that are not listed, such as videos/x.mp4.",)


def test_each_list_has_a_folder_of_its_own(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a.mp4 up\nb.mp4 down\n",
        name="train.txt",
        videos=("videos_train/a.mp4", "videos_train/b.mp4"),
    )
    write(tmp_path, "a.mp4 up\nc.mp4 down\n", name="val.txt", videos=("videos_val/a.mp4", "videos_val/c.mp4"))
    assert {(source.path, source.split) for source in list_sources(tmp_path).sources} == {
        ("videos_train/a.mp4", "train"),
        ("videos_train/b.mp4", "train"),
        ("videos_val/a.mp4", "val"),
        ("videos_val/c.mp4", "val"),
    }


def test_numbered_lists(tmp_path: Path) -> None:
    for number in (1, 2):
        write(
            tmp_path,
            f"a{number}.mp4 0\nb.mp4 1\n",
            name=f"set_train_split_{number}.txt",
            videos=("a1.mp4", "b.mp4"),
        )
        write(tmp_path, "c.mp4 0\n", name=f"set_val_split_{number}.txt", videos=("a2.mp4", "c.mp4"))
    assert "a1.mp4" in labelled(list_sources(tmp_path))
    assert "a2.mp4" in labelled(list_sources(tmp_path, ListingOptions(list_number=2)))
    with pytest.raises(
        UsageError, match=r"has 2 sets of lists \(set_train_split_1.txt, set_val_split_1.txt; "
    ):
        list_sources(tmp_path, ListingOptions(list_number=3))
    write(tmp_path, "a1.mp4 0\n", name="set_train_rawframes.txt")
    write(tmp_path, "b.mp4 0\n", name="set_val_rawframes.txt")
    with pytest.raises(UsageError, match=r"has 3 sets of lists .* Choose by --list-number, or put .* --root"):
        list_sources(tmp_path)
    with pytest.raises(UsageError, match="--list-number chooses among the lists of a folder"):
        list_sources(tmp_path / "set_train_split_1.txt", ListingOptions(list_number=1))


def test_folders_of_frames(tmp_path: Path) -> None:
    images = ("f/one/1.jpg", "f/two 7/1.jpg", "f/three/1.jpg")
    text = "f/one 163 up\nf/two 7 12 down\nf/three 9 up\n"
    path = write(tmp_path, text, videos=images)
    listed = list_sources(path, ListingOptions(frame_rate=25))
    assert labelled(listed) == {"f/one": "up", "f/two 7": "down", "f/three": "up"}
    assert {source.frame_rate for source in listed.sources} == {25}
    with pytest.raises(UsageError, match=r"line 1: f/one is a folder\. .*--frame-rate 25"):
        list_sources(path)


def test_a_count_of_frames_before_the_label(tmp_path: Path) -> None:
    assert labelled(list_sources(write(tmp_path, "a.mp4 163 up\nb.mp4 9 down\ngone.mp4 9 up"))) == {
        "a.mp4": "up", "b.mp4": "down", "gone.mp4": "up",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("names", "text", "expected", "note"),
    [
        (NAMES, "a.mp4 0\nb.mp4 2", ("walk", "jump"), ""),
        ("id,name\n0,walk\n1,run fast\n2,jump\n", "a.mp4 1\nb.mp4 2", ("run fast", "jump"), ""),
        ("1 walk\n2 run fast\n3 jump\n", "a.mp4 1\nb.mp4 3", ("walk", "jump"), ""),
        ("1 walk\n2 run fast\n3 jump\n", "a.mp4 0\nb.mp4 2", ("walk", "jump"), "0 is taken as 'walk'"),
        (NAMES, "a.mp4 1\nb.mp4 3", ("walk", "jump"), "1 is taken as 'walk'"),
        ("walk 0\nrun fast 1\njump 2\n", "a.mp4 1\nb.mp4 2", ("run fast", "jump"), ""),
        ("take 1\ntake 2\ntake 3\n", "a.mp4 0\nb.mp4 2", ("take 1", "take 3"), ""),
    ],
)
def test_class_names(tmp_path: Path, names: str, text: str, expected: tuple[str, str], note: str) -> None:
    path = write(tmp_path, text)
    assert set(labelled(list_sources(path)).values()) == set(text.split()[1::2])  # numbers without a file
    assert "--class-names FILE" in list_sources(path).notes[0]
    file = write(tmp_path, names, name="elsewhere/mine.txt", videos=())
    listed = list_sources(path, ListingOptions(class_names=file))
    assert labelled(listed) == dict(zip(("a.mp4", "b.mp4"), expected, strict=True))
    assert [note in said for said in listed.notes] == ([True] if note else [])
    file.rename(tmp_path / "classInd.txt")
    assert labelled(list_sources(path)) == labelled(listed)  # found beside the list


def test_class_names_that_do_not_fit(tmp_path: Path) -> None:
    path = write(tmp_path, "a.mp4 0\nb.mp4 3\n")
    names = write(tmp_path, NAMES, name="label_map_k400.txt", videos=())
    with pytest.raises(
        UsageError, match=r"line 2: the label is 3, but .*label_map_k400\.txt names the classes 0 to 2"
    ):
        list_sources(path)
    write(tmp_path, NAMES, name="classes.txt", videos=())
    with pytest.raises(
        UsageError, match=r"classes\.txt and .*label_map_k400\.txt could both name .* --class-names"
    ):
        list_sources(path)
    words = write(tmp_path, "a.mp4 walk\nb.mp4 fly\n", name="words.txt")
    with pytest.raises(UsageError, match=r"words\.txt, line 2: the label is 'fly', which .* does not name"):
        list_sources(words, ListingOptions(class_names=names))
    assert set(labelled(list_sources(words)).values()) == {"walk", "fly"}  # words need no file


def test_a_list_is_not_its_own_class_names(tmp_path: Path) -> None:
    assert labelled(list_sources(write(tmp_path, "a.mp4 0\nb.mp4 1\n", name="labels.txt"))) == {
        "a.mp4": "0", "b.mp4": "1",
    }  # fmt: skip


def test_numbers_that_all_folders_contradict(tmp_path: Path) -> None:
    """Counted from 1 in a list that lacks the last class: no number is out of range."""
    path = write(tmp_path, "walk/a.mp4 1\nrun fast/b.mp4 2\n", videos=("walk/a.mp4", "run fast/b.mp4"))
    write(tmp_path, NAMES, name="classes.txt", videos=())
    with pytest.raises(
        UsageError, match=r"line 1: the label 1 is 'run fast' in .*, but the video lies in .*'walk'"
    ):
        list_sources(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "lists no videos. A line is: path label"),
        ("a.mp4 0\nb.mp4\n", "line 2: 'b.mp4' has no label. A line is: path label"),
        ("a.mp4 0\nb.mp4 -1\n", "line 2: the label is -1, which stands for none"),
        ("a.mp4 0\n\nb.mp4 1\n./a.mp4 0\n", "line 4: 'a.mp4' is listed already in .*line 1"),
        ("a.mp4 0\nb.mp4 \udcff\n", "line 2: label is not UTF-8 text"),
        ("a.mp4 0\nb\0.mp4 1\n", "line 2: path is 'b.x00.mp4'"),
        ("a.mp4 0\n../../b.mp4 1\n", "line 2: '../../b.mp4' leads out of .*--allow-outside"),
        ("a.mp4 0\n/etc/passwd 1\n", r"line 2: '/etc/passwd' leads out of .* \(to /etc/passwd\)"),
        ("a.mp4 0\nb.mp4 1 3 5\n", "line 2: several numbers follow 'b.mp4'. .* a clip has one label"),
        ("a.mp4 0\nb.mp4 0\n", r"one class only \('0'\)"),
        ("no/a.mp4 0\nno/b.mp4 1\n", "none of its 2 files exists, such as .*no/a.mp4. .*--root FOLDER"),
    ],
)
def test_mistakes_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError, match=message) as caught:
        list_sources(path)
    assert "list.txt" in str(caught.value)


def test_a_number_that_is_too_long_is_a_word(tmp_path: Path) -> None:
    long = "9" * 5000  # int() would refuse it
    assert labelled(list_sources(write(tmp_path, f"a.mp4 {long}\nb.mp4 1\n"))) == {
        "a.mp4": long,
        "b.mp4": "1",
    }


def test_absolute_paths_inside_are_kept_relative(tmp_path: Path) -> None:
    path = write(tmp_path, f"{tmp_path}/a.mp4 0\n{tmp_path}/b.mp4 1\n")
    assert labelled(list_sources(path)) == {"a.mp4": "0", "b.mp4": "1"}
    (tmp_path / "lists").mkdir()
    path = path.rename(tmp_path / "lists" / "list.txt")
    with pytest.raises(UsageError, match="leads out of"):
        list_sources(path)
    listed = list_sources(path, ListingOptions(allow_outside=True))
    assert [source.path for source in listed.sources] == [f"{tmp_path}/a.mp4", f"{tmp_path}/b.mp4"]
    assert labelled(list_sources(path, ListingOptions(root=tmp_path))) == {"a.mp4": "0", "b.mp4": "1"}


def test_a_frame_that_is_a_link_leads_out(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    secret = touch(tmp_path_factory.mktemp("private"), "secret.png") / "secret.png"
    path = write(tmp_path, "f/one 1 up\nf/two 1 down\n", videos=("f/one/1.png", "f/two/1.png"))
    (tmp_path / "f" / "two" / "2.png").symlink_to(secret)
    with pytest.raises(UsageError, match=r"line 2: 'f/two' leads out of .*secret\.png"):
        list_sources(path, ListingOptions(frame_rate=5))
