"""The backbone at work: one clip in, its frame features out.

Every feature in Clipwise comes from an `Embedder`, one clip at a time: the features of `evaluate` and
`classify` must be equal to the bit.
"""

import contextlib
import hashlib
import platform
from collections.abc import Generator, Iterable
from typing import Any

import numpy as np
import torch

from pipeline.embedding.onnx_export import require_packages
from pipeline.embedding.onnx_graph import graph_of
from pipeline.embedding.onnx_runtime import OnnxRuntime
from pipeline.embedding.runtime import NoRuntime, Read, Runtime, RuntimeName, TorchRuntime
from pipeline.errors import MachineError, UsageError
from pipeline.files import json_text
from pipeline.model.classifier import ClipClassifier
from pipeline.model.given import GivenFeatures
from pipeline.model.weights import weights_digest

_LAYOUT = 2  # of the cache: another one makes other folders


class Embedder:
    """Embeds clips with a classifier's backbone.

    Args:
        classifier: its backbone is put into eval mode and moved to `device`. ONNX Runtime computes with the
            weights that it has now; torch with those it has then.
        device: where the backbone runs.
        runtime: `torch`; `onnx`: ONNX Runtime, on the CPU only, and only for backbones that look at each
            frame alone; `auto`: ONNX Runtime where it can be used, else torch. Frozen, fine-tuned, one clip
            or many: the same rule, so that one machine gives one answer.

    Attributes:
        fallback: why `auto` uses torch where ONNX Runtime would be faster; empty if there is no such reason.

    Raises:
        UsageError: `onnx` was asked for where it cannot be.
        MachineError: `onnx` was asked for and does not work on this machine.
    """

    def __init__(
        self,
        classifier: ClipClassifier,
        *,
        device: torch.device | str = "cpu",
        runtime: RuntimeName = "auto",
    ) -> None:
        self.device = torch.device(device)
        self.fallback = ""
        self._classifier = classifier
        self._exported_weights = ""
        is_possible = self.device.type == "cpu" and self.embeds_frames_alone and not self.takes_features
        if runtime == "onnx" and not is_possible:
            _refuse_onnx(classifier, self.device)
        self._runtime: Runtime = TorchRuntime(classifier, self.device)
        if self.takes_features:
            self._runtime = NoRuntime(classifier)
        if runtime != "torch" and is_possible:
            try:
                require_packages()
                self._runtime = OnnxRuntime(graph_of(classifier))
                self._exported_weights = weights_digest(classifier.backbone)
            except MachineError as error:
                if runtime == "onnx":
                    raise
                self.fallback = str(error)

    @property
    def feature_dim(self) -> int:
        """D, the width of a frame's features."""
        return int(self._classifier.backbone.feature_dim)

    @property
    def embeds_frames_alone(self) -> bool:
        """Whether a frame's features depend on that frame only, not on the rest of its clip."""
        return not self._classifier.backbone.sees_whole_clip

    @property
    def takes_features(self) -> bool:
        """Whether features are given directly: there is nothing to embed, and `embed` refuses frames."""
        return isinstance(self._classifier.backbone, GivenFeatures)

    @property
    def runtime(self) -> str:
        """What computes the features: they are equal to the bit only where this is equal."""
        return self._runtime.description

    @property
    def runtime_words(self) -> str:
        """The same for a person: also why it is not the faster one, where there is a reason."""
        return f"{self.runtime} (slower than it could be: {self.fallback})" if self.fallback else self.runtime

    @property
    def stored_dtype(self) -> "np.dtype[Any]":
        """What holds the features without loss: half floats where the model rounds to them."""
        return np.dtype(self._classifier.config.precision)

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """Features of one clip.

        Args:
            frames: (T, S, S, 3) uint8 RGB.

        Returns:
            (T, D) float32, rounded to half floats where the model's precision is float16.

        Raises:
            UsageError: features that half floats cannot hold.
        """
        return self._rounded(self._runtime.embed(frames))

    def embed_each(self, reads: Iterable[Read]) -> Generator[np.ndarray, None, None]:
        """The same for many clips, in their order; each read gives the frames of one, perhaps in a thread.

        Results are equal to the bit to those of `embed`. Close it to end it early.
        """
        with contextlib.closing(self._runtime.embed_each(reads)) as results:
            for features in results:
                yield self._rounded(features)

    def reordered(self, features: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Features (T, D) of a clip whose frames stand in another order (T,), from those in the first."""
        with torch.inference_mode():
            first = torch.from_numpy(features)[None].to(self.device)
            again: torch.Tensor = self._classifier.backbone.reordered(first, torch.from_numpy(order))
        return self._rounded(again[0].cpu().numpy())

    @property
    def weights_digest(self) -> str:
        """Of the backbone, as it was loaded."""
        return self._exported_weights or weights_digest(self._classifier.backbone)

    def describe(self) -> dict[str, Any]:
        """Everything that could change a feature: backbone, weights, normalisation, runtime, precision."""
        config = self._classifier.config
        return {
            "backbone": config.backbone,
            "weights": self.weights_digest,
            "mean": list(config.mean_rgb),
            "std": list(config.std_rgb),
            "image_size": config.image_size,
            "runtime": self.runtime,
            "instructions": f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}",
            "precision": config.precision,
            "layout": _LAYOUT,
        }

    def key(self) -> str:
        """Names what `describe` says, for a folder."""
        digest = hashlib.sha256(json_text(self.describe()).encode()).hexdigest()
        return f"{self._classifier.config.backbone}-{digest[:16]}"

    def _rounded(self, features: np.ndarray) -> np.ndarray:
        if self.stored_dtype == np.float32:
            return features
        with np.errstate(over="ignore"):  # seen below
            half = features.astype(np.float16)
        if not np.isfinite(half).all():
            raise UsageError(
                f"features of {self._classifier.config.backbone} reach {np.abs(features).max():.3g}, which "
                "half floats cannot hold (65504 at most); train with --precision float32."
            )
        return half.astype(np.float32)


def _refuse_onnx(classifier: ClipClassifier, device: torch.device) -> None:
    if device.type != "cpu":
        raise UsageError(f"--runtime onnx computes on the CPU, not on {device}; add --device cpu.")
    if isinstance(classifier.backbone, GivenFeatures):
        raise UsageError("--runtime onnx embeds frames, and features are given here: leave it out.")
    raise UsageError(
        f"--runtime onnx takes backbones that look at each frame alone, which {classifier.config.backbone} "
        "does not; leave it out."
    )
