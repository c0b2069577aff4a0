"""The classifier: uint8 clips in, logits and attention weights out."""

import math
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

import torch
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.model.backbone import build_backbone
from pipeline.model.head import HeadConfig, HeadOutput, SequenceHead, check_int
from pipeline.model.lengths import resolve_lengths
from pipeline.model.torchvision_models import check_backbone_name

IMAGENET_MEAN_RGB = (0.485, 0.456, 0.406)
IMAGENET_STD_RGB = (0.229, 0.224, 0.225)

Precision = Literal["float32", "float16"]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What a classifier is made of.

    Attributes:
        backbone: `tiny`, the name of a classification model of torchvision, or `given` where features are
            given directly: then what is said of pixels means nothing.
        image_size: S, side of the frames in pixels; the same as the clip spec's.
        head: the head; its `feature_dim` is the backbone's (`backbone_feature_dim`).
        mean_rgb: taken away from pixel values in 0 .. 1, before
        std_rgb: divides them.
        precision: what frame features are rounded to before the head: `float16` halves what keeping them
            takes on the disk.
    """

    backbone: str
    image_size: int
    head: HeadConfig
    mean_rgb: tuple[float, float, float] = IMAGENET_MEAN_RGB
    std_rgb: tuple[float, float, float] = IMAGENET_STD_RGB
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_backbone_name(self.backbone)
        if self.precision not in get_args(Precision):
            raise UsageError(f"precision is {self.precision!r}; allowed: {', '.join(get_args(Precision))}.")
        check_int("image_size", self.image_size, 8, 2048)
        for name, low in (("mean_rgb", -math.inf), ("std_rgb", 0.0)):
            try:
                values = tuple(float(value) for value in getattr(self, name))
            except (TypeError, ValueError):
                values = ()
            if len(values) != 3 or not all(math.isfinite(value) and value > low for value in values):
                raise UsageError(
                    f"{name} is {getattr(self, name)!r}; it takes three numbers (R, G, B), "
                    "those of std above 0."
                )
            object.__setattr__(self, name, values)

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON-ready values."""
        return {
            "backbone": self.backbone,
            "image_size": self.image_size,
            "head": self.head.to_dict(),
            "mean_rgb": list(self.mean_rgb),
            "std_rgb": list(self.std_rgb),
            "precision": self.precision,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuilds a configuration from `to_dict`; a missing or unknown field is refused (UsageError)."""
        if not isinstance(values, dict):
            raise UsageError(f"a model configuration is a JSON object, not {type(values).__name__}.")
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            wrong = sorted(known.symmetric_difference(values))
            raise UsageError(f"model configuration with missing or unknown fields: {', '.join(wrong)}.")
        return cls(**{**values, "head": HeadConfig.from_dict(values["head"])})


class ClipClassifier(nn.Module):
    """Normalisation, backbone and head.

    Args:
        config: what it is made of.
        dry_run: see `build_backbone`.

    Attributes:
        config: what it is made of.
        backbone: (B, T, 3, S, S) -> (B, T, D).
        head: (B, T, D) -> logits and attention weights.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: ModelConfig, *, dry_run: bool = True) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_backbone(
            config.backbone,
            image_size=config.image_size,
            dry_run=dry_run,
            feature_dim=config.head.feature_dim,
        )
        if config.head.feature_dim != self.backbone.feature_dim:
            raise UsageError(
                f"feature_dim is {config.head.feature_dim}, but the backbone {config.backbone} gives "
                f"{self.backbone.feature_dim} features a frame."
            )
        self.head = SequenceHead(config.head)
        # In pixel values of 0 .. 255. The configuration is their home, so they are not saved as weights.
        self.register_buffer("mean", 255 * torch.tensor(config.mean_rgb).view(3, 1, 1), persistent=False)
        self.register_buffer("std", 255 * torch.tensor(config.std_rgb).view(3, 1, 1), persistent=False)

    def forward(self, clips: Tensor, lengths: Tensor | None = None) -> HeadOutput:
        """Logits (B, K) and attention weights (B, T) of uint8 RGB clips (B, T, S, S, 3).

        Args:
            clips: as read by `pipeline.video`.
            lengths: (B,) valid frames of each clip, 1 .. T; None: all T. The rest is padding and may hold
                anything.

        Raises:
            ValueError: another dtype, rank or size.
        """
        frame_features = self.embed(clips, lengths)
        with torch.autocast(frame_features.device.type, enabled=False):  # recurrence in full precision
            output: HeadOutput = self.head(frame_features.float(), lengths)
        return output

    def embed(self, clips: Tensor, lengths: Tensor | None = None) -> Tensor:
        """The backbone's half of `forward`: frame features (B, T, D), zero on padding."""
        self._check(clips)
        B, T = clips.shape[:2]
        lengths = resolve_lengths(lengths, batch_size=B, num_frames=T, device=clips.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.backbone.frozen):
            features: Tensor = self.backbone(self.normalised(clips), lengths)
        return features.half().to(features.dtype) if self.config.precision == "float16" else features

    def normalised(self, clips: Tensor) -> Tensor:
        """What the backbone reads of uint8 clips: (B, T, 3, s, s); s is S, or what it shrinks them to."""
        return (self.backbone.pixels(clips) - self.mean) / self.std

    def freeze_backbone(self) -> None:
        """Keeps the backbone's weights and statistics bit-equal from now on, whatever `train()` says."""
        self.backbone.freeze()

    def _check(self, clips: Tensor) -> None:
        S = self.config.image_size
        if clips.dtype != torch.uint8:
            raise ValueError(f"clips have dtype {clips.dtype}; allowed: torch.uint8, RGB in 0 to 255.")
        if clips.ndim != 5 or tuple(clips.shape[2:]) != (S, S, 3) or 0 in clips.shape:
            raise ValueError(
                f"clips have shape {tuple(clips.shape)}; allowed: (B, T, {S}, {S}, 3) with B and T "
                "of at least 1."
            )
