"""`load(path).classify(video)`: the answer, its evidence, and what a broken video costs."""

import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import torchvision
from scipy.special import softmax

from pipeline.clips.store import ClipStore
from pipeline.embedding import onnx_graph
from pipeline.embedding.runtime import RuntimeName
from pipeline.errors import CheckpointError, UsageError, VideoError
from pipeline.evaluation.calibration import Calibration
from pipeline.evaluation.importance import leave_one_out
from pipeline.evaluation.judge import judge
from pipeline.evaluation.predict import predict
from pipeline.evaluation.trained import load_trained
from pipeline.inference.classifier import Classifier, load
from pipeline.model.checkpoint import MODEL_FILE, load_checkpoint, save_checkpoint
from pipeline.model.classifier import Precision
from pipeline.training.options import TrainOptions
from pipeline.training.run import train
from tests.helpers.processes import workers_of
from tests.helpers.videos import write_numbered_video

_CPU = torch.device("cpu")


def test_an_answer_with_its_evidence(trained: Path) -> None:
    classifier = load(trained / "run")
    video = trained / "videos" / "걷기" / "걷기 3.avi"
    result = classifier.classify(video)
    assert result.path == str(video)
    assert result.status == "ok"
    assert list(result.probabilities) == list(classifier.labels) == ["يمين", "걷기"]
    assert sum(result.probabilities.values()) == pytest.approx(1)
    assert result.label == max(result.probabilities, key=lambda label: result.probabilities[label])
    assert result.class_index is not None
    assert classifier.labels[result.class_index] == result.label
    # 11 frames, 4 segments: floor((i + 0.5) 11 / 4); 10 frames a second.
    assert [frame.index for frame in result.frames] == [1, 4, 6, 9]
    assert [frame.time_seconds for frame in result.frames] == pytest.approx([0.1, 0.4, 0.6, 0.9])
    assert sum(frame.attention_weight for frame in result.frames) == pytest.approx(1)
    assert result.images is not None
    assert result.images.shape == (4, 32, 32, 3)
    assert repr(result).startswith("Classification(")
    assert str(result.label) in repr(result)


def test_evaluate_and_classify_give_the_same_answer_to_the_bit(trained: Path) -> None:
    store = ClipStore.open(trained / "clips")
    judgement = judge(load_trained(trained / "run", device=_CPU), store, split=None)
    videos = [trained / "videos" / clip.path for clip in judgement.clips]
    results = list(load(trained / "run" / MODEL_FILE).classify_many(videos))
    assert len(results) == 16
    for prediction, result in zip(judgement.predictions, results, strict=True):
        assert list(result.probabilities.values()) == prediction.probabilities.tolist()
        weights = [frame.attention_weight for frame in result.frames]
        assert weights == prediction.attention_weights.tolist()


def test_temperature_and_threshold_of_the_file_are_those_of_evaluate_and_classify(
    trained: Path, tmp_path: Path
) -> None:
    store = ClipStore.open(trained / "clips")
    plain = judge(load_trained(trained / "run", device=_CPU), store, split=None)
    model, checkpoint = load_checkpoint(trained / "run")
    threshold = float(np.median([prediction.confidence for prediction in plain.predictions]))
    calibration = Calibration(temperature=1.7, threshold=threshold, wanted_precision=0.9)
    file = tmp_path / "calibrated.safetensors"
    save_checkpoint(file, model, replace(checkpoint, calibration=calibration.to_dict()))
    judgement = judge(load_trained(file, device=_CPU), store, split=None)
    videos = [trained / "videos" / clip.path for clip in judgement.clips]
    results = list(load(file).classify_many(videos))
    for before, prediction, result in zip(plain.predictions, judgement.predictions, results, strict=True):
        assert list(result.probabilities.values()) == prediction.probabilities.tolist()
        expected = softmax(before.logits / 1.7)
        assert prediction.probabilities == pytest.approx(expected, abs=1e-12)
        assert result.unsure == (prediction.confidence < threshold)
        without = [frame.importance for frame in result.frames]
        assert max(map(abs, without)) < 1
    assert judgement.abstention is not None
    assert judgement.abstention.num_kept == sum(not result.unsure for result in results) < len(results)
    by_hand = load(file, threshold=0.0).classify(videos[0])
    assert not by_hand.unsure
    assert "unsure" in repr(load(file, threshold=1.0).classify(videos[0]))
    broken = replace(checkpoint, calibration={"temperature": 0})
    save_checkpoint(file, model, broken)
    with pytest.raises(CheckpointError, match="calibration has missing or unknown fields"):
        load(file)


