"""Weights from files, of torchvision's own kind, and messages for those that do not fit."""

import os
import urllib.error
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torchvision
from torch import Tensor

from pipeline.errors import MachineError, UsageError
from pipeline.model import weights
from pipeline.model.backbone import FrameBackbone, build_backbone
from pipeline.model.classifier import IMAGENET_MEAN_RGB, IMAGENET_STD_RGB
from pipeline.model.skip_init import SkipInit
from pipeline.model.weights import load_weights, read_weights, weights_digest

NAME = "shufflenet_v2_x0_5"
SIDE = 64


@pytest.fixture
def published() -> dict[str, Tensor]:
    """A whole state dict as torchvision's users have it."""
    return dict(torchvision.models.get_model(NAME, weights=None).state_dict())


@pytest.fixture
def backbone() -> FrameBackbone:
    built = build_backbone(NAME, image_size=SIDE)
    assert isinstance(built, FrameBackbone)
    return built


def drop_classifier(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key: value for key, value in state.items() if not key.startswith("fc.")}


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state,
        lambda state: {**state, "fc.weight": torch.zeros(7, 1024), "fc.bias": torch.zeros(7)},
        drop_classifier,
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {key: value for key, value in state.items() if "num_batches" not in key},
    ],
    ids=["whole", "other classes", "no classifier", "wrapped", "DataParallel", "old BatchNorm"],
)
def test_pth_files_as_users_have_them(
    tmp_path: Path, published: dict[str, Tensor], backbone: FrameBackbone, change: Callable[[Any], Any]
) -> None:
    torch.save(change(published), tmp_path / "weights.pth")
    load_weights(backbone, NAME, tmp_path / "weights.pth")
    got = backbone.network.state_dict()
    assert set(got) == set(drop_classifier(published))
    assert all(torch.equal(value, published[key]) for key, value in got.items())


def test_safetensors_file(tmp_path: Path, published: dict[str, Tensor], backbone: FrameBackbone) -> None:
    safetensors.torch.save_file(published, tmp_path / "weights.safetensors")
    load_weights(backbone, NAME, str(tmp_path / "weights.safetensors"))
    assert torch.equal(backbone.network.state_dict()["conv1.0.weight"], published["conv1.0.weight"])


