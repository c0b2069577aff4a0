"""`clipwise classify`: what goes in, what comes out, and when it ends."""

import contextlib
import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Literal

import pytest

from pipeline.cli import answers
from pipeline.cli.answers import CsvRows, Table
from pipeline.cli.main import main
from pipeline.evaluation.predictions import PROBABILITY_PREFIX
from pipeline.inference.classification import Classification
from pipeline.report.words import display_width
from tests.helpers.processes import workers_of
from tests.helpers.runs import make_run
from tests.helpers.videos import write_numbered_video

ROOT = Path(__file__).resolve().parents[2]
LABELS = ("걷기", "wide")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with videos/, clips/ and run/."""
    folder = tmp_path_factory.mktemp("classify")
    make_run(folder, labels=LABELS)
    return folder


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Gives a content to stdin."""
    reading, writing = os.pipe()

    def give(content: bytes) -> None:
        os.write(writing, content)
        os.close(writing)

    with open(reading, "rb") as file:  # noqa: PTH123
        monkeypatch.setattr("sys.stdin", file)
        yield give


def test_several_videos_are_a_table(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = [write_numbered_video(tmp_path / f"{number}.avi", 9, frame_rate=10) for number in range(2)]
    (tmp_path / "2.avi").touch()
    arguments = [
        "classify",
        str(tmp_path),
        "--model",
        str(trained / "run"),
        "--top-k",
        "2",
        "--threshold",
        "1",
    ]
    assert main(arguments) == 1
    shown, said = capsys.readouterr()
    header, *lines, last = shown.splitlines()
    assert header == "label   prob.             length   video"
    assert last == f"failed{' ' * 29}{tmp_path / '2.avi'}: the file is empty"
    assert len(lines) == 4
    for first, second, video in zip(lines[::2], lines[1::2], videos, strict=True):
        label, probability, unsure, seconds, unit, name = first.split()
        assert (unsure, seconds, unit, name) == ("unsure", "0.9", "s", str(video))
        other, rest = second.split()
        assert {label, other} == set(LABELS)
        assert float(probability) + float(rest) == pytest.approx(1, abs=0.002)
        assert float(probability) >= float(rest)
    assert f"error: {tmp_path / '2.avi'}: the file is empty" in said
    assert "1 of 3 videos could not be classified" in said


def test_a_table_is_aligned_and_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    labels = ["걷기 걷기", "a label that is much too long for a column", "b\x1b[31m"]
    table = Table(labels, top_k=1)
    rows: tuple[tuple[str, float, bool, Literal["ok", "damaged"]], ...] = (
        (labels[0], 0.5, False, "ok"),
        (labels[1], 86_400.0, True, "damaged"),
        (labels[2], 10.0, False, "damaged"),
    )
    for label, seconds, unsure, status in rows:
        probabilities = {label: 0.9}
        table.show(
            Classification(
                path="v/\x1b]0;x\x07.mp4", status=status, label=label, class_index=0, unsure=unsure,
                probabilities=probabilities, duration_seconds=seconds,
            )
        )  # fmt: skip
    shown = capsys.readouterr().out
    lines = shown.splitlines()
    starts = {display_width(line[: line.index("v")]) for line in lines[1:]} | {lines[0].index("video")}
    assert len(starts) == 1
    assert max(starts) <= 56
    assert "\x1b" not in shown
    assert [word for word in shown.split() if word in ("unsure", "damaged")] == ["unsure", "damaged"]


def test_csv_is_read_back_by_another_program(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ['=1+1, "so".avi', "line\nfeed.avi", "plain.avi"]
    for name in names:
        write_numbered_video(Path("v.avi"), 9, frame_rate=10).rename(name)
    Path("+no video").touch()
    arguments = ["classify", *names, "+no video", "--model", str(trained / "run")]
    assert main([*arguments, "--csv", "--top-k", "9"]) == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""), strict=True))
    assert [row["path"] for row in rows] == [f"./{names[0]}", *names[1:], "./+no video"]
    assert all(Path(row["path"]).exists() for row in rows)
    assert PROBABILITY_PREFIX == answers._PROBABILITY_PREFIX
    for row in rows[:-1]:
        shares = {label: float(row[PROBABILITY_PREFIX + label]) for label in LABELS}
        assert sum(shares.values()) == pytest.approx(1)
        assert float(row["probability"]) == shares[row["label"]] == max(shares.values())
        assert float(row["probability_2"]) == shares[row["label_2"]] == min(shares.values())
        assert (row["status"], row["unsure"], row["error"]) == ("ok", "no", "")
        assert row["duration_seconds"] == "0.9"
    assert list(rows[-1].values()) == ["./+no video", "failed", *[""] * 7, "the file is empty", "", ""]
    assert main([*arguments, "--csv", "--json"]) == 2
    assert "--json and --csv were both given" in capsys.readouterr().err


