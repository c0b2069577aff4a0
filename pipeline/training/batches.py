"""Labelled clips in batches: as cached features, or as pixels from the store."""

from collections.abc import Sequence

import numpy as np
import torch

from pipeline.clips.store import Clip, ClipStore
from pipeline.labels import Labels
from pipeline.training.augmentation import ClipAugmentation

_JITTER = 0x0771E12  # sets these draws apart from others of the same seed


def class_indices_of(clips: Sequence[Clip], labels: Labels) -> np.ndarray:
    """The clips' labels as class indices (N,) int64."""
    return np.array([labels.index(clip.label) for clip in clips], dtype=np.int64)


def clip_name(clip: Clip) -> str:
    """A clip by its id, which `clipwise show` takes, and its video."""
    return f"{clip.id} ({clip.path})"


def jitter(num_frames: int, oversample: int, *, seed: int, epoch: int, row: int) -> np.ndarray:
    """Which of the frames stored for each segment a training clip takes: (T,) numbers below `oversample`.

    A draw depends only on the seed, the epoch and the clip, so that a resumed run repeats it.
    """
    return np.random.default_rng([_JITTER, seed, epoch, row]).integers(0, oversample, num_frames)


class FeatureBatches:
    """Clips as the features of a frozen backbone, held in memory.

    Args:
        features: (N, T, D) float32; or, to jitter in time, (N, T, m, D) of m frames for each segment.
        class_indices: (N,) int64.
        seed: of the jitter.
        names: of the clips, for messages.
    """

    def __init__(
        self,
        features: np.ndarray,
        class_indices: np.ndarray,
        *,
        seed: int = 0,
        names: Sequence[str] | None = None,
    ) -> None:
        self.features = torch.from_numpy(features)
        self.class_indices = class_indices
        self._seed = seed
        self._names = names

    def targets(self, rows: Sequence[int] | np.ndarray, *, epoch: int | None) -> np.ndarray:
        """The labels (B,) of these clips."""
        return self.class_indices[rows]

    def name(self, row: int) -> str:
        """What a person calls the clip."""
        return f"number {row}" if self._names is None else self._names[row]

    def inputs(self, rows: Sequence[int], *, epoch: int | None) -> torch.Tensor:
        """Features (B, T, D); jittered in training where there is a choice, else of the middle frames."""
        chosen = self.features[torch.as_tensor(rows)]
        if chosen.dim() == 3:
            return chosen
        _, T, m, _ = chosen.shape
        if epoch is None:
            return chosen[:, :, m // 2]
        picks = np.stack([jitter(T, m, seed=self._seed, epoch=epoch, row=row) for row in rows])
        return torch.take_along_dim(chosen, torch.from_numpy(picks)[:, :, None, None], dim=2)[:, :, 0]


class PixelBatches:
    """Clips as uint8 frames, read from the store's memory-mapped files.

    Args:
        store: where the frames are.
        clips: which clips.
        labels: of the model.
        augmentation: applied to training batches; None for none.
        seed: of the jitter in time, where the store has several frames for each segment.
        mirrored: (K,) the class that each class becomes when its clip is mirrored; None: itself.
    """

    def __init__(
        self,
        store: ClipStore,
        clips: Sequence[Clip],
        labels: Labels,
        *,
        augmentation: ClipAugmentation | None = None,
        seed: int = 0,
        mirrored: np.ndarray | None = None,
    ) -> None:
        self._store = store
        self._clips = clips
        self._augmentation = augmentation
        self._seed = seed
        self._mirrored = np.arange(len(labels)) if mirrored is None else mirrored
        self.class_indices = class_indices_of(clips, labels)

    def inputs(self, rows: Sequence[int], *, epoch: int | None) -> torch.Tensor:
        """Frames (B, T, S, S, 3) uint8; in training augmented, each clip by what epoch and row seed."""
        batch = []
        for row in rows:
            frames = self._frames(row, epoch)
            if epoch is not None and self._augmentation is not None:
                frames = self._augmentation(frames, epoch=epoch, row=row)
            batch.append(torch.from_numpy(frames))
        return torch.stack(batch)

    def targets(self, rows: Sequence[int] | np.ndarray, *, epoch: int | None) -> np.ndarray:
        """The labels (B,) of these clips, those of mirrored ones swapped."""
        targets = self.class_indices[rows]
        if epoch is None or self._augmentation is None:
            return targets
        flips = [self._augmentation.mirrors(epoch=epoch, row=int(row)) for row in rows]
        return np.where(flips, self._mirrored[targets], targets)

    def name(self, row: int) -> str:
        """What a person calls the clip."""
        return clip_name(self._clips[row])

    def _frames(self, row: int, epoch: int | None) -> np.ndarray:
        """A copy of a clip's frames (T, S, S, 3)."""
        m = self._store.oversample
        if epoch is None or m == 1:
            return np.array(self._store.frames(self._clips[row]))
        segments = self._store.segments(self._clips[row])
        T = len(segments)
        chosen: np.ndarray = segments[np.arange(T), jitter(T, m, seed=self._seed, epoch=epoch, row=row)]
        return chosen
