"""A classifier as one graph: every kind of head and backbone, at lengths that the exporter did not see."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.errors import CheckpointError, MachineError
from pipeline.inference import clip_graph
from pipeline.inference.clip_graph import (
    TOLERANCE,
    Answers,
    ClipGraph,
    check_shapes,
    checked_lengths,
    export_graph,
)
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.classifier import ClipClassifier, ModelConfig, Precision
from pipeline.model.head import HeadConfig
from tests.helpers.linear import fit_linear


def make(
    backbone: str = "tiny", side: int = 32, *, seed: int = 0, precision: Precision = "float32", **head: Any
) -> ClipClassifier:
    torch.manual_seed(seed)
    config = HeadConfig(
        feature_dim=backbone_feature_dim(backbone, image_size=side),
        num_classes=3,
        **{"lstm_dim": 8, "attention_dim": 4, **head},
    )
    return ClipClassifier(
        ModelConfig(backbone=backbone, image_size=side, head=config, precision=precision)
    ).eval()


def some_clips(batch_size: int, num_frames: int, side: int = 32) -> np.ndarray:
    random = np.random.default_rng(num_frames)
    return random.integers(0, 256, (batch_size, num_frames, side, side, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "head",
    [
        {},
        {"input": "fitted", "normalise": "none", "projection_dim": 8},
        {"input": "plain", "normalise": "standardise", "differences": True, "projection_dim": 8},
        {"pooling": "dot", "time_dense": False},
        {"pooling": "mean", "lstm_layers": 0, "bidirectional": False},
        {"pooling": "last", "bidirectional": False},
        {"pooling": "centre", "lstm_layers": 0, "bidirectional": False, "time_dense": False},
        {"pooling": "statistics", "lstm_layers": 0, "bidirectional": False, "time_dense": False},
        {"recurrence": "gru", "bidirectional_dim": 4, "pooling": "statistics"},
        {"recurrence": "convolution"},
    ],
    ids=str,
)
def test_heads(head: dict[str, Any]) -> None:
    classifier = make(**head)
    graph = export_graph(classifier, temperature=2.0)
    for batch_size, num_frames in ((1, 1), (4, 7), (2, 13)):
        clips = some_clips(batch_size, num_frames)
        with torch.inference_mode():
            expected = classifier(torch.from_numpy(clips))
        got = graph.run(clips)
        np.testing.assert_allclose(got.logits, expected.logits, atol=1e-5)
        np.testing.assert_allclose(got.attention_weights, expected.attention_weights, atol=1e-5)
        np.testing.assert_allclose(got.attention_weights.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(got.probabilities, torch.softmax(expected.logits / 2, dim=1), atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "side"),
    [
        ("tiny", 56),  # its maps of 7 x 7 are pooled to 4 x 4, which no exporter knows
        ("tiny", 60),  # neither is 60 a multiple of 56
        ("mobilenet_v3_small", 32),
        pytest.param("mobilenet_v2", 64, marks=pytest.mark.slow),
        pytest.param("resnet18", 64, marks=pytest.mark.slow),
        pytest.param("efficientnet_b0", 64, marks=pytest.mark.slow),
        pytest.param("convnext_tiny", 64, marks=pytest.mark.slow),
        pytest.param("alexnet", 160, marks=pytest.mark.slow),
    ],
)
def test_backbones(backbone: str, side: int) -> None:
    classifier = make(backbone, side)
    graph = export_graph(classifier, temperature=1.0)
    assert check_shapes(classifier, graph, temperature=1.0, num_frames=4).largest_difference <= 1e-4


def test_half_floats_are_rounded_in_the_graph_too() -> None:
    half, single = make("mobilenet_v3_small", precision="float16"), make("mobilenet_v3_small")
    graph = export_graph(half, temperature=1.0)
    assert check_shapes(half, graph, temperature=1.0, num_frames=4).largest_difference <= 1e-4
    clips = some_clips(2, 4)
    with torch.inference_mode():
        rounding = float(
            (half(torch.from_numpy(clips)).logits - single(torch.from_numpy(clips)).logits).abs().max()
        )
    assert rounding > 0
    unrounded = export_graph(single, temperature=1.0).run(clips).logits
    assert float(np.abs(graph.run(clips).logits - unrounded).max()) > rounding / 10


def test_the_same_model_gives_the_same_bytes() -> None:
    first, second = (export_graph(make(), temperature=1.0).content for _ in range(2))
    assert first == second
    assert export_graph(make(seed=1), temperature=1.0).content != first


def test_another_model_is_refused() -> None:
    graph = export_graph(make(seed=1), temperature=1.0)
    with pytest.raises(
        MachineError, match=r"the logits of the exported model differ .* on 1 clips of 4 frames"
    ):
        check_shapes(make(), graph, temperature=1.0, num_frames=4)


class ExactGraph(ClipGraph):
    """Stands for a graph that rounds only at its end; its logits are off by a share that is wanted."""

    def __init__(self, classifier: ClipClassifier, *, off_by: float = 0.0) -> None:
        self._exact, self._off_by = copy.deepcopy(classifier).double(), off_by

    def run(self, clips: np.ndarray) -> Answers:
        with torch.inference_mode():
            output = self._exact(torch.from_numpy(clips))
        logits = output.logits + self._off_by * output.logits.abs().max().clamp(min=1)
        values = (logits, output.attention_weights, torch.softmax(output.logits, dim=1))
        return Answers(*(value.float().numpy() for value in values))


def ill_conditioned(times: float) -> ClipClassifier:
    """Its first logit is so many times the sum of normalised features: 0, but for rounding."""
    classifier = make(pooling="mean", lstm_layers=0, bidirectional=False, time_dense=False)
    with torch.no_grad():
        classifier.head.output.weight[0] = times
    return classifier


def test_what_rounding_does_to_pytorch_is_not_laid_at_the_door_of_the_graph() -> None:
    classifier = ill_conditioned(500.0)
    agreement = check_shapes(classifier, ExactGraph(classifier), temperature=1.0, num_frames=4)
    assert TOLERANCE < agreement.largest_difference <= agreement.tolerance < 1e-2
    with pytest.raises(MachineError, match=r"the logits .* differ from PyTorch's by .*e-02"):
        check_shapes(classifier, ExactGraph(classifier, off_by=0.02), temperature=1.0, num_frames=4)


def test_a_graph_that_is_off_by_more_than_rounding_is_refused() -> None:
    classifier = ill_conditioned(1.0)
    assert check_shapes(classifier, ExactGraph(classifier), temperature=1.0, num_frames=4)[1] == TOLERANCE
    with pytest.raises(MachineError, match=r"by 3\.0e-04 .* allowed is 1e-04"):
        check_shapes(classifier, ExactGraph(classifier, off_by=3e-4), temperature=1.0, num_frames=4)


def test_where_rounding_drowns_everything_nothing_is_allowed_for_it() -> None:
    classifier = ill_conditioned(1e6)
    with pytest.raises(MachineError, match=r"the logits .* allowed is 1e-02"):
        check_shapes(classifier, ExactGraph(classifier), temperature=1.0, num_frames=4)


def test_a_fitted_linear_head() -> None:
    head: dict[str, Any] = {
        "lstm_layers": 0,
        "bidirectional": False,
        "time_dense": False,
        "normalise": "none",
    }
    classifier = make(pooling="statistics", **head)
    with torch.inference_mode():
        features = classifier.embed(torch.from_numpy(some_clips(12, 5))).clone()
    fit_linear(classifier.head, features, np.arange(12) % 3, penalty=0.01, class_weights=False)
    graph = export_graph(classifier, temperature=1.0)
    agreement = check_shapes(classifier, graph, temperature=1.0, num_frames=5)
    assert agreement.largest_difference <= TOLERANCE == agreement.tolerance


@pytest.mark.parametrize("frozen", ["T", "B"])
def test_an_axis_that_was_frozen_is_refused(frozen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exporters freeze axes without a word."""
    real = torch.onnx.export

    def freezing(*arguments: Any, dynamic_axes: Any, **options: Any) -> Any:
        axes = {
            name: {axis: letter for axis, letter in of.items() if letter != frozen}
            for name, of in dynamic_axes.items()
        }
        return real(*arguments, dynamic_axes=axes, **options)

    monkeypatch.setattr(torch.onnx, "export", freezing)
    graph = export_graph(make(), temperature=1.0)
    with pytest.raises(
        MachineError, match=r"cannot run the exported model on 1 clips of 4 frames .*nothing was kept"
    ):
        check_shapes(make(), graph, temperature=1.0, num_frames=4)


def test_what_no_exporter_knows_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no such operator\nand more lines")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(MachineError, match=r"tiny cannot be exported \(no such operator\)"):
        export_graph(make(), temperature=1.0)


def test_a_damaged_graph_is_refused() -> None:
    content = export_graph(make(), temperature=1.0).content
    with pytest.raises(Exception, match="ONNXRuntimeError"):
        ClipGraph(content[: len(content) // 2])


def test_more_weights_than_a_file_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_graph, "MAX_BYTES", 1000)
    with pytest.raises(CheckpointError, match=r"kB of weights; one \.onnx file holds 1\.0 kB"):
        export_graph(make(), temperature=1.0)


@pytest.mark.parametrize("num_frames", [1, 2, 4, 5, 12, 1024])
def test_five_lengths_are_checked(num_frames: int) -> None:
    lengths = checked_lengths(num_frames)
    assert len(set(lengths)) == 5
    assert lengths[0] == min(num_frames, 32)