def test_labels_come_from_the_checkpoint_never_from_a_folder(trained: Path, tmp_path: Path) -> None:
    for folder in ("aardvark", "zebra"):
        (tmp_path / folder).mkdir()
    video = write_numbered_video(tmp_path / "zebra" / "v.avi", 9)
    result = load(trained / "run").classify(video)
    assert set(result.probabilities) == {"걷기", "يمين"}


def test_a_broken_video_costs_itself_only(trained: Path, tmp_path: Path) -> None:
    good = write_numbered_video(tmp_path / "good.avi", 9)
    (tmp_path / "empty.mp4").write_bytes(b"")
    missing = tmp_path / "missing.mp4"
    classifier = load(trained / "run")
    results = list(classifier.classify_many([tmp_path / "empty.mp4", good, missing]))
    assert [result.status for result in results] == ["failed", "ok", "failed"]
    assert results[0].error == "the file is empty"
    assert results[2].error == "no such file"
    assert results[0].to_dict() == {
        "path": str(tmp_path / "empty.mp4"),
        "status": "failed",
        "label": None,
        "class_index": None,
        "probabilities": {},
        "frames": [],
        "unsure": False,
        "error": "the file is empty",
        "warnings": [],
        "duration_seconds": None,
    }
    assert "failed: the file is empty" in repr(results[0])
    with pytest.raises(VideoError, match="no such file"):
        classifier.classify(missing)


@pytest.mark.parametrize(("num_frames", "warning"), [(2, "far less than"), (100, "far more than"), (9, None)])
def test_an_unusual_length_is_warned_of(
    trained: Path, tmp_path: Path, num_frames: int, warning: str | None
) -> None:
    """The training clips have 8 to 15 frames at 10 a second."""
    video = write_numbered_video(tmp_path / "v.avi", num_frames, frame_rate=10)
    warnings = load(trained / "run").classify(video).warnings
    assert len(warnings) == (warning is not None)
    assert warning is None or warning in warnings[0]


def test_a_pickle_is_no_model(tmp_path: Path) -> None:
    import pickle

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps({"weights": 1}))
    with pytest.raises(CheckpointError, match="pickle"):
        load(path)


def test_a_name_that_is_not_utf8(trained: Path, tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "v.avi", 9)
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.avi"
    os.rename(video, odd)  # noqa: PTH104
    result = load(trained / "run").classify(odd)
    assert os.fsencode(result.path) == odd


