"""The default door of the head: frame features as seen by projections that were fitted to training clips."""

import torch
from torch import Tensor, nn

from pipeline.model.lengths import valid_mask, zero_pads

_MIN_STD = 1e-6  # a feature that varies less than this in training says nothing: it is only centred


class FittedInput(nn.Module):
    """Three views of each frame, each projected to few dimensions.

    - `frames`: x_t standardised, s_t = (x_t - mean) / std
    - `centred`: s_t minus its mean over the clip, standardised by itself: what changes, without the scene
    - `magnitudes`: |centred|, minus its training mean: how much changes, whichever way

    A projection holds principal components (of `frames` and `centred`), and a direction for each class (of
    all three). `pipeline.training.input_fit` measures all of it on training clips; it is then fixed, so that
    a few hundred clips have few weights to fit. Until then the projections are random and x_t is taken as is.

    Attributes:
        is_fitted: whether it was: a model that goes on learning from elsewhere keeps what its head knows.
        output_dim: width of what the recurrent part reads: 3/2 projection_dim + 3 K.
    """

    is_fitted: Tensor
    mean: Tensor
    std: Tensor
    centred_std: Tensor
    magnitude_mean: Tensor
    frame_projection: Tensor
    centred_projection: Tensor
    magnitude_projection: Tensor

    def __init__(self, *, feature_dim: int, num_classes: int, projection_dim: int) -> None:
        super().__init__()
        D, K = feature_dim, num_classes
        self.frame_components = max(1, projection_dim // 2)
        self.centred_components = projection_dim
        self.register_buffer("is_fitted", torch.zeros((), dtype=torch.bool))
        self.register_buffer("mean", torch.zeros(D))
        self.register_buffer("std", torch.ones(D))
        self.register_buffer("centred_std", torch.ones(D))
        self.register_buffer("magnitude_mean", torch.zeros(D))
        for name, width in (
            ("frame_projection", self.frame_components + K),
            ("centred_projection", self.centred_components + K),
            ("magnitude_projection", K),
        ):
            self.register_buffer(name, torch.randn(width, D) / D**0.5)
        self.output_dim = self.frame_components + self.centred_components + 3 * K

    def forward(self, frame_features: Tensor, mask: Tensor) -> Tensor:
        """The head's input (B, T, output_dim), zero on padding, from features (B, T, D) and mask (B, T)."""
        views = self.views(frame_features, mask)
        projections = (self.frame_projection, self.centred_projection, self.magnitude_projection)
        seen = [view @ projection.T for view, projection in zip(views, projections, strict=True)]
        return zero_pads(torch.cat(seen, dim=2), mask)

    def views(self, frame_features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`frames`, `centred` and `magnitudes`, each (B, T, D) and zero on padding."""
        features = zero_pads(frame_features, mask)  # first: nothing after this sees what the padding holds
        frames = zero_pads((features - self.mean) / self.std, mask)
        centred = zero_pads((frames - _clip_mean(frames, mask)) / self.centred_std, mask)
        return frames, centred, zero_pads(centred.abs() - self.magnitude_mean, mask)

    @torch.no_grad()
    def fit_views(self, frame_features: Tensor, lengths: Tensor) -> None:
        """Measures means and standard deviations on training features (N, T, D) with lengths (N,)."""
        mask = valid_mask(lengths, frame_features.shape[1])
        valid = frame_features[mask].double()  # (M, D)
        std = valid.std(dim=0, correction=0)
        self.mean.copy_(valid.mean(dim=0))
        self.std.copy_(torch.where(std < _MIN_STD, torch.ones_like(std), std))
        self.centred_std.fill_(1)
        self.magnitude_mean.zero_()
        centred = self.views(frame_features, mask)[1][mask].double()
        std = centred.square().mean(dim=0).sqrt()
        std = torch.where(std < _MIN_STD, torch.ones_like(std), std)
        self.centred_std.copy_(std)
        self.magnitude_mean.copy_((centred / std).abs().mean(dim=0))


def _clip_mean(frames: Tensor, mask: Tensor) -> Tensor:
    """Mean over the valid frames, (B, 1, D), of frames (B, T, D) that are zero on padding."""
    return frames.sum(dim=1, keepdim=True) / mask.sum(dim=1)[:, None, None].to(frames.dtype)
