"""What computes features: torch, or ONNX Runtime on a CPU."""

import contextlib
from collections.abc import Callable, Generator, Iterable
from typing import Literal, Protocol

import numpy as np
import torch

from pipeline.embedding.ahead import in_order
from pipeline.errors import CheckpointError
from pipeline.model.classifier import ClipClassifier
from pipeline.model.given import takes_features_words
from pipeline.model.threads import on_threads

RuntimeName = Literal["auto", "torch", "onnx"]

Read = Callable[[], np.ndarray]
"""Gives the frames (T, S, S, 3) uint8 RGB of a clip."""


class Runtime(Protocol):
    """Computes the features of clips, each by itself."""

    @property
    def description(self) -> str:
        """What computes: features are equal to the bit only where this is equal, on one machine."""

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """Features (T, D) float32 of one clip's frames (T, S, S, 3) uint8 RGB."""

    def embed_each(self, reads: Iterable[Read]) -> Generator[np.ndarray, None, None]:
        """The same for many clips, in their order; they are read ahead."""


class TorchRuntime:
    """The backbone as torch runs it, one clip at a time.

    Results of torch depend in their last bits on the batch they are computed in, and on the number of
    threads, which stays what it is now.

    On a CUDA GPU it runs channels last, in float32 proper (no TF32), or under float16 autocast where features
    are rounded to half floats anyway. None of that was measured, for want of a GPU. bfloat16 is no choice: as
    the CPU computes it, features of `mobilenet_v2` were off by 3 % of the largest (median of 59 clips), which
    moved a probability by .17, and a GPU must stay within 1e-3 of the CPU.

    Args:
        classifier: moved to the device, and put into eval mode.
        device: where it runs.
    """

    def __init__(self, classifier: ClipClassifier, device: torch.device) -> None:
        self._classifier = classifier.eval().to(device)
        self._device = device
        self._num_threads = torch.get_num_threads()
        # Convolutions on CPU are up to 1.8 times faster with channels last (README, speed of backbones).
        self._classifier.backbone.to(memory_format=torch.channels_last)
        self._half = device.type == "cuda" and classifier.config.precision == "float16"

    @property
    def description(self) -> str:
        """Version, device and, on a CPU, the number of threads."""
        threads = self._num_threads
        cpu = f"cpu, {threads} thread{'s' if threads > 1 else ''}"
        where = cpu if self._device.type == "cpu" else str(self._device)
        return f"torch {torch.__version__}, {where}{', float16' if self._half else ''}"

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """Features (T, D) float32 of one clip's frames (T, S, S, 3) uint8 RGB."""
        clip = torch.from_numpy(np.array(frames))[None].to(self._device)  # a copy: may be mapped
        with (
            torch.inference_mode(),
            on_threads(self._num_threads),
            torch.autocast(self._device.type, torch.float16, enabled=self._half),
            torch.backends.cudnn.flags(allow_tf32=False),
        ):
            features = self._classifier.embed(clip)  # (1, T, D)
        return np.asarray(features[0].float().cpu().numpy())

    def embed_each(self, reads: Iterable[Read]) -> Generator[np.ndarray, None, None]:
        """The same for many clips, in their order, while a thread reads the next ones."""
        with contextlib.closing(in_order(reads, num_threads=1)) as clips:
            for frames in clips:
                yield self.embed(frames)


class NoRuntime:
    """For features that are given directly: there is nothing to compute.

    Args:
        classifier: put into eval mode; refuses frames.
    """

    description = "no backbone: features as they are given"

    def __init__(self, classifier: ClipClassifier) -> None:
        self._classifier = classifier.eval()

    def embed(self, frames: np.ndarray) -> np.ndarray:
        """Refuses frames (CheckpointError)."""
        raise CheckpointError(takes_features_words("This model", int(self._classifier.backbone.feature_dim)))

    def embed_each(self, reads: Iterable[Read]) -> Generator[np.ndarray, None, None]:
        """Refuses the first of them (CheckpointError)."""
        for read in reads:
            yield self.embed(read())
