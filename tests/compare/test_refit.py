"""The same clips fitted another way: the same parts of the same videos, or a word on what is missing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.clips.preprocess import preprocess
from pipeline.clips.store import ClipStore
from pipeline.compare.refit import same_clips, stores_of_fits
from pipeline.errors import StoreError
from pipeline.spec import ClipSpec
from tests.helpers.runs import SPEC, make_videos
from tests.helpers.videos import write_numbered_video


@pytest.fixture
def store(tmp_path: Path) -> ClipStore:
    videos = make_videos(tmp_path / "videos", labels=("한 tall", "wide, b"), per_class=5)
    return preprocess(videos, tmp_path / "clips", spec=SPEC, num_workers=1).store


def quiet(_sentence: str) -> None:
    pass


def test_each_way_to_fit_has_the_same_clips(store: ClipStore, tmp_path: Path) -> None:
    clips = store.usable()
    stores = stores_of_fits(store, clips, tmp_path / "out", ["letterbox", "stretch", "crop"], say=quiet)
    assert stores["letterbox"] is store
    for fit in ("stretch", "crop"):
        made = stores[fit]
        assert made.spec == replace(store.spec, fit=fit)
        others = same_clips(clips, made)
        assert [clip.path for clip in others] == [clip.path for clip in clips]
        assert [clip.label for clip in others] == [clip.label for clip in clips]
        assert [clip.frame_indices for clip in others] == [clip.frame_indices for clip in clips]
        expected = preprocess(
            tmp_path / "videos", tmp_path / f"direct-{fit}", spec=made.spec, num_workers=1
        ).store
        by_path = {clip.path: clip for clip in expected.usable()}
        for clip in others:
            np.testing.assert_array_equal(made.frames(clip), expected.frames(by_path[clip.path]))


def test_windows_of_a_video_stay_the_windows_they_are(tmp_path: Path) -> None:
    from pipeline.clips.clip_rule import ClipRule

    videos = make_videos(tmp_path / "videos", per_class=3)
    for label in ("tall", "wide"):
        write_numbered_video(videos / label / "long.avi", 40, size_wh=(64, 48), frame_rate=10)
    rule = ClipRule(window_seconds=1.0, stride_seconds=0.5)
    made = preprocess(
        videos, tmp_path / "clips", spec=ClipSpec(num_frames=4, image_size=32), clip_rule=rule, num_workers=1
    ).store
    clips = made.usable()
    stretched = stores_of_fits(made, clips, tmp_path / "out", ["stretch"], say=quiet)["stretch"]
    assert len({clip.path for clip in clips}) < len(clips)
    for clip, other in zip(clips, same_clips(clips, stretched), strict=True):
        assert other.frame_indices == clip.frame_indices


def test_videos_that_are_gone_are_named(store: ClipStore, tmp_path: Path) -> None:
    gone = store.usable()[0].path
    (tmp_path / "videos" / gone).unlink()
    with pytest.raises(StoreError) as error:
        stores_of_fits(store, store.usable(), tmp_path / "out", ["crop"], say=quiet)
    assert gone in str(error.value)
    assert "1 of those" in str(error.value)
    assert error.value.exit_code == 4


def test_videos_that_were_changed_are_named(store: ClipStore, tmp_path: Path) -> None:
    clips = store.usable()
    changed = tmp_path / "videos" / clips[0].path
    write_numbered_video(changed, 30, size_wh=(64, 48), frame_rate=10)
    stretched = stores_of_fits(store, clips, tmp_path / "out", ["stretch"], say=quiet)["stretch"]
    with pytest.raises(StoreError, match="are not what they were"):
        same_clips(clips, stretched)


def test_a_store_that_does_not_know_its_videos_is_refused(store: ClipStore, tmp_path: Path) -> None:
    (store.folder / ".preprocess" / "origin.json").unlink()
    with pytest.raises(StoreError, match="does not say where these lie"):
        stores_of_fits(store, store.usable(), tmp_path / "out", ["crop"], say=quiet)
