"""The benchmark of timelines: recordings show what they say, scores are those of the definition."""

from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.inference.segment import Segment
from scripts.bench_timeline import score
from scripts.make_recording import FRAME_RATE, LABELS, Stretch, make_clips, make_recording, read_truth


def stretch(start: float, end: float, label: str) -> Stretch:
    return Stretch(start_seconds=start, end_seconds=end, label=label)


def found(start: float, end: float, label: str, *, unsure: bool = False) -> Segment:
    return Segment(start_seconds=start, end_seconds=end, label=label, unsure=unsure)


def test_scores_are_those_of_the_definition() -> None:
    truth = [stretch(0, 10, "a"), stretch(10, 20, "b"), stretch(20, 30, "a")]
    right = score([found(0, 10.5, "a"), found(10.5, 19, "b"), found(19, 30, "a")], truth, 0.5)
    assert right.f1 == 1
    assert right.boundary_strides.tolist() == [1, 2]
    merged = score([found(0, 30, "a")], truth, 0.5)
    assert merged.f1 == 0  # a third of it is each: less than half of the union
    assert np.isinf(merged.boundary_strides).all()
    unsure = score([found(0, 10, "a"), found(10, 20, "b", unsure=True), found(20, 30, "a")], truth, 0.5)
    assert unsure.f1 == pytest.approx(2 * 2 / (2 + 3))


def test_a_recording_is_as_long_as_its_table_and_a_seed_decides_it(tmp_path: Path) -> None:
    stretches = make_recording(tmp_path / "r.mp4", minutes=0.3, seed=3)
    assert read_truth(tmp_path / "r.mp4") == stretches
    assert stretches[-1].end_seconds == pytest.approx(18)
    assert {each.label for each in stretches} <= set(LABELS)
    with av.open(str(tmp_path / "r.mp4")) as file:
        assert sum(1 for _ in file.decode(video=0)) == 18 * FRAME_RATE
    make_recording(tmp_path / "again.mp4", minutes=0.3, seed=3)
    assert (tmp_path / "again.mp4").read_bytes() == (tmp_path / "r.mp4").read_bytes()


def test_clips_lie_in_folders_of_their_class(tmp_path: Path) -> None:
    make_clips(tmp_path, clips_per_class=1, seed=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(LABELS)
    assert all(len(list((tmp_path / label).iterdir())) == 1 for label in LABELS)
