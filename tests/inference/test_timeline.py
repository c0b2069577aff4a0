"""A recording becomes segments while it is read: the same clips, each frame once, faults named."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
import torchvision

from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.preprocess import preprocess
from pipeline.embedding import onnx_graph
from pipeline.embedding.runtime import RuntimeName
from pipeline.errors import UsageError, VideoError
from pipeline.evaluation.judge import judge
from pipeline.evaluation.trained import load_trained
from pipeline.inference import timeline as module
from pipeline.inference.classifier import Classifier, load
from pipeline.inference.segment import WindowAnswer
from pipeline.inference.segments import SegmentRule
from pipeline.training.options import TrainOptions
from pipeline.training.run import train
from pipeline.video.worker import WorkerFailure
from tests.helpers.recordings import RATE, SPEC, write_recording
from tests.helpers.streamed import broken_after, broken_at_once

_CPU = torch.device("cpu")
STRETCHES = [("dark", 120), ("red", 75), ("light", 230), ("dark", 63), ("red", 300), ("light", 112)]


@pytest.fixture
def run(recordings_run: Path) -> Path:
    return recordings_run


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_recording(tmp_path_factory.mktemp("recording") / "day.mkv", STRETCHES, seed=7)


def test_segments_are_what_is_shown(run: Path, recording: Path) -> None:
    """The model is a small one, and seldom sure: a change must not cost much."""
    timeline = load(run, threshold=0.0).timeline(recording, rule=SegmentRule(change_cost=1))
    found = list(timeline)
    assert [each.label for each in found] == [label for label, _ in STRETCHES]
    ends = np.cumsum([count for _, count in STRETCHES]) / RATE
    assert timeline.stride_seconds == pytest.approx(1)
    for each, end in zip(found, ends, strict=True):
        assert abs(each.end_seconds - end) <= timeline.stride_seconds
    assert found[0].start_seconds == 0
    assert found[-1].end_seconds == timeline.expected_seconds == pytest.approx(90)
    assert all(a.end_seconds == b.start_seconds for a, b in itertools.pairwise(found))
    assert (timeline.num_windows, timeline.num_failed, timeline.error, timeline.damage) == (89, 0, None, "")
    assert timeline.is_done
    assert "89 windows, done" in repr(timeline)


def answers_of(classifier: Classifier, video: Path, **options: Any) -> list[WindowAnswer]:
    answers: list[WindowAnswer] = []
    list(classifier.timeline(video, on_window=answers.append, **options))
    return answers


def test_a_window_has_the_answer_of_its_clip_in_a_store(run: Path, recording: Path, tmp_path: Path) -> None:
    """Contracts 1 and 7: `preprocess --window-seconds` and `evaluate` say the same of it, to the bit."""
    for label in ("dark", "light", "red"):
        (tmp_path / "videos" / label).mkdir(parents=True)
        write_recording(tmp_path / "videos" / label / "short.mkv", [(label, 5)])
    (tmp_path / "videos" / "dark" / "day.mkv").write_bytes(recording.read_bytes())
    rule = ClipRule(window_seconds=2.5, stride_seconds=1.3)
    made = preprocess(
        tmp_path / "videos", tmp_path / "clips", spec=SPEC, clip_rule=rule, num_workers=1, show_progress=False
    )
    model = load_trained(run, device=_CPU)
    judged = judge(model, made.store, split=None)
    classifier = load(run)
    answers = answers_of(classifier, recording, window_seconds=2.5, stride_seconds=1.3)
    by_start = {
        clip.start_seconds: each
        for clip, each in zip(judged.clips, judged.predictions, strict=True)
        if clip.path == "dark/day.mkv"
    }
    assert len(answers) == len(by_start) == 68
    for answer in answers:
        assert answer.probabilities is not None
        assert answer.probabilities.tolist() == by_start[answer.start_seconds].probabilities.tolist()


@pytest.fixture(scope="module")
def frozen(recordings_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on a frozen backbone, and a place for its exported graph."""
    folder = tmp_path_factory.mktemp("frozen")
    torch.manual_seed(0)
    torch.save(torchvision.models.get_model("squeezenet1_1").state_dict(), folder / "weights.pth")
    options = TrainOptions(
        backbone="squeezenet1_1",
        weights=str(folder / "weights.pth"),
        epochs=2,
        lstm_dim=8,
        attention_dim=4,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(onnx_graph, "graph_folder", lambda: folder / "graphs")
        train(recordings_run.parent / "clips", folder / "run", options, device=_CPU)
    return folder


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_each_frame_is_embedded_once_and_gives_the_clips_answer(
    frozen: Path, recording: Path, monkeypatch: pytest.MonkeyPatch, runtime: RuntimeName
) -> None:
    monkeypatch.setattr(onnx_graph, "graph_folder", lambda: frozen / "graphs")
    classifier = load(frozen / "run", runtime=runtime)
    embedded: list[int] = []
    embed_each = classifier._embedder.embed_each

    def spy(reads: Iterable[Any]) -> Iterator[np.ndarray]:
        for rows in embed_each(reads):
            embedded.append(len(rows))
            yield rows

    monkeypatch.setattr(classifier._embedder, "embed_each", spy)
    answers = answers_of(classifier, recording)
    wanted = {index for answer in answers for index in answer.frame_indices}
    assert len(wanted) == 180  # every fifth of 900 frames: windows of 20, strides of 10
    assert sum(embedded) == 180
    assert len(answers) == 89
    from pipeline.video.reader import read_clip

    for answer in answers[::20]:
        clip = read_clip(
            recording, classifier.spec, start_seconds=answer.start_seconds, end_seconds=answer.end_seconds
        )
        assert clip.frame_indices == answer.frame_indices
        alone = classifier.classify_clip("v", clip).probabilities
        assert answer.probabilities is not None
        assert answer.probabilities.tolist() == list(alone.values())


def test_results_come_while_the_video_is_read(run: Path, recording: Path) -> None:
    timeline = load(run, threshold=0.0).timeline(recording)
    first = next(timeline)
    assert first.label == "dark"
    assert timeline.num_windows < 50
    assert not timeline.is_done
    timeline.close()
    assert not [child for child in psutil.Process().children() if "stream" in child.name()]
    with pytest.raises(StopIteration):
        next(timeline)


def test_damage_costs_the_windows_that_it_touches(run: Path, tmp_path: Path) -> None:
    """FFV1 in AVI: each frame stands for itself; 40 of 300 are overwritten."""
    path = write_recording(tmp_path / "v.avi", [("dark", 300)])
    content = bytearray(path.read_bytes())
    start = int(len(content) * 0.5)
    content[start : start + len(content) // 8] = bytes(len(content) // 8)
    path.write_bytes(content)
    answers: list[WindowAnswer] = []
    timeline = load(run, threshold=0.0).timeline(path, on_window=answers.append)
    found = list(timeline)
    assert [each.status for each in found] == ["ok", "failed", "ok"]
    assert "damaged" in str(found[1].error)
    assert timeline.damage
    assert 0 < timeline.num_failed < 20
    assert timeline.num_failed == sum(answer.probabilities is None for answer in answers)
    assert 13 < found[1].start_seconds < 17


def test_a_reading_that_breaks_off_keeps_what_it_has(
    run: Path, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "stream_windows", broken_after)
    timeline = load(run, threshold=0.0).timeline(recording)
    found = list(timeline)
    assert [each.status for each in found] == ["ok", "failed"]
    assert (found[0].label, found[0].num_windows) == ("dark", 10)
    assert found[1].end_seconds == pytest.approx(90)
    reason = "its worker process was ended by SIGSEGV"
    assert found[1].error == f"could not be read from here on: {reason}"
    assert timeline.error == reason
    monkeypatch.setattr(module, "stream_windows", broken_at_once)
    with pytest.raises(VideoError, match="no such luck"):
        list(load(run).timeline(recording))
    assert issubclass(WorkerFailure, VideoError)


def test_a_video_shorter_than_a_window_is_one_segment(run: Path, tmp_path: Path) -> None:
    path = write_recording(tmp_path / "v.avi", [("red", 8)])
    classifier = load(run, threshold=0.0)
    timeline = classifier.timeline(path, window_seconds=60)
    (found,) = timeline
    assert "1 window, done" in repr(timeline)
    assert (found.start_seconds, found.label) == (0, "red")
    assert found.end_seconds == pytest.approx(0.8)
    assert found.probabilities == classifier.classify(path).probabilities


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"window_seconds": 0.0}, "--window-seconds is 0; allowed"),
        ({"stride_seconds": 0.0}, "--stride-seconds is 0; allowed: seconds from 0.1"),
        ({"stride_seconds": -1.0}, "--stride-seconds is -1; allowed"),
        ({"window_seconds": 1.0, "stride_seconds": 2.0}, "more than a window of 1 s"),
    ],
)
def test_lengths_that_cannot_be(run: Path, options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        load(run).timeline("v.mp4", **options)  # type: ignore[arg-type]
    assert SegmentRule().min_seconds == 0


def test_a_stride_is_compared_with_windows_that_are_fitted_too(run: Path, recording: Path) -> None:
    """Windows are 2 s long by themselves: a stride of that leaves nothing out, a longer one would."""
    classifier = load(run, threshold=0.0)
    timeline = classifier.timeline(recording, stride_seconds=2)
    list(timeline)
    assert (timeline.window_seconds, timeline.stride_seconds, timeline.num_windows) == (2, 2, 45)
    with pytest.raises(UsageError, match=r"--stride-seconds is 2\.1, more than a window of 2 s"):
        next(classifier.timeline(recording, stride_seconds=2.1))
