"""Fine-tuning: the head before the backbone, what stays frozen, stopping and going on, compiled or not."""

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.clips.store import Clip, ClipStore
from pipeline.embedding.cache import embed_clips
from pipeline.errors import MachineError, TrainingError, UsageError
from pipeline.model.backbone import FrameBackbone
from pipeline.model.checkpoint import load_checkpoint
from pipeline.model.torchvision_models import build_full
from pipeline.spec import ClipSpec
from pipeline.training import gradient_check
from pipeline.training.options import TrainOptions
from pipeline.training.run import Watch, train
from pipeline.training.task import Epoch
from tests.helpers.stores import make_store

CPU = torch.device("cpu")
NAME = "mobilenet_v3_small"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ClipStore:
    return make_store(tmp_path_factory.mktemp("store"), spec=ClipSpec(num_frames=3, image_size=32))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of `pretrained` weights: random ones, with the statistics of some noise."""
    torch.manual_seed(0)
    full = build_full(NAME, 32).train()
    with torch.no_grad():
        for _ in range(20):
            full(torch.randn(16, 3, 32, 32))
    path = tmp_path_factory.mktemp("weights") / "weights.pth"
    torch.save(full.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def options(weights: Path) -> TrainOptions:
    return TrainOptions(
        backbone=NAME,
        weights=str(weights),
        finetune=True,
        head_epochs=3,
        epochs=2,
        batch_size=4,
        lstm_dim=8,
        attention_dim=4,
        warmup_steps=2,
    )


@pytest.fixture(scope="module")
def finetuned(store: ClipStore, options: TrainOptions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "run"
    train(store.folder, out, options, device=CPU)
    return out


def _backbone(model: Path) -> FrameBackbone:
    backbone = load_checkpoint(model)[0].backbone
    assert isinstance(backbone, FrameBackbone)
    return backbone


def _rows(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _assert_same_run(one: Path, other: Path) -> None:
    for name in ("model.safetensors", "history.csv", "metrics.json", "baselines.safetensors", "config.json"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_the_head_learns_first_and_then_all_of_it(finetuned: Path) -> None:
    rows = _rows(finetuned)
    assert [(row["epoch"], row["stage"]) for row in rows] == [
        ("1", "head"), ("2", "head"), ("3", "head"), ("4", "all"), ("5", "all"),
    ]  # fmt: skip
    metrics = json.loads((finetuned / "metrics.json").read_bytes())
    assert metrics["epochs"] == 5
    losses = [float(row["val_loss_rescaled"]) for row in rows]
    assert metrics["best_epoch"] == losses.index(min(losses)) + 1
    assert not list(finetuned.glob("resume*"))


def test_the_backbone_learns_but_its_batchnorm_does_not(
    store: ClipStore, options: TrainOptions, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    train(store.folder, out, replace(options, head_epochs=0, epochs=1), device=CPU)
    assert [row["stage"] for row in _rows(out)] == ["all"]
    start, end = _backbone(out / "starting_model.safetensors"), _backbone(out)
    moved = {"BatchNorm2d": 0, "Conv2d": 0}
    for module, before in zip(end.modules(), start.modules(), strict=True):
        kind = type(module).__name__
        if kind in moved:
            for key, values in module.state_dict().items():
                moved[kind] += not torch.equal(values, before.state_dict()[key])
    assert moved["BatchNorm2d"] == 0
    assert moved["Conv2d"] > 40


def test_the_backbone_learns_at_a_lower_rate(store: ClipStore, options: TrainOptions, tmp_path: Path) -> None:
    """The first steps of AdamW are of the size of the rate, so weights move in proportion to it."""
    moved = []
    for rate in (0.1, 0.01):
        out = tmp_path / str(rate)
        train(store.folder, out, replace(options, head_epochs=0, epochs=1, backbone_rate=rate), device=CPU)
        start, end = _backbone(out / "starting_model.safetensors"), _backbone(out)
        pairs = zip(start.parameters(), end.parameters(), strict=True)
        moved.append(sum((one - other).abs().sum().item() for one, other in pairs))
    assert 5 < moved[0] / moved[1] < 20


def test_a_batch_goes_in_parts_that_fit_into_memory(
    store: ClipStore, options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    forward = FrameBackbone.forward

    def spy(self: FrameBackbone, clips: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        seen.append(len(clips))
        return forward(self, clips, lengths)

    monkeypatch.setattr(FrameBackbone, "forward", spy)
    monkeypatch.setattr("pipeline.training.stages._FRAMES_AT_ONCE", 9)  # clips have 3 frames
    train(store.folder, tmp_path / "run", replace(options, head_epochs=0, epochs=1, batch_size=8), device=CPU)
    assert max(seen) == 3


def test_fine_tuning_trains_in_channels_last(
    store: ClipStore, options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    forward = nn.Conv2d.forward

    def spy(self: nn.Conv2d, frames: torch.Tensor) -> torch.Tensor:
        if self.training and self.kernel_size == (3, 3):
            for tensor in (frames, self.weight):
                seen.append(tensor.is_contiguous(memory_format=torch.channels_last))
        return forward(self, frames)

    monkeypatch.setattr(nn.Conv2d, "forward", spy)
    train(store.folder, tmp_path / "run", replace(options, head_epochs=0, epochs=1), device=CPU)
    assert seen
    assert all(seen)


class _KilledError(BaseException):
    """Stands for a kill."""


@pytest.fixture
def _saves_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.training.fit_state.FitState.is_due", lambda self: True)


@pytest.mark.usefixtures("_saves_each_step")
@pytest.mark.parametrize("killed_after", [2, 4])
def test_killed_in_either_stage_it_goes_on_to_the_same_files(
    store: ClipStore, options: TrainOptions, finetuned: Path, tmp_path: Path, killed_after: int
) -> None:

    def kill(row: Epoch) -> None:
        if row.epoch == killed_after:
            raise _KilledError

    out = tmp_path / "run"
    with pytest.raises(_KilledError):
        train(store.folder, out, options, device=CPU, watch=Watch(on_epoch=kill))
    # What was done so far is on record: all epochs before the one that was being reported.
    assert [int(row["epoch"]) for row in _rows(out)] == list(range(1, killed_after))
    seen: list[Epoch] = []
    train(store.folder, out, options, device=CPU, watch=Watch(on_epoch=seen.append))
    assert [row.epoch for row in seen] == [1, 2, 3, 4, 5]
    _assert_same_run(out, finetuned)


def test_fine_tuning_that_does_not_help_leaves_the_head_that_was_best(
    store: ClipStore, options: TrainOptions, finetuned: Path, tmp_path: Path
) -> None:
    """Here it cannot help: a rate so low that nothing moves."""
    out = tmp_path / "run"
    train(store.folder, out, replace(options, epochs=1, learning_rate=1e-12), device=CPU)
    rows = _rows(out)
    metrics = json.loads((out / "metrics.json").read_bytes())
    assert metrics["epochs"] == len(rows) == 4
    start, end = _backbone(out / "starting_model.safetensors"), _backbone(out)
    if metrics["best_epoch"] <= 3:
        for name, values in start.state_dict().items():
            assert torch.equal(values, end.state_dict()[name]), name


def test_pairs_of_labels_must_be_labels_of_the_store(
    store: ClipStore, options: TrainOptions, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=r"--flip-labels left=right: allowed are two labels of the store"):
        train(store.folder, tmp_path / "run", replace(options, flip_labels=("left=right",)), device=CPU)
    assert not (tmp_path / "run").exists()


def test_features_that_are_not_numbers_are_named(
    store: ClipStore, options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = store.usable("train")[4]

    def spoilt(store: ClipStore, clips: Sequence[Clip], *rest: Any, **options: Any) -> np.ndarray:
        features = embed_clips(store, clips, *rest, **options)
        features[[clip.id for clip in clips].index(victim.id), 0, 0] = np.nan
        return features

    monkeypatch.setattr("pipeline.training.stages.embed_clips", spoilt)
    message = rf"not numbers for 1 of 12 clips: {victim.id} \({victim.path}\)\. Look at"
    with pytest.raises(TrainingError, match=message):
        train(store.folder, tmp_path / "run", options, device=CPU)


def test_a_device_with_wrong_gradients_is_refused_before_anything_is_made(
    store: ClipStore, options: TrainOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fake(device: torch.device) -> gradient_check.Gradients:
        gradients = gradient_check.gradients_on(CPU)
        if device.type == "mps":
            gradients["encoder.layers.1.weight_hh_l0"].zero_()
        return gradients

    monkeypatch.setattr(gradient_check.check_gradients, "__kwdefaults__", {"compute": fake})
    with pytest.raises(MachineError, match="--device mps computes wrong gradients"):
        train(store.folder, tmp_path / "run", options, device=torch.device("mps"))
    assert not (tmp_path / "run").exists()
