"""Weights from elsewhere into a backbone: torchvision's own, or a file. The only home of torch.load."""

import contextlib
import hashlib
import http.client
import pickle
import re
import sys
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.vision_transformer import interpolate_embeddings

from pipeline.errors import MachineError, UsageError
from pipeline.model.backbone import Backbone, FrameBackbone
from pipeline.model.skip_init import SkipInit
from pipeline.model.torchvision_models import AUXILIARY, build_full, classification_layer, cut

IMAGENET = "imagenet"
NO_WEIGHTS = "none"

_NAMED_IN_MESSAGE = 4
# Published DenseNet files name `norm.1` what torchvision's code calls `norm1`.
_DENSENET_OLD = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.\w+)$")


def load_weights(backbone: Backbone, name: str, source: str | Path) -> None:
    """Fills a backbone with weights, in place.

    Args:
        backbone: made by `build_backbone(name, ...)`.
        name: of the backbone.
        source: `imagenet`: torchvision's best weights, downloaded once into torch's cache; `none`: leaves the
            random weights as they are (seed them with `torch.manual_seed`); else a file: the state dict of
            the whole torchvision model, `.pth` / `.pt` or `.safetensors`. The classification layer in it is
            not needed and may have any number of classes.

    Raises:
        UsageError: a file that is missing, no plain state dict, or of another model.
        MachineError: the download failed.
    """
    if source == NO_WEIGHTS:
        return
    if source != IMAGENET:
        state, origin = read_weights(Path(source)), f"--weights {source}"
    elif isinstance(backbone, FrameBackbone):
        state, origin = _download(name), f"the ImageNet weights of {name}"
    else:
        raise UsageError(f"there are no ImageNet weights for {name}; use --weights none, or a FILE.")
    if not isinstance(backbone, FrameBackbone):
        _load_strict(backbone, state, name=name, origin=origin, optional=())
        return
    with SkipInit():
        full = build_full(name, backbone.image_size)
    optional = tuple(f"{module}." for module in (classification_layer(full), *AUXILIARY))
    state = {key: value for key, value in state.items() if not key.startswith(optional)}
    state = _as_this_version(state, full, name=name, image_size=backbone.image_size)
    _load_strict(full, state, name=name, origin=origin, optional=optional)
    backbone.network.load_state_dict(cut(full).state_dict())


def read_state(path: Path) -> Any:
    """What `torch.save` wrote, read without running code (`weights_only=True`), on the CPU."""
    return torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251 - this is the owner


def read_weights(path: Path) -> dict[str, Tensor]:
    """The state dict in a `.safetensors`, `.pth` or `.pt` file, read without running code.

    Raises:
        UsageError: the file is missing, cannot be read, or holds something else.
    """
    if not path.is_file():
        raise UsageError(
            f"--weights {path}: no such file. Allowed: imagenet, none, or a .pth / .safetensors file."
        )
    try:
        state: Any = safetensors.torch.load_file(path) if path.suffix == ".safetensors" else read_state(path)
    except pickle.UnpicklingError as error:
        raise UsageError(
            f"--weights {path} holds more than weights, or is no torch file, and was not run. Save the "
            "plain state dict: torch.save(model.state_dict(), FILE)."
        ) from error
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, safetensors.SafetensorError) as error:
        raise UsageError(
            f"--weights {path} cannot be read ({_first_line(error)}); is it complete?"
        ) from error
    for wrapper in ("state_dict", "model"):  # as training scripts save them
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not state or not all(_is_weight(*item) for item in state.items()):
        raise UsageError(
            f"--weights {path} holds no state dict (names and tensors); save it with "
            "torch.save(model.state_dict(), FILE)."
        )
    return {key.removeprefix("module."): value for key, value in state.items()}  # DataParallel's prefix


def weights_digest(module: nn.Module) -> str:
    """Hex SHA-256 over names, types, shapes and bytes of all weights and statistics, for cache keys."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        array = value.detach().cpu().contiguous()
        digest.update(f"{name} {array.dtype} {tuple(array.shape)}\n".encode())
        digest.update(array.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _download(name: str) -> dict[str, Tensor]:
    weights = torchvision.models.get_model_weights(name).DEFAULT
    file_name = weights.url.rsplit("/", 1)[-1]
    try:
        with contextlib.redirect_stdout(sys.stderr):  # torch says "Downloading" on stdout, where results go
            state = weights.get_state_dict(
                progress=sys.stderr.isatty(), check_hash=True, map_location="cpu", weights_only=True
            )
    except (OSError, http.client.HTTPException, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        cache = Path(torch.hub.get_dir()) / "checkpoints"
        raise MachineError(
            f"the ImageNet weights of {name} could not be had from {weights.url} ({_first_line(error)}). "
            f"Without a network: bring the file {file_name} (torchvision's {weights}) here and give it as "
            f"--weights {file_name}, or put it into {cache}; if a broken one lies there, delete it."
        ) from error
    return dict(state)


def _as_this_version(
    state: dict[str, Tensor], full: nn.Module, *, name: str, image_size: int
) -> dict[str, Tensor]:
    """Published files under the names, and at the image size, of the model at hand."""
    if name.startswith("densenet"):
        return {_DENSENET_OLD.sub(r"\1\2", key): value for key, value in state.items()}
    position = state.get("encoder.pos_embedding")
    if name.startswith("vit_") and position is not None:
        wanted = full.get_parameter("encoder.pos_embedding").shape
        if position.ndim == 3 and position.shape[1] != wanted[1]:
            patch_size: Any = full.patch_size
            try:
                return dict(interpolate_embeddings(image_size, patch_size, state))
            except (ValueError, RuntimeError) as error:
                raise UsageError(
                    f"weights of {name} do not fit {image_size} px: {_first_line(error)}"
                ) from error
    return state


def _load_strict(
    module: nn.Module, state: dict[str, Tensor], *, name: str, origin: str, optional: tuple[str, ...]
) -> None:
    """Every weight of the module but those under `optional` must be there, and nothing else."""
    try:
        missing, unexpected = module.load_state_dict(state, strict=False)
    except RuntimeError as error:  # shapes
        lines = [line.strip() for line in str(error).splitlines()[1 : 1 + _NAMED_IN_MESSAGE]]
        raise UsageError(f"{origin} does not fit {name}: {' '.join(lines)}") from error
    missing = [
        key for key in missing if not key.startswith(optional) and not key.endswith(".num_batches_tracked")
    ]
    if missing or unexpected:
        found = [
            f"{len(keys)} {kind} ({_some(keys)})"
            for kind, keys in (("missing", missing), ("unexpected", unexpected))
            if keys
        ]
        raise UsageError(
            f"{origin} does not fit {name}: weights {' and '.join(found)}. Give the state dict of "
            f"torchvision's {name}, or another --backbone; to start from a model of Clipwise, use --init."
        )
    broken = [key for key, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise UsageError(f"{origin} holds numbers that are not finite, in {_some(broken)}.")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED_IN_MESSAGE]) + (", ..." if len(names) > _NAMED_IN_MESSAGE else "")


def _is_weight(name: object, value: object) -> bool:
    return isinstance(name, str) and isinstance(value, Tensor)


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
