"""The jobs from the command line: train, evaluate, classify, in the words and files a person sees."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from pipeline.cli.main import main
from pipeline.clips.store import ClipStore
from pipeline.labels import Labels
from pipeline.model.checkpoint import load_checkpoint, save_checkpoint
from tests.helpers.runs import make_run, make_videos
from tests.helpers.videos import write_numbered_video

ROOT = Path(__file__).resolve().parents[2]
QUICK = [*["--backbone", "tiny", "--weights", "none", "--epochs", "2", "--batch-size", "8"], "--no-augment"]
QUICK += ["--lstm-dim", "8", "--attention-dim", "4"]
LABELS = ("걷기", "wide")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with videos/, clips/ and run/."""
    folder = tmp_path_factory.mktemp("jobs")
    make_run(folder, labels=LABELS)
    return folder


def test_train_leaves_everything_about_the_run(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["train", str(trained / "clips"), "--out", str(out), *QUICK]) == 0
    shown, said = capsys.readouterr()
    for words in ("걷기", "macro-F1", "majority class", "shuffled frames", "best epoch"):
        assert words in shown
    assert "training: 100%" in said
    page = (out / "report.html").read_bytes()
    assert f"clipwise train {trained / 'clips'} --out {out} --backbone tiny --weights none".encode() in page
    (out / "report.html").unlink()  # as if the command had been killed before it was written
    assert main(["train", str(trained / "clips"), "--out", str(out), *QUICK]) == 0
    assert (out / "report.html").read_bytes() == page
    assert sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) == [
        "baselines.safetensors",
        "config.json",
        "confusion_matrix.png",
        "history.csv",
        "learning_curves.png",
        "metrics.json",
        "model.safetensors",
        "predictions.csv",
        "reliability.png",
        "report.html",
        "run.json",
        "starting_model.safetensors",
    ]
    with (out / "history.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    metrics = json.loads((out / "metrics.json").read_text("utf-8"))
    assert metrics["validation"]["split"] == "val"
    _, checkpoint = load_checkpoint(out)
    assert list(checkpoint.labels) == sorted(LABELS)
    store = ClipStore.open(trained / "clips")
    assert checkpoint.provenance["data"] == store.digest
    assert checkpoint.provenance["options"]["lstm_dim"] == 8
    seconds = [clip.duration_seconds for clip in store.usable("train")]
    assert checkpoint.clip_seconds["max"] == max(value for value in seconds if value is not None)


def test_a_finished_run_says_so_and_other_options_are_refused(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(trained / "clips"), "--out", str(trained / "run"), *QUICK]
    before = (trained / "run" / "model.safetensors").read_bytes()
    assert main(arguments) == 0
    assert "was finished before" in capsys.readouterr().err
    assert main([*arguments, "--seed", "1"]) == 4
    assert "options.seed was 0 and is now 1" in capsys.readouterr().err
    assert (trained / "run" / "model.safetensors").read_bytes() == before


def test_the_same_options_give_the_same_file_and_config_repeats_them(trained: Path, tmp_path: Path) -> None:
    config = str(trained / "run" / "config.json")
    assert main(["train", str(trained / "clips"), "--out", str(tmp_path / "a"), "--config", config]) == 0
    first = (trained / "run" / "model.safetensors").read_bytes()
    assert (tmp_path / "a" / "model.safetensors").read_bytes() == first
    arguments = ["train", str(trained / "clips"), "--out", str(tmp_path / "b"), f"--config={config}"]
    assert main([*arguments, "--seed", "5", "--epochs", "1"]) == 0
    changed = json.loads((tmp_path / "b" / "config.json").read_text("utf-8"))
    assert (changed["seed"], changed["epochs"], changed["lstm_dim"]) == (5, 1, 8)


def test_tensorboard_and_mirrored_labels_on_request(trained: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    words = [word for word in QUICK if word != "--no-augment"]
    arguments = ["train", str(trained / "clips"), "--out", str(tmp_path / "run"), *words, "--tensorboard"]
    assert main([*arguments, "--flip-labels", "wide=걷기"]) == 0
    assert [path.name.split(".")[0] for path in (tmp_path / "run" / "tensorboard").iterdir()] == ["events"]
    config = json.loads((tmp_path / "run" / "config.json").read_text("utf-8"))
    assert config["flip_labels"] == ["wide=걷기"]


def test_a_loss_that_is_not_a_number_ends_with_1_and_one_line(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(trained / "clips"), "--out", str(tmp_path / "run"), *QUICK]
    assert main([*arguments, "--learning-rate", "1e30"]) == 1
    said = capsys.readouterr().err
    assert "error: the loss is not a number in epoch" in said
    assert "the learning rate 1e+30 is too high" in said
    assert (tmp_path / "run" / "history.csv").exists()
    assert not (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.parametrize(
    ("sent", "exit_code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_stopped_training_goes_on_to_the_same_files(
    trained: Path, tmp_path: Path, sent: signal.Signals, exit_code: int
) -> None:
    words = ["train", trained / "clips", "--out", tmp_path / "run", *QUICK]
    command = [sys.executable, "-m", "pipeline.cli.main", *map(str, words)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not (tmp_path / "run" / "run.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, sent)
    _, said = process.communicate(timeout=60)
    assert process.returncode == exit_code
    assert b"Traceback" not in said
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert main([str(word) for word in words]) == 0
    for name in ("model.safetensors", "history.csv", "metrics.json", "baselines.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (trained / "run" / name).read_bytes(), name


def test_weights_that_cannot_be_had_begin_no_run(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(trained / "clips"), "--out", str(tmp_path / "run"), *QUICK]
    assert main([*arguments, "--weights", "brought.pth"]) == 2
    assert "--weights brought.pth: no such file" in capsys.readouterr().err
    assert main(arguments) == 0


def test_weights_are_known_by_content_not_by_name(trained: Path, tmp_path: Path) -> None:
    model, _ = load_checkpoint(trained / "run")
    weights = tmp_path / "weights.safetensors"
    save_file(model.backbone.state_dict(), weights)
    arguments = ["train", str(trained / "clips"), "--out", str(tmp_path / "run"), *QUICK, "--weights"]
    assert main([*arguments, str(weights)]) == 0
    moved = shutil.copy(weights, tmp_path / "moved.safetensors")
    assert main([*arguments, str(moved)]) == 0  # found finished
    save_file({key: value + 1 for key, value in model.backbone.state_dict().items()}, weights)
    assert main([*arguments, str(weights)]) == 4


def test_a_folder_that_is_no_run_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    assert main(["train", str(trained / "clips"), "--out", str(tmp_path), *QUICK]) == 4
    assert "is not empty and no training run (it has thesis.txt" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_starting_from_a_trained_model(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", str(trained / "clips"), "--init", str(trained / "run"), *QUICK, "--out"]
    assert main([*arguments, str(tmp_path / "a")]) == 0
    assert "starting from the trained model" in capsys.readouterr().err
    started, _ = load_checkpoint(tmp_path / "a" / "starting_model.safetensors")
    trained_model, _ = load_checkpoint(trained / "run")
    for name, weights in trained_model.state_dict().items():
        assert (started.state_dict()[name] == weights).all(), name
    assert main([*arguments, str(tmp_path / "b"), "--lstm-dim", "16"]) == 4
    assert "has another head" in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "c"), "--backbone", "resnet18"]) == 4
    assert "has the backbone tiny" in capsys.readouterr().err


def test_a_frozen_backbone_stays_bit_equal(trained: Path, tmp_path: Path) -> None:
    frozen = [word for word in QUICK if word not in ("--weights", "none")]
    arguments = ["train", str(trained / "clips"), "--init", str(trained / "run"), *frozen]
    assert main([*arguments, "--out", str(tmp_path / "b")]) == 0
    before, _ = load_checkpoint(trained / "run")
    after, _ = load_checkpoint(tmp_path / "b")
    for name, weights in before.backbone.state_dict().items():
        assert (after.backbone.state_dict()[name] == weights).all(), name
    assert any(
        (after.head.state_dict()[name] != weights).any() for name, weights in before.head.state_dict().items()
    )


def test_evaluate_in_words_and_json(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", str(trained / "clips"), "--model", str(trained / "run")]
    assert main(arguments) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("test clips: ")
    assert "걷기" in shown
    assert main([*arguments, "--json", "--split", "all"]) == 0
    result = json.loads(capsys.readouterr().out)
    scores = {"accuracy", "macro_f1", "balanced_accuracy", "intervals", "per_class", "baselines"}
    assert scores | {"num_used", "num_total"} <= set(result)
    assert (result["num_used"], result["num_total"]) == (16, 16)
    assert set(result["baselines"]) == {
        "majority", "single_frame", "mean", "mean_std_difference", "shuffled"
    }  # fmt: skip


def test_evaluate_writes_what_it_says_of_each_clip(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, picture = tmp_path / "predictions.csv", tmp_path / "reliability.png"
    arguments = ["evaluate", str(trained / "clips"), "--model", str(trained / "run"), "--split", "all"]
    written = ["--predictions", str(table), "--reliability", str(picture), "--threshold", "0.5"]
    assert main([*arguments, *written, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    clips = {clip.id: clip for clip in ClipStore.open(trained / "clips").clips}
    assert len(rows) == len(clips) == result["num_used"] == 16
    right = 0
    for row in rows:
        clip = clips[row["id"]]
        assert (row["path"], row["label"], row["group"]) == (clip.path, clip.label, clip.group)
        shares = {label: float(row[f"probability: {label}"]) for label in LABELS}
        assert sum(shares.values()) == pytest.approx(1)
        assert shares[row["predicted"]] == max(shares.values())
        assert row["unsure"] == ("yes" if max(shares.values()) < 0.5 else "no")
        right += row["predicted"] == row["label"]
    assert result["accuracy"] == right / 16
    assert result["abstention"]["threshold"] == 0.5
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main([*arguments, "--threshold", "2"]) == 2
    assert "--threshold is 2.0; allowed: 0 to 1" in capsys.readouterr().err


def test_the_runtime_is_said_and_one_that_cannot_be_had_is_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ["--model", str(trained / "run")]
    video = str(trained / "videos" / "걷기" / "걷기 3.avi")
    for command in (["evaluate", str(trained / "clips"), *model], ["classify", video, *model]):
        assert main([*command, "--runtime", "torch"]) == 0
        assert f"torch {torch.__version__}, cpu, " in capsys.readouterr().err
        assert main([*command, "--runtime", "onnx"]) == 2
        assert "--runtime onnx takes backbones that look at each frame alone" in capsys.readouterr().err
    arguments = ["train", str(trained / "clips"), *QUICK]
    assert main([*arguments, "--out", str(tmp_path / "a"), "--runtime", "onnx"]) == 2
    assert "which tiny does not; leave it out" in capsys.readouterr().err
    assert not (tmp_path / "a" / "run.json").exists()
    assert main([*arguments, "--out", str(tmp_path / "b"), "--finetune", "--precision", "float16"]) == 2
    assert "--precision float16 halves what kept features take" in capsys.readouterr().err


def test_evaluate_draws_the_confusion_matrix(trained: Path, tmp_path: Path) -> None:
    picture = tmp_path / "confusion.png"
    arguments = ["evaluate", str(trained / "clips"), "--model", str(trained / "run")]
    assert main([*arguments, "--confusion-matrix", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_evaluate_writes_a_page(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "test.html"
    arguments = ["evaluate", str(trained / "clips"), "--model", str(trained / "run"), "--report"]
    assert main([*arguments, str(page)]) == 0
    text = page.read_text("utf-8")
    for words in (
        "test clips",
        "걷기",
        "Learning curves",
        f"--model {trained / 'run'} --split test --report",
    ):
        assert words in text, words
    model = str(trained / "run" / "model.safetensors")
    assert main(["evaluate", str(trained / "clips"), "--model", model, "--report", str(page)]) == 0
    assert "Learning curves" not in page.read_text("utf-8")
    capsys.readouterr()
    assert main([*arguments, str(tmp_path / "page.pdf")]) == 2
    assert "give a name that ends in .html" in capsys.readouterr().err
    assert main([*arguments, str(tmp_path / "nowhere" / "page.html")]) == 2
    assert "Make it first" in capsys.readouterr().err


def test_evaluate_says_whether_explanations_are_true(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other, page = tmp_path / "other", tmp_path / "page.html"
    assert main(["train", str(trained / "clips"), "--out", str(other), *QUICK, "--seed", "1"]) == 0
    capsys.readouterr()
    arguments = ["evaluate", str(trained / "clips"), "--model", str(trained / "run"), "--split", "all"]
    more = ["--explanations", "--other-models", str(other)]
    assert main([*arguments, *more, "--report", str(page)]) == 0
    printed = capsys.readouterr().out
    for said in (
        "deletion area",
        "leave-one-out",
        "random order",
        "rank correlation",
        "2 models were compared",
    ):
        assert said in printed, said
    assert main([*arguments, *more, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["explanations"]
    assert found["num_clips"] == 16
    assert found["attention_note"] in printed
    assert found["agreement"]["num_models"] == 2
    assert 'id="explanations"' in page.read_text("utf-8")
    assert f"--explanations --other-models {other}" in page.read_text("utf-8")
    assert main([*arguments, "--json"]) == 0
    assert "explanations" not in json.loads(capsys.readouterr().out)
    assert main([*arguments, "--other-models", str(other)]) == 2
    assert "add --explanations" in capsys.readouterr().err


def test_models_of_other_clips_are_not_compared(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, checkpoint = load_checkpoint(trained / "run")
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, model, replace(checkpoint, labels=Labels(("one", "two"))))
    arguments = ["evaluate", str(trained / "clips"), "--model", str(trained / "run"), "--explanations"]
    assert main([*arguments, "--other-models", str(other)]) == 2
    assert "knows other labels" in capsys.readouterr().err


def test_a_model_is_not_compared_with_itself(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, checkpoint = load_checkpoint(trained / "run")
    again, other = tmp_path / "again.safetensors", tmp_path / "other.safetensors"
    save_checkpoint(again, model, replace(checkpoint, provenance={}))  # other bytes, the same weights
    with torch.no_grad():
        next(model.head.parameters()).add_(0.1)
    save_checkpoint(other, model, checkpoint)
    arguments = ["evaluate", str(trained / "clips"), "--model", str(trained / "run"), "--explanations"]
    for same in (trained / "run", trained / "run" / "model.safetensors", again):
        assert main([*arguments, "--other-models", str(same)]) == 2
        assert f"--other-models {same} has the same weights as {trained / 'run'}" in capsys.readouterr().err
    assert main([*arguments, "--other-models", str(other), "--other-models", str(other)]) == 2
    assert f"--other-models {other} has the same weights as {other}" in capsys.readouterr().err
    assert main([*arguments, "--other-models", str(other)]) == 0


def test_classify_writes_a_page(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "answers.html"
    video = trained / "videos" / "걷기" / "걷기 3.avi"
    model = str(trained / "run" / "model.safetensors")
    assert main(["classify", str(video), "--model", model, "--json", "--report", str(page)]) == 0
    shown, said = capsys.readouterr()
    label = json.loads(shown)["label"]
    text = page.read_text("utf-8")
    assert "What is in <bdi>걷기 3.avi</bdi>?" in text
    assert f'<span class="label"><bdi>{label}</bdi></span>' in text
    assert "by the model <bdi>run</bdi>" in text
    assert text.count("<img ") == 4 + 2 * 3
    assert f"the page is {page}" in said
    (tmp_path / "broken.mp4").write_text("no video")
    several = [str(video), str(tmp_path / "broken.mp4")]
    assert main(["classify", *several, "--model", model, "--report", str(page)]) == 1
    text = page.read_text("utf-8")
    assert "What is in these 2 videos?" in text
    assert "not a supported video" in text
    assert main(["classify", *several, "--model", model, "--report", str(tmp_path / "page.pdf")]) == 2
    assert main(["classify", *several, "--model", model, "--report", str(tmp_path / "no" / "a.html")]) == 2


def test_classify_one_video_in_words(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = trained / "videos" / "걷기" / "걷기 3.avi"
    picture = tmp_path / "pictures" / "one.png"
    arguments = ["classify", str(video), "--model", str(trained / "run"), "--picture", str(picture)]
    assert main([*arguments, "--top-k", "2"]) == 0
    shown = capsys.readouterr().out
    first, *bars = shown.splitlines()
    assert first.startswith(f"{video}\t")
    assert len(first.split("\t")) == 5  # the name, then twice a label and its probability
    assert len([line for line in bars if " s " in line]) == 4  # a line for each frame
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_classify_says_which_answers_are_unsure(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video = trained / "videos" / "걷기" / "걷기 3.avi"
    arguments = ["classify", str(video), "--model", str(trained / "run"), "--threshold"]
    assert main([*arguments, "1"]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("\tunsure")
    assert main([*arguments, "0"]) == 0
    assert "unsure" not in capsys.readouterr().out
    assert main([*arguments, "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unsure"] is True
    assert main([*arguments, "-1"]) == 2


def test_classify_a_folder_with_a_broken_video(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = make_videos(tmp_path / "new", labels=("a", "b"), per_class=2)
    (folder / "a" / "broken.mp4").write_text("no video")
    (folder / "notes.txt").write_text("not a video")
    pictures = tmp_path / "pictures"
    arguments = [
        "classify",
        str(folder),
        "--model",
        str(trained / "run"),
        "--json",
        "--picture",
        str(pictures),
    ]
    assert main(arguments) == 1
    shown, said = capsys.readouterr()
    results = [json.loads(line) for line in shown.splitlines()]
    assert [Path(result["path"]).name for result in results] == [
        "a 0.avi", "a 1.avi", "broken.mp4", "b 0.avi", "b 1.avi"
    ]  # fmt: skip
    assert [result["status"] for result in results] == ["ok", "ok", "failed", "ok", "ok"]
    assert set(results[0]) >= {"path", "status", "label", "class_index", "probabilities", "frames", "error"}
    assert set(results[0]["frames"][0]) == {"index", "time_seconds", "attention_weight", "importance"}
    assert "broken.mp4: not a supported video" in said
    assert "1 of 5 videos could not be classified" in said
    assert len(list(pictures.iterdir())) == 4


def test_classify_needs_the_model_file_only(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copy(trained / "run" / "model.safetensors", tmp_path / "moved.safetensors")
    video = write_numbered_video(tmp_path / "v.avi", 9)
    assert main(["classify", str(video), "--model", str(model), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] in LABELS


@pytest.mark.parametrize(
    ("picture", "message"),
    [("one.png", "is one file, but there are several videos"), ("one.jpg", "pictures are PNG files")],
)
def test_a_picture_that_cannot_be(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], picture: str, message: str
) -> None:
    videos = [write_numbered_video(tmp_path / f"{number}.avi", 9) for number in range(2)]
    named = videos if picture == "one.png" else videos[:1]
    arguments = ["classify", *map(str, named), "--model", str(trained / "run")]
    assert main([*arguments, "--picture", str(tmp_path / picture)]) == 2
    assert message in capsys.readouterr().err


def test_too_little_to_train_on(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.helpers.stores import make_store

    make_store(tmp_path / "no-val", clips_per_class={"train": 3, "test": 2})
    assert main(["train", str(tmp_path / "no-val"), "--out", str(tmp_path / "run"), *QUICK]) == 4
    assert "no usable validation clips" in capsys.readouterr().err
    make_store(tmp_path / "one-class", classes=("only",))
    assert main(["train", str(tmp_path / "one-class"), "--out", str(tmp_path / "run"), *QUICK]) == 4
    assert "usable training clips of 1 classes" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
