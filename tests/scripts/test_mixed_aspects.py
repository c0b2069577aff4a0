"""Videos of mixed aspect ratios: their shapes, and that the class is in the proportions alone."""

import csv
from pathlib import Path

import av
import numpy as np
import pytest

from scripts.mixed_aspects import ASPECTS_WH, SHAPES, main
from tests.helpers.videos import read_number, write_numbered_video


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in video.decode(video=0)]


def proportions(path: Path) -> float:
    """Width by height of the one thing of a single colour that moves."""
    first, *_, last = frames_of(path)
    moved = np.abs(first - last).max(axis=2) > 40
    colours, counts = np.unique(first[moved] // 16, axis=0, return_counts=True)
    colour = colours[counts.argmax()] * 16 + 8
    thing = np.abs(first - colour).max(axis=2) < 24
    rows, columns = thing.sum(axis=1), thing.sum(axis=0)
    return float(columns.astype(bool).sum() / rows.astype(bool).sum()) if thing.any() else float("nan")


def test_the_class_is_in_the_proportions_of_what_moves(tmp_path: Path) -> None:
    main(["shapes", str(tmp_path), "--clips-per-class", "6", "--seed", "1"])
    found = {
        label: float(np.median([proportions(path) for path in sorted((tmp_path / label).iterdir())]))
        for label in SHAPES
    }
    for label, ratio in SHAPES.items():
        assert found[label] == pytest.approx(ratio, rel=0.2)
    sizes = {frames_of(path)[0].shape for path in tmp_path.rglob("*.mp4")}
    assert len(sizes) >= 4


def test_stretched_videos_show_the_same_frames_in_another_shape(tmp_path: Path) -> None:
    rows = []
    for number in range(8):
        name = f"{'ab'[number % 2]}/{number}.avi"
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_numbered_video(tmp_path / name, 12)
        rows.append([name, "ab"[number % 2], "train", "camera"])
    with (tmp_path / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label", "split", "camera"], *rows])
    assert main(["stretch", str(tmp_path / "list.csv"), str(tmp_path / "out"), "--seed", "3"]) == 0
    with (tmp_path / "out" / "list.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    assert [row["label"] for row in listed] == [row[1] for row in rows]
    shapes = set()
    for row in listed:
        frames = frames_of(tmp_path / "out" / row["path"])
        height, width = frames[0].shape[:2]
        shapes.add(min(ASPECTS_WH, key=lambda wh: abs(wh[0] / wh[1] - width / height)))
        assert [read_number(frame.astype(np.uint8), size_wh=(width, height)) for frame in frames] == list(
            range(12)
        )
    assert len(shapes) >= 3
