"""A folder of frame images as a video."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.images import frame_images, natural_key
from pipeline.video.reader import read_clip
from tests.helpers.videos import numbered_frame, read_numbers

SPEC = ClipSpec(num_frames=4, image_size=64)


def write_images(folder: Path, names: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        encoded = cv2.imencode(Path(name).suffix, numbered_frame(number)[:, :, ::-1])[1]
        (folder / name).write_bytes(encoded.tobytes())
    return folder


def test_natural_order() -> None:
    names = ["f10.png", "f2.png", "f1.png", "g.png", "a3.png", "f02.png"]
    assert sorted(names, key=natural_key) == ["a3.png", "f1.png", "f02.png", "f2.png", "f10.png", "g.png"]
    assert sorted(["10", "9", "x", "²"], key=natural_key)[:2] == ["9", "10"]


def test_a_folder_reads_like_a_video(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "frames", [f"frame_{i}.png" for i in range(12)])
    (folder / "notes.txt").write_text("no frame")
    (folder / ".hidden.png").write_bytes(b"no frame")
    (folder / "sub.png").mkdir()
    assert len(frame_images(folder)) == 12
    clip = read_clip(folder, SPEC, frame_rate=10)
    assert clip.frame_indices == (1, 4, 7, 10)  # 1.5, 4.5, 7.5, 10.5
    assert read_numbers(clip.frames, size_wh=(64, 48)) == clip.frame_indices
    assert clip.frame_times_seconds == pytest.approx((0.1, 0.4, 0.7, 1.0))
    assert (clip.num_frames, clip.frame_rate, clip.width, clip.height) == (12, 10, 64, 48)
    assert clip.duration_seconds == pytest.approx(1.2)
    ranged = read_clip(os.fsencode(folder), SPEC, frame_rate=10, start_seconds=0.4, end_seconds=0.8)
    assert ranged.frame_indices == (4, 5, 6, 7)


def test_names_that_are_not_utf8(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"fr\xe9mes")
    folder.mkdir()
    content = cv2.imencode(".png", numbered_frame(3)[:, :, ::-1])[1].tobytes()
    (folder / os.fsdecode(b"\xff.png")).write_bytes(content)
    for path in (folder, os.fsencode(folder)):
        assert read_numbers(read_clip(path, SPEC, frame_rate=1).frames, size_wh=(64, 48)) == (3, 3, 3, 3)


def test_failures_name_the_image(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "frames", [f"{i}.jpg" for i in range(4)])
    (folder / "2.jpg").write_bytes(b"no image")
    with pytest.raises(VideoError, match=r"frame image 2\.jpg: cannot be decoded"):
        read_clip(folder, SPEC, frame_rate=5)
    (folder / "2.jpg").write_bytes(b"")
    with pytest.raises(VideoError, match=r"frame image 2\.jpg: the file is empty"):
        read_clip(folder, SPEC, frame_rate=5)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(VideoError, match="without frame images"):
        read_clip(empty, SPEC, frame_rate=5)
    with pytest.raises(VideoError, match="frame_rate is 0"):
        read_clip(folder, SPEC, frame_rate=0)
    with pytest.raises(VideoError, match="is a folder, not a regular file"):
        read_clip(folder, SPEC)


def test_images_of_different_sizes_are_fitted_each(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for i, size_wh in enumerate([(64, 48), (128, 96)]):
        content = cv2.imencode(".png", numbered_frame(i, size_wh=size_wh)[:, :, ::-1])[1]
        (folder / f"{i}.png").write_bytes(content.tobytes())
    clip = read_clip(folder, ClipSpec(num_frames=2, image_size=64), frame_rate=5)
    assert read_numbers(clip.frames, size_wh=(64, 48)) == (0, 1)
    np.testing.assert_array_equal(clip.frames[0, 8:56], numbered_frame(0))
