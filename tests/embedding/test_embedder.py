"""Which runtime computes, that it says so, and that it computes the same."""

import importlib.util
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.embedding import embedder as embedder_module
from pipeline.embedding.embedder import Embedder
from pipeline.errors import MachineError, UsageError
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.classifier import ClipClassifier, ModelConfig, Precision
from pipeline.model.head import HeadConfig

SIDE = 32


def make_classifier(
    backbone: str = "mobilenet_v3_small", *, seed: int = 0, precision: Precision = "float32"
) -> ClipClassifier:
    torch.manual_seed(seed)
    head = HeadConfig(
        feature_dim=backbone_feature_dim(backbone, image_size=SIDE),
        num_classes=2,
        lstm_dim=8,
        attention_dim=4,
    )
    config = ModelConfig(backbone=backbone, image_size=SIDE, head=head, precision=precision)
    return ClipClassifier(config).eval()


def some_clips(count: int, num_frames: int = 4) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, num_frames, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture
def threads() -> Iterator[None]:
    """Lets a test change the number of threads."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("backbone", ["mobilenet_v3_small", "resnet18"])
def test_onnx_agrees_with_torch(backbone: str) -> None:
    classifier, (clip,) = make_classifier(backbone), some_clips(1, 12)
    fast, exact = Embedder(classifier, runtime="onnx"), Embedder(classifier, runtime="torch")
    assert fast.runtime.startswith("ONNX Runtime ")
    assert exact.runtime.startswith("torch ")
    got, expected = fast.embed(clip), exact.embed(clip)
    assert got.dtype == expected.dtype == np.float32
    assert 0 < np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()
    assert fast.key() != exact.key()


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_a_clip_has_the_same_bits_alone_and_among_others(runtime: Any) -> None:
    embedder, clips = Embedder(make_classifier(), runtime=runtime), some_clips(7)
    alone = [embedder.embed(clip) for clip in clips]
    together = list(embedder.embed_each(partial(np.copy, clip) for clip in clips))
    assert np.array_equal(together, alone)


@pytest.mark.usefixtures("threads")
def test_onnx_has_the_same_bits_and_name_with_any_number_of_threads() -> None:
    clips, results, keys = some_clips(5), [], set()
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        embedder = Embedder(make_classifier(), runtime="onnx")
        results += [[embedder.embed(clip) for clip in clips]]
        results += [list(embedder.embed_each(partial(np.copy, clip) for clip in clips))]
        keys.add(embedder.key())
    assert len(keys) == 1
    assert all(np.array_equal(result, results[0]) for result in results)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_clips_are_read_a_little_ahead_and_errors_come_in_their_place(runtime: Any) -> None:
    embedder, (clip,) = Embedder(make_classifier(), runtime=runtime), some_clips(1)
    begun: list[int] = []

    def read(number: int) -> np.ndarray:
        begun.append(number)
        if number == 2:
            raise OSError("the disk is gone")
        return np.asarray(clip)

    results = embedder.embed_each(partial(read, number) for number in range(100))
    next(results)
    next(results)
    with pytest.raises(OSError, match="the disk is gone"):
        next(results)
    assert len(begun) < 20


def test_auto_takes_onnx_and_keeps_to_it_for_fine_tuned_weights() -> None:
    embedder = Embedder(make_classifier())
    assert embedder.runtime.startswith("ONNX Runtime ")
    assert embedder.fallback == ""
    assert embedder.runtime_words == embedder.runtime


def test_a_graph_is_named_by_the_weights_it_was_made_of() -> None:
    """Weights that are trained on, after the graph was made, do not name what the graph computes."""
    classifier = make_classifier()
    embedder, (clip,) = Embedder(classifier, runtime="onnx"), some_clips(1)
    before, key = embedder.embed(clip), embedder.key()
    with torch.no_grad():
        next(classifier.backbone.parameters()).mul_(1.5)
    assert embedder.key() == key
    assert np.array_equal(embedder.embed(clip), before)
    after = Embedder(classifier, runtime="onnx")
    assert after.key() != key
    assert not np.array_equal(after.embed(clip), before)


def test_what_looks_at_whole_clips_stays_on_torch() -> None:
    classifier = make_classifier("tiny")
    embedder = Embedder(classifier)
    assert embedder.runtime.startswith("torch ")
    assert embedder.fallback == ""
    with pytest.raises(UsageError, match="look at each frame alone, which tiny does not; leave it out"):
        Embedder(classifier, runtime="onnx")


def test_onnx_computes_on_the_cpu_only() -> None:
    with pytest.raises(UsageError, match="computes on the CPU, not on cuda:0; add --device cpu"):
        Embedder(make_classifier(), device="cuda:0", runtime="onnx")


def test_without_the_packages_auto_says_how_to_get_them_and_onnx_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "onnxruntime" else real(name)
    )
    embedder = Embedder(make_classifier())
    assert embedder.runtime.startswith("torch ")
    line = "-m pip install onnx onnxscript onnxruntime"
    assert line in embedder.fallback
    assert embedder.runtime_words.startswith(f"{embedder.runtime} (slower than it could be: ONNX Runtime is")
    with pytest.raises(MachineError, match=f"ONNX Runtime is not installed: .*{line}"):
        Embedder(make_classifier(), runtime="onnx")


def test_where_no_graph_can_be_had_auto_goes_on_with_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: ClipClassifier) -> bytes:
        raise MachineError("no exporter knows it")

    monkeypatch.setattr(embedder_module, "graph_of", fail)
    embedder, (clip,) = Embedder(make_classifier()), some_clips(1)
    assert embedder.fallback == "no exporter knows it"
    exact = Embedder(make_classifier(), runtime="torch")
    assert np.array_equal(embedder.embed(clip), exact.embed(clip))
    with pytest.raises(MachineError, match="no exporter knows it"):
        Embedder(make_classifier(), runtime="onnx")


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_float16_rounds_what_float32_gives(runtime: Any) -> None:
    (clip,) = some_clips(1)
    whole = Embedder(make_classifier(), runtime=runtime).embed(clip)
    classifier = make_classifier(precision="float16")
    half = Embedder(classifier, runtime=runtime)
    assert np.array_equal(half.embed(clip), whole.astype(np.float16).astype(np.float32))
    assert half.stored_dtype == np.float16
    if runtime == "torch":  # and the classifier itself rounds, whoever calls it
        with torch.inference_mode():
            features = classifier.embed(torch.from_numpy(clip)[None])
        assert np.array_equal(features[0].numpy(), half.embed(clip))


def test_features_beyond_half_floats_are_refused() -> None:
    classifier = make_classifier("resnet18", precision="float16")
    with torch.no_grad():
        classifier.backbone.get_parameter("network.layer4.1.bn2.weight").fill_(1e6)
    with pytest.raises(UsageError, match=r"which half floats cannot hold .*--precision float32"):
        Embedder(classifier, runtime="torch").embed(some_clips(1)[0])