def test_csv_on_a_terminal_escapes_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = Classification(path="a\x1b[31m.mp4", status="failed", error="no such file")
    CsvRows(["x"], top_k=1).show(failed)
    assert "a\x1b[31m.mp4,failed" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    CsvRows(["x"], top_k=1).show(failed)
    assert r"a\x1b[31m.mp4,failed" in capsys.readouterr().out


def test_a_list_on_stdin(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], stdin: Callable[[bytes], None]
) -> None:
    good = write_numbered_video(tmp_path / "good.avi", 9, frame_rate=10)
    odd = os.fsencode(tmp_path) + b"/\xff\n\x1b.avi"
    os.link(good, odd)
    stdin(b"\0".join([odd, b"missing.mp4", bytes(tmp_path)]))
    assert main(["classify", str(good), "-", "--null", "--model", str(trained / "run"), "--json"]) == 1
    shown, said = capsys.readouterr()
    results = [json.loads(line) for line in shown.splitlines()]
    assert [os.fsencode(result["path"]) for result in results] == [
        bytes(good), odd, b"missing.mp4", bytes(good), odd
    ]  # fmt: skip
    assert [result["error"] for result in results] == [None, None, "no such file", None, None]
    assert "error: missing.mp4: no such file" in said
    assert "1 of 5 videos could not be classified" in said
    assert results[0]["probabilities"] == results[4]["probabilities"]


def test_an_empty_list_is_said(
    trained: Path, capsys: pytest.CaptureFixture[str], stdin: Callable[[bytes], None]
) -> None:
    stdin(b"\n")
    assert main(["classify", "-", "--model", str(trained / "run")]) == 0
    shown, said = capsys.readouterr()
    assert shown.count("\n") == 1  # the header
    assert "the list on stdin names no videos" in said


@contextlib.contextmanager
def piped_stdout() -> Iterator[IO[str]]:
    """A pipe in the place of stdout: the end where it is read."""
    reading, writing = os.pipe()
    with (
        open(reading, encoding="utf-8") as read,  # noqa: PTH123
        open(writing, "w", encoding="utf-8") as written,  # noqa: PTH123
        contextlib.redirect_stdout(written),
    ):
        yield read


@pytest.mark.parametrize(("sent", "exit_code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_answers_come_before_the_list_ends_and_a_signal_ends_it(
    trained: Path, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals, exit_code: int
) -> None:
    video = str(next((trained / "videos").glob("*/*.avi")))
    reading, writing = os.pipe()
    os.write(writing, f"{video}\n".encode())
    lines: list[str] = []
    with open(reading, "rb") as file, piped_stdout() as stdout:  # noqa: PTH123

        def person() -> None:
            lines.append(stdout.readline())  # and the list goes on
            os.kill(os.getpid(), sent)

        monkeypatch.setattr("sys.stdin", file)
        thread = threading.Thread(target=person)
        thread.start()
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            assert main(["classify", "-", "--json", "--model", str(trained / "run")]) == exit_code
        thread.join()
    os.close(writing)
    assert json.loads(lines[0])["path"] == video
    assert "Traceback" not in said.getvalue()
    assert workers_of(os.getpid()) == []


def test_nobody_reads_the_answers_any_more(trained: Path) -> None:
    """As in `clipwise classify VIDEOS | head`."""
    arguments = ["classify", str(trained / "videos"), "--json", "--model", str(trained / "run")]
    with piped_stdout() as stdout:
        stdout.close()
        assert main(arguments) == 128 + 13
    assert workers_of(os.getpid()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_full_disk_ends_it_after_the_answer(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import resource

    videos = sorted(map(str, (trained / "videos").glob("*/*.avi")))[:2]
    arguments = ["classify", *videos, "--json", "--model", str(trained / "run"), "--picture", str(tmp_path)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    try:
        assert main(arguments) == 3
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    shown, said = capsys.readouterr()
    assert [json.loads(line)["path"] for line in shown.splitlines()] == videos[:1]
    assert f"cannot write {tmp_path}" in said
    assert list(tmp_path.iterdir()) == []
    assert workers_of(os.getpid()) == []


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors in a POSIX shell")
@pytest.mark.parametrize("closed", ["2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_fault_of_the_videos(trained: Path, tmp_path: Path, closed: str) -> None:
    videos = [str(write_numbered_video(tmp_path / f"{n}.avi", 9, frame_rate=10)) for n in range(2)]
    command = [sys.executable, "-m", "pipeline.cli.main", "classify", *videos, "--model", trained / "run"]
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", *map(str, command), "--picture", str(tmp_path / "p")],
        cwd=ROOT, capture_output=True, timeout=120, check=False, text=True,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert len(list((tmp_path / "p").iterdir())) == 2
    shown = done.stdout.splitlines()
    assert [line.split()[-1] for line in shown] == ([] if ">&- 2" in closed else ["video", *videos])
