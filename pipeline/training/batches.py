"""Labelled clips in batches: as cached features, or as pixels from the store."""

from collections.abc import Sequence

import numpy as np
import torch

from pipeline.clips.store import Clip, ClipStore
from pipeline.labels import Labels
from pipeline.training.augmentation import ClipAugmentation


def class_indices_of(clips: Sequence[Clip], labels: Labels) -> np.ndarray:
    """The clips' labels as class indices (N,) int64."""
    return np.array([labels.index(clip.label) for clip in clips], dtype=np.int64)


class FeatureBatches:
    """Clips as the features of a frozen backbone, held in memory.

    Args:
        features: (N, T, D) float32.
        class_indices: (N,) int64.
    """

    def __init__(self, features: np.ndarray, class_indices: np.ndarray) -> None:
        self.features = torch.from_numpy(features)
        self.class_indices = class_indices

    def inputs(self, rows: Sequence[int], *, epoch: int | None) -> torch.Tensor:
        """Features (B, T, D); there is nothing random about them."""
        del epoch
        return self.features[torch.as_tensor(rows)]


class PixelBatches:
    """Clips as uint8 frames, read from the store's memory-mapped files.

    Args:
        store: where the frames are.
        clips: which clips.
        labels: of the model.
        augmentation: applied to training batches; None for none.
    """

    def __init__(
        self,
        store: ClipStore,
        clips: Sequence[Clip],
        labels: Labels,
        *,
        augmentation: ClipAugmentation | None = None,
    ) -> None:
        self._store = store
        self._clips = clips
        self._augmentation = augmentation
        self.class_indices = class_indices_of(clips, labels)

    def inputs(self, rows: Sequence[int], *, epoch: int | None) -> torch.Tensor:
        """Frames (B, T, S, S, 3) uint8; in training augmented, each clip by what epoch and row seed."""
        batch = []
        for row in rows:
            frames = np.array(self._store.frames(self._clips[row]))  # (T, S, S, 3), a copy
            if epoch is not None and self._augmentation is not None:
                frames = self._augmentation(frames, epoch=epoch, row=row)
            batch.append(torch.from_numpy(frames))
        return torch.stack(batch)
