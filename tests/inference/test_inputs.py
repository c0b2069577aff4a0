"""Which videos are meant: files, folders, and a list that comes in through a pipe."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import MachineError, UsageError
from pipeline.inference.inputs import VideoInputs
from pipeline.inference.path_list import PathList
from pipeline.video.pause import NOT_YET, NotYet


def all_of(videos: VideoInputs | PathList) -> list[str]:
    """Everything that they give, waited for."""
    found = []
    for video in videos:
        if isinstance(video, NotYet):
            time.sleep(0.001)
        else:
            found.append(video)
    return found


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe: where to read, where to write."""
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue  # the test has closed it


def a_list(pipe: tuple[int, int], content: bytes, *, null: bool = False) -> PathList:
    os.write(pipe[1], content)
    os.close(pipe[1])
    return PathList(pipe[0], null=null)


@pytest.mark.parametrize(
    ("content", "null", "expected"),
    [
        (b"a.mp4\nb c.mp4\n", False, ["a.mp4", "b c.mp4"]),
        (b"a.mp4\nb.mp4", False, ["a.mp4", "b.mp4"]),  # no line feed at the end
        (b"\r\na.mp4\r\n\nb.mp4\r\n", False, ["a.mp4", "b.mp4"]),  # from Windows, with empty lines
        (b" a.mp4 \n", False, [" a.mp4 "]),  # blanks belong to the name
        (b"a\nb.mp4\0c.mp4\r\0", True, ["a\nb.mp4", "c.mp4\r"]),
        (b"\xff.mp4\n\xea\xb1\xb7.mp4\n", False, ["\udcff.mp4", "걷.mp4"]),
        (b"", False, []),
    ],
)
def test_a_list_of_paths(pipe: tuple[int, int], content: bytes, null: bool, expected: list[str]) -> None:
    assert all_of(a_list(pipe, content, null=null)) == expected


def test_a_list_is_taken_as_it_comes(pipe: tuple[int, int]) -> None:
    paths = iter(PathList(pipe[0]))
    assert next(paths) is NOT_YET
    os.write(pipe[1], b"a.mp4\nb.m")
    found: str | NotYet = NOT_YET
    while isinstance(found, NotYet):
        found = next(paths)
    assert found == "a.mp4"
    time.sleep(0.05)
    assert next(paths) is NOT_YET  # half a name is none
    os.write(pipe[1], b"p4\n")
    os.close(pipe[1])
    assert [path for path in paths if not isinstance(path, NotYet)] == ["b.mp4"]


def test_a_long_list_is_not_held(pipe: tuple[int, int]) -> None:
    """Nobody takes from it: the writer is held up, with the list at a thousandth of its million."""
    paths = iter(PathList(pipe[0]))
    next(paths)
    os.set_blocking(pipe[1], False)
    taken, since = 0, time.monotonic()
    while time.monotonic() - since < 0.2:
        try:
            taken += os.write(pipe[1], b"/videos/name.mp4\n" * 100) // 17
            since = time.monotonic()
        except BlockingIOError:
            time.sleep(0.01)
    assert 256 <= taken < 20_000


def test_a_list_that_cannot_be_read_is_an_error(pipe: tuple[int, int]) -> None:
    os.close(pipe[0])
    with pytest.raises(MachineError, match="the list of videos on stdin cannot be read: Bad file descriptor"):
        all_of(PathList(pipe[0]))


def test_files_folders_and_a_list_in_the_order_they_are_named(tmp_path: Path, pipe: tuple[int, int]) -> None:
    for name in ("one.txt", "f/b.mp4", "f/a/z.MP4", "f/notes.txt", "g/c.avi"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    lines = ["f/b.mp4", "g", "missing.mp4", "empty", "f/b.mp4"]
    os.write(pipe[1], "\n".join(str(tmp_path / line) for line in lines).encode())
    os.close(pipe[1])
    named = [str(tmp_path / "one.txt"), "-", str(tmp_path / "f")]
    videos = VideoInputs(named, list_descriptor=pipe[0])
    assert videos.count is None
    assert [os.path.relpath(path, tmp_path) for path in all_of(videos)] == [
        "one.txt",
        *("f/b.mp4", "g/c.avi", "missing.mp4", "empty", "f/b.mp4"),
        *("f/a/z.MP4", "f/b.mp4"),
    ]


def test_without_a_list_their_number_is_known(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert VideoInputs([str(tmp_path / "a.mp4")]).count == 1
    videos = VideoInputs([str(tmp_path / "a.mp4"), str(tmp_path)])
    assert videos.count == 2
    assert all_of(videos) == [str(tmp_path / "a.mp4")] * 2


def test_a_file_named_like_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, int]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").touch()
    os.close(pipe[1])
    assert all_of(VideoInputs(["./-", "-"], list_descriptor=pipe[0])) == ["./-"]


@pytest.mark.parametrize(
    ("inputs", "null", "message"),
    [
        (["nowhere.mp4"], False, "nowhere.mp4 does not exist; name video files"),
        (["."], False, r"the folder \. has no videos. A folder of frame images needs --frame-rate"),
        (["-", "-"], False, "is named 2 times; once is all"),
        (["./x"], True, "--null tells how a list on stdin is written; name it too: -"),
    ],
)
def test_what_cannot_be_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: list[str], null: bool, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=message):
        VideoInputs(inputs, null=null)
