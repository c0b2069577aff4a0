"""From hidden states to one vector for the clip, and how much each frame counted in it."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from pipeline.model.lengths import valid_mask

Pooling = Literal["attention", "dot", "mean", "last", "centre", "statistics"]


class FramePooling(nn.Module):
    """clip_features = sum_t weights_t h_t, the weights being >= 0 and 0 on padding, with sum 1.

    Subclasses say how the weights come about; as it stands all valid frames weigh the same (`mean`).

    Attributes:
        num_parts: clip_features are so many times as wide as a hidden state.
    """

    num_parts = 1

    def forward(self, hidden_states: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Pools over the valid frames.

        Args:
            hidden_states: (B, T, C), finite everywhere.
            lengths: (B,) int64, 1 .. T.

        Returns:
            clip_features (B, num_parts * C) and weights (B, T).
        """
        mask = valid_mask(lengths, hidden_states.shape[1])
        weights = self.weigh(hidden_states, lengths, mask)  # (B, T)
        return torch.einsum("bt,btc->bc", weights, hidden_states), weights

    def weigh(self, hidden_states: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        """The weights (B, T)."""
        return mask.to(hidden_states.dtype) / lengths[:, None].to(hidden_states.dtype)


class LastFramePooling(FramePooling):
    """All weight on the last valid frame."""

    def weigh(self, hidden_states: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        """The weights (B, T): 1 at length - 1."""
        steps = torch.arange(mask.shape[1], device=mask.device)[None, :]
        return (steps == lengths[:, None] - 1).to(hidden_states.dtype)


class CentreFramePooling(FramePooling):
    """All weight on the middle valid frame."""

    def weigh(self, hidden_states: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        """The weights (B, T): 1 at length // 2."""
        steps = torch.arange(mask.shape[1], device=mask.device)[None, :]
        return (steps == lengths[:, None] // 2).to(hidden_states.dtype)


class StatisticsPooling(FramePooling):
    """clip_features = [mean of h_t, its standard deviation over t, mean of h_t - h_(t-1)], weights all alike.

    What the strongest of the linear baselines sees of a clip, in one vector (B, 3 C).
    """

    num_parts = 3

    def forward(self, hidden_states: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The statistics (B, 3 C) over the valid frames, and weights (B, T) of the mean."""
        mask = valid_mask(lengths, hidden_states.shape[1])
        weights = self.weigh(hidden_states, lengths, mask)
        # From the first frame on: what does not change has a deviation of exactly 0, and not one of rounding.
        moved = hidden_states - hidden_states[:, :1]
        mean_moved = torch.einsum("bt,btc->bc", weights, moved)
        variance = torch.einsum("bt,btc->bc", weights, (moved - mean_moved[:, None]).square())
        # The mean of h_t - h_(t-1) telescopes to (last - first) / (length - 1).
        is_last = torch.arange(mask.shape[1], device=mask.device)[None, :] == lengths[:, None] - 1
        last = torch.einsum("bt,btc->bc", is_last.to(moved.dtype), moved)
        difference = last / (lengths[:, None] - 1).clamp(min=1).to(moved.dtype)
        return torch.cat([hidden_states[:, 0] + mean_moved, _root(variance), difference], dim=1), weights


class DotAttention(FramePooling):
    """score_t = q . h_t / sqrt(C) with one learned query q."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.query = nn.Linear(dim, 1, bias=False)  # a bias would change no weight: softmax takes it away
        self.scale = 1 / math.sqrt(dim)

    def weigh(self, hidden_states: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        """The weights (B, T)."""
        return _softmax_valid(self.query(hidden_states).squeeze(2) * self.scale, mask)


class AdditiveAttention(FramePooling):
    """score_t = v . tanh(W h_t + b), as in Bahdanau et al., 2015 (arXiv:1409.0473), without a query."""

    def __init__(self, dim: int, attention_dim: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(dim, attention_dim)  # W, b
        self.score = nn.Linear(attention_dim, 1, bias=False)  # v

    def weigh(self, hidden_states: Tensor, lengths: Tensor, mask: Tensor) -> Tensor:
        """The weights (B, T)."""
        return _softmax_valid(self.score(torch.tanh(self.hidden(hidden_states))).squeeze(2), mask)


def build_pooling(pooling: Pooling, *, dim: int, attention_dim: int) -> FramePooling:
    """The pooling of that name for hidden states of width `dim`."""
    match pooling:
        case "attention":
            return AdditiveAttention(dim, attention_dim)
        case "dot":
            return DotAttention(dim)
        case "mean":
            return FramePooling()
        case "last":
            return LastFramePooling()
        case "centre":
            return CentreFramePooling()
        case "statistics":
            return StatisticsPooling()


def _root(variance: Tensor) -> Tensor:
    """The square root, with gradient 0 instead of infinity where the variance is 0."""
    positive = variance > 0
    return torch.where(positive, torch.where(positive, variance, torch.ones_like(variance)).sqrt(), variance)


def _softmax_valid(attention_scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the valid frames of (B, T); exactly 0 elsewhere."""
    return torch.softmax(attention_scores.masked_fill(~mask, -math.inf), dim=1)
