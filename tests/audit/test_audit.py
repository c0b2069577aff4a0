"""The audit of a store: what was planted is in its findings, with what to do about it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.audit.audit import audit
from pipeline.audit.finding import Finding
from pipeline.clips.clip import Clip
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.store import ClipStore, write_frames, write_store
from pipeline.errors import StoreError
from tests.helpers.stores import make_store
from tests.helpers.videos import write_numbered_video

ROOT = Path(__file__).resolve().parents[2]


def rewritten(store: ClipStore, clips: list[Clip]) -> ClipStore:
    """The store with other rows."""
    write_store(
        store.folder,
        spec=store.spec,
        labels=store.labels,
        clips=clips,
        clip_rule=ClipRule(),
        split_rule=store.manifest["split"],
        versions=store.manifest["versions"],
    )
    return ClipStore.open(store.folder)


def findings_of(store: ClipStore, **options: object) -> dict[str, Finding]:
    return {finding.name: finding for finding in audit(store, **options).findings}  # type: ignore[arg-type]


def test_a_clean_store_has_no_warning(tmp_path: Path) -> None:
    store = make_store(tmp_path, clips_per_class={"train": 14, "val": 6, "test": 6})
    found = findings_of(store)
    assert {finding.severity for finding in found.values()} <= {"ok", "note"}
    assert found["classes"].facts["counts"]["up"] == {"train": 14, "val": 6, "test": 6}
    assert "each file is taken to be independent" in found["groups"].text
    assert "not looked at" in found["first frames"].text


def test_copies_across_splits_and_classes_are_problems(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    clips = list(store.clips)
    train = next(c for c in clips if c.split == "train" and c.label == "down")
    test = next(c for c in clips if c.split == "test" and c.label == "up")
    clips[clips.index(test)] = replace(test, sha256=train.sha256, group=train.group)
    found = findings_of(rewritten(store, clips))["identical files"]
    assert found.severity == "problem"
    assert "1 ACROSS SPLITS" in found.text
    assert "1 WITH DIFFERENT LABELS" in found.text
    assert found.facts["sets"][0]["paths"] == sorted([train.path, test.path])


def test_groups_on_both_sides_and_classes_of_one_group(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    clips = [
        replace(c, group="cam 1" if c.label == "up" else f"cam {i % 5}") for i, c in enumerate(store.clips)
    ]
    found = findings_of(rewritten(store, clips))
    assert found["groups"].severity == "problem"
    assert "ON BOTH SIDES" in found["groups"].text
    assert found["groups"].facts["shared"]["cam 1"]["test"] > 0
    assert found["classes of one source"].facts["labels"] == ["up"]


def test_parts_of_one_video_on_both_sides(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    clips = list(store.clips)
    train = next(c for c in clips if c.split == "train")
    test = next(c for c in clips if c.split == "test" and c.label == train.label)
    clips[clips.index(test)] = replace(test, path=train.path, group=train.group, start_seconds=2.0)
    found = findings_of(rewritten(store, clips))["groups"]
    assert found.severity == "problem"
    assert found.facts["parted_videos"] == [train.path]


def test_a_width_that_gives_the_class_away(tmp_path: Path) -> None:
    store = make_store(tmp_path, clips_per_class={"train": 15, "val": 5, "test": 5})
    clips = [replace(c, width=48) if c.label == "up" else c for c in store.clips]
    found = findings_of(rewritten(store, clips))["shortcuts"]
    assert found.severity == "problem"
    assert "width 1.00" in found.text
    assert "width" in found.facts["found"]


def test_failed_clips_are_counted_by_class(tmp_path: Path) -> None:
    store = make_store(tmp_path, failed=3, damaged=1)
    found = findings_of(store)["unreadable videos"]
    assert found.severity == "warning"
    assert found.text == "3 of 24 videos gave no clip (down 3); 1 are damaged, and used."


def test_a_store_without_frames_is_refused(tmp_path: Path) -> None:
    store = make_store(tmp_path, clips_per_class={"test": 1}, failed=2)
    with pytest.raises(StoreError, match="nothing to audit"):
        audit(store)


def test_first_frames_with_bars(tmp_path: Path) -> None:
    """Every second video of one class begins between bars; a changed and a lost one are named."""
    import cv2

    store = make_store(tmp_path / "clips", clips_per_class={"train": 6, "test": 2})
    videos = tmp_path / "videos"
    clips = []
    for number, clip in enumerate(store.clips):
        path = videos / clip.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if clip.label == "down" and number % 2:
            writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 10, (64, 48))
            first = np.full((48, 64, 3), 200, np.uint8)
            first[:, :12] = first[:, -12:] = 0
            writer.write(first)
            writer.write(np.full((48, 64, 3), 200, np.uint8))
            writer.release()
        else:
            write_numbered_video(path, 2)
        clips.append(replace(clip, width=64, height=48, size_bytes=path.stat().st_size))
    (videos / clips[0].path).unlink()
    clips[2] = replace(clips[2], size_bytes=1)
    clips[4] = replace(clips[4], start_seconds=1.0)
    seen = audit(rewritten(store, clips), videos=videos, num_workers=2).first_frames
    assert set(seen.differing) == {c.id for i, c in enumerate(clips) if c.label == "down" and i % 2}
    assert seen.bars[seen.differing[0]].left == pytest.approx(12 / 64, abs=0.07)
    assert set(seen.missing) == {clips[0].id, clips[2].id}
    assert "has changed" in seen.missing[clips[2].id]
    assert seen.num_parts == 1
    assert len(seen.by_clip) == len(clips) - 3


def test_audit_needs_no_torch() -> None:
    script = (
        "import sys\n"
        "import pipeline.audit.audit, pipeline.report.audit_page, pipeline.cli.audit, pipeline.cli.show\n"
        "sys.exit('torch' in sys.modules)\n"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def test_the_same_seed_draws_the_same_clips(tmp_path: Path) -> None:
    store = make_store(tmp_path, clips_per_class={"train": 20})
    one, again, other = (audit(store, seed=seed, samples_per_class=5).samples for seed in (1, 1, 2))
    assert one == again != other
    assert [len(clips) for clips in one.values()] == [5, 5]
    few = audit(store, samples_per_class=5, max_samples=1).samples
    assert [len(clips) for clips in few.values()] == [1, 1]


def test_same_pixels_of_other_bytes(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    clips = list(store.clips)
    frames = np.array(store.frames(clips[0]))
    clips[1] = replace(clips[1], frames_sha256=write_frames(store.folder, clips[1].id, frames))
    found = findings_of(rewritten(store, clips))
    assert found["identical files"].severity == "ok"
    assert found["identical pictures"].facts["sets"][0]["paths"] == [clips[0].path, clips[1].path]
    assert found["near duplicates"].severity == "ok", "told once, not twice"


@pytest.mark.needs_data
@pytest.mark.slow
def test_what_is_known_of_tank_state_is_found(data_folder: Path, tmp_path: Path) -> None:
    from pipeline.clips.listing_options import ListingOptions
    from pipeline.clips.preprocess import preprocess
    from pipeline.spec import ClipSpec

    table = data_folder / "tank_state.csv"
    spec = ClipSpec(num_frames=12, image_size=112)
    store = preprocess(
        table, tmp_path / "clips", spec=spec, listing=ListingOptions(group_column="camera")
    ).store
    found = findings_of(store, videos=data_folder)
    assert len(found["identical files"].facts["sets"]) == 5
    assert len(found["groups"].facts["shared"]) == 4
    assert found["first frames"].facts["differing"] == 315
    assert found["first frames"].facts["differing_by_class"]["bridge_down"] == [228, 306]
    assert found["near duplicates"].facts["across_splits"] >= 5
