import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.cli.main import main
from pipeline.cli.output import table_lines
from pipeline.clips.store import ClipStore
from tests.helpers.videos import write_numbered_video

ROOT = Path(__file__).resolve().parents[2]
SMALL = ["--num-frames", "3", "--image-size", "32", "--workers", "1"]


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    for number in range(8):
        folder = tmp_path / "videos" / ("내려감" if number % 2 else "up")
        folder.mkdir(parents=True, exist_ok=True)
        write_numbered_video(folder / f"{'한글' if number == 1 else number}.avi", 5 + number)
    return tmp_path / "videos"


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli.main", "preprocess", *map(str, words)]


def content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".preprocess" not in path.parts
    }


def test_from_a_folder_to_a_table(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (videos / "up/bad.mp4").write_text("no video")
    code = main(["preprocess", str(videos), "--out", str(tmp_path / "out"), *SMALL])
    out, err = capsys.readouterr()
    assert code == 1
    lines = out.splitlines()
    assert lines[0] == "3 frames of 32x32, letterbox"
    assert lines[2] == "clips        train  val  test  all"
    assert lines[3].split()[0] == "up"
    assert lines[4].startswith("내려감     ")  # 11 columns wide, as `all classes`
    assert lines[5].split() == ["all", "classes", "4", "2", "2", "8"]
    assert "unreadable  1" in lines
    assert "  up/bad.mp4  not a supported video" in lines
    assert "groups      none given: files are taken to be independent" in out
    assert "read as     class folders" in out
    assert "9 videos to read; their clips take" in err
    assert "1 of 9 videos gave no clip" in err
    assert len(ClipStore.open(tmp_path / "out").usable()) == 8

    (videos / "up/bad.mp4").unlink()
    assert main(["preprocess", str(videos), "--out", str(tmp_path / "out"), "--json", *SMALL]) == 0
    out, err = capsys.readouterr()
    *clips, summary = [json.loads(line) for line in out.splitlines()]
    assert {clip["path"] for clip in clips} >= {"내려감/한글.avi", "up/0.avi"}
    assert {clip["kind"] for clip in clips} == {"clip"}
    assert (summary["kind"], summary["read"], summary["unchanged"], summary["failed"]) == ("summary", 0, 8, 0)
    assert "nothing new: all 8 clips" in err


def test_both_sides_and_both_labels_are_loud(
    videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (videos / "same.avi").write_bytes((videos / "up/0.avi").read_bytes())
    rows = ["path,label,split,group", "up/0.avi,a,train,g", "내려감/한글.avi,b,train,", "same.avi,b,test,g"]
    (videos / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    assert main(["preprocess", str(videos / "list.csv"), "--out", str(tmp_path / "out"), *SMALL]) == 0
    out, err = capsys.readouterr()
    assert "same.avi = up/0.avi  ON BOTH SIDES: train + test; DIFFERENT LABELS: a, b" in out
    assert "1 groups and 0 identical files stand on more than one side" in out
    assert "g  2 clips  train + test" in out
    assert "the given split has no val: 15% of train is taken for it" in err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["none"], 2, "none does not exist. Give a folder of class folders, or a CSV"),
        (["file.mp4"], 2, "file.mp4 is a file but not a .csv"),
        (["empty"], 2, "has no videos in class folders"),
        (["one"], 2, "has one class only ('a'); a classifier needs two or more"),
        (["list.csv"], 2, "list.csv, line 2: unknown split 'training'; allowed: train, val, test"),
        (["two", "--num-frames", "0"], 2, "num_frames is 0; allowed: whole numbers from 1 to 1024"),
        (["two", "--workers", "0"], 2, "--workers is 0; allowed: 1 or more"),
        (["two", "--val-fraction", "2"], 2, "--val-fraction is 2.0"),
        (["two", "--fit", "squash"], 2, "squash"),
        (["two", "--no-such-flag"], 2, "no-such-flag"),
        (["two", "--out", "two/clips"], 2, "lies inside the videos"),
        (["two", "--out", "empty/file.txt"], 2, "is a file, not a folder"),
        (["two", "--out", "file.mp4/out"], 3, "cannot make the folder"),
        (["two", "--group-regex", "(1"], 2, "--group-regex '(1' is no regular expression: missing )"),
        (["two", "--group-regex", "x", "--groups", "none"], 2, "both say what a group is"),
        (["two", "--regroup"], 2, "--regroup sets a given split aside, but none is given"),
        (["two", "--input-format", "video"], 2, "input-format"),
        (["outside.csv"], 2, "outside.csv, line 2: '/etc/hostname' leads out of"),
        (["outside.txt"], 2, "outside.txt, line 1: '/etc/hostname' leads out of"),
        (["two", "--out", "one"], 2, "is a folder with other things in it (a), not a clip store"),
    ],
)
def test_what_cannot_be_right_has_a_message_and_a_code(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    words: list[str],
    code: int,
    message: str,
) -> None:
    for name in ("file.mp4", "one/a/1.mp4", "two/a/1.mp4", "two/b/2.mp4", "empty/file.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "list.csv").write_text("path,label,split\nfile.mp4,a,training\n")
    (tmp_path / "outside.csv").write_text("path,label\n/etc/hostname,a\n")
    (tmp_path / "outside.txt").write_text("/etc/hostname a\n")
    monkeypatch.chdir(tmp_path)
    arguments = ["preprocess", *words, *([] if "--out" in words else ["--out", "new"])]
    try:
        got = main(arguments)
    except SystemExit as end:  # tyro ends by itself
        got = int(end.code or 0)
    assert got == code
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not (tmp_path / "new").exists()


def test_lists_groups_and_regroup(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = sorted(f"{path.parent.name}/{path.name}" for path in videos.glob("*/*"))
    (tmp_path / "in").mkdir()
    videos.rename(tmp_path / "in" / "videos")
    for split, part in (("train", [*names[:6], "up/gone.avi"]), ("test", names[6:])):
        lines = [f"{name} {int(name.startswith('up'))}" for name in part]
        (tmp_path / "in" / f"{split}.txt").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "in" / "classes.txt").write_text("down\nup\n")
    words = ["preprocess", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--regroup", *SMALL]
    words += ["--group-regex", r"([0-9])\.avi"]
    assert main(words) == 1
    out, err = capsys.readouterr()
    assert (
        "read as the lists train.txt, test.txt of paths and labels, separated by blanks, class names" in err
    )
    assert "note: 1 of 9 listed videos are not there, such as videos/up/gone.avi" in err
    assert "note: --group-regex is not found in 2 of 9 paths" in err
    assert "note: --regroup: " in err
    assert "split       made here; the given one is set aside (--regroup)" in out
    assert r"groups      7 by regex ([0-9])\.avi, and 2 videos that stand alone" in out
    assert "  videos/up/gone.avi  no such file" in out.splitlines()
    assert main([*words, "--json"]) == 1
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["input_format"] == "list"
    assert (summary["split"]["grouping"], summary["split"]["regroup"]) == (r"regex ([0-9])\.avi", True)
    assert main([word for word in words if word != "--regroup"]) == 4
    assert "--regroup was given, now it is not" in capsys.readouterr().err


def test_another_spec_is_a_conflict(videos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preprocess", str(videos), "--out", str(tmp_path / "out"), *SMALL]) == 0
    assert main(["preprocess", str(videos), "--out", str(tmp_path / "out"), "--workers", "1"]) == 4
    assert "num_frames is 3, not 12; image_size is 32, not 224" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_stopped_by_a_signal_and_run_again(videos: Path, tmp_path: Path, stop: int, code: int) -> None:
    for number in range(8, 60):
        write_numbered_video(videos / "up" / f"{number}.avi", 60)
    out, journal = tmp_path / "out", tmp_path / "out" / ".preprocess" / "journal.jsonl"
    process = subprocess.Popen(
        command(videos, "--out", out, *SMALL),
        cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (journal.exists() and journal.read_bytes().count(b"\n") > 4):
        time.sleep(0.01)
    if stop == signal.SIGKILL:
        process.kill()
    else:
        os.killpg(process.pid, stop)  # as a terminal does: to the whole group
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in err
    assert not (out / "store.json").exists()
    done = journal.read_bytes().count(b'"id"')
    assert 0 < done < 60

    again = subprocess.run(
        command(videos, "--out", out, *SMALL), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert again.returncode == 0
    assert "are done already" in again.stderr
    undisturbed = tmp_path / "undisturbed"
    assert main(["preprocess", str(videos), "--out", str(undisturbed), *SMALL]) == 0
    assert content(out) == content(undisturbed)


def test_from_a_script_without_a_main_guard(videos: Path, tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(
        "import sys\n"
        "from pipeline.clips.preprocess import preprocess\n"
        "from pipeline.spec import ClipSpec\n"
        "print('started')\n"
        "spec = ClipSpec(num_frames=3, image_size=32)\n"
        "result = preprocess(sys.argv[1], sys.argv[2], spec=spec, num_workers=2)\n"
        "heavy = sorted({'torch', 'cv2', 'sklearn', 'matplotlib', 'albumentations'} & set(sys.modules))\n"
        "print(result.num_read, len(result.summary.failed), heavy)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script), str(videos), str(tmp_path / "out")],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "started\n8 0 []\n"


def test_tables_are_aligned_for_wide_characters() -> None:
    assert table_lines([["한국", 5, "x"], ["ab", 12, "new\nline"]], header=["name", "n", "t"]) == [
        "name   n  t",
        "한국   5  x",
        "ab    12  new\\nline",
    ]
    assert table_lines([]) == []
