"""`clipwise timeline`: what it prints and writes, exit codes, bad input, signals."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pipeline.cli.main import main
from pipeline.cli.progress import video_bar
from tests.helpers.recordings import write_recording
from tests.helpers.webvtt import parse_webvtt

ROOT = Path(__file__).resolve().parents[2]
STRETCHES = [("dark", 120), ("red", 75), ("light", 105)]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("recording") / "낮 <b>.mkv", STRETCHES)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["timeline", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_table_and_all_files(
    recordings_run: Path, recording: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = [tmp_path / "out" / name for name in ("t.vtt", "t.png", "t.mp4")]
    words = [recording, "--model", recordings_run, "--threshold", 0, "--webvtt", outputs[0]]
    code, out, err = run(capsys, *words, "--picture", outputs[1], "--render", outputs[2])
    assert code == 0, err
    header, *rows = out.splitlines()
    assert header.split() == ["start", "end", "confidence", "label"]
    assert [row.split()[3] for row in rows] == ["dark", "red", "light"]
    assert rows[0].split()[0] == "0:00:00.0"
    assert rows[-1].split()[1] == "0:00:30.0"
    assert rows[0].split()[1] == rows[1].split()[0]
    assert "0:00:30.0 of video in 29 windows, 2 s long, 1 s apart" in err
    cues = parse_webvtt(outputs[0].read_bytes())
    assert [cue.text.split()[0] for cue in cues] == ["dark", "red", "light"]
    assert outputs[1].read_bytes()[:4] == b"\x89PNG"
    assert outputs[2].stat().st_size > 10_000
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_json_and_csv_say_the_same(
    recordings_run: Path, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, lines, _ = run(capsys, recording, "--model", recordings_run, "--json", "--threshold", 0)
    rows = [json.loads(line) for line in lines.splitlines()]
    code, text, _ = run(capsys, recording, "--model", recordings_run, "--csv", "--threshold", 0)
    table = list(csv.DictReader(io.StringIO(text)))
    assert code == 0
    assert len(rows) == len(table) == 3
    for row, cells in zip(rows, table, strict=True):
        assert row["path"] == str(recording)
        for name in ("start_seconds", "end_seconds", "confidence"):
            assert float(cells[name]) == row[name]
        assert cells["label"] == row["label"]
        for label, probability in row["probabilities"].items():
            assert float(cells[f"probability: {label}"]) == probability


def test_what_cannot_be_read_is_named_and_the_exit_code_is_1(
    recordings_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_recording(tmp_path / "v.avi", [("dark", 150)])
    content = bytearray(path.read_bytes())
    start = len(content) // 2
    content[start : start + len(content) // 8] = bytes(len(content) // 8)
    path.write_bytes(content)
    code, out, err = run(capsys, path, "--model", recordings_run, "--threshold", 0)
    assert code == 1
    assert "(could not be read)" in out
    assert [row.split()[-1] for row in out.splitlines()[1:]] == ["dark", "read)", "dark"]
    assert "windows could not be read" in err
    assert "the video is damaged" in err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none.mkv"], 2, "none.mkv does not exist; name one video file"),
        (["."], 2, ". is a folder; a timeline is of one recording. Name one video file"),
        (["v.mp4"], 1, "v.mp4"),
        (["v.mkv", "--stride-seconds", "0"], 2, "--stride-seconds is 0; allowed: seconds from 0.1"),
        (["v.mkv", "--stride-seconds", "-1"], 2, "--stride-seconds is -1"),
        (["v.mkv", "--window-seconds", "-1"], 2, "--window-seconds is -1"),
        (["v.mkv", "--window-seconds", "1", "--stride-seconds", "2"], 2, "more than a window of 1 s"),
        (["v.mkv", "--min-seconds", "-1"], 2, "--min-seconds is -1"),
        (["v.mkv", "--change-cost", "-1"], 2, "--change-cost is -1"),
        (["v.mkv", "--threshold", "2"], 2, "--threshold is 2"),
        (["v.mkv", "--json", "--csv"], 2, "choose one"),
        (["v.mkv", "--webvtt", "t.txt"], 2, "ends in .vtt"),
        (["v.mkv", "--picture", "t.jpg"], 2, "ends in .png"),
        (["v.mkv", "--render", "t.avi"], 2, "ends in .mp4"),
        (["v.mp4", "--render", "v.mp4"], 2, "is the video itself"),
    ],
)
def test_bad_input(
    recordings_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    words: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.mp4").touch()
    found, out, err = run(capsys, *words, "--model", recordings_run)
    assert (found, out) == (code, "")
    assert message in err


def test_a_slip_of_the_finger_is_told_of_without_torch(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from pipeline.cli.main import main\n"
        "code = main(['timeline', sys.argv[1], '--model', 'RUN'])\n"
        "print(code, sorted({'torch', 'cv2'} & set(sys.modules)))\n"
    )
    for path in (tmp_path, tmp_path / "none.mkv"):
        done = subprocess.run(
            [sys.executable, "-c", script, path], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stdout == "2 []\n", done.stderr


def test_a_stride_longer_than_the_windows_is_refused(
    recordings_run: Path, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, recording, "--model", recordings_run, "--stride-seconds", 100)
    assert (code, out) == (2, "")
    assert "--stride-seconds is 100, more than a window of 2 s" in err
    assert "Allowed: at most 2" in err


def test_a_window_longer_than_the_video_is_all_of_it_and_said(
    recordings_run: Path, recording: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, recording, "--model", recordings_run, "--window-seconds", 99)
    assert code == 0
    assert len(out.splitlines()) == 2
    assert "0:00:30.0 of video in 1 window, 99 s long" in err
    assert "the whole video is one window" in err


def test_a_bar_whose_end_is_not_known_has_one_colon(capsys: pytest.CaptureFixture[str]) -> None:
    with video_bar() as bar:
        bar.show(7.2, 0, waits=False)
    assert capsys.readouterr().err.splitlines()[-1].strip().startswith("reading: 7s of video [")


def test_segments_are_printed_while_the_video_is_read_and_ctrl_c_ends_it(
    recordings_run: Path, tmp_path: Path
) -> None:
    path = write_recording(tmp_path / "v.mkv", [("dark", 60), ("red", 60)] * 30)
    words = [path, "--model", recordings_run, "--json", "--threshold", "0", "--webvtt", tmp_path / "t.vtt"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli.main", "timeline", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["label"] == "dark"
    children = psutil.Process(process.pid).children(recursive=True)
    assert children  # its worker still reads
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert not (tmp_path / "t.vtt").exists()
    deadline = time.monotonic() + 10
    while any(child.is_running() for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(child.is_running() for child in children)
