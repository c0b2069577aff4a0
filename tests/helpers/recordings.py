"""Recordings that a small model can tell apart in seconds: dark, light, or red, with noise."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from pipeline.clips.preprocess import preprocess
from pipeline.spec import ClipSpec
from pipeline.training.options import TrainOptions
from pipeline.training.run import train

RATE = 10
SIZE_WH = (32, 24)
SPEC = ClipSpec(num_frames=4, image_size=32)
COLOURS_BGR = {"dark": (40, 40, 40), "light": (190, 190, 190), "red": (40, 40, 190)}
OPTIONS = TrainOptions(
    backbone="tiny",
    weights="none",
    epochs=30,
    batch_size=4,
    learning_rate=0.004,
    lstm_dim=8,
    attention_dim=4,
    augment=False,
)


def write_recording(path: Path, stretches: Sequence[tuple[str, int]], *, seed: int = 0) -> Path:
    """A lossless video (.avi, .mkv) of so many frames of each label."""
    rng = np.random.default_rng(seed)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), RATE, SIZE_WH)
    assert writer.isOpened(), path
    for label, count in stretches:
        for _ in range(count):
            noise = rng.integers(-30, 31, (SIZE_WH[1], SIZE_WH[0], 3))
            writer.write(np.clip(np.array(COLOURS_BGR[label]) + noise, 0, 255).astype(np.uint8))
    writer.release()
    return path


def make_recordings_run(folder: Path, *, per_class: int = 10) -> Path:
    """A model of these labels, trained on clips of 2 s: folder/run."""
    for number in range(per_class):
        for class_index, label in enumerate(COLOURS_BGR):
            (folder / "videos" / label).mkdir(parents=True, exist_ok=True)
            path = folder / "videos" / label / f"{label} {number}.avi"
            write_recording(path, [(label, 2 * RATE)], seed=10 * number + class_index)
    preprocess(folder / "videos", folder / "clips", spec=SPEC, num_workers=1, show_progress=False)
    train(folder / "clips", folder / "run", OPTIONS, device=torch.device("cpu"))
    return folder / "run"
