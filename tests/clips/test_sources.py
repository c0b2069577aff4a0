import os
import unicodedata
from pathlib import Path

import pytest

from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.source import IMAGE_EXTENSIONS, Source, SourceList
from pipeline.clips.sources import list_sources
from pipeline.clips.walk import videos_below
from pipeline.errors import UsageError
from tests.helpers.touch import touch


def table(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    touch(folder, "a.mp4", "b.mp4", "한글.mp4")
    (folder / "list.csv").write_bytes(text.encode(encoding, "surrogateescape"))
    return folder / "list.csv"


def paths(listed: SourceList) -> list[tuple[str, str]]:
    return [(source.path, source.label) for source in listed.sources]


# --- folders ------------------------------------------------------------------------------------


def test_class_folders_nested_in_any_case(tmp_path: Path) -> None:
    touch(
        tmp_path, "up/1.MP4", "up/deep/er/2.mkv", "다운/3.AVI", "up/notes.txt", "up/.hidden.mp4", "up/._3.mp4"
    )
    touch(tmp_path, "loose.mp4", ".git/x.mp4", "empty/readme.md", "up/thumb.jpg")
    listed = list_sources(tmp_path)
    assert paths(listed) == [("up/1.MP4", "up"), ("up/deep/er/2.mkv", "up"), ("다운/3.AVI", "다운")]
    assert listed.split_origin == "made"
    assert {source.split for source in listed.sources} == {None}
    assert len(listed.notes) == 1
    for said in ("2 hidden files", "2 other files", "1 images", "1 videos outside class folders"):
        assert said in listed.notes[0]
    assert all(Path(source.location).exists() for source in listed.sources)


def test_split_folders(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.mp4", "train/b/2.mp4", "test/a/3.mp4", "test/b/x/4.mp4")
    listed = list_sources(tmp_path)
    assert listed.split_origin == "folders"
    assert [(source.path, source.label, source.split) for source in listed.sources] == [
        ("test/a/3.mp4", "a", "test"),
        ("test/b/x/4.mp4", "b", "test"),
        ("train/a/1.mp4", "a", "train"),
        ("train/b/2.mp4", "b", "train"),
    ]


def test_train_can_be_a_class(tmp_path: Path) -> None:
    touch(tmp_path, "train/1.mp4", "plane/2.mp4")
    assert paths(list_sources(tmp_path)) == [("plane/2.mp4", "plane"), ("train/1.mp4", "train")]


def test_folders_that_can_be_read_in_two_ways(tmp_path: Path) -> None:
    touch(tmp_path, "train/a/1.mp4", "test/a/2.mp4", "other/a/3.mp4")
    with pytest.raises(UsageError, match=r"has test and train beside other: are these splits or classes\?"):
        list_sources(tmp_path)


def test_folders_of_frames(tmp_path: Path) -> None:
    touch(tmp_path, "a/walk/0.png", "a/walk/1.PNG", "b/run/x.jpg", "b/cover.jpg", "b/film.mp4")
    listed = list_sources(tmp_path, ListingOptions(frame_rate=12.5))
    assert [(source.path, source.frame_rate) for source in listed.sources] == [
        ("a/walk", 12.5),
        ("b/film.mp4", None),
        ("b/run", 12.5),
    ]
    touch(tmp_path, "a/film.mp4")
    listed = list_sources(tmp_path)
    assert [path for path, _ in paths(listed)] == ["a/film.mp4", "b/film.mp4"]
    assert any(
        "2 folders of frame images, such as a/walk: they need --frame-rate" in note for note in listed.notes
    )


def test_frames_alone_need_a_rate(tmp_path: Path) -> None:
    touch(tmp_path, "a/walk/0.png", "b/run/x.jpg")
    with pytest.raises(UsageError, match=r"no videos but 2 folders of frame images.*--frame-rate 25"):
        list_sources(tmp_path)
    with pytest.raises(UsageError, match="--frame-rate is 0"):
        list_sources(tmp_path, ListingOptions(frame_rate=0))


def test_links_that_go_round_end(tmp_path: Path) -> None:
    touch(tmp_path / "v", "a/1.mp4", "b/2.mp4")
    (tmp_path / "v/a/up").symlink_to(tmp_path / "v", target_is_directory=True)
    touch(tmp_path / "elsewhere", "3.mp4")
    (tmp_path / "v/b/more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    listed = list_sources(tmp_path / "v", ListingOptions(allow_outside=True))
    assert [path for path, _ in paths(listed)] == ["a/1.mp4", "b/2.mp4", "b/more/3.mp4"]


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.mp4")
    touch(tmp_path, f"a/{name}", "b/new\nline.mp4")
    listed = list_sources(tmp_path)
    assert [path for path, _ in paths(listed)] == [f"a/{name}", "b/new\nline.mp4"]
    assert all(source.id.isascii() and "\n" not in source.id for source in listed.sources)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], r"has no videos in class folders\. Put each video into a folder named after its class"),
        (["1.mp4", "2.mp4"], r"no videos in class folders \(it has 2 videos outside class folders\)"),
        (["a/x.txt"], "it has 1 other files"),
        (["a/1.mp4", "a/2.mp4"], r"one class only \('a'\); a classifier needs two or more"),
    ],
)
def test_folders_without_enough(tmp_path: Path, names: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        list_sources(touch(tmp_path, *names))


def test_paths_that_are_neither(tmp_path: Path) -> None:
    touch(tmp_path, "film.mp4")
    with pytest.raises(UsageError, match=r"does not exist\. Give a folder of class folders, or a CSV"):
        list_sources(tmp_path / "none")
    with pytest.raises(UsageError, match=r"is a file but not a \.csv"):
        list_sources(tmp_path / "film.mp4")
    with pytest.raises(UsageError, match=r"--group-column needs a CSV, but .* is a folder of class folders"):
        list_sources(tmp_path, ListingOptions(group_column="camera"))


# --- links ---------------------------------------------------------------------------------------


@pytest.fixture
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside of the videos."""
    return touch(tmp_path_factory.mktemp("private"), "secret.mp4", "class/a.mp4", "image.png")


def test_links_that_lead_out_are_left_out_and_told(tmp_path: Path, private: Path) -> None:
    touch(tmp_path, "a/1.mp4", "b/2.mp4", "c/deep/3.mp4")
    (tmp_path / "a" / "secret.mp4").symlink_to(private / "secret.mp4")
    (tmp_path / "b" / "more").symlink_to(private / "class")
    (tmp_path / "b" / "inside.mp4").symlink_to("../a/1.mp4")
    listed = list_sources(tmp_path)
    assert [path for path, _ in paths(listed)] == ["a/1.mp4", "b/2.mp4", "b/inside.mp4", "c/deep/3.mp4"]
    assert listed.notes == (
        f"left out: 2 links that lead out of the folder, such as a/secret.mp4 (to {private}/secret.mp4): "
        "they need --allow-outside.",
    )
    listed = list_sources(tmp_path, ListingOptions(allow_outside=True))
    assert {"a/secret.mp4", "b/more/a.mp4"} <= {path for path, _ in paths(listed)}
    assert listed.notes == ()


def test_links_are_followed_where_a_person_names_the_folder_to_classify(
    tmp_path: Path, private: Path
) -> None:
    touch(tmp_path, "a/1.mp4")
    (tmp_path / "a" / "2.mp4").symlink_to(private / "secret.mp4")
    (tmp_path / "b").symlink_to(private / "class")
    names = [str(Path(path).relative_to(tmp_path)) for path in videos_below(tmp_path, frame_folders=False)]
    assert names == ["a/1.mp4", "a/2.mp4", "b/a.mp4"]


def test_a_class_that_leads_out_is_asked_about(tmp_path: Path, private: Path) -> None:
    touch(tmp_path, "a/1.mp4", "b/2.mp4")
    (tmp_path / "c").symlink_to(private / "class")
    with pytest.raises(
        UsageError, match=r"c in .* is a link to .*private.*/class, outside of it.*--allow-outside"
    ):
        list_sources(tmp_path)
    listed = list_sources(tmp_path, ListingOptions(allow_outside=True))
    assert paths(listed) == [("a/1.mp4", "a"), ("b/2.mp4", "b"), ("c/a.mp4", "c")]


def test_nothing_but_links_that_lead_out(tmp_path: Path, private: Path) -> None:
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.mp4").symlink_to(private / "secret.mp4")
    with pytest.raises(
        UsageError, match=r"no videos in class folders \(it has 2 links that lead .*--allow-outside"
    ):
        list_sources(tmp_path)


def test_a_folder_of_frames_with_one_frame_from_outside(tmp_path: Path, private: Path) -> None:
    touch(tmp_path, "a/walk/0.png", "a/run/0.png", "b/run/x.png")
    (tmp_path / "a" / "walk" / "1.png").symlink_to(private / "image.png")
    listed = list_sources(tmp_path, ListingOptions(frame_rate=5))
    assert [path for path, _ in paths(listed)] == ["a/run", "b/run"]
    assert any("such as a/walk/1.png" in note for note in listed.notes)


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    touch(tmp_path / "real", "a/1.mp4", "b/2.mp4")
    (tmp_path / "link").symlink_to("real")
    assert paths(list_sources(tmp_path / "link")) == paths(list_sources(tmp_path / "real"))


# --- tables -------------------------------------------------------------------------------------


def test_a_full_table(tmp_path: Path) -> None:
    text = (
        "label,path,split,group,start_seconds,end_seconds,weather\r\n"
        "up,a.mp4,train,g1,0,1.5,sun\r\n"
        "\r\n"
        "down,a.mp4,train,g1,1.5,,rain\r\n"
        'up,"한글.mp4",test,,,,\r\n'
    )
    listed = list_sources(table(tmp_path, text, encoding="utf-8-sig"))
    one, two, three = listed.sources
    assert (one.path, one.label, one.split, one.group, one.start_seconds, one.end_seconds) == (
        "a.mp4", "up", "train", "g1", 0.0, 1.5,
    )  # fmt: skip
    assert (two.start_seconds, two.end_seconds) == (1.5, None)
    assert (three.path, three.group, three.start_seconds) == ("한글.mp4", "", None)
    assert Path(three.location) == tmp_path / "한글.mp4"
    assert len({source.id for source in listed.sources}) == 3
    assert listed.split_origin == "csv"
    assert listed.notes == ("columns of list.csv that are not used: weather.",)


def test_a_group_column_of_another_name(tmp_path: Path) -> None:
    path = table(tmp_path, "path,label,group,camera\na.mp4,x,1,north\nb.mp4,y,2,south\n")
    assert [source.group for source in list_sources(path).sources] == ["1", "2"]
    assert [source.group for source in list_sources(path, ListingOptions(group_column="camera")).sources] == [
        "north",
        "south",
    ]
    with pytest.raises(UsageError, match=r"--group-column cam: .* has no such column; it has: path, label"):
        list_sources(path, ListingOptions(group_column="cam"))


def test_hangul_in_another_unicode_form(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "한글.mp4")
    assert decomposed != "한글.mp4"
    listed = list_sources(table(tmp_path, f"path,label\n{decomposed},x\na.mp4,{decomposed}\n"))
    assert all(Path(source.location).exists() for source in listed.sources)
    assert listed.labels.names == ("x", "한글.mp4")


def test_a_name_that_is_not_utf8_in_a_table(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.mp4")
    touch(tmp_path, name)
    listed = list_sources(table(tmp_path, f"path,label\n{name},x\na.mp4,y\n"))
    assert Path(listed.sources[1].location).exists()


def test_a_missing_file_is_listed(tmp_path: Path) -> None:
    listed = list_sources(table(tmp_path, "path,label\na.mp4,x\ngone.mp4,y\n"))
    assert [path for path, _ in paths(listed)] == ["a.mp4", "gone.mp4"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: no column path and no column label; it has: nothing"),
        ("path\na.mp4\n", "line 1: no column label; it has: path. The first line must name"),
        ("path;label\na.mp4;x\n", "Columns are separated by commas"),
        ("path,label,label\n", "line 1: two columns are named 'label'"),
        ("path,label\n", "lists no videos"),
        ("path,label\na.mp4,x\nb.mp4\n", r"line 3: 1 columns, but the first line names 2"),
        ("path,label\na.mp4,x\nb.mp4,  \n", "line 3: label is empty"),
        ("path,label\n,x\n", "line 2: path is ''; it must name a file"),
        (
            "path,label,split\na.mp4,x,training\n",
            "line 2: unknown split 'training'; allowed: train, val, test",
        ),
        ("path,label,split\na.mp4,x,train\nb.mp4,y,\n", "line 3: split is empty, but other lines have one"),
        ("path,label\na.mp4,x\n\nb.mp4,y\n./a.mp4,x\n", "line 5: 'a.mp4' is listed already in line 2"),
        (
            "path,label,start_seconds\na.mp4,x,soon\n",
            "line 2: start_seconds is 'soon'; allowed: seconds, 0 or more",
        ),
        ("path,label,start_seconds\na.mp4,x,-1\n", "line 2: start_seconds is '-1'"),
        ("path,label,end_seconds\na.mp4,x,inf\n", "line 2: end_seconds is 'inf'"),
        (
            "path,label,start_seconds,end_seconds\na.mp4,x,2,2\n",
            r"line 2: end_seconds is 2, not after start_seconds \(2\)",
        ),
        (
            "path,label\nno/1.mp4,x\nno/2.mp4,y\n",
            "none of its 2 files exists, .*relative to .*--root FOLDER",
        ),
        ("path,label\na.mp4,x\nb.mp4,x\n", "one class only"),
        ("path,label\n.,x\na.mp4,y\n", "line 2: . is a folder. If it holds frame images"),
        ("path,label\na.mp4,\udcff\n", "line 2: label is not UTF-8 text"),
        ('path,label\n"a.mp4"x,y\n', "line 2: not a CSV"),
    ],
)
def test_mistakes_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        list_sources(table(tmp_path, text))
    assert "list.csv" in str(caught.value)


@pytest.mark.parametrize("path", ["../b.mp4", "/etc/hostname", "sub/../../b.mp4", "link.mp4", "gone.mp4"])
def test_paths_that_lead_out_of_a_table(tmp_path: Path, path: str) -> None:
    file = table(tmp_path / "in", f"path,label\na.mp4,x\n{path},y\n")
    touch(tmp_path, "b.mp4", "in/sub/c.mp4")
    (tmp_path / "in" / "link.mp4").symlink_to(tmp_path / "b.mp4")
    (tmp_path / "in" / "gone.mp4").symlink_to("/nowhere/gone.mp4")
    with pytest.raises(UsageError, match=r"list\.csv, line 3: .* leads out of .*--allow-outside") as caught:
        list_sources(file)
    assert repr(path) in str(caught.value)
    assert len(list_sources(file, ListingOptions(allow_outside=True)).sources) == 2


def test_paths_that_stay_inside_by_another_way(tmp_path: Path) -> None:
    file = table(tmp_path, f"path,label\n{tmp_path}/a.mp4,x\nsub/../b.mp4,y\nsub/link.mp4,y\n")
    touch(tmp_path, "sub/c.mp4")
    (tmp_path / "sub" / "link.mp4").symlink_to("../한글.mp4")
    listed = list_sources(file)
    assert [path for path, _ in paths(listed)] == ["a.mp4", "sub/../b.mp4", "sub/link.mp4"]
    assert all(Path(source.location).exists() for source in listed.sources)


def test_a_root_for_a_table(tmp_path: Path) -> None:
    file = table(tmp_path / "videos", "path,label\na.mp4,x\nb.mp4,y\n")
    file = file.rename(tmp_path / "list.csv")
    listed = list_sources(file, ListingOptions(root=tmp_path / "videos"))
    assert (paths(listed), listed.root) == ([("a.mp4", "x"), ("b.mp4", "y")], tmp_path / "videos")
    with pytest.raises(UsageError, match=r"--root .*no is not a folder"):
        list_sources(file, ListingOptions(root=tmp_path / "no"))


def test_utf16_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is UTF-16 text; save it in UTF-8"):
        list_sources(table(tmp_path, "path,label\na.mp4,x\n", encoding="utf-16"))


# --- ids ----------------------------------------------------------------------------------------


def test_ids_are_safe_distinct_and_stable() -> None:
    names = [
        "a/b.mp4",
        "a/B.mp4",
        "a-b.mp4",
        "a/b.mkv",
        "x/a/b.mp4",
        "한/글.mp4",
        "a/" + "x" * 300 + ".mp4",
        "CON/con.mp4",
    ]
    ids = [Source(path=name, location="", label="a").id for name in names]
    ids += [
        Source(path="a/b.mp4", location="", label="a", start_seconds=start, end_seconds=end).id
        for start, end in ((0.0, None), (None, 1.0), (0.0, 1.0))
    ]
    assert len({clip_id.lower() for clip_id in ids}) == len(ids)
    assert all(len(clip_id) < 64 and clip_id.replace("-", "").replace("_", "").isalnum() for clip_id in ids)
    assert all(clip_id.isascii() and clip_id == clip_id.lower() for clip_id in ids)
    # Neither the label nor the place of the folder is part of it; the hash is that of the path.
    assert Source(path="a/b.mp4", location="/x", label="b", split="val").id == ids[0]
    assert ids[0] == "a-b-" + "b0a066fc4862"  # sha256sum of a/b.mp4


def test_frame_images_are_those_that_the_reader_takes() -> None:
    from pipeline.video.images import IMAGE_SUFFIXES

    assert IMAGE_EXTENSIONS == IMAGE_SUFFIXES
