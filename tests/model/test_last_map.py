"""The last map of a backbone: found for every family, and leading to the features."""

import threading

import pytest
import torch
from torch import nn

from pipeline.errors import UsageError
from pipeline.model.backbone import FrameBackbone, build_backbone
from pipeline.model.last_map import MapLayer, map_layer, maps_of, traced


@pytest.mark.parametrize(
    ("name", "image_size", "layer", "shape"),
    [
        ("tiny", 64, "convolutions", (64, 7, 7)),
        ("mobilenet_v3_small", 64, "network.features", (576, 2, 2)),
        (
            "mobilenet_v3_small",
            32,
            "network.features.9.block.0",
            (288, 2, 2),
        ),  # its last map has one place only
        ("resnet18", 64, "network.layer4", (512, 2, 2)),
        ("densenet121", 64, "network.features", (1024, 2, 2)),
        ("squeezenet1_1", 64, "network.classifier.2", (512, 3, 3)),
        ("vit_b_32", 64, "network.encoder.layers.encoder_layer_11.ln_1", (768, 2, 2)),
        ("swin_t", 64, "network.permute", (768, 2, 2)),
    ],
)
def test_each_family_has_a_map_that_leads_to_its_features(
    name: str, image_size: int, layer: str, shape: tuple[int, int, int]
) -> None:
    torch.manual_seed(0)
    backbone = build_backbone(name, image_size=image_size).eval()
    found = map_layer(backbone)
    assert found.name == layer
    pixels = torch.randn(1, 2, 3, image_size, image_size)
    pixels = pixels[..., :56, :56] if name == "tiny" else pixels
    features, values = traced(backbone, found, pixels)
    assert not torch.is_grad_enabled() or features.requires_grad
    (gradient,) = torch.autograd.grad(features.square().sum(), values)
    slopes = maps_of(gradient, found)
    assert tuple(slopes.shape) == (2, *shape)
    assert bool((slopes != 0).any())
    with torch.inference_mode():
        assert torch.allclose(backbone(pixels), features, atol=1e-4)
    assert all(parameter.grad is None and parameter.requires_grad for parameter in backbone.parameters())


def test_patches_stand_where_they_were() -> None:
    """Token 1 + row * side + column is the patch in that row and column."""
    tokens = torch.arange(1.0 + 6 * 6).reshape(1, 37, 1)
    maps = maps_of(tokens, MapLayer("encoder", has_tokens=True))
    assert maps.shape == (1, 1, 6, 6)
    assert maps[0, 0, 2, 3].item() == 1 + 2 * 6 + 3


def test_a_backbone_without_a_map_is_refused() -> None:
    backbone = FrameBackbone("squeezenet1_1", 32)
    backbone.network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.raises(UsageError, match="at 32 px this backbone has no map of the frame"):
        map_layer(backbone)


def test_another_thread_on_the_same_backbone_is_left_alone() -> None:
    """The other thread runs just while this one is traced; its features carry no gradient."""
    backbone = build_backbone("tiny", image_size=32).eval()
    pixels = torch.randn(1, 2, 3, 32, 32)
    others: list[torch.Tensor] = []
    convolutions = backbone.get_submodule("convolutions")

    def other() -> None:
        with torch.no_grad():
            others.append(backbone(pixels))

    def meanwhile(*_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    hook = convolutions.register_forward_pre_hook(meanwhile)
    features, values = traced(backbone, map_layer(backbone), pixels)
    hook.remove()
    assert features.requires_grad
    assert values.is_leaf
    assert not others[0].requires_grad
    assert torch.equal(others[0], features)
    assert not convolutions._forward_hooks
