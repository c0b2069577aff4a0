"""`clipwise export`: what it leaves, what it refuses, and an example that needs no torch."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.cli.main import main
from pipeline.clips.store import ClipStore
from pipeline.embedding import onnx_export
from pipeline.inference import export_folder
from pipeline.inference.classifier import load
from pipeline.inference.clip_graph import ClipGraph
from pipeline.model.checkpoint import MODEL_FILE
from tests.helpers.runs import make_run

FILES = ["README.md", "classify.py", "model.json", "model.onnx"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with videos/, clips/ and run/."""
    folder = tmp_path_factory.mktemp("export")
    make_run(folder, labels=("걷기", "wide"))
    return folder


@pytest.fixture(scope="module")
def exported(trained: Path) -> Path:
    """The run's model, compared with torch on all clips of the test split."""
    out = trained / "exported"
    assert main(["export", "--model", str(trained / "run"), "--out", str(out), *_check(trained)]) == 0
    return out


def _check(trained: Path) -> list[str]:
    return ["--check", str(trained / "clips")]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_what_an_export_leaves(trained: Path, exported: Path) -> None:
    assert _names(exported) == FILES
    about = json.loads((exported / "model.json").read_text("utf-8"))
    assert about["labels"] == ["wide", "걷기"]
    assert about["spec"] == ClipStore.open(trained / "clips").spec.to_dict()
    assert about["inputs"]["clips"] == {"dtype": "uint8", "shape": ["B", "T", 32, 32, 3], "channels": "RGB"}
    assert set(about["outputs"]) == {"logits", "attention_weights", "probabilities"}
    checked = about["checks"]["clips"]
    store = ClipStore.open(trained / "clips")
    assert (checked["num_clips"], checked["labels_changed"]) == (len(store.usable("test")), 0)
    assert checked["largest_difference"] < 1e-5
    card = (exported / "README.md").read_text("utf-8")
    for words in (
        "Test clips: ",
        "| 걷기 |",
        store.digest,
        "No groups were given",
        "majority class",
        "classify.py",
    ):
        assert words in card, words


