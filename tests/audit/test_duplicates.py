"""Copies: found through re-encoding, rescaling, cropping, shifting and light; like scenes are no copies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.audit.duplicates import find_identical, find_near
from pipeline.audit.examine import examine
from pipeline.audit.fingerprint import Fingerprint, fingerprint
from pipeline.clips.clip import Clip
from scripts.made_up_sets import Copy, Family, make_sets
from tests.helpers.stores import make_store


def clip(clip_id: str, **changes: object) -> Clip:
    values = {
        "id": clip_id, "path": f"{clip_id}.mp4", "label": "a", "split": "train", "group": clip_id,
        "status": "ok", "sha256": clip_id, "frames_sha256": clip_id,
    }  # fmt: skip
    return Clip(**(values | changes))  # type: ignore[arg-type]


def test_identical_bytes_then_identical_pixels() -> None:
    clips = [
        clip("a", sha256="1", frames_sha256="p"),
        clip("b", sha256="1", frames_sha256="p", split="test"),
        clip("c", sha256="2", frames_sha256="p", label="b"),
        clip("d", sha256="3", frames_sha256="q"),
        clip("e", sha256="3", frames_sha256="r", start_seconds=2.0),  # another part of the same video
    ]
    found = find_identical(clips)
    assert [(it.kind, [c.id for c in it.clips]) for it in found] == [
        ("bytes", ["a", "b"]),
        ("pixels", ["a", "b", "c"]),
    ]
    assert found[0].splits == ("train", "test")
    assert found[1].labels == ("a", "b")


def test_the_same_window_of_two_ranges_of_one_file_is_no_copy() -> None:
    same = {"path": "v.mp4", "sha256": "x", "start_seconds": 0.0, "end_seconds": 1.0, "frames_sha256": "y"}
    assert find_identical([clip("one", **same), clip("two", **same)]) == ()
    (found,) = find_identical([clip("one", **same), clip("two", **{**same, "path": "w.mp4"})])
    assert found.kind == "bytes"


@pytest.mark.parametrize(
    ("seed", "family", "copy"),
    [(0, "blobs", "re-encoded"), (29, "blobs", "all of it"), (9, "crates", "shifted"),
     (1, "crates", "all of it"), (4, "meadows", "all of it")],
)  # fmt: skip
def test_a_changed_copy_is_found_and_nothing_else(
    tmp_path: Path, seed: int, family: Family, copy: Copy
) -> None:
    _, copied, _ = make_sets(tmp_path, family, seed, copy=copy, planted="length", per_class=(6, 9))
    seen = list(examine(copied.store, copied.store.usable()))
    found = find_near([it.clip for it in seen], [it.fingerprint for it in seen])
    assert len(found) == 1
    last = max(it.clip.id for it in seen)
    assert last in {c.id for c in found[0].clips}
    assert len(found[0].clips) == 2


def test_noise_of_one_class_is_no_copy(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    seen = list(examine(store, store.usable()))
    assert find_near([it.clip for it in seen], [it.fingerprint for it in seen]) == ()


def test_stills_must_look_all_but_the_same() -> None:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 255, (8, 8, 3), np.uint8)
    still = np.repeat(np.kron(coarse, np.ones((8, 8, 1), np.uint8))[None], 4, axis=0)
    other = np.clip(still.astype(int) + rng.integers(-40, 40, (64, 64, 1)), 0, 255).astype(np.uint8)
    other[:, :20] = 128
    again = np.clip(still.astype(int) + rng.integers(-2, 3, still.shape[1:]), 0, 255).astype(np.uint8)
    prints = [fingerprint(frames) for frames in (still, other, again)]
    (found,) = find_near([clip("a"), clip("b"), clip("c")], prints)
    assert [c.id for c in found.clips] == ["a", "c"]


def test_parts_of_one_video_are_no_copies() -> None:
    frames = np.random.default_rng(0).integers(0, 255, (4, 64, 64, 3), np.uint8)
    one = fingerprint(frames)
    parts = [clip("a", path="v.mp4"), clip("b", path="v.mp4", start_seconds=1.0)]
    assert find_near(parts, [one, one]) == ()
    assert len(find_near([parts[0], replace(parts[1], path="w.mp4")], [one, one])) == 1


def test_many_clips_in_several_blocks() -> None:
    """1,300 clips are three blocks; copies stand in different ones."""
    rng = np.random.default_rng(0)
    look = rng.normal(size=(1300, 126)).astype(np.float32)
    look[1250] = look[3] + 0.01
    look[700] = look[699]
    look /= np.linalg.norm(look, axis=1, keepdims=True)
    grey = rng.integers(0, 255, (1300, 2, 32, 32), np.uint8)
    grey[1250], grey[700] = grey[3], grey[699]
    prints = [
        Fingerprint(look=row, motion=row, motion_share=0.5, steady=pictures)
        for row, pictures in zip(look, grey, strict=True)
    ]
    found = find_near([clip(f"c{i:04d}") for i in range(1300)], prints)
    assert sorted([c.id for c in it.clips] for it in found) == [["c0003", "c1250"], ["c0699", "c0700"]]


def test_black_frames_and_one_frame_do_no_harm() -> None:
    black = fingerprint(np.zeros((3, 32, 32, 3), np.uint8))
    assert not black.look.any()
    assert black.motion_share == 0
    assert find_near([clip("a"), clip("b")], [black, black]) == ()
