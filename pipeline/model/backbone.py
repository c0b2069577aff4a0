"""The backbone: a CNN that turns each frame into a vector of D features."""

import torch
from torch import Tensor, nn
from torch.func import functional_call

from pipeline.errors import UsageError
from pipeline.model.frozen import Freezable
from pipeline.model.given import GIVEN, GivenFeatures
from pipeline.model.lengths import resolve_lengths, valid_mask
from pipeline.model.skip_init import SkipInit
from pipeline.model.tiny import TinyBackbone
from pipeline.model.torchvision_models import build_full, check_backbone_name, classification_input_dim, cut

TINY = "tiny"


class FrameBackbone(Freezable):
    """A torchvision model without its classification layer, at work on each frame by itself.

    Args:
        name: of the model.
        image_size: S.
        dry_run: find out by computing, without values, that it reads frames of that size; without it D is
            what the classification layer reads, which is known at once.

    Attributes:
        network: (N, 3, S, S) -> (N, D).
        feature_dim: D.
        image_size: S, side of the frames in pixels.
        sees_whole_clip: whether a frame's features depend on the other frames of its clip.
    """

    sees_whole_clip = False

    def __init__(self, name: str, image_size: int, *, dry_run: bool = True) -> None:
        super().__init__()
        full = build_full(name, image_size)
        read_dim = classification_input_dim(full)
        # channels-last convolutions took 1/10 to 4/10 off the time on CPU
        self.network = cut(full).to(memory_format=torch.channels_last)
        self.image_size = image_size
        self.feature_dim = _output_dim(self.network, name, image_size) if dry_run else read_dim

    def pixels(self, clips: Tensor) -> Tensor:
        """What it reads of uint8 clips (B, T, S, S, 3): float (B, T, 3, S, S) in 0 .. 255, channels last."""
        return clips.permute(0, 1, 4, 2, 3).float()

    def forward(self, clips: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Features of each frame; padding never enters the network, so BatchNorm never sees it.

        Args:
            clips: (B, T, 3, S, S) float, normalised.
            lengths: (B,) valid frames; None: all.

        Returns:
            frame_features (B, T, D), zero on padding.
        """
        B, T = clips.shape[:2]
        lengths = resolve_lengths(lengths, batch_size=B, num_frames=T, device=clips.device)
        mask = valid_mask(lengths, T)
        frames = clips[mask].contiguous(memory_format=torch.channels_last)  # (N, 3, S, S)
        features: Tensor = self.network(frames)  # (N, D)
        return features.new_zeros(B, T, self.feature_dim).masked_scatter(mask[:, :, None], features)

    def reordered(self, features: Tensor, order: Tensor) -> Tensor:
        """Features (B, T, D) of clips with their frames in another order (T,), from those in the first."""
        return features[:, order]


Backbone = FrameBackbone | TinyBackbone | GivenFeatures


def build_backbone(
    name: str, *, image_size: int, dry_run: bool = True, feature_dim: int | None = None
) -> Backbone:
    """The backbone of that name with random weights, for frames of `image_size` pixels.

    Args:
        name: `tiny`, `given`, or a classification model of torchvision.
        image_size: S.
        dry_run: see `FrameBackbone`; a model that was trained needs none.
        feature_dim: D of `given`, which cannot tell by itself.

    Raises:
        UsageError: an unknown name (with the closest known ones), or a size that it cannot read.
    """
    check_backbone_name(name)
    if name == GIVEN:
        if feature_dim is None:
            raise UsageError(
                f"the backbone {GIVEN} is for features given directly: give an .npz file of features, or "
                "another --backbone."
            )
        return GivenFeatures(feature_dim)
    return TinyBackbone() if name == TINY else FrameBackbone(name, image_size, dry_run=dry_run)


def backbone_feature_dim(name: str, *, image_size: int) -> int:
    """D of a backbone, without drawing its weights."""
    with SkipInit():
        return build_backbone(name, image_size=image_size).feature_dim


def _output_dim(network: nn.Module, name: str, image_size: int) -> int:
    """Width of the network's output, by a dry run that computes shapes only (on the meta device)."""
    state = {key: value.to("meta") for key, value in network.state_dict(keep_vars=True).items()}
    training = network.training
    network.eval()
    try:
        with torch.no_grad():
            output = functional_call(network, state, torch.empty(1, 3, image_size, image_size, device="meta"))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise UsageError(
            f"{name} cannot read frames of {image_size} px ({str(error).splitlines()[0]}); preprocess with "
            "--image-size 224, or choose another --backbone."
        ) from error
    finally:
        network.train(training)
    if output.ndim != 2:
        raise UsageError(f"{name} gives features of shape {tuple(output.shape)}, not (N, D); choose another.")
    return int(output.shape[1])
