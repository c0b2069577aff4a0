"""496 real clips against PyAV: index, time and the very frame."""

import csv
import random
from pathlib import Path

import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.worker import read_clips_isolated
from scripts.pyav_reference import wrong_frames

pytestmark = pytest.mark.needs_data

SPEC = ClipSpec(num_frames=12, image_size=96)


def wrong_clips(data: Path, names: list[str]) -> list[object]:
    wrong: list[object] = []
    paths = [data / name for name in names]
    for path, clip in read_clips_isolated(paths, SPEC, num_workers=2):
        if isinstance(clip, VideoError) or clip.damage:
            wrong.append((path, clip))
            continue
        sentences = wrong_frames(
            Path(str(path)),
            SPEC,
            frames=clip.frames,
            indices=clip.frame_indices,
            times_seconds=clip.frame_times_seconds,
            num_frames=clip.num_frames,
        )
        wrong += [(path, sentence) for sentence in sentences]
    return wrong


@pytest.fixture(scope="module")
def names(data_folder: Path) -> list[str]:
    with (data_folder / "tank_state.csv").open(encoding="utf-8", newline="") as file:
        return [row["path"] for row in csv.DictReader(file)]


def test_a_handful(data_folder: Path, names: list[str]) -> None:
    assert len(names) == 496
    assert wrong_clips(data_folder, random.Random(0).sample(names, 12)) == []


@pytest.mark.slow
def test_all_of_them(data_folder: Path, names: list[str]) -> None:
    assert wrong_clips(data_folder, names) == []
