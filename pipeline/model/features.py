"""The door of the head: frame features put on one scale, with their differences, in fewer dimensions."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pipeline.model.lengths import resolve_lengths, valid_mask, zero_pads

Normalise = Literal["none", "standardise", "layer"]

_MIN_STD = 1e-6  # a feature that varies less than this in training says nothing: it is only centred


class Standardise(nn.Module):
    """(x - mean) / std with statistics measured on training data; until `fit`, the identity."""

    mean: Tensor
    std: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("std", torch.ones(dim))

    def forward(self, values: Tensor) -> Tensor:
        """Standardised values (..., dim)."""
        return (values - self.mean) / self.std

    @torch.no_grad()
    def fit(self, values: Tensor) -> None:
        """Takes mean and standard deviation of each column of (N, dim), in double precision."""
        if values.shape[0] == 0:
            return
        std, mean = torch.std_mean(values.double(), dim=0, correction=0)
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std < _MIN_STD, torch.ones_like(std), std))


class FeatureInput(nn.Module):
    """Feature normalisation, first differences, projection: each on or off.

    The differences are taken before the projection and normalised by themselves: between neighbouring frames
    features change little, and small differences beside large features stay unheard.

    Attributes:
        output_dim: width of what the recurrent part reads.
    """

    def __init__(
        self, *, feature_dim: int, normalise: Normalise, differences: bool, projection_dim: int | None
    ) -> None:
        super().__init__()
        self.feature_norm = _build_norm(normalise, feature_dim)
        self.difference_norm = _build_norm(normalise, feature_dim) if differences else None
        width = 2 * feature_dim if differences else feature_dim
        self.projection = None if projection_dim is None else nn.Linear(width, projection_dim)
        self.output_dim = projection_dim or width

    def forward(self, frame_features: Tensor, mask: Tensor) -> Tensor:
        """The head's input (B, T, output_dim), zero on padding, from features (B, T, D) and mask (B, T)."""
        features = zero_pads(frame_features, mask)  # first: nothing after this sees what the padding holds
        values = self.feature_norm(features)
        if self.difference_norm is not None:
            steps = self.difference_norm(features[:, 1:] - features[:, :-1])  # (B, T - 1, D)
            values = torch.cat([values, F.pad(steps, (0, 0, 1, 0))], dim=2)  # the first difference is 0
        if self.projection is not None:
            values = self.projection(values)
        return zero_pads(values, mask)

    def fit(self, frame_features: Tensor, lengths: Tensor | None) -> None:
        """Measures the statistics of `standardise` on training features (N, T, D); else does nothing."""
        N, T = frame_features.shape[:2]
        lengths = resolve_lengths(lengths, batch_size=N, num_frames=T, device=frame_features.device)
        mask = valid_mask(lengths, T)
        if isinstance(self.feature_norm, Standardise):
            self.feature_norm.fit(frame_features[mask])
        if isinstance(self.difference_norm, Standardise):
            self.difference_norm.fit((frame_features[:, 1:] - frame_features[:, :-1])[mask[:, 1:]])


def _build_norm(normalise: Normalise, dim: int) -> nn.Module:
    match normalise:
        case "none":
            return nn.Identity()
        case "standardise":
            return Standardise(dim)
        case "layer":
            return nn.LayerNorm(dim)
