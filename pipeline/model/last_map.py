"""The last map of a backbone: values for places in the frame, from which its features are made.

- CNN, Swin, MaxViT: the output (N, C, h, w) of the last layer that has more than one place
- ViT: the patch tokens that enter the last block, put back in rows and columns; what leaves that block
  reaches the features by the class token alone
- tiny: the output of its convolutions
"""

import math
import threading
from typing import Any, NamedTuple

import torch
import torchvision
from torch import Tensor, nn
from torch.func import functional_call

from pipeline.errors import UsageError
from pipeline.model.backbone import Backbone
from pipeline.model.given import GivenFeatures
from pipeline.model.tiny import TinyBackbone


class MapLayer(NamedTuple):
    """The layer of a backbone whose output is its last map.

    Attributes:
        name: of the layer in the backbone.
        has_tokens: whether its output is (N, 1 + h w, C), a class token before the patches, not (N, C, h, w).
    """

    name: str
    has_tokens: bool


class Traced(NamedTuple):
    """Features and the maps that they were computed from; the gradient of one leads to the other.

    Attributes:
        features: (1, T, D) of one clip, not rounded.
        values: the output of the map layer, a leaf of the gradient; `maps_of` shapes it and its gradient.
    """

    features: Tensor
    values: Tensor


def map_layer(backbone: Backbone) -> MapLayer:
    """Finds the layer; computes shapes only.

    Raises:
        UsageError: the backbone has no map, at the size of its frames.
    """
    if isinstance(backbone, TinyBackbone):
        return MapLayer("convolutions", has_tokens=False)
    if isinstance(backbone, GivenFeatures):
        raise UsageError("features that are given directly have no frames to look into.")
    if isinstance(backbone.network, torchvision.models.VisionTransformer):
        blocks = dict(backbone.network.encoder.layers.named_children())
        return MapLayer(f"network.encoder.layers.{list(blocks)[-1]}.ln_1", has_tokens=True)
    found: list[str] = []

    def note(name: str, output: object) -> None:
        # Channels last inside a block looks like (N, h, w, C): frames are square, so that h = w tells.
        if isinstance(output, Tensor) and output.ndim == 4 and output.shape[2] == output.shape[3] > 1:
            found.append(name)

    def noting(name: str) -> Any:
        return lambda _layer, _inputs, output: note(name, output)

    network, side = backbone.network, backbone.image_size
    hooks = [layer.register_forward_hook(noting(name)) for name, layer in network.named_modules() if name]
    state = {key: value.detach().to("meta") for key, value in network.state_dict(keep_vars=True).items()}
    try:
        with torch.no_grad():
            functional_call(network, state, torch.empty(1, 3, side, side, device="meta"))
    finally:
        for hook in hooks:
            hook.remove()
    if not found:
        raise UsageError(
            f"at {side} px this backbone has no map of the frame; preprocess with a larger --image-size."
        )
    return MapLayer(f"network.{found[-1]}", has_tokens=False)


def traced(backbone: Backbone, layer: MapLayer, pixels: Tensor) -> Traced:
    """Features of one clip, with the gradient from its last maps on; before them nothing is kept in memory.

    No parameter or flag is touched, and other threads may use the backbone meanwhile.

    Args:
        backbone: in eval mode.
        layer: of `map_layer`.
        pixels: (1, T, 3, s, s), normalised.
    """
    leaves: list[Tensor] = []
    this_thread = threading.get_ident()

    def cut(_layer: nn.Module, _inputs: object, output: Tensor) -> Tensor | None:
        if threading.get_ident() != this_thread:
            return None
        leaves.append(output.detach().requires_grad_())
        torch.set_grad_enabled(True)  # until the end of the block below
        return leaves[-1].clone()  # the next layer may write into it

    hook = backbone.get_submodule(layer.name).register_forward_hook(cut)
    try:
        with torch.inference_mode(mode=False), torch.no_grad():
            features: Tensor = backbone(pixels)
    finally:
        hook.remove()
    (values,) = leaves
    return Traced(features, values)


def maps_of(values: Tensor, layer: MapLayer) -> Tensor:
    """Maps (N, C, h, w) of the output of the map layer, or of its gradient."""
    if not layer.has_tokens:
        return values
    patches = values[:, 1:].transpose(1, 2)  # (N, C, h w)
    side = math.isqrt(patches.shape[2])
    return patches.reshape(*patches.shape[:2], side, side)
