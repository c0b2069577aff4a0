"""`clipwise compare` from the command line: tables, files, exit codes, and a stop that it goes on from."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
import torchvision

from pipeline.cli.compare import _time_left
from pipeline.cli.main import main
from pipeline.clips.preprocess import preprocess
from pipeline.model.backbone import build_backbone
from tests.helpers.runs import SPEC, make_videos

QUICK = [
    "--quick",
    "--folds",
    "2",
    "--epochs",
    "2",
    "--patience",
    "1",
    "--hidden-sizes",
    "4",
    "--workers",
    "1",
]
FEW = ["--heads", "mean", "lstm_last", "full"]


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    path = tmp_path_factory.mktemp("compare") / "made.npz"
    np.savez(path, X=rng.normal(size=(60, 4, 3)) + y[:, None, None], y=np.array(["ja", "nein"])[y])
    return path


@pytest.fixture(scope="module")
def finished(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "compared"
    assert main(["compare", str(features), "--out", str(out), *QUICK, *FEW]) == 0
    return out


def test_it_leaves_a_table_a_page_and_options_and_says_what_comes_next(
    features: Path, finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(features), "--out", str(finished), *QUICK, *FEW]) == 0
    said = capsys.readouterr()
    assert "was finished before, with these options; nothing was fitted" in said.err
    assert "clipwise train" in said.err
    assert str(finished / "best.json") in said.err
    for words in ("majority class", "mean + linear", "The head: This data supports", "lower error"):
        assert words in said.out
    assert max(len(line) for line in said.out.splitlines() if "  " in line.strip()) <= 120
    page = (finished / "report.html").read_text()
    assert "clipwise compare" in page
    assert "--heads mean lstm_last full" in page
    assert {path.name for path in finished.iterdir() if not path.name.startswith(".")} >= {
        "report.html", "runs.csv", "seconds.csv", "best.json", "result.json", "compare.json", "fits",
    }  # fmt: skip


def test_json_is_one_object(features: Path, finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(features), "--out", str(finished), *QUICK, *FEW, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["verdict"]["supported"] in ("mean", "full", None)


def test_best_options_train(features: Path, finished: Path, tmp_path: Path) -> None:
    config = ["--config", str(finished / "best.json")]
    assert main(["train", str(features), "--out", str(tmp_path / "run"), *config]) == 0
    assert main(["evaluate", str(features), "--model", str(tmp_path / "run")]) == 0


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, ""), (0.0, ""), (0.4, "about 1 s left"), (90.0, "about 2 min left")]
)
def test_the_bar_says_what_is_left_and_at_the_end_nothing(seconds: float | None, words: str) -> None:
    assert _time_left(seconds) == words


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--heads", "lstn"], 2, "--heads has lstn; allowed: majority, single_frame"),
        (["--hidden-sizes", "1024"], 2, "--hidden-sizes is 1024; allowed: 1 to 4 sizes of 1 to 512"),
        (["--folds", "1"], 2, "--folds is 1; allowed: 2 or more"),
        (["--repeats", "0"], 2, "--repeats is 0; allowed: 1 or more"),
        (["--fit", "squash"], 2, "--fit has squash; allowed: letterbox, stretch, crop"),
        (["--workers", "0"], 2, "--workers is 0; allowed: 1 or more"),
        (["--folds", "100"], 2, "--folds is 100; allowed: 2 to"),
        (["--epochs", "3"], 4, "holds a comparison with other settings: epochs was 2 and is now 3"),
    ],
)
def test_what_cannot_be_is_refused(  # noqa: PLR0917
    arguments: list[str],
    code: int,
    words: str,
    features: Path,
    finished: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = finished if code == 4 else tmp_path / "out"
    base = list(QUICK)
    if arguments[0] in base:
        place = base.index(arguments[0])
        del base[place : place + 2]
    heads = [] if arguments[0] == "--heads" else FEW
    try:
        found = main(["compare", str(features), "--out", str(out), *base, *heads, *arguments])
    except SystemExit as error:
        found = int(str(error.code))
    assert found == code
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "out").exists()


def test_a_store_of_videos_two_fits_and_a_backbone_from_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = make_videos(tmp_path / "videos", per_class=12)
    preprocess(videos, tmp_path / "clips", spec=SPEC, num_workers=1)
    torch.manual_seed(0)
    weights, tiny = tmp_path / "random.pth", tmp_path / "tiny.pth"
    torch.save(torchvision.models.mobilenet_v3_small().state_dict(), weights)
    torch.save(build_backbone("tiny", image_size=32).state_dict(), tiny)
    arguments = ["compare", str(tmp_path / "clips"), "--out", str(tmp_path / "out"), *QUICK, "--no-curve"]
    arguments += ["--heads", "mean", "full", "--fit", "letterbox,stretch", "--runtime", "torch"]
    assert main([*arguments, "--backbone", "mobilenet_v3_small", "--weights", "none"]) == 2
    assert "--weights none makes one that knows nothing" in capsys.readouterr().err
    assert main([*arguments, "--backbone", "tiny", "--weights", str(tiny)]) == 2
    assert "no head on them is blind to the order" in capsys.readouterr().err
    arguments += ["--backbone", "mobilenet_v3_small", "--weights", str(weights)]
    assert main([*arguments, "--fit", "letterbox"]) == 2
    assert "--fit names letterbox alone, which is how the frames" in capsys.readouterr().err
    assert main(arguments) == 0
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [(each["name"], each["fit"]) for each in result["variants"]] == [
        ("mobilenet_v3_small", "letterbox"),
        ("mobilenet_v3_small-stretch", "stretch"),
    ]
    assert {(row["head"], row["second"]) for row in result["fits"]["pairs"]} == {
        ("mean", "stretch"),
        ("full", "stretch"),
    }
    assert "fit" in {finding["topic"] for finding in result["verdict"]["sentences"]}

    # Heads by which ways to fit are not compared otherwise are, where no others are.
    of_one = [*arguments, "--heads", "lstm_last", "--out", str(tmp_path / "one")]
    assert main(of_one) == 0
    result = json.loads((tmp_path / "one" / "result.json").read_text())
    assert [row["head"] for row in result["fits"]["pairs"]] == ["lstm_last"]

    other = tmp_path / "other.pth"
    torch.save(torchvision.models.shufflenet_v2_x0_5().state_dict(), other)
    of_two = ["compare", str(tmp_path / "clips"), "--out", str(tmp_path / "two"), *QUICK, "--no-curve"]
    of_two += ["--heads", "mean", "--runtime", "torch", "--backbone", "mobilenet_v3_small"]
    of_two += ["shufflenet_v2_x0_5", "--weights", str(weights), str(other)]
    capsys.readouterr()
    assert main(of_two) == 0
    result = json.loads((tmp_path / "two" / "result.json").read_text())
    names = ["mobilenet_v3_small", "shufflenet_v2_x0_5"]
    assert [(each["name"], each["feature_dim"]) for each in result["variants"]] == [
        (names[0], 1024),
        (names[1], 1024),
    ]
    assert [(row["variant"], row["head"]) for row in result["results"]] == [
        (name, head) for name in names for head in ("majority", "mean")
    ]
    (finding,) = [each for each in result["verdict"]["sentences"] if each["topic"] == "backbone"]
    scores = {row["variant"]: row["macro_f1"]["mean"] for row in result["results"] if row["head"] == "mean"}
    assert finding["numbers"]["difference"]["mean"] == pytest.approx(scores[names[1]] - scores[names[0]])
    assert finding["sentence"].startswith(f"With the backbone {names[1]} the best head (mean + linear)")
    table = capsys.readouterr().out.split("macro-F1 by backbone")[1].split("\n\n")[1]
    assert [name in table for name in names] == [True, True]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_keeps_what_was_finished_and_leaves_no_worker(features: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-m", "pipeline.cli.main", "compare", str(features), "--out", str(out)]
    command += ["--quick", "--folds", "2", "--epochs", "4", "--no-curve", "--heads", "lstm_last", "full"]
    command += ["--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        limit = time.monotonic() + 120
        while len(list(out.rglob("fits/**/*.npz"))) < 2 and time.monotonic() < limit:
            time.sleep(0.05)
            assert process.poll() is None
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted; what was finished is kept. Run the same command again to go on." in said
    assert "Traceback" not in said
    psutil.wait_procs(workers, timeout=10)
    assert not [worker for worker in workers if worker.is_running()]
    kept = {path: path.stat().st_mtime_ns for path in out.rglob("fits/**/*.npz")}
    assert len(kept) >= 2
    assert main(command[3:]) == 0
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
