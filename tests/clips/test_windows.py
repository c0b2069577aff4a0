"""Several clips of one video: windows, listed ranges, oversampling, in one pass and over stops."""

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.clips import preprocess as module
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.estimate import count_windows
from pipeline.clips.extract import ExtractJob
from pipeline.clips.preprocess import PreprocessResult, preprocess
from pipeline.clips.source import Source
from pipeline.errors import ConflictError, MachineError, UsageError
from pipeline.spec import ClipSpec
from tests.clips.test_preprocess import InlinePool, content
from tests.helpers.videos import read_numbers, write_numbered_video

SPEC = ClipSpec(num_frames=3, image_size=32)
WINDOWS = ClipRule(window_seconds=0.4, stride_seconds=0.2)


class SilentPool(InlinePool):
    """Runs jobs here and does not count them."""

    def map(self, function: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        yield from ((job, function(job)) for job in jobs)


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WorkerPool", InlinePool)
    monkeypatch.setattr("pipeline.clips.estimate.WorkerPool", SilentPool)
    InlinePool.read, InlinePool.stop_after, InlinePool.lose = [], None, ""


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Six videos of .2 to 1.2 s at 25 frames a second, in two classes."""
    for number in range(6):
        folder = tmp_path / "videos" / ("a" if number % 2 else "b")
        folder.mkdir(parents=True, exist_ok=True)
        write_numbered_video(folder / f"{number}.avi", 5 * (number + 1))
    return tmp_path / "videos"


def run(videos: Path, out: Path, **options: Any) -> PreprocessResult:
    InlinePool.read = []
    return preprocess(videos, out, spec=SPEC, num_workers=1, **options)


def test_windows_become_clips_that_share_their_group(videos: Path, tmp_path: Path) -> None:
    result = run(videos, tmp_path / "out", clip_rule=WINDOWS)
    found = {(clip.path, clip.start_seconds, clip.end_seconds) for clip in result.store.clips}
    expected: set[tuple[str, float | None, float | None]] = {("b/0.avi", None, None)}  # shorter than a window
    for number in range(1, 6):
        starts = [k / 5 for k in range(number)]  # 5 (number + 1) frames last .2 (number + 1) s
        expected |= {(f"{'a' if number % 2 else 'b'}/{number}.avi", s, round(s + 0.4, 6)) for s in starts}
    assert found == expected
    for clip in result.store.clips:
        first = round((clip.start_seconds or 0) * 25)
        length = 5 if clip.start_seconds is None else 10
        assert clip.frame_indices == tuple(first + length * (2 * i + 1) // 6 for i in range(3))
        assert read_numbers(result.store.frames(clip), size_wh=(64, 48)) == clip.frame_indices
        assert clip.group == f"sha256:{clip.sha256[:16]}"
    splits: dict[str, set[str]] = {}
    for clip in result.store.clips:
        splits.setdefault(clip.path, set()).add(clip.split)
    assert {len(sides) for sides in splits.values()} == {1}
    assert len(InlinePool.read) == 6  # a job a video


def test_ranges_of_one_video_are_one_job(videos: Path, tmp_path: Path) -> None:
    rows = ["path,label,start_seconds,end_seconds"]
    rows += [f"videos/a/5.avi,{'xy'[k % 2]},{k / 5},{(k + 1) / 5}" for k in range(6)]
    rows += ["videos/b/4.avi,x,,", "videos/b/4.avi,y,90,91"]
    (tmp_path / "list.csv").write_text("\n".join(rows))
    result = run(tmp_path / "list.csv", tmp_path / "out")
    assert len(InlinePool.read) == 2
    clips = {(clip.path, clip.start_seconds): clip for clip in result.store.clips}
    assert len(clips) == 8
    for k in range(6):
        clip = clips["videos/a/5.avi", k / 5]
        assert clip.label == "xy"[k % 2]
        assert read_numbers(result.store.frames(clip), size_wh=(64, 48)) == (5 * k, 5 * k + 2, 5 * k + 4)
    assert clips["videos/b/4.avi", None].status == "ok"
    beyond = clips["videos/b/4.avi", 90.0]
    assert (beyond.status, beyond.reason) == ("failed", "no frame from 90 s to 91 s: the video lasts 1.00 s")
    assert beyond.frame_indices == ()


@pytest.mark.parametrize("stop_after", [0, 1, 3, 5])
def test_a_stopped_run_goes_on_to_the_same_bytes(videos: Path, tmp_path: Path, stop_after: int) -> None:
    run(videos, tmp_path / "whole", clip_rule=WINDOWS)
    InlinePool.stop_after = stop_after
    with pytest.raises(KeyboardInterrupt):
        run(videos, tmp_path / "out", clip_rule=WINDOWS)
    InlinePool.stop_after = None
    result = run(videos, tmp_path / "out", clip_rule=WINDOWS)
    assert result.num_read == 6 - stop_after
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert run(videos, tmp_path / "out", clip_rule=WINDOWS).num_read == 0


def test_without_the_journal_the_store_is_made_again_as_it_was(videos: Path, tmp_path: Path) -> None:
    run(videos, tmp_path / "out", clip_rule=WINDOWS)
    before = content(tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / ".preprocess")
    assert run(videos, tmp_path / "out", clip_rule=WINDOWS).num_read == 6
    assert content(tmp_path / "out") == before


def test_a_window_that_is_gone_is_read_again(videos: Path, tmp_path: Path) -> None:
    result = run(videos, tmp_path / "out", clip_rule=WINDOWS)
    before = content(tmp_path / "out")
    (clip, *_) = [clip for clip in result.store.clips if clip.path == "a/5.avi"]
    (tmp_path / "out" / "frames" / f"{clip.id}.npy").unlink()
    assert run(videos, tmp_path / "out", clip_rule=WINDOWS).num_read == 1
    assert content(tmp_path / "out") == before


def test_a_video_that_changed_brings_other_windows(videos: Path, tmp_path: Path) -> None:
    run(videos, tmp_path / "out", clip_rule=WINDOWS)
    write_numbered_video(videos / "a" / "5.avi", 10)
    result = run(videos, tmp_path / "out", clip_rule=WINDOWS)
    assert InlinePool.read == ["a/5.avi"]
    used = [clip for clip in result.store.usable() if clip.path == "a/5.avi"]
    assert [clip.start_seconds for clip in used] == [0.0]
    names = {path.stem for path in (tmp_path / "out" / "frames").iterdir()}
    assert names == {clip.id for clip in result.store.clips if clip.status != "failed"}


def test_another_rule_is_refused(videos: Path, tmp_path: Path) -> None:
    run(videos, tmp_path / "out", clip_rule=WINDOWS)
    with pytest.raises(ConflictError, match=r"--window-seconds was 0\.4, now None; --stride"):
        run(videos, tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    InlinePool.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        run(videos, tmp_path / "out")
    InlinePool.stop_after = None
    with pytest.raises(ConflictError, match="--oversample was 1, now 3"):  # an unfinished store too
        run(videos, tmp_path / "out", clip_rule=ClipRule(oversample=3))


def test_oversampling_stores_more_and_changes_no_clip(videos: Path, tmp_path: Path) -> None:
    plain = run(videos, tmp_path / "plain").store
    store = run(videos, tmp_path / "out", clip_rule=ClipRule(oversample=5)).store
    assert store.oversample == 5
    for one, other in zip(plain.clips, store.clips, strict=True):
        assert (one.id, one.split, one.frame_indices) == (other.id, other.split, other.frame_indices)
        np.testing.assert_array_equal(plain.frames(one), store.frames(other))
        segments = store.segments(other)
        assert segments.shape == (3, 5, 32, 32, 3)
        count = other.num_frames or 0
        expected = tuple(count * (2 * i + 1) // 30 for i in range(15))
        assert read_numbers(segments.reshape(15, 32, 32, 3), size_wh=(64, 48)) == expected


def test_the_disk_is_estimated_from_the_headers(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    run(videos, tmp_path / "out", clip_rule=WINDOWS, say=said.append)
    assert said[1:] == [f"6 videos to read; about 16 clips take about 149.5 kB in {tmp_path / 'out'}."]
    source = Source(path="x.avi", location=str(videos / "a" / "5.avi"), label="a")
    job = ExtractJob(sources=(source,), spec=SPEC, rule=WINDOWS, folder="")
    assert count_windows(job) == 5

    def full(*_: object, **__: object) -> None:
        raise MachineError("no room")

    monkeypatch.setattr("pipeline.files.require_free_space", full)
    with pytest.raises(MachineError, match="no room"):
        run(videos, tmp_path / "other", clip_rule=WINDOWS)
    assert not list((tmp_path / "other").glob("**/*.npy"))


def test_windows_that_overlap_too_much_are_refused_at_once(videos: Path, tmp_path: Path) -> None:
    rule = ClipRule(window_seconds=10_000, stride_seconds=0.1, oversample=3)
    with pytest.raises(UsageError, match=r"has 100000 clips overlap, 2\.8 GB in memory; allowed: 1\.0 GB"):
        run(videos, tmp_path / "out", clip_rule=rule)
