"""Features given directly, from the command line: train, folds, evaluate, classify, and what is refused."""

import csv
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.cli.main import main
from pipeline.labels import Labels
from pipeline.model.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig
from pipeline.spec import ClipSpec
from tests.helpers.features import LABELS, make_lengths, make_sequences, write_features
from tests.helpers.stores import make_store
from tests.helpers.videos import write_numbered_video

QUICK = ["--epochs", "3", "--batch-size", "16", "--lstm-dim", "8", "--attention-dim", "4"]
TINY = ["--backbone", "tiny", "--weights", "none"]
LENGTHS = make_lengths(60, 6)


Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with features.npz, of clips of several lengths, and run/."""
    folder = tmp_path_factory.mktemp("features")
    features, _ = make_sequences()
    for row, length in enumerate(LENGTHS):
        features[row, length:] = (np.nan, 1e30)[row % 2]
    write_features(folder / "features.npz", X=features, lengths=LENGTHS)
    assert main(["train", str(folder / "features.npz"), "--out", str(folder / "run"), *QUICK]) == 0
    return folder


def run(capsys: Capture, *words: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([str(word) for word in words])
    return code, *capsys.readouterr()


def test_a_run_is_whole_and_found_again(trained: Path, capsys: Capture, tmp_path: Path) -> None:
    page = (trained / "run" / "report.html").read_text()
    assert "clipwise train" in page
    assert "--backbone given --weights none" in page
    assert "none: features are given directly" in page
    assert "each row was taken as independent" in page
    assert "1 to 6 steps, median" in page
    assert "there are no frames to show" in page or "No mistake" in page
    assert "<img" not in page
    config = json.loads((trained / "run" / "config.json").read_bytes())
    assert (config["backbone"], config["weights"]) == ("given", "none")
    _, checkpoint = load_checkpoint(trained / "run")
    assert checkpoint.model.head.feature_dim == 5
    assert checkpoint.provenance["training_steps"]["max"] == 6

    code, _, said = run(capsys, "train", trained / "features.npz", "--out", trained / "run", *QUICK)
    assert code == 0
    assert "was finished before" in said
    other = tmp_path / "features.npz"
    write_features(other, lengths=np.full(60, 6))
    code, _, said = run(capsys, "train", other, "--out", trained / "run", *QUICK)
    assert code == 4
    assert "data was" in said


def test_its_configuration_trains_again(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    moved = shutil.copy(trained / "features.npz", tmp_path / "moved.npz")  # another name, the same content
    config = trained / "run" / "config.json"
    assert run(capsys, "train", moved, "--out", tmp_path / "run", "--config", config)[0] == 0
    for name in ("history.csv", "run.json", "config.json", "baselines.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (trained / "run" / name).read_bytes(), name
    weights = [load_checkpoint(folder / "run")[0].state_dict() for folder in (tmp_path, trained)]
    assert all(torch.equal(value, weights[1][name]) for name, value in weights[0].items())


def test_evaluate_and_classify_agree_to_the_bit(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    code, shown, said = run(
        capsys, "evaluate", trained / "features.npz", "--model", trained / "run", "--split", "all", "--json",
        "--explanations", "--report", tmp_path / "page.html", "--predictions", tmp_path / "p.csv",
    )  # fmt: skip
    assert code == 0
    assert json.loads(shown)["num_used"] == 60
    assert "features as they are given" in said
    page = (tmp_path / "page.html").read_text()
    assert "<img" not in page
    assert "there are no frames to show" in page or "No mistake" in page
    code, shown, _ = run(capsys, "classify", trained / "features.npz", "--model", trained / "run", "--json")
    assert code == 0
    answers = [json.loads(line) for line in shown.splitlines()]
    judged = list(csv.DictReader(io.StringIO((tmp_path / "p.csv").read_text())))
    assert len(answers) == len(judged) == 60
    for row, (answer, expected) in enumerate(zip(answers, judged, strict=True)):
        assert answer["path"] == f"{trained / 'features.npz'}#{row}"
        assert expected["path"] == f"features.npz#{row}"
        assert answer["label"] == expected["predicted"]
        for label in LABELS:
            assert answer["probabilities"][label] == float(expected[f"probability: {label}"])
        assert [frame["index"] for frame in answer["frames"]] == list(range(LENGTHS[row]))
        assert {frame["time_seconds"] for frame in answer["frames"]} == {None}
        assert sum(frame["attention_weight"] for frame in answer["frames"]) == pytest.approx(1)
        assert answer["duration_seconds"] is None


def test_files_without_labels_of_other_lengths_and_with_faults(
    trained: Path, tmp_path: Path, capsys: Capture
) -> None:
    features, _ = make_sequences(3, 9, 5)  # 9 steps, where 6 were trained on
    features[1, 2, 3] = np.nan
    np.savez(tmp_path / "some.npz", X=features)
    np.savez(tmp_path / "one.npz", X=features[:1], lengths=np.array([1]))
    np.savez(tmp_path / "wide.npz", X=np.zeros((2, 6, 4), np.float32))
    model = ["--model", str(trained / "run")]
    code, shown, said = run(capsys, "classify", tmp_path / "some.npz", *model)
    assert code == 1
    lines = shown.splitlines()
    assert lines[0].split() == ["label", "prob.", "length", "row"]
    assert "9 steps" in lines[1]
    assert lines[1].endswith(f"{tmp_path / 'some.npz'}#0")
    assert "failed" in lines[2]
    assert "some.npz#1: step 2 (of 0 to 8), column 3 is nan" in lines[2]
    assert "1 of 3 rows could not be classified" in said

    code, shown, _ = run(capsys, "classify", tmp_path / "one.npz", *model)
    assert code == 0
    assert "step" in shown
    assert "time" not in shown

    code, _, said = run(capsys, "classify", tmp_path / "wide.npz", *model)
    assert code == 4
    assert "has 4 numbers a step, and the model takes 5" in said
    code, shown, _ = run(capsys, "classify", tmp_path / "wide.npz", tmp_path / "one.npz", *model, "--csv")
    assert code == 1
    rows = list(csv.DictReader(io.StringIO(shown)))
    assert [row["status"] for row in rows] == ["failed", "ok"]
    assert rows[0]["path"] == str(tmp_path / "wide.npz")
    assert rows[1]["duration_seconds"] == ""

    code, _, said = run(capsys, "classify", tmp_path / "none.npz", *model)
    assert code == 2
    assert "does not exist" in said
    for extra in (["--picture", "x.png"], ["--report", "x.html"], ["--frame-rate", "5"], ["--null"]):
        assert run(capsys, "classify", tmp_path / "one.npz", *model, *extra)[0] == 2
    code, _, said = run(capsys, "classify", tmp_path / "one.npz", "a.mp4", *model)
    assert code == 2
    assert "a.mp4 stands beside .npz files of features" in said


def test_folds(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "folds"
    code, shown, said = run(
        capsys, "train", trained / "features.npz", "--out", out, "--folds", "2", *QUICK, "--epochs", "1"
    )
    assert code == 0
    assert "51 of 60 clips" in shown
    assert "The 9 clips of the test split have no part in this" in shown
    assert "each row was taken as independent" in shown
    page = (out / "report.html").read_text()
    assert "none: features are given directly" in page
    assert "6 steps of numbers" in page
    assert "embedding" not in said


def test_options_of_a_backbone_are_refused(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    for extra in (["--backbone", "tiny"], ["--weights", "a.pth"], ["--finetune"], ["--runtime", "onnx"]):
        code, _, said = run(capsys, "train", trained / "features.npz", "--out", tmp_path / "run", *extra)
        assert code == 2
        assert extra[0] in said
        assert not (tmp_path / "run" / "run.json").exists()


def test_what_needs_frames_or_takes_none_is_refused(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    features, model = trained / "features.npz", trained / "run"
    write_numbered_video(tmp_path / "a.avi", num_frames=8, size_wh=(32, 32), frame_rate=10)
    clips = make_store(tmp_path / "clips").folder
    frames = tmp_path / "frames.safetensors"
    head = HeadConfig(feature_dim=128, num_classes=2, lstm_dim=4, attention_dim=2)
    classifier = ClipClassifier(ModelConfig(backbone="tiny", image_size=16, head=head))
    save_checkpoint(
        frames,
        classifier,
        Checkpoint(
            spec=ClipSpec(num_frames=4, image_size=16),
            labels=Labels(("down", "up")),
            model=classifier.config,
            clip_seconds={"min": 1.0, "median": 1.0, "max": 1.0},
        ),
    )
    refused: list[tuple[list[str | Path], str]] = [
        (["classify", tmp_path / "a.avi", "--model", model], "takes features given directly, 5 numbers"),
        (["timeline", tmp_path / "a.avi", "--model", model], "takes features given directly, 5 numbers"),
        (["classify", features, "--model", frames], "this model takes videos"),
        (["evaluate", clips, "--model", model], "holds frames. This model takes features given directly"),
        (["evaluate", features, "--model", frames], "holds features and no frames"),
        (["train", clips, "--out", tmp_path / "r", "--init", model, *TINY], "has the backbone given"),
        (["audit", features], "holds features and no frames. An audit looks at frames"),
        (["show", features, "row-000001", "--out", tmp_path / "a.png"], "holds features and no frames"),
        (["export", "--model", model, "--out", tmp_path / "e"], "was trained on features given directly"),
        (["export", "--model", frames, "--out", tmp_path / "e", "--check", features], "checked on frames"),
    ]  # fmt: skip
    for words, said_of_it in refused:
        code, _, said = run(capsys, *words)
        assert code == 4, words
        assert said_of_it in said, words
    assert not (tmp_path / "e").exists()


def test_a_model_goes_on_from_another(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    code, _, said = run(
        capsys, "train", trained / "features.npz", "--out", tmp_path / "r", "--init", trained / "run", *QUICK
    )
    assert code == 0
    assert "starting from the trained model" in said
    torch.testing.assert_close(
        load_checkpoint(tmp_path / "r")[0].state_dict()["head.input.frame_projection"],
        load_checkpoint(trained / "run")[0].state_dict()["head.input.frame_projection"],
    )
