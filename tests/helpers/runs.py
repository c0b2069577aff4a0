"""A trained model in seconds: a small `tiny` classifier on real, small videos with numbers drawn in."""

from pathlib import Path

import torch

from pipeline.clips.preprocess import preprocess
from pipeline.spec import ClipSpec
from pipeline.training.options import TrainOptions
from pipeline.training.run import train
from pipeline.training.run_folder import RunResult
from tests.helpers.videos import write_numbered_video

QUICK = TrainOptions(
    backbone="tiny", weights="none", epochs=2, batch_size=8, lstm_dim=8, attention_dim=4, augment=False
)
SPEC = ClipSpec(num_frames=4, image_size=32)


def make_videos(folder: Path, *, labels: tuple[str, ...] = ("tall", "wide"), per_class: int = 8) -> Path:
    """Videos in class folders, of another shape and another length each."""
    for class_index, label in enumerate(labels):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            write_numbered_video(
                folder / label / f"{label} {number}.avi",
                num_frames=8 + number,
                size_wh=(32 + 32 * class_index, 48),
                frame_rate=10,
            )
    return folder


def make_run(folder: Path, *, labels: tuple[str, ...] = ("tall", "wide"), per_class: int = 8) -> RunResult:
    """Videos in folder/videos, a store in folder/clips, a run in folder/run."""
    videos = make_videos(folder / "videos", labels=labels, per_class=per_class)
    preprocess(videos, folder / "clips", spec=SPEC, num_workers=1, show_progress=False)
    return train(folder / "clips", folder / "run", QUICK, device=torch.device("cpu"))