def test_from_a_script_without_a_main_guard(trained: Path, tmp_path: Path) -> None:
    script, video = tmp_path / "script.py", trained / "videos" / "걷기" / "걷기 3.avi"
    script.write_text(
        "import cv2, torch\nfrom pipeline import load\n"
        f"print(load({str(trained / 'run')!r}).classify({str(video)!r}).status)\n",
        "utf-8",
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert (done.stdout, done.returncode) == ("ok\n", 0), done.stderr


def test_damage_is_said(trained: Path, tmp_path: Path) -> None:
    from pipeline.video.worker import read_clip_isolated

    classifier = load(trained / "run")
    read = read_clip_isolated(write_numbered_video(tmp_path / "v.avi", 9, frame_rate=10), classifier.spec)
    damaged = replace(read, damage="cut off after 9 of 12 frames")
    result = classifier.classify_clip("v.avi", damaged)
    assert result.status == "damaged"
    assert result.warnings == ("the video is damaged: cut off after 9 of 12 frames",)
    assert isinstance(classifier, Classifier)
    assert np.array_equal(result.images, read.frames)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def frozen(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on a frozen backbone for each precision, and a place for exported graphs."""
    folder = tmp_path_factory.mktemp("frozen")
    torch.manual_seed(0)
    torch.save(torchvision.models.get_model("squeezenet1_1").state_dict(), folder / "weights.pth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_graph, "graph_folder", lambda: folder / "graphs")
        for precision in get_args(Precision):
            options = TrainOptions(
                backbone="squeezenet1_1",
                weights=str(folder / "weights.pth"),
                precision=precision,
                epochs=2,
                lstm_dim=8,
                attention_dim=4,
            )
            train(trained / "clips", folder / precision, options, device=_CPU)
    return folder


@pytest.mark.parametrize("precision", get_args(Precision))
def test_each_runtime_gives_one_answer_and_they_agree(
    trained: Path, frozen: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    """Contract 7: features from the cache or from a file, one runtime or the other."""
    monkeypatch.setattr(onnx_graph, "graph_folder", lambda: frozen / "graphs")
    store = ClipStore.open(trained / "clips")
    probabilities = {}
    runtimes: tuple[RuntimeName, ...] = ("onnx", "torch")
    for runtime in runtimes:
        model = load_trained(frozen / precision, device=_CPU, runtime=runtime)
        judgement = judge(model, store, split=None)
        classifier = load(frozen / precision, runtime=runtime)
        assert classifier.runtime == model.embedder.runtime
        results = classifier.classify_many([trained / "videos" / clip.path for clip in judgement.clips])
        for prediction, result in zip(judgement.predictions, results, strict=True):
            assert list(result.probabilities.values()) == prediction.probabilities.tolist()
        probabilities[runtime] = np.stack([each.probabilities for each in judgement.predictions])
    assert np.abs(probabilities["onnx"] - probabilities["torch"]).max() <= 1e-3
    assert not np.array_equal(probabilities["onnx"], probabilities["torch"])


def test_threads_share_a_classifier_and_get_the_same_answers(trained: Path) -> None:
    """Several at once, of which some call torch for the first time while others have set its threads."""
    videos = sorted((trained / "videos").glob("*/*.avi"))[:6]
    with load(trained / "run") as classifier:
        expected = {str(video): classifier.classify(video) for video in videos}
        with ThreadPoolExecutor(3) as threads:
            found = list(threads.map(classifier.classify, videos * 3))
    for result in found:
        assert result == expected[result.path]


def test_one_video_after_the_other_is_read_by_one_worker(trained: Path) -> None:
    video = next((trained / "videos").glob("*/*.avi"))
    with load(trained / "run") as classifier:
        workers = set()
        for _ in range(3):
            classifier.classify(video)
            workers |= set(workers_of(os.getpid()))
        assert len(workers) == 1
    assert not any(worker.is_running() for worker in workers)
    assert classifier.classify(video).status == "ok"  # closed: a new worker
    classifier.close()


def test_in_a_notebook_with_a_running_event_loop(trained: Path) -> None:
    video = next((trained / "videos").glob("*/*.avi"))

    async def cell() -> str:
        with load(trained / "run") as classifier:
            return classifier.classify(video)._repr_html_()

    assert asyncio.run(cell()).startswith(f"<div><p><b>{video}</b>")


def test_a_left_loop_leaves_the_classifier_usable(trained: Path) -> None:
    videos = sorted((trained / "videos").glob("*/*.avi"))
    with load(trained / "run") as classifier:
        for result in classifier.classify_many(videos):
            assert result.path == str(videos[0])
            break
        assert classifier.classify(videos[1]).path == str(videos[1])


def test_leave_one_out_is_each_clip_by_itself_without_a_frame(trained: Path) -> None:
    model, _ = load_checkpoint(trained / "run")
    features = np.random.default_rng(0).normal(size=(6, model.head.config.feature_dim)).astype(np.float32)
    whole = predict(model.head, features, temperature=1.3).probabilities[1]
    expected = [
        whole - predict(model.head, np.delete(features, place, axis=0), temperature=1.3).probabilities[1]
        for place in range(6)
    ]
    found = leave_one_out(model.head, features, 1, temperature=1.3)
    assert found == pytest.approx(expected, abs=1e-6)
    assert np.array_equal(found, leave_one_out(model.head, features, 1, temperature=1.3))


@pytest.mark.parametrize("path", ["one.avi", b"one.avi", Path("one.avi")], ids=["str", "bytes", "Path"])
def test_one_path_is_not_taken_for_many(trained: Path, path: str | bytes | Path) -> None:
    with load(trained / "run") as classifier, pytest.raises(UsageError, match=r"got one path.*one\.avi"):
        classifier.classify_many(path)  # type: ignore[arg-type, unused-ignore] # text is a list of letters
