"""Small files of features: sequences in which the class is easy to see, whole or padded."""

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.training.options import TrainOptions

QUICK = TrainOptions(epochs=3, batch_size=16, lstm_dim=8, attention_dim=4)
LABELS = ("left", "right", "가")


def make_sequences(
    num_clips: int = 60, num_steps: int = 6, width: int = 5, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, T, D) float32 and labels (N,): each class has a column of its own."""
    random = np.random.default_rng(seed)
    classes = np.arange(num_clips) % len(LABELS)
    features = random.normal(size=(num_clips, num_steps, width))
    features[np.arange(num_clips), :, classes] += 2
    return features.astype(np.float32), np.array(LABELS)[classes]


def make_lengths(num_clips: int, num_steps: int, *, seed: int = 1) -> np.ndarray:
    """Lengths (N,) of all sizes, 1 among them."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, num_steps + 1, num_clips)
    lengths[:2] = 1, num_steps
    return np.asarray(lengths)


def write_features(path: Path, *, num_clips: int = 60, **given: Any) -> Path:
    """Writes a file; what is given comes before X, y of `make_sequences`."""
    features, labels = make_sequences(num_clips)
    arrays = {"X": features, "y": labels, **given}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    return path