def broken_at(key: str, value: Tensor | None) -> Callable[[dict[str, Tensor]], dict[str, Tensor]]:
    def change(state: dict[str, Tensor]) -> dict[str, Tensor]:
        rest = {name: kept for name, kept in state.items() if name != key}
        return rest if value is None else {**rest, key: value}

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (broken_at("conv5.1.bias", None), r"does not fit .*: weights 1 missing \(conv5.1.bias\)"),
        (broken_at("conv9.bias", torch.zeros(1)), r"1 unexpected \(conv9.bias\)"),
        (broken_at("conv5.1.bias", torch.zeros(3)), "does not fit .*size mismatch for conv5.1.bias"),
        (broken_at("conv5.1.bias", torch.full((1024,), torch.nan)), "not finite, in conv5.1.bias"),
        (lambda _state: {"a": torch.zeros(1)}, r"missing \(conv1.0.*, \.\.\.\) and 1 unexpected \(a\)"),
        (lambda _state: {}, "holds no state dict"),
        (lambda _state: {"weights": 3}, r"holds no state dict \(names and tensors\)"),
        (lambda _state: torch.zeros(3), "weights.pth holds no state dict"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit(
    tmp_path: Path, published: dict[str, Tensor], backbone: FrameBackbone, change: Any, message: str
) -> None:
    torch.save(change(published), tmp_path / "weights.pth")
    with pytest.raises(UsageError, match=message):
        load_weights(backbone, NAME, tmp_path / "weights.pth")


class Payload:
    """What a hostile pickle does."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_a_pickle_is_refused_and_not_run(tmp_path: Path) -> None:
    torch.save({"weight": Payload(tmp_path / "owned")}, tmp_path / "weights.pth")
    with pytest.raises(UsageError, match=r"holds more than weights.* was not run"):
        read_weights(tmp_path / "weights.pth")
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_damaged_and_missing_files(tmp_path: Path, published: dict[str, Tensor], suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    with pytest.raises(UsageError, match=r"no such file\. Allowed: imagenet, none, or a \.pth"):
        read_weights(path)
    if suffix == ".pth":
        torch.save(published, path)
    else:
        safetensors.torch.save_file(published, path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(UsageError, match=f"weights{suffix} "):
        read_weights(path)
    path.write_bytes(b"")
    with pytest.raises(UsageError, match=f"weights{suffix} "):
        read_weights(path)


def test_none_leaves_the_seeded_weights(backbone: FrameBackbone) -> None:
    before = weights_digest(backbone)
    load_weights(backbone, NAME, "none")
    assert weights_digest(backbone) == before
    torch.manual_seed(3)
    first = weights_digest(build_backbone("tiny", image_size=SIDE))
    torch.manual_seed(3)
    assert weights_digest(build_backbone("tiny", image_size=SIDE)) == first


def test_tiny_has_no_imagenet_weights_but_takes_a_file(tmp_path: Path) -> None:
    tiny, other = (build_backbone("tiny", image_size=SIDE) for _ in range(2))
    with pytest.raises(UsageError, match="no ImageNet weights for tiny; use --weights none"):
        load_weights(tiny, "tiny", "imagenet")
    torch.save(other.state_dict(), tmp_path / "tiny.pth")
    load_weights(tiny, "tiny", tmp_path / "tiny.pth")
    assert weights_digest(tiny) == weights_digest(other)


def test_without_a_network_the_error_says_which_file_to_bring(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    backbone: FrameBackbone,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def unreachable(*_arguments: object, **_options: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", unreachable)
    with pytest.raises(MachineError) as caught:
        load_weights(backbone, NAME, "imagenet")
    assert not capsys.readouterr().out  # that is for results
    message = str(caught.value)
    assert "bring the file shufflenetv2_x0.5-f707e7126e.pth" in message
    assert "ShuffleNet_V2_X0_5_Weights.IMAGENET1K_V1" in message
    assert "--weights shufflenetv2_x0.5-f707e7126e.pth" in message


def test_imagenet_weights_come_from_torchs_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, published: dict[str, Tensor], backbone: FrameBackbone
) -> None:
    (tmp_path / "checkpoints").mkdir()
    torch.save(published, tmp_path / "checkpoints" / "shufflenetv2_x0.5-f707e7126e.pth")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    load_weights(backbone, NAME, "imagenet")
    assert torch.equal(backbone.network.state_dict()["conv1.0.weight"], published["conv1.0.weight"])


def test_densenet_files_with_their_old_names() -> None:
    state = {
        "features.denseblock1.denselayer2.norm.1.weight": torch.ones(1),
        "classifier.bias": torch.ones(1),
    }
    renamed = weights._as_this_version(state, torch.nn.Identity(), name="densenet121", image_size=SIDE)
    assert set(renamed) == {"features.denseblock1.denselayer2.norm1.weight", "classifier.bias"}


def test_vision_transformer_positions_are_interpolated() -> None:
    full = torch.nn.Module()
    full.patch_size = 32  # type: ignore[assignment]
    full.encoder = torch.nn.Module()
    full.encoder.pos_embedding = torch.nn.Parameter(torch.zeros(1, 1 + 3 * 3, 8))
    published = torch.randn(1, 1, 8).expand(1, 1 + 2 * 2, 8)  # the same at each place
    state = weights._as_this_version(
        {"encoder.pos_embedding": published}, full, name="vit_b_32", image_size=96
    )
    torch.testing.assert_close(state["encoder.pos_embedding"], published[:, :1].expand(1, 10, 8))


@pytest.mark.slow
def test_vision_transformer_at_another_size(tmp_path: Path) -> None:
    with SkipInit():
        published = torchvision.models.vit_b_32(image_size=64).state_dict()
        backbone = build_backbone("vit_b_32", image_size=96)
    published["encoder.pos_embedding"] += torch.randn(1, 1, 768)  # the same at each place
    torch.save(published, tmp_path / "vit.pth")
    load_weights(backbone, "vit_b_32", tmp_path / "vit.pth")
    position = backbone.state_dict()["network.encoder.pos_embedding"]
    assert position.shape == (1, 1 + 3 * 3, 768)
    expected = published["encoder.pos_embedding"][:, :1].expand_as(position)
    torch.testing.assert_close(position, expected)


def test_digest_changes_with_any_weight(backbone: FrameBackbone) -> None:
    before = weights_digest(backbone)
    assert len(before) == 64
    assert weights_digest(backbone) == before
    buffer = backbone.network.get_buffer("conv1.1.running_mean")
    buffer[0] += 1e-6
    assert weights_digest(backbone) != before


@pytest.mark.needs_data
@pytest.mark.parametrize("name", ["mobilenet_v2", "squeezenet1_0"])
def test_real_weights_give_the_features_of_the_whole_model(data_folder: Path, name: str) -> None:
    """The classification layer of the file, put behind our features, is the file's own classifier."""
    path = data_folder / "weights" / f"{name}_imagenet.pth"
    with SkipInit():
        backbone = build_backbone(name, image_size=224).eval()
        full = torchvision.models.get_model(name, weights=None).eval()
    load_weights(backbone, name, path)
    state = read_weights(path)
    full.load_state_dict(state)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN_RGB, IMAGENET_STD_RGB))
    frames = (torch.rand(2, 3, 224, 224) - mean) / std
    with torch.no_grad():
        features, expected = backbone(frames[None])[0], full(frames)
        if name == "mobilenet_v2":
            got = features @ state["classifier.1.weight"].T + state["classifier.1.bias"]
            torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-4)
        else:
            pooled = full.features(frames).mean(dim=(2, 3))
            torch.testing.assert_close(features, pooled, rtol=1e-4, atol=1e-4)
    assert features.std(dim=1).min() > 0.01
