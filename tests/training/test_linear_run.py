"""A run of a linear head, end to end: trained, judged beside its twin of the baselines, put to work."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.cli.main import main
from pipeline.clips.preprocess import preprocess
from pipeline.clips.store import ClipStore
from pipeline.embedding.cache import embed_clips
from pipeline.evaluation.baselines import MEAN_STD_DIFFERENCE
from pipeline.evaluation.judge import baseline_answers
from pipeline.evaluation.predict import predict
from pipeline.evaluation.trained import load_trained
from pipeline.inference.classifier import load
from pipeline.model.backbone import build_backbone
from pipeline.model.checkpoint import load_checkpoint
from pipeline.training.folds import cross_validate
from pipeline.training.options import TrainOptions
from pipeline.training.run import Watch, train
from pipeline.training.task import Epoch
from tests.helpers.runs import SPEC
from tests.helpers.videos import write_numbered_video

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """videos/ that have little to do with their labels, clips/, and weights.pth of a backbone for them."""
    made = tmp_path_factory.mktemp("linear")
    for label_index, label in enumerate(("a", "b", "c")):
        (made / "videos" / label).mkdir(parents=True)
        for number in range(8):
            write_numbered_video(
                made / "videos" / label / f"{number}.avi",
                num_frames=8 + 3 * number + label_index,
                size_wh=(32 + 32 * (number % 2), 48),
                frame_rate=10,
            )
    preprocess(made / "videos", made / "clips", spec=SPEC, num_workers=1, show_progress=False)
    torch.manual_seed(0)
    torch.save(build_backbone("tiny", image_size=SPEC.image_size).state_dict(), made / "weights.pth")
    return made


@pytest.fixture(scope="module")
def options(folder: Path) -> TrainOptions:
    return TrainOptions(
        backbone="tiny",
        weights=str(folder / "weights.pth"),
        lstm_layers=0,
        bidirectional=False,
        time_dense=False,
        pooling="statistics",
        class_weights=False,
    )


@pytest.fixture(scope="module")
def run(folder: Path, options: TrainOptions) -> Path:
    shape = ["--lstm-layers", "0", "--no-bidirectional", "--no-time-dense", "--pooling", options.pooling]
    given = ["--backbone", "tiny", "--weights", options.weights, "--no-class-weights", "--device", "cpu"]
    assert main(["train", str(folder / "clips"), "--out", str(folder / "run"), *shape, *given]) == 0
    return folder / "run"


class _KilledError(BaseException):
    """Stands for a kill."""


def test_a_run_has_one_epoch_and_its_configuration_trains_the_same_again_though_killed(
    run: Path, folder: Path, options: TrainOptions
) -> None:
    def kill(row: Epoch) -> None:
        raise _KilledError

    with (run / "history.csv").open(encoding="utf-8", newline="") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1"]
    metrics = json.loads((run / "metrics.json").read_bytes())
    assert (metrics["best_epoch"], metrics["epochs"]) == (1, 1)
    assert load_checkpoint(run)[0].head.config.is_linear
    again = folder / "again"
    with pytest.raises(_KilledError):
        train(folder / "clips", again, options, device=CPU, watch=Watch(on_epoch=kill))
    assert (
        main(["train", str(folder / "clips"), "--out", str(again), "--config", str(run / "config.json")]) == 0
    )
    for name in ("model.safetensors", "history.csv", "metrics.json", "config.json"):
        assert (again / name).read_bytes() == (run / name).read_bytes(), name
    assert (again / "report.html").is_file()
    assert train(folder / "clips", again, options, device=CPU).was_finished


def test_its_answers_are_those_of_the_baseline(run: Path, folder: Path) -> None:
    store = ClipStore.open(folder / "clips")
    model = load_trained(run, device=CPU)
    clips = store.usable()
    features = embed_clips(store, clips, model.embedder)
    expected = baseline_answers(model, store, clips, features)[MEAN_STD_DIFFERENCE]
    answers = np.array([predict(model.head, clip).class_index for clip in features])
    assert (answers == expected).mean() > 0.95
    unseen = [row for row, clip in enumerate(clips) if clip.split != "train"]
    assert len({int(answer) for answer in answers[unseen]}) > 1


def test_it_is_not_said_to_have_learned_in_epochs_or_to_have_attention(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged = json.loads((run / "metrics.json").read_bytes())["validation"]
    assert main(["evaluate", str(folder / "clips"), "--model", str(run), "--split", "val"]) == 0
    printed = capsys.readouterr().out
    assert all(note in printed for note in judged["notes"])
    assert not any("Training stopped" in note for note in judged["notes"])
    assert any("What there is of temperature" in note for note in judged["notes"])
    assert set(judged["explanations"]["orders"]) == {"leave_one_out", "random"}
    page = (run / "report.html").read_text("utf-8")
    assert "This model has no attention" in page
    for words in (
        "this model's attention",
        "This model's attention",
        "Training stopped",
        "epochs, the weights",
    ):
        assert words not in page, words
    assert main(["classify", str(folder / "videos" / "a" / "7.avi"), "--model", str(run)]) == 0
    shown = capsys.readouterr().out
    assert "attention is not shown: this model has none" in shown
    assert "25.0 %" not in shown.split("left out")[1]  # an even share of four frames


def test_evaluate_judges_it_like_the_baseline(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(folder / "clips"), "--model", str(run), "--json"]) == 0
    judged = json.loads(capsys.readouterr().out)
    baseline = judged["baselines"][MEAN_STD_DIFFERENCE]
    assert judged["accuracy"] == pytest.approx(baseline["accuracy"], abs=0.2)  # one clip in six
    assert judged["accuracy"] < 1  # the labels are hard to tell


def test_it_classifies_and_says_which_frames_counted(run: Path, folder: Path) -> None:
    with load(run) as classifier:
        result = classifier.classify(folder / "videos" / "a" / "7.avi")
    assert result.status == "ok"
    assert sum(result.probabilities.values()) == pytest.approx(1)
    assert [frame.attention_weight for frame in result.frames] == pytest.approx([0.25] * 4)
    assert any(frame.importance != 0 for frame in result.frames)


def test_in_folds_it_is_close_to_the_baseline(folder: Path, options: TrainOptions, tmp_path: Path) -> None:
    result = cross_validate(folder / "clips", tmp_path / "folds", options, num_folds=2, device=CPU)
    with (tmp_path / "folds" / "folds.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert {row["best_epoch"] for row in rows} == {"1"}
    accuracy = result.metrics["accuracy"]
    assert accuracy == pytest.approx(result.metrics["baselines"][MEAN_STD_DIFFERENCE]["accuracy"], abs=0.1)


def test_when_the_backbone_is_trained_it_learns_in_epochs(
    folder: Path, options: TrainOptions, tmp_path: Path
) -> None:
    tuned = replace(options, finetune=True, head_epochs=2, epochs=1, batch_size=8, augment=False)
    result = train(folder / "clips", tmp_path / "run", tuned, device=CPU)
    assert [row.stage for row in result.history] == ["head", "head", "all"]
    assert load_checkpoint(tmp_path / "run")[0].head.config.is_linear


@pytest.mark.parametrize(
    "changes",
    [
        {"recurrence": "gru", "bidirectional_dim": 4, "pooling": "mean"},
        {"recurrence": "convolution", "pooling": "centre"},
    ],
    ids=str,
)
def test_other_heads_of_the_ladder_are_trained_saved_and_loaded(
    folder: Path, options: TrainOptions, tmp_path: Path, changes: dict[str, object]
) -> None:
    plain = TrainOptions(
        backbone="tiny", weights=options.weights, input="plain", epochs=2, lstm_dim=8, attention_dim=4
    )
    given = replace(plain, **changes)  # type: ignore[arg-type]
    result = train(folder / "clips", tmp_path / "run", given, device=CPU)
    assert len(result.history) == 2
    head = load_checkpoint(tmp_path / "run")[0].head.config
    for name, value in changes.items():
        assert getattr(head, name) == value