def test_the_same_command_again_says_so(
    trained: Path, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = shutil.copytree(exported, tmp_path / "out")
    (out / "README.md").write_text("my own words")  # a card may be edited
    before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    arguments = ["export", "--model", str(trained / "run"), "--out", str(out)]
    assert main([*arguments, *_check(trained)]) == 0
    assert "holds this export already" in capsys.readouterr().err
    assert {path.name: path.stat().st_mtime_ns for path in out.iterdir()} == before
    assert main(arguments) == 4
    digest = ClipStore.open(trained / "clips").digest
    expected = (
        f"other settings: it was compared on the test clips of the store {digest[:12]}, now compared on no"
    )
    said = capsys.readouterr().err
    assert expected in said
    assert "{" not in said


@pytest.mark.parametrize("missing", ["classify.py", "model.onnx"])
def test_a_killed_export_goes_on_to_the_same_bytes(
    trained: Path, exported: Path, tmp_path: Path, missing: str
) -> None:
    out = shutil.copytree(exported, tmp_path / "out")
    order = ["model.json", "classify.py", "README.md", "model.onnx"]
    for name in order[order.index(missing) :]:
        (out / name).unlink()
    (out / ".unfinished-x").write_bytes(b"half")
    assert main(["export", "--model", str(trained / "run"), "--out", str(out), *_check(trained)]) == 0
    assert {name: (out / name).read_bytes() for name in FILES} == {
        name: (exported / name).read_bytes() for name in FILES
    }
    assert not (out / ".unfinished-x").exists()


def test_without_clips_it_is_said_that_none_were_compared(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["export", "--model", str(trained / "run" / MODEL_FILE), "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "not compared on real clips: give --check CLIPS" in said.err
    assert said.out.startswith(f"{out / 'model.onnx'}\t")
    card = (out / "README.md").read_text("utf-8")
    for words in ("these are the validation clips", "not compared with PyTorch on real clips", "| 걷기 | "):
        assert words in card, words


def test_a_damaged_graph_is_made_again(trained: Path, exported: Path, tmp_path: Path) -> None:
    out = shutil.copytree(exported, tmp_path / "out")
    (out / "model.onnx").write_bytes(b"damaged")
    assert main(["export", "--model", str(trained / "run"), "--out", str(out), *_check(trained)]) == 0
    assert (out / "model.onnx").read_bytes() == (exported / "model.onnx").read_bytes()


def test_folders_that_are_not_ours(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export", "--model", str(trained / "run"), "--out"]
    (tmp_path / "README.md").write_text("precious")
    assert main([*arguments, str(tmp_path)]) == 4
    assert (
        "is not empty and no exported model (it has README.md, but no model.json)" in capsys.readouterr().err
    )
    (tmp_path / "model.json").write_text("[]")
    assert main([*arguments, str(tmp_path)]) == 4
    assert "does not describe an exported model" in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "README.md")]) == 4
    assert "is a file" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == "precious"


def test_a_label_that_changes_keeps_nothing(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = ClipGraph.run

    def flipped(self: ClipGraph, clips: np.ndarray) -> Any:
        answers = real(self, clips)
        is_real_clip = clips.shape[:2] == (1, 4) and (clips[0, 0, :, 0] == 0).all()  # has a bar
        return answers._replace(probabilities=answers.probabilities[:, ::-1]) if is_real_clip else answers

    monkeypatch.setattr(ClipGraph, "run", flipped)
    arguments = ["export", "--model", str(trained / "run"), "--out", str(tmp_path / "out"), *_check(trained)]
    assert main(arguments) == 3
    said = capsys.readouterr().err
    assert "gives another label than PyTorch on" in said
    assert "nothing was kept" in said
    assert _names(tmp_path / "out") == []


def test_what_is_missing_is_said(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["export", "--model", str(trained / "run"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(onnx_export, "PACKAGES", ("onnx", "no_such_package"))
    assert main(arguments) == 3
    assert "-m pip install onnx no_such_package" in capsys.readouterr().err
    assert main([*arguments[:2], str(tmp_path / "nowhere"), *arguments[3:]]) == 4
    assert main([*arguments, "--check", str(tmp_path / "nowhere")]) == 4


def _start_example(folder: Path, *videos: Path) -> "subprocess.CompletedProcess[str]":
    """Runs classify.py where torch, torchvision and pipeline cannot be imported."""
    script = (
        "import runpy, sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'torchvision', 'pipeline'):\n"
        "            raise ImportError(f'{name} is blocked')\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", script, str(folder / "classify.py"), *map(str, videos)],
        cwd=folder, capture_output=True, text=True, check=False, encoding="utf-8",
        env={**os.environ, "PYTHONUTF8": "1"},
    )  # fmt: skip


def _run_example(folder: Path, *videos: Path) -> list[dict[str, Any]]:
    done = _start_example(folder, *videos)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_example_agrees_with_classify(trained: Path, exported: Path) -> None:
    videos = sorted((trained / "videos").rglob("*.avi"))
    expected = load(trained / "run", runtime="torch").classify_many(videos)
    for answer, result in zip(_run_example(exported, *videos), expected, strict=True):
        assert answer["label"] == result.label
        assert answer["unsure"] == result.unsure
        assert answer["probability"] == pytest.approx(result.probability, abs=1e-5)
        weights = [frame.attention_weight for frame in result.frames]
        assert answer["attention_weights"] == pytest.approx(weights, abs=1e-5)


def test_the_example_goes_on_after_a_bad_file(trained: Path, exported: Path, tmp_path: Path) -> None:
    good, bad = sorted((trained / "videos").rglob("*.avi"))[0], tmp_path / "notes.mp4"
    bad.write_text("no video")
    done = _start_example(exported, bad, good, tmp_path / "missing.mp4")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [(answer["path"], "error" in answer, "label" in answer) for answer in answers] == [
        (str(bad), True, False),
        (str(good), False, True),
        (str(tmp_path / "missing.mp4"), True, False),
    ]


def test_the_example_says_how_it_is_used(exported: Path) -> None:
    done = _start_example(exported)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: classify.py [-h] VIDEO [VIDEO ...]" in done.stderr


def test_the_example_has_forty_lines_of_code() -> None:
    source = export_folder.EXAMPLE.read_text("utf-8")
    code = source.split('"""')[2]
    assert len([line for line in code.splitlines() if line.strip()]) <= 40


@pytest.mark.slow
@pytest.mark.needs_data
def test_the_example_agrees_on_real_videos(data_folder: Path, trained: Path, exported: Path) -> None:
    videos = sorted(data_folder.glob("tank_state/**/*.mp4"))[::25]
    assert len(videos) > 10
    expected = load(trained / "run", runtime="torch").classify_many(videos)
    for answer, result in zip(_run_example(exported, *videos), expected, strict=True):
        assert answer["label"] == result.label
        assert answer["probability"] == pytest.approx(result.probability, abs=1e-5)
