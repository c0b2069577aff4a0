"""The made-up families of the benchmark of heads: their classes are told by what is drawn, by seed."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.spec import ClipSpec
from pipeline.video.reader import read_clip
from scripts.order_videos import FAMILIES, main

SPEC = ClipSpec(num_frames=12, image_size=64)


def clips_of(folder: Path, label: str) -> list[np.ndarray]:
    return [read_clip(path, SPEC).frames.astype(float) for path in sorted((folder / label).iterdir())]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_class_has_its_videos_and_the_seed_decides_them(family: str, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert main([str(tmp_path / name), "--family", family, "--clips-per-class", "2", "--seed", "3"]) == 0
    for label in FAMILIES[family]:
        first, second = (sorted((tmp_path / name / label).iterdir()) for name in ("one", "two"))
        assert len(first) == 2
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(FAMILIES[family])


def test_light_swells_before_it_ebbs_and_the_other_way_round(tmp_path: Path) -> None:
    main([str(tmp_path), "--family", "swells", "--clips-per-class", "2"])
    for label, sign in (("brighter_first", 1), ("darker_first", -1)):
        for frames in clips_of(tmp_path, label):
            light = frames.mean(axis=(1, 2, 3))
            assert sign * (light[:6].mean() - light[6:].mean()) > 5


def test_things_go_where_their_class_says(tmp_path: Path) -> None:
    main([str(tmp_path), "--family", "slides", "--clips-per-class", "3"])
    for label, sign in (("right", 1), ("left", -1)):
        for frames in clips_of(tmp_path, label):
            moving = cv2.GaussianBlur(np.abs(frames - np.median(frames, axis=0)).mean(axis=3)[0], (5, 5), 0)
            last = cv2.GaussianBlur(np.abs(frames - np.median(frames, axis=0)).mean(axis=3)[-1], (5, 5), 0)
            start, end = (np.unravel_index(picture.argmax(), picture.shape)[1] for picture in (moving, last))
            assert sign * (int(end) - int(start)) > 10
