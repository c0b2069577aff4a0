"""The command line itself: help without torch, typos, exit codes, bugs, signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.cli import main as cli
from pipeline.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]


def test_without_a_command_the_overview_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert command in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: clipwise {command}" in capsys.readouterr().out


def test_help_starts_without_torch_or_cv2() -> None:
    script = (
        "import sys\n"
        "from pipeline.cli.main import COMMANDS, main\n"
        "main(['--help'])\n"
        "for command in COMMANDS:\n"
        "    try:\n"
        "        main([command, '--help'])\n"
        "    except SystemExit:\n"
        "        pass\n"
        "heavy = {'torch', 'torchvision', 'cv2', 'sklearn', 'matplotlib', 'albumentations'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'imported: {sorted(heavy)}' if heavy else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_typo_in_a_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["clasify", "x.mp4"]) == 2
    assert "Did you mean `clipwise classify`?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "CLIPS", "--out", "RUN", "--epoch", "3"],
        ["train", "CLIPS"],
        ["evaluate", "CLIPS"],
        ["classify", "x.mp4"],
        ["preprocess", "VIDEOS"],
        ["classify", "x.mp4", "--model", "RUN", "--top-k", "many"],
    ],
)
def test_a_bad_flag_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["train", "nowhere", "--out", "run"], 4, "the clip store nowhere does not exist"),
        (["evaluate", "nowhere", "--model", "run"], 4, "there is no model at run"),
        (["classify", "nowhere.mp4", "--model", "run"], 2, "nowhere.mp4 does not exist"),
        (["classify", "no\n\x1b[31m.mp4", "--model", "run"], 2, r"no\n\x1b[31m.mp4 does not exist"),
        (["classify", "--model", "run"], 2, "no videos were given"),
        (["classify", ".", "--model", "run", "--top-k", "0"], 2, "--top-k is 0"),
        (["train", "x", "--out", "run", "--dropout", "1"], 2, "--dropout is 1.0"),
        (["train", "x", "--out", "run", "--config", "no.json"], 2, "--config no.json"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(  # noqa: PLR0917
    arguments: list[str],
    exit_code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == exit_code
    said = capsys.readouterr().err
    assert message in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_our_own_bug_is_one_line_and_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    def broken(arguments: list[str]) -> int:
        raise RuntimeError(f"unexpected {arguments}")

    monkeypatch.setattr(cli, "_dispatch", broken)
    assert main(["train"]) == 70
    said = capsys.readouterr().err
    assert "a bug in clipwise: RuntimeError: unexpected ['train']" in said
    (log,) = tmp_path.rglob("bug-*.log")
    assert str(log) in said
    assert "Traceback" in log.read_text("utf-8")


@pytest.mark.parametrize(
    ("sent", "exit_code", "then"),
    [
        (signal.SIGINT, 130, "raise"),
        (signal.SIGTERM, 143, "raise"),
        # as an extension does that is being imported
        (signal.SIGINT, 130, "raise ImportError('initialization failed') from None"),
        (signal.SIGTERM, 143, "raise ImportError('initialization failed') from None"),
    ],
)
def test_signals_end_with_their_exit_code(sent: signal.Signals, exit_code: int, then: str) -> None:
    script = (
        "import sys, time\n"
        "from pipeline.cli import main as cli\n"
        "def wait(arguments):\n"
        "    print('ready', flush=True)\n"
        "    try:\n"
        "        time.sleep(60)\n"
        "    except BaseException:\n"
        f"        {then}\n"
        "cli._dispatch = wait\n"
        "sys.exit(cli.main(['train']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.1)
    os.kill(process.pid, sent)
    _, said = process.communicate(timeout=20)
    assert process.returncode == exit_code
    assert "what was finished is kept" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", COMMANDS)
def test_only_commands_that_go_on_promise_it(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(_arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_dispatch", stop)
    assert main([command]) == 130
    goes_on = "; what was finished is kept. Run the same command again to go on"
    more = goes_on if command in {"preprocess", "train", "compare"} else ""
    assert capsys.readouterr().err == f"clipwise: interrupted{more}.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "body",
    [
        "print('result', flush=True)",  # while it runs
        "print('result')",  # at its end
        "print('result'); raise SystemExit(0)",  # help
        "print('result'); return 1",
    ],
)
def test_a_full_disk_under_the_results(body: str, unbuffered: str) -> None:
    script = (
        "import sys\n"
        "from pipeline.cli import main as cli\n"
        "def write(arguments):\n"
        f"    {body}\n"
        "    return 0\n"
        "cli._dispatch = write\n"
        "sys.exit(cli.main(['train']))\n"
    )
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True,
            check=False, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.returncode == 3
    assert "error: the results cannot be written: No space left on device" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_under_the_messages() -> None:
    script = "import sys\nfrom pipeline.cli.main import main\nsys.exit(main(['clasify']))\n"
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stderr=full, check=False)
    assert done.returncode == 3
