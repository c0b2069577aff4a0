"""`given`: the backbone of features that are given directly. It has no weights, and embeds nothing."""

from torch import Tensor

from pipeline.errors import CheckpointError
from pipeline.model.frozen import Freezable

GIVEN = "given"


class GivenFeatures(Freezable):
    """Stands where a CNN stands in a model of videos.

    Attributes:
        feature_dim: D, of the features that its head reads.
        sees_whole_clip: whether a frame's features depend on the other frames of its clip.
    """

    sees_whole_clip = False

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        self.feature_dim = feature_dim

    def pixels(self, clips: Tensor) -> Tensor:
        """There are none to be read (CheckpointError)."""
        raise CheckpointError(takes_features_words("This model", self.feature_dim))

    def forward(self, clips: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Nothing is embedded (CheckpointError)."""
        raise CheckpointError(takes_features_words("This model", self.feature_dim))

    def reordered(self, features: Tensor, order: Tensor) -> Tensor:
        """Features (B, T, D) of clips with their steps in another order (T,), from those in the first."""
        return features[:, order]


def takes_features_words(model: str, feature_dim: int) -> str:
    """Why a model of given features is no use for videos, for messages."""
    return (
        f"{model} takes features given directly, {feature_dim} numbers a step, and no videos or frames: give "
        "an .npz file with X (N, T, D), or another model."
    )
