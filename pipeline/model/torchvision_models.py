"""torchvision's classification models: their names, and how the classification layer is cut off."""

import difflib
from typing import Any, cast

import torchvision
from torch import nn

from pipeline.errors import UsageError
from pipeline.model.given import GIVEN

IMAGENET_CLASSES = 1000
AUXILIARY = ("aux1", "aux2", "AuxLogits")  # classifiers beside the last one: GoogLeNet, Inception

# Their weights expect frames in -1 .. 1; their own first step takes ImageNet-normalised frames there.
_TRANSFORM_INPUT = ("googlenet", "inception_v3")


def torchvision_names() -> list[str]:
    """The names that may be given as a backbone, beside `tiny`."""
    return list(torchvision.models.list_models(module=torchvision.models))


def check_backbone_name(name: str) -> None:
    """Refuses a name that is neither `tiny` nor `given`, nor a classification model of torchvision.

    Raises:
        UsageError: with the closest names.
    """
    if name == GIVEN:
        return
    known = ["tiny", *torchvision_names()]
    if name not in known:
        close = difflib.get_close_matches(str(name).lower(), known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        raise UsageError(
            f"unknown backbone {name!r}. {hint}Allowed: tiny, or a classification model of torchvision, "
            "such as mobilenet_v3_small, mobilenet_v2, efficientnet_b0, resnet18 or convnext_tiny."
        )


def build_full(name: str, image_size: int) -> nn.Module:
    """The full model with its classification layer, as its own weights expect it.

    Raises:
        UsageError: the model cannot be built for frames of that size.
    """
    options: dict[str, Any] = {}
    if name in _TRANSFORM_INPUT:
        options = {"transform_input": True, "init_weights": False, "aux_logits": True}
    elif name.startswith("vit_"):
        options = {"image_size": image_size}
    elif name.startswith("maxvit_"):
        options = {"input_size": (image_size, image_size)}
    try:
        return cast(nn.Module, torchvision.models.get_model(name, weights=None, **options))
    except (ValueError, RuntimeError, AssertionError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UsageError(
            f"{name} cannot read frames of {image_size} px ({reason}); preprocess with --image-size 224, or "
            "choose another --backbone."
        ) from error


def classification_layer(model: nn.Module) -> str:
    """Name of the layer that makes the class scores: the last Linear, or the last Conv2d (SqueezeNet)."""
    for kind, width in ((nn.Linear, "out_features"), (nn.Conv2d, "out_channels")):
        names = [name for name, module in model.named_modules() if isinstance(module, kind)]
        if names and getattr(model.get_submodule(names[-1]), width) == IMAGENET_CLASSES:
            return str(names[-1])
    raise UsageError(f"{type(model).__name__} has no classification layer that could be cut off.")


def classification_input_dim(model: nn.Module) -> int:
    """D, how many features the classification layer reads."""
    layer = model.get_submodule(classification_layer(model))
    return int(layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels)  # type: ignore[arg-type]


def cut(model: nn.Module) -> nn.Module:
    """Takes away the classification layer, in place: (N, 3, S, S) -> (N, D) pooled features.

    Auxiliary classifiers (GoogLeNet, Inception) go too; they only help training from scratch.
    """
    owner, _, attribute = classification_layer(model).rpartition(".")
    setattr(model.get_submodule(owner), attribute, nn.Identity())
    for auxiliary in AUXILIARY:
        if hasattr(model, auxiliary):
            setattr(model, auxiliary, None)
    if hasattr(model, "aux_logits"):
        model.aux_logits = False  # type: ignore[assignment]
    return model
