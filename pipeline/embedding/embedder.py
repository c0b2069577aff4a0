"""The backbone at work: one clip in, its frame features out.

Every feature in Clipwise comes from `Embedder.embed`, one clip at a time: results of torch depend in their
last bits on the batch they are computed in, and the features of `evaluate` and `classify` must be equal to
the bit.
"""

import hashlib
import json
from typing import Any

import numpy as np
import torch

from pipeline.model.classifier import ClipClassifier
from pipeline.model.weights import weights_digest


class Embedder:
    """Embeds clips with a classifier's backbone, in float32.

    Args:
        classifier: its backbone is put into eval mode and moved to `device`.
        device: where the backbone runs.
    """

    def __init__(self, classifier: ClipClassifier, *, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._classifier = classifier.eval().to(self.device)
        # Convolutions on CPU are up to 1.8 times faster with channels last (README, speed of backbones).
        self._classifier.backbone.to(memory_format=torch.channels_last)

    @property
    def feature_dim(self) -> int:
        """D, the width of a frame's features."""
        return int(self._classifier.backbone.feature_dim)

    @property
    def embeds_frames_alone(self) -> bool:
        """Whether a frame's features depend on that frame only, not on the rest of its clip."""
        return not self._classifier.backbone.sees_whole_clip

    @property
    def runtime(self) -> str:
        """What computes the features: they are equal to the bit only where this is equal."""
        threads = torch.get_num_threads()
        cpu = f"cpu, {threads} thread{'s' if threads > 1 else ''}"
        where = cpu if self.device.type == "cpu" else str(self.device)
        return f"torch {torch.__version__}, {where}"

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """Features of one clip.

        Args:
            frames: (T, S, S, 3) uint8 RGB.

        Returns:
            (T, D) float32.
        """
        clip = torch.from_numpy(np.array(frames))[None].to(
            self.device
        )  # (1, T, S, S, 3); a copy: may be mapped
        with torch.inference_mode():
            features = self._classifier.embed(clip)
        return features[0].float().cpu().numpy()

    def reordered(self, features: np.ndarray, order: np.ndarray) -> np.ndarray:
        """Features (T, D) of a clip whose frames stand in another order (T,), from those in the first."""
        with torch.inference_mode():
            first = torch.from_numpy(features)[None].to(self.device)
            again: torch.Tensor = self._classifier.backbone.reordered(first, torch.from_numpy(order))
        return again[0].cpu().numpy()

    def key(self) -> str:
        """Names everything that could change a feature: backbone, weights, normalisation, runtime."""
        config = self._classifier.config
        described: dict[str, Any] = {
            "backbone": config.backbone,
            "weights": weights_digest(self._classifier.backbone),
            "mean": list(config.mean_rgb),
            "std": list(config.std_rgb),
            "image_size": config.image_size,
            "runtime": self.runtime,
            "dtype": "float32",
        }
        text = json.dumps(described, sort_keys=True)
        return f"{config.backbone}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
