"""One file is the model: the same bytes, the same bits back, and no code run from it."""

import json
import os
import pickle
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from pipeline.errors import CheckpointError, MachineError
from pipeline.labels import Labels
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.checkpoint import MODEL_FILE, Checkpoint, load_checkpoint, model_file, save_checkpoint
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig
from pipeline.spec import ClipSpec

SIDE = 32
LABELS = Labels(("걷기", "قفز", "🙂 smile"))


def make_model(backbone: str = "tiny") -> tuple[ClipClassifier, Checkpoint]:
    head = HeadConfig(
        feature_dim=backbone_feature_dim(backbone, image_size=SIDE),
        num_classes=3,
        lstm_dim=8,
        attention_dim=4,
    )
    classifier = ClipClassifier(ModelConfig(backbone=backbone, image_size=SIDE, head=head))
    classifier.head.fit_normalisation(torch.randn(4, 3, head.feature_dim) * 2 + 1)
    checkpoint = Checkpoint(
        spec=ClipSpec(num_frames=3, image_size=SIDE),
        labels=LABELS,
        model=classifier.config,
        clip_seconds={"min": 1.5, "median": 2.0, "max": 9.25},
        calibration={"temperature": 1.25},
        provenance={
            "data": "abc",
            "seed": 0,
            "versions": {"torch": "x"},
            "options": {"z": None, "a": [1, 2]},
        },
    )
    return classifier.eval(), checkpoint


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / MODEL_FILE
    save_checkpoint(path, *make_model())
    return path


def rewrite(
    path: Path,
    *,
    header: Callable[[dict[str, Any]], Any] = lambda values: values,
    tensors: Callable[[dict[str, Tensor]], dict[str, Tensor]] = lambda values: values,
) -> None:
    """Changes a model file behind Clipwise's back."""
    with safetensors.safe_open(path, framework="pt") as file:
        values = json.loads(file.metadata()["clipwise"])
    content = tensors(safetensors.torch.load_file(path))
    safetensors.torch.save_file(content, path, metadata={"clipwise": json.dumps(header(values))})


@pytest.mark.parametrize("backbone", ["tiny", "mobilenet_v3_small"])
def test_round_trip_is_exact(tmp_path: Path, backbone: str) -> None:
    classifier, checkpoint = make_model(backbone)
    save_checkpoint(tmp_path / MODEL_FILE, classifier, checkpoint)
    state_before = torch.get_rng_state()
    loaded, read = load_checkpoint(tmp_path)
    assert torch.equal(torch.get_rng_state(), state_before)  # nothing random was drawn
    assert read == checkpoint
    assert read.normalisation == {"mean_rgb": [0.485, 0.456, 0.406], "std_rgb": [0.229, 0.224, 0.225]}
    assert not loaded.training
    original = classifier.state_dict()
    assert set(loaded.state_dict()) == set(original)
    assert all(torch.equal(value, original[name]) for name, value in loaded.state_dict().items())
    clips = torch.randint(0, 256, (2, 3, SIDE, SIDE, 3), dtype=torch.uint8)
    with torch.no_grad():
        got, expected = loaded(clips, torch.tensor([3, 2])), classifier(clips, torch.tensor([3, 2]))
    assert torch.equal(got.logits, expected.logits)
    assert torch.equal(got.attention_weights, expected.attention_weights)


def test_a_file_without_explanations_is_as_before_they_were_known(tmp_path: Path) -> None:
    model, checkpoint = make_model()
    assert "explanations" not in checkpoint.to_dict()
    explained = replace(checkpoint, explanations={"split": "val"})
    for name, each in (("before", checkpoint), ("now", explained)):
        save_checkpoint(tmp_path / name, model, each)
        assert load_checkpoint(tmp_path / name)[1] == each


def test_a_file_from_before_other_recurrences_were_known_is_read(saved: Path) -> None:
    later = ("recurrence", "bidirectional_dim")

    def older(values: dict[str, Any]) -> dict[str, Any]:
        head = {name: value for name, value in values["model"]["head"].items() if name not in later}
        assert len(head) == len(values["model"]["head"]) - len(later)
        return {**values, "model": {**values["model"], "head": head}}

    before, _ = load_checkpoint(saved)
    rewrite(saved, header=older)
    loaded, checkpoint = load_checkpoint(saved)
    assert checkpoint == make_model()[1]
    assert checkpoint.model.head.recurrence == "lstm"
    for name, value in before.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


