"""Backbones cut from torchvision's models, and what freezing them means."""

import copy

import pytest
import torch
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.model.backbone import FrameBackbone, backbone_feature_dim, build_backbone
from pipeline.model.skip_init import SkipInit
from pipeline.model.torchvision_models import build_full, classification_layer, cut, torchvision_names

SIDE = 64
NAN = float("nan")


def quick_weights(model: nn.Module) -> None:
    """Small random weights, drawn faster than torchvision does."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.05, 0.05)


@pytest.mark.parametrize(
    ("name", "side", "dim"),
    [
        ("resnet18", 64, 512),
        ("mobilenet_v2", 64, 1280),
        ("mobilenet_v3_small", 64, 1024),
        ("squeezenet1_0", 64, 512),
        ("efficientnet_b0", 64, 1280),
        ("convnext_tiny", 64, 768),
        ("densenet121", 64, 1024),
        ("googlenet", 64, 1024),
        ("inception_v3", 80, 2048),
        ("regnet_x_400mf", 64, 400),
        ("shufflenet_v2_x0_5", 64, 1024),
        ("swin_t", 64, 768),
        pytest.param("vit_b_16", 32, 768, marks=pytest.mark.slow),
    ],
)
def test_features_are_what_the_classification_layer_reads(name: str, side: int, dim: int) -> None:
    with SkipInit():
        full = build_full(name, side).eval()
        backbone = build_backbone(name, image_size=side).eval()
    assert isinstance(backbone, FrameBackbone)
    quick_weights(full)
    backbone.network.load_state_dict(cut(copy.deepcopy(full)).state_dict())
    seen: list[Tensor] = []
    layer = full.get_submodule(classification_layer(full))
    layer.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    frames = torch.randn(2, 3, side, side)
    with torch.no_grad():
        full(frames)
        features = backbone(frames[None])[0]
    expected = seen[0].flatten(2).mean(dim=2) if seen[0].ndim == 4 else seen[0]  # SqueezeNet pools after
    assert backbone.feature_dim == dim
    assert expected.abs().max() > 1e-4
    torch.testing.assert_close(features, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", torchvision_names())
def test_every_name_of_torchvision_can_be_a_backbone(name: str) -> None:
    assert 64 <= backbone_feature_dim(name, image_size=224) <= 8192


def test_a_vision_transformer_is_built_for_its_size() -> None:
    with SkipInit():
        backbone = build_backbone("vit_b_16", image_size=32).eval()
        assert backbone.feature_dim == 768
        assert backbone(torch.zeros(1, 2, 3, 32, 32)).shape == (1, 2, 768)


def test_the_list_holds_classification_models_only() -> None:
    names = torchvision_names()
    assert {"resnet18", "vit_b_16", "convnext_tiny", "squeezenet1_0"} <= set(names)
    assert not [
        name for name in names if any(word in name for word in ("rcnn", "raft", "fcn", "quantized", "3d"))
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet", "unknown backbone 'resnet'. Did you mean .*resnet"),
        ("MobileNet_V2", "Did you mean mobilenet_v2"),
        ("r3d_18", "unknown backbone"),
        ("../evil", "Allowed: tiny, or"),
    ],
)
def test_unknown_names_are_refused_with_close_ones(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build_backbone(name, image_size=SIDE)


@pytest.mark.parametrize(("name", "side"), [("vit_b_16", 50), ("inception_v3", 32), ("maxvit_t", 100)])
def test_a_size_that_the_model_cannot_read_is_refused(name: str, side: int) -> None:
    with SkipInit(), pytest.raises(UsageError, match=f"{name} cannot read frames of {side} px"):
        build_backbone(name, image_size=side)


def test_only_valid_frames_enter() -> None:
    """Padding of NaN reaches neither features nor BatchNorm statistics."""
    padded_backbone = build_backbone("resnet18", image_size=SIDE).train()
    plain_backbone = copy.deepcopy(padded_backbone)
    clips, lengths = torch.randn(3, 4, 3, SIDE, SIDE), torch.tensor([4, 1, 2])
    for item, length in enumerate(lengths.tolist()):
        clips[item, length:] = NAN
    features = padded_backbone(clips, lengths)
    frames = torch.cat([clips[item, :length] for item, length in enumerate(lengths.tolist())])
    alone = plain_backbone(frames[None])[0]
    got = torch.cat([features[item, :length] for item, length in enumerate(lengths.tolist())])
    torch.testing.assert_close(got, alone, rtol=0, atol=1e-6)
    assert not features[1, 1:].any()
    assert not features[2, 2:].any()
    assert all(
        torch.equal(a, b) for a, b in zip(padded_backbone.buffers(), plain_backbone.buffers(), strict=True)
    )
    features.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in padded_backbone.parameters())


def test_batch_of_one_is_the_same_item_in_four() -> None:
    backbone = build_backbone("resnet18", image_size=SIDE).eval()
    clips = torch.randn(4, 2, 3, SIDE, SIDE)
    with torch.no_grad():
        together = backbone(clips)
        for item in range(4):
            alone = backbone(clips[item : item + 1])[0]
            torch.testing.assert_close(alone, together[item], rtol=1e-6, atol=1e-6)


def test_frozen_batchnorm_leaves_the_rest_to_learn() -> None:
    backbone = build_backbone("resnet18", image_size=SIDE)
    backbone.freeze_batchnorm()
    backbone.train()
    layers = [module for module in backbone.modules() if isinstance(module, nn.BatchNorm2d)]
    before = copy.deepcopy([layer.state_dict() for layer in layers])
    convolution = next(module for module in backbone.modules() if isinstance(module, nn.Conv2d))
    start = convolution.weight.detach().clone()
    optimizer = torch.optim.SGD(backbone.parameters(), lr=0.1, weight_decay=0.1)
    backbone(torch.randn(1, 2, 3, SIDE, SIDE)).square().mean().backward()
    optimizer.step()
    assert backbone.training
    assert not torch.equal(convolution.weight, start)
    for layer, state in zip(layers, before, strict=True):
        assert all(torch.equal(value, state[name]) for name, value in layer.state_dict().items())


def test_skip_init_fills_with_zeros_what_would_be_random() -> None:
    with SkipInit():
        layer = nn.Linear(3, 2)
        nn.init.trunc_normal_(layer.bias)
    assert not any(parameter.any() for parameter in layer.parameters())
    assert nn.Linear(3, 2).weight.any()
