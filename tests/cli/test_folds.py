"""`clipwise train --folds`: what a person sees, and what does not go together."""

import json
from pathlib import Path

import pytest

from pipeline.cli.main import main
from tests.helpers.stores import make_store

QUICK = [*["--backbone", "tiny", "--weights", "none", "--epochs", "1", "--batch-size", "8"], "--no-augment"]
QUICK += ["--lstm-dim", "8", "--attention-dim", "4"]


def test_folds_are_shown_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clips, out = tmp_path / "clips", tmp_path / "run"
    make_store(clips, classes=("걷기", "b"), clips_per_class={"train": 9, "val": 3, "test": 2})
    arguments = ["train", str(clips), "--out", str(out), *QUICK, "--folds", "3"]
    assert main([*arguments, "--repeats", "2"]) == 0
    shown, said = capsys.readouterr()
    for words in ("24 of 28 clips (24 groups) held back in 3 folds, 2 times over", "held back", "걷기"):
        assert words in shown
    # One epoch may teach so little that all folds score the same, which is said in the interval's place.
    assert "95 % interval" in shown or "No intervals: a score is the same in all folds" in shown
    for words in ("mean + logistic regression", "the test split have no part"):
        assert words in shown
    assert "repeat 2 of 2, fold 3 of 3: accuracy" in said
    assert "this made no model; to train one on all training clips" in said
    assert f"clipwise train {clips} --out RUN --config {out}/config.json" in said
    assert sorted(path.name for path in out.iterdir() if path.is_file() and path.name[0] != ".") == [
        "config.json",
        "confusion_matrix.png",
        "folds.csv",
        "held_back.csv",
        "metrics.json",
        "report.html",
        "run.json",
    ]
    assert main([*arguments, "--repeats", "2", "--json"]) == 0
    again, said = capsys.readouterr()
    assert "was finished before" in said
    result = json.loads(again)
    assert result == {"run": str(out), **json.loads((out / "metrics.json").read_bytes())}
    assert {"accuracy", "intervals", "per_fold", "per_class", "verdict", "baselines"} <= set(result)
    assert main(arguments) == 4
    assert "repeats was 2 and is now 1" in capsys.readouterr().err
    assert main(["evaluate", str(clips), "--model", str(out)]) == 4
    assert "holds a cross-validation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["--repeats", "2"], 2, "add --folds"),
        (["--folds", "3", "--tensorboard"], 2, "--tensorboard shows one training"),
        (["--folds", "3", "--init", "RUN"], 2, "--init cannot go with --folds"),
        (["--folds", "1"], 2, "--folds is 1; allowed: 2 to 18"),
        (["--folds", "19"], 2, "--folds is 19; allowed: 2 to 18"),
        (["--folds", "3", "--repeats", "0"], 2, "--repeats is 0"),
    ],
)
def test_what_cannot_be(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    exit_code: int,
    message: str,
) -> None:
    make_store(tmp_path / "clips")
    arguments = ["train", str(tmp_path / "clips"), "--out", str(tmp_path / "run"), *QUICK]
    assert main([*arguments, *words]) == exit_code
    assert message in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