def test_equal_inputs_give_equal_bytes(tmp_path: Path) -> None:
    classifier, checkpoint = make_model()
    for name in ("a", "b", "c"):
        save_checkpoint(tmp_path / name, classifier, checkpoint)
    loaded, read = load_checkpoint(tmp_path / "a")
    shuffled = dict(reversed(read.provenance.items()))
    save_checkpoint(tmp_path / "c", loaded, replace(read, provenance=shuffled))
    first = (tmp_path / "a").read_bytes()
    assert first == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()
    assert "걷기".encode() in first


def test_a_folder_or_a_file_may_be_named(saved: Path, tmp_path: Path) -> None:
    assert model_file(str(tmp_path)) == model_file(saved) == saved
    with pytest.raises(CheckpointError, match=r"there is no model at .*; give a run folder"):
        load_checkpoint(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match=r"holds no model\.safetensors; has `clipwise train` finished"):
        load_checkpoint(tmp_path / "empty")


class Payload:
    """What a hostile pickle does."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("protocol", [0, 2, 5, "torch"])
def test_a_pickle_is_refused_and_not_run(tmp_path: Path, protocol: int | str) -> None:
    path = tmp_path / MODEL_FILE
    if protocol == "torch":
        torch.save(Payload(tmp_path / "owned"), path)
    else:
        assert isinstance(protocol, int)
        path.write_bytes(pickle.dumps(Payload(tmp_path / "owned"), protocol=protocol))
    with pytest.raises(CheckpointError, match=r"pickle or \.pth file|no complete \.safetensors file"):
        load_checkpoint(path)
    assert not (tmp_path / "owned").exists()


def test_any_header_length_is_read(tmp_path: Path) -> None:
    """A file starts with its header's length: one that looks like a pickle's first byte is none."""
    classifier, checkpoint = make_model()
    starts = set()
    for extra in range(0, 256, 8):
        noted = replace(checkpoint, provenance={"note": "x" * extra})
        save_checkpoint(tmp_path / MODEL_FILE, classifier, noted)
        starts.add((tmp_path / MODEL_FILE).read_bytes()[0])
        assert load_checkpoint(tmp_path)[1] == noted
    assert 0x80 in starts


@pytest.mark.parametrize("size", [0, 4, 8, 500, -1])
def test_truncated_files_are_refused(saved: Path, size: int) -> None:
    saved.write_bytes(saved.read_bytes()[:size])
    with pytest.raises(CheckpointError, match=r"no complete \.safetensors file .*Copy it again"):
        load_checkpoint(saved)


def test_a_length_beyond_all_memory_is_refused(saved: Path) -> None:
    saved.write_bytes(struct.pack("<Q", 1 << 60) + saved.read_bytes()[8:])
    with pytest.raises(CheckpointError, match=r"no complete \.safetensors file"):
        load_checkpoint(saved)


def test_weights_without_our_header_are_no_model(tmp_path: Path) -> None:
    safetensors.torch.save_file({"weight": torch.zeros(1)}, tmp_path / MODEL_FILE)
    with pytest.raises(CheckpointError, match="weights but not a model of Clipwise"):
        load_checkpoint(tmp_path)


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda values: {key: value for key, value in values.items() if key != name}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (lambda h: {**h, "format_version": 3}, "version 3 is unknown; .*version 2. Install a newer"),
        (lambda h: {**h, "format_version": 1}, "version 1 is unknown; .*or train the model again"),
        (lambda h: {**h, "format_version": None}, "version None is unknown"),
        (without("format_version"), "model format version None is unknown"),
        (without("labels"), "missing or unknown fields: labels"),
        (lambda h: {**h, "extra": 1}, "missing or unknown fields: extra"),
        (lambda h: {**h, "explanations": [1]}, "explanations is a JSON list, not an object"),
        (lambda h: {**h, "labels": ["a", "b"]}, "3 classes, but there are 2 labels"),
        (lambda h: {**h, "labels": ["a", "a", "b"]}, "class names must be distinct"),
        (lambda h: {**h, "labels": "abc"}, "labels are 'abc'; they are a list"),
        (lambda h: {**h, "spec": {**h["spec"], "version": 9}}, "clip spec version 9 is unknown"),
        (lambda h: {**h, "spec": {**h["spec"], "image_size": 64}}, "reads frames of 32 px, but .* 64 px"),
        (lambda h: {**h, "spec": None}, "a clip spec is a JSON object"),
        (lambda h: {**h, "model": {**h["model"], "backbone": "evil"}}, "unknown backbone 'evil'"),
        (lambda h: {**h, "model": {**h["model"], "head": 3}}, "a head configuration is a JSON object"),
        (lambda h: {**h, "model": {**h["model"], "mean_rgb": {}}}, "mean_rgb is"),
        (lambda h: {**h, "model": {**h["model"], "precision": "float8"}}, "precision is 'float8'; allowed"),
        (lambda h: {**h, "clip_seconds": {"min": 1}}, "clip_seconds is"),
        (lambda h: {**h, "calibration": 3}, "calibration is a JSON int"),
        (lambda h: {**h, "provenance": []}, "provenance is a JSON list"),
        (lambda _h: [1], "header is a JSON list"),
        (lambda h: {**h, "calibration": {"temperature": float("nan")}}, "NaN is no number"),
    ],
)
def test_headers_that_cannot_be_are_refused(
    saved: Path, header: Callable[[dict[str, Any]], Any], message: str
) -> None:
    rewrite(saved, header=header)
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(saved))}: .*{message}"):
        load_checkpoint(saved)


def test_deeply_nested_header_is_refused(saved: Path) -> None:
    safetensors.torch.save_file(
        {"weight": torch.zeros(1)}, saved, metadata={"clipwise": "[" * 100_000 + "]" * 100_000}
    )
    with pytest.raises(CheckpointError, match="header cannot be read"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (without("head.output.bias"), "1 missing: head.output.bias"),
        (lambda t: {**t, "head.more": torch.zeros(1)}, "1 unexpected: head.more"),
        (lambda t: {**t, "head.output.bias": torch.zeros(4)}, r"head.output.bias is \(4,\) .*, not \(3,\)"),
        (lambda t: {**t, "head.output.bias": torch.zeros(3).double()}, "float64, not .*float32"),
        (lambda t: {**t, "head.output.bias": torch.full((3,), torch.inf)}, "not finite .*head.output.bias"),
    ],
)
def test_weights_that_do_not_fit_are_refused(saved: Path, tensors: Any, message: str) -> None:
    rewrite(saved, tensors=tensors)
    with pytest.raises(CheckpointError, match=message):
        load_checkpoint(saved)


def test_a_config_that_does_not_fit_the_weights_is_refused(saved: Path) -> None:
    def other_width(header: dict[str, Any]) -> dict[str, Any]:
        header["model"]["head"]["lstm_dim"] = 16
        return header

    rewrite(saved, header=other_width)
    with pytest.raises(
        CheckpointError, match=r"do not fit its configuration .*of another shape: head.encoder"
    ):
        load_checkpoint(saved)


def test_saving_refuses_what_could_not_be_loaded(tmp_path: Path) -> None:
    classifier, checkpoint = make_model()
    other = replace(checkpoint.model, mean_rgb=(0.0, 0.0, 0.0))
    with pytest.raises(CheckpointError, match="describes another model"):
        save_checkpoint(tmp_path / MODEL_FILE, classifier, replace(checkpoint, model=other))
    with pytest.raises(MachineError, match="cannot write"):
        save_checkpoint(tmp_path / "no folder" / MODEL_FILE, classifier, checkpoint)
    with torch.no_grad():
        classifier.head.output.bias[0] = float("nan")
    with pytest.raises(CheckpointError, match=r"not finite numbers, in head\.output\.bias"):
        save_checkpoint(tmp_path / MODEL_FILE, classifier, checkpoint)
    assert not list(tmp_path.iterdir())
