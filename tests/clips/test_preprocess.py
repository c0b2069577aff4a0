import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from pipeline import files
from pipeline.clips import preprocess as module
from pipeline.clips.journal import journal_path
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.origin import read_origin, source_location
from pipeline.clips.preprocess import PreprocessResult, preprocess
from pipeline.clips.store import Clip, ClipStore, hash_frames
from pipeline.errors import ConflictError, MachineError, StoreError, UsageError
from pipeline.files import owned_folder, sha256_of_file
from pipeline.spec import ClipSpec
from pipeline.video.worker import WorkerFailure
from tests.helpers.videos import read_numbers, write_numbered_video

SPEC = ClipSpec(num_frames=3, image_size=32)


class InlinePool:
    """Stands in for WorkerPool: runs jobs here, counts them, and can be told to stop or to lose one."""

    read: list[str]
    stop_after: int | None = None
    lose: str = ""

    def __init__(self, **_: object) -> None:
        pass

    def __enter__(self) -> "InlinePool":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, function: Callable[[Any], Any], jobs: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        for job in jobs:
            if InlinePool.stop_after is not None and len(InlinePool.read) >= InlinePool.stop_after:
                raise KeyboardInterrupt
            InlinePool.read.append(job.path)
            outcome: Any = function(job)
            if job.path == InlinePool.lose:
                outcome = WorkerFailure(job.path, "its worker process was ended by SIGSEGV")
            yield job, outcome


@pytest.fixture(autouse=True)
def pool(monkeypatch: pytest.MonkeyPatch) -> type[InlinePool]:
    monkeypatch.setattr(module, "WorkerPool", InlinePool)
    InlinePool.read, InlinePool.stop_after, InlinePool.lose = [], None, ""
    return InlinePool


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two classes of four videos, no two alike."""
    for number in range(8):
        folder = tmp_path / "videos" / ("가" if number % 2 else "up")
        folder.mkdir(parents=True, exist_ok=True)
        write_numbered_video(folder / f"{number}.avi", 5 + number)
    return tmp_path / "videos"


def run(videos: Path, out: Path, **options: Any) -> PreprocessResult:
    InlinePool.read = []
    return preprocess(videos, out, spec=options.pop("spec", SPEC), num_workers=1, **options)


def content(folder: Path) -> dict[str, bytes]:
    """All bytes of a store, without the cache beside it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".preprocess" not in path.parts
    }


def by_path(store: ClipStore) -> dict[str, Clip]:
    return {clip.path: clip for clip in store.clips}


def test_the_store_tells_the_truth(videos: Path, tmp_path: Path) -> None:
    result = run(videos, tmp_path / "out")
    store = result.store
    assert store.spec == SPEC
    assert store.labels.names == ("up", "가")
    assert [clip.path for clip in store.clips] == sorted(
        f"{'가' if number % 2 else 'up'}/{number}.avi" for number in range(8)
    )
    for clip in store.clips:
        number = int(clip.path.split("/")[1][0])
        num_frames = 5 + number
        expected = tuple(int((t + 0.5) * num_frames / 3) for t in range(3))
        assert (clip.label, clip.status, clip.num_frames) == (clip.path.split("/")[0], "ok", num_frames)
        assert clip.frame_indices == expected
        assert clip.frame_times_seconds == pytest.approx([index / 25 for index in expected])
        assert (clip.width, clip.height, clip.frame_rate) == (64, 48, 25.0)
        assert clip.duration_seconds == pytest.approx(num_frames / 25)
        assert clip.sha256 == sha256_of_file(videos / clip.path)
        assert clip.group == f"sha256:{clip.sha256[:16]}"
        frames = store.frames(clip)
        assert read_numbers(frames, size_wh=(64, 48)) == expected
        assert clip.frames_sha256 == hash_frames(frames)
    assert {clip.split for clip in store.clips if clip.label == "up"} == {"train", "val", "test"}
    assert store.manifest["versions"]["cv2"] == cv2.__version__
    assert (result.num_read, result.num_unchanged) == (8, 0)


def test_ranges_and_groups_of_a_table(videos: Path, tmp_path: Path) -> None:
    table = tmp_path / "list.csv"
    table.write_text(
        "path,label,start_seconds,end_seconds,camera\n"
        "videos/up/6.avi,a,,0.2,north\nvideos/up/6.avi,b,0.2,,north\n"
        "videos/up/0.avi,a,,,south\nvideos/up/2.avi,b,,,east\nvideos/up/4.avi,a,,,east\n"
        "videos/가/1.avi,a,,,\nvideos/가/3.avi,b,,,\n"
    )
    result = run(table, tmp_path / "out", listing=ListingOptions(group_column="camera"))
    one, two = (clip for clip in result.store.clips if clip.path == "videos/up/6.avi")
    assert (one.label, one.end_seconds, two.label, two.start_seconds) == ("a", 0.2, "b", 0.2)
    assert one.split == two.split
    assert read_numbers(result.store.frames(one), size_wh=(64, 48)) == (0, 2, 4)
    assert read_numbers(result.store.frames(two), size_wh=(64, 48)) == (6, 8, 10)
    clips = by_path(result.store)
    assert clips["videos/up/2.avi"].split == clips["videos/up/4.avi"].split
    assert clips["videos/up/2.avi"].group == "east"
    assert clips["videos/가/1.avi"].group.startswith("sha256:")
    assert result.summary.identical == ()


@pytest.mark.parametrize("stop_after", [0, 1, 5, 7])
def test_a_stopped_run_goes_on_to_the_same_bytes(videos: Path, tmp_path: Path, stop_after: int) -> None:
    undisturbed = run(videos, tmp_path / "one").store.folder
    InlinePool.stop_after = stop_after
    with pytest.raises(KeyboardInterrupt):
        run(videos, tmp_path / "two")
    with pytest.raises(StoreError, match="is not finished"):
        ClipStore.open(tmp_path / "two")
    (tmp_path / "two" / "frames" / ".unfinished-abc").write_bytes(b"half a clip")
    with journal_path(tmp_path / "two").open("ab") as file:
        file.write(b'\n{"id": "cut o')  # as a power cut would leave it
    InlinePool.stop_after = None
    run(videos, tmp_path / "two")
    assert len(InlinePool.read) == 8 - stop_after
    assert content(tmp_path / "two") == content(undisturbed)


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_kill_while_the_table_is_written(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    def grow() -> None:
        write_numbered_video(videos / "up/0.avi", 30)
        write_numbered_video(videos / "new/9.avi", 31)

    (videos / "new").mkdir()
    run(videos, tmp_path / "one")
    run(videos, tmp_path / "two")
    grow()
    undisturbed = run(videos, tmp_path / "one").store.folder

    names = ["clips.csv", "store.json", "journal.jsonl"]
    real = files.write_bytes

    def write(path: Path, content: bytes) -> None:
        if path.name == names[writes]:
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(files, "write_bytes", write)
    with pytest.raises(KeyboardInterrupt):
        run(videos, tmp_path / "two")
    monkeypatch.setattr(files, "write_bytes", real)
    run(videos, tmp_path / "two")
    assert InlinePool.read == []
    assert content(tmp_path / "two") == content(undisturbed)


def test_names_of_all_kinds(tmp_path: Path) -> None:
    names = [
        "한글 이름.avi",
        "emoji 🎬.avi",
        "new\nline.avi",
        os.fsdecode(b"\xff\xfe.avi"),
        'a,b".avi',
        "-x.avi",
    ]
    for number, name in enumerate(names):
        folder = tmp_path / "videos" / ("واحد" if number % 2 else "둘")
        folder.mkdir(parents=True, exist_ok=True)
        write_numbered_video(tmp_path / "plain.avi", 4 + number)
        (tmp_path / "plain.avi").rename(folder / name)
    store = run(tmp_path / "videos", tmp_path / "out").store
    assert {clip.path.split("/")[1]: clip.num_frames for clip in store.clips} == {
        name: 4 + number for number, name in enumerate(names)
    }
    assert store.labels.names == ("واحد", "둘")
    assert len(store.usable()) == len(names)
    run(tmp_path / "videos", tmp_path / "out")
    assert InlinePool.read == []


def test_frames_lost_by_the_disk_are_made_again(videos: Path, tmp_path: Path) -> None:
    store = run(videos, tmp_path / "out").store
    before = content(store.folder)
    one, two = store.clips[:2]
    (store.folder / "frames" / f"{one.id}.npy").unlink()
    (store.folder / "frames" / f"{two.id}.npy").write_bytes(b"\x93NUMPY half")
    run(videos, tmp_path / "out")
    assert InlinePool.read == [one.path, two.path]
    assert content(store.folder) == before


def test_a_finished_run_is_not_done_again(videos: Path, tmp_path: Path) -> None:
    said: list[str] = []
    before = content(run(videos, tmp_path / "out", say=said.append).store.folder)
    result = run(videos, tmp_path / "out", say=said.append)
    assert InlinePool.read == []
    assert (result.num_read, result.num_unchanged) == (0, 8)
    assert content(tmp_path / "out") == before
    assert said == [
        "read as class folders: 8 videos, 2 classes.",
        f"8 videos to read; their clips take 74.8 kB in {tmp_path / 'out'}.",
        "read as class folders: 8 videos, 2 classes.",
        f"nothing new: all 8 clips of {tmp_path / 'out'} are up to date.",
    ]


def test_a_touched_video_is_hashed_and_not_read(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(run(videos, tmp_path / "out").store.folder)
    os.utime(videos / "up/0.avi", (1, 1))
    monkeypatch.setattr("pipeline.video.reader.read_clip", lambda *_args, **_options: pytest.fail("read"))
    run(videos, tmp_path / "out")
    assert InlinePool.read == ["up/0.avi"]
    assert content(tmp_path / "out") == before
    run(videos, tmp_path / "out")
    assert InlinePool.read == []


def test_without_its_journal_a_store_is_compared_by_hash(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(run(videos, tmp_path / "out").store.folder)
    shutil.rmtree(tmp_path / "out" / ".preprocess")
    monkeypatch.setattr("pipeline.video.reader.read_clip", lambda *_args, **_options: pytest.fail("read"))
    run(videos, tmp_path / "out")
    assert len(InlinePool.read) == 8
    assert content(tmp_path / "out") == before


def test_a_changed_video_is_read_again_and_keeps_its_split(videos: Path, tmp_path: Path) -> None:
    old = by_path(run(videos, tmp_path / "out").store)
    write_numbered_video(videos / "up/0.avi", 30)
    new = by_path(run(videos, tmp_path / "out").store)
    assert InlinePool.read == ["up/0.avi"]
    assert new["up/0.avi"].num_frames == 30
    assert (new["up/0.avi"].split, new["up/0.avi"].id) == (old["up/0.avi"].split, old["up/0.avi"].id)
    assert {path: clip for path, clip in new.items() if path != "up/0.avi"} == {
        path: clip for path, clip in old.items() if path != "up/0.avi"
    }


def test_while_clips_are_made_anew_the_store_is_not_finished(videos: Path, tmp_path: Path) -> None:
    old = by_path(run(videos, tmp_path / "out").store)
    write_numbered_video(videos / "up/0.avi", 30)
    write_numbered_video(videos / "up/2.avi", 31)
    InlinePool.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        run(videos, tmp_path / "out")
    with pytest.raises(ConflictError):  # a refused run does not make it look finished
        run(videos, tmp_path / "out", spec=ClipSpec())
    with pytest.raises(StoreError, match="is not finished"):
        ClipStore.open(tmp_path / "out")
    InlinePool.stop_after = None
    new = by_path(run(videos, tmp_path / "out").store)
    assert InlinePool.read == ["up/2.avi"]
    assert {path: clip.split for path, clip in new.items()} == {
        path: clip.split for path, clip in old.items()
    }
    assert (new["up/0.avi"].num_frames, new["up/2.avi"].num_frames) == (30, 31)


def test_new_videos_never_move_old_clips(videos: Path, tmp_path: Path) -> None:
    old = by_path(run(videos, tmp_path / "out").store)
    for number in range(8, 16):
        write_numbered_video(videos / "up" / f"{number}.avi", 5 + number)
    shutil.copy(videos / "up/0.avi", videos / "가/copy.avi")
    result = run(videos, tmp_path / "out")
    new = by_path(result.store)
    assert len(InlinePool.read) == 9
    assert {path: new[path] for path in old} == old
    assert new["가/copy.avi"].split == old["up/0.avi"].split
    (identical,) = result.summary.identical
    assert [clip.path for clip in identical.clips] == ["up/0.avi", "가/copy.avi"]
    assert len(identical.splits) == 1


def test_a_video_that_is_gone_is_kept_and_not_used(videos: Path, tmp_path: Path) -> None:
    old = by_path(run(videos, tmp_path / "out").store)
    (videos / "up/0.avi").rename(tmp_path / "aside.avi")
    result = run(videos, tmp_path / "out")
    clip = by_path(result.store)["up/0.avi"]
    assert (clip.status, clip.reason, clip.split) == ("skipped", "no longer listed", old["up/0.avi"].split)
    assert len(result.store.usable()) == 7
    assert any(
        "1 clips are no longer listed, or their video became shorter, such as up/0.avi" in note
        for note in result.notes
    )
    assert result.store.frames(clip).shape == (3, 32, 32, 3)
    again = run(videos, tmp_path / "out")
    assert not any("no longer listed" in note for note in again.notes)  # said once

    (tmp_path / "aside.avi").rename(videos / "up/0.avi")
    assert by_path(run(videos, tmp_path / "out").store) == old
    assert InlinePool.read == []


def test_a_renamed_video_keeps_its_side(videos: Path, tmp_path: Path) -> None:
    old = by_path(run(videos, tmp_path / "out").store)
    for path in list(old):
        (videos / path).rename(videos / path.replace(".avi", "-renamed.avi")) if path != "up/0.avi" else None
    new = by_path(run(videos, tmp_path / "out").store)
    for path, clip in old.items():
        if path != "up/0.avi":
            assert new[path.replace(".avi", "-renamed.avi")].split == clip.split


def test_failures_have_reasons_and_wait_for_retry(videos: Path, tmp_path: Path) -> None:
    (videos / "up/empty.avi").write_bytes(b"")
    (videos / "up/text.mp4").write_text("no video at all")
    (videos / "up/gone.mp4").symlink_to("nowhere.mp4")
    os.mkfifo(videos / "up/pipe.mp4")
    result = run(videos, tmp_path / "out")
    reasons = {clip.path: clip.reason for clip in result.summary.failed}
    assert reasons == {
        "up/empty.avi": "the file is empty",
        "up/gone.mp4": "no such file",
        "up/pipe.mp4": "is a FIFO, not a regular file",
        "up/text.mp4": "not a supported video",
    }
    assert len(result.store.usable()) == 8
    for clip in result.summary.failed:
        assert not (tmp_path / "out" / "frames" / f"{clip.id}.npy").exists()

    assert len(run(videos, tmp_path / "out").summary.failed) == 4
    assert InlinePool.read == []
    run(videos, tmp_path / "out", retry=True)
    assert InlinePool.read == sorted(reasons)
    split = by_path(result.store)["up/empty.avi"].split
    write_numbered_video(videos / "up/empty.avi", 9)  # mended: read without being asked
    clip = by_path(run(videos, tmp_path / "out").store)["up/empty.avi"]
    assert InlinePool.read == ["up/empty.avi"]
    assert (clip.status, clip.split) == ("ok", split)


def test_a_video_that_broke_loses_its_old_frames(videos: Path, tmp_path: Path) -> None:
    clip = by_path(run(videos, tmp_path / "out").store)["up/0.avi"]
    (videos / "up/0.avi").write_bytes(b"broken")
    result = run(videos, tmp_path / "out")
    assert [failed.path for failed in result.summary.failed] == ["up/0.avi"]
    assert not (tmp_path / "out" / "frames" / f"{clip.id}.npy").exists()


def test_a_missing_file_of_a_table_is_a_failure(videos: Path, tmp_path: Path) -> None:
    rows = ["path,label", "videos/up/0.avi,a", "videos/가/1.avi,b", "videos/no.avi,b"]
    (tmp_path / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    result = run(tmp_path / "list.csv", tmp_path / "out")
    (failed,) = result.summary.failed
    assert (failed.path, failed.reason, failed.sha256, failed.group) == (
        "videos/no.avi", "no such file", "", "path:videos/no.avi",
    )  # fmt: skip


def test_a_lost_worker_costs_one_clip(videos: Path, tmp_path: Path) -> None:
    InlinePool.lose = "up/2.avi"
    result = run(videos, tmp_path / "out")
    (failed,) = result.summary.failed
    assert (failed.path, failed.reason) == ("up/2.avi", "its worker process was ended by SIGSEGV")
    assert failed.sha256 == sha256_of_file(videos / "up/2.avi")
    assert not (tmp_path / "out" / "frames" / f"{failed.id}.npy").exists()


def test_damage_is_recorded(videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from pipeline.video import reader

    real = reader.read_video

    def read(path: str, *args: Any, **options: Any) -> reader.VideoRead:
        video = real(path, *args, **options)
        return (
            replace(video, damage="2 gaps in the video", num_gaps=2) if path.endswith("up/0.avi") else video
        )

    monkeypatch.setattr(reader, "read_video", read)
    result = run(videos, tmp_path / "out")
    (damaged,) = result.summary.damaged
    assert (damaged.path, damaged.reason, damaged.num_gaps) == ("up/0.avi", "2 gaps in the video", 2)
    assert len(result.store.usable()) == 8


def test_a_video_that_changes_while_it_is_read_is_read_again(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.video import reader

    real = reader.read_video

    def read(path: str, *args: Any, **options: Any) -> reader.VideoRead:
        video = real(path, *args, **options)
        if path.endswith("up/0.avi"):
            write_numbered_video(Path(path), 30)
        return video

    monkeypatch.setattr(reader, "read_video", read)
    result = run(videos, tmp_path / "out")
    (failed,) = result.summary.failed
    assert failed.reason == "it changed while it was read; run again when it is complete"
    assert not (tmp_path / "out" / "frames" / f"{failed.id}.npy").exists()
    monkeypatch.undo()
    monkeypatch.setattr(module, "WorkerPool", InlinePool)
    again = run(videos, tmp_path / "out")  # without --retry
    assert InlinePool.read == ["up/0.avi"]
    assert by_path(again.store)["up/0.avi"].num_frames == 30


def test_a_full_disk_ends_the_run_and_is_no_failure_of_a_video(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> str:
        raise MachineError("cannot write x: No space left on device")

    monkeypatch.setattr("pipeline.clips.extract.write_frames", full)
    with pytest.raises(MachineError, match="No space left on device"):
        run(videos, tmp_path / "out")
    monkeypatch.undo()
    monkeypatch.setattr(module, "WorkerPool", InlinePool)
    assert not run(videos, tmp_path / "out").summary.failed
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr("pipeline.files.shutil.disk_usage", lambda _path: usage)
    with pytest.raises(
        MachineError, match=r"preprocessing 8 videos needs about 74\.8 kB, but .* 1\.0 kB free"
    ):
        run(videos, tmp_path / "other")


def test_another_spec_is_refused(videos: Path, tmp_path: Path) -> None:
    InlinePool.stop_after = 2
    with pytest.raises(KeyboardInterrupt):
        run(videos, tmp_path / "out")
    InlinePool.stop_after = None
    other = ClipSpec(num_frames=4, image_size=32, fit="crop")
    message = "another spec: num_frames is 3, not 4; fit is 'letterbox', not 'crop'"
    with pytest.raises(ConflictError, match=message):  # an unfinished store has a spec too
        run(videos, tmp_path / "out", spec=other)
    before = content(run(videos, tmp_path / "out").store.folder)
    with pytest.raises(ConflictError, match=message):
        run(videos, tmp_path / "out", spec=other)
    assert content(tmp_path / "out") == before


def test_another_split_or_other_videos_are_refused(videos: Path, tmp_path: Path) -> None:
    run(videos, tmp_path / "out")
    with pytest.raises(ConflictError, match=r"--seed was 0, now 1; --test-fraction was 0\.15, now 0\.3"):
        run(videos, tmp_path / "out", seed=1, test_fraction=0.3)
    shutil.copytree(videos, tmp_path / "others" / "deeper")
    shutil.copytree(videos, tmp_path / "others" / "deep")
    with pytest.raises(
        ConflictError, match=r"made from other videos: none of its 8 clips, such as up/0\.avi"
    ):
        run(tmp_path / "others", tmp_path / "out")


def test_two_runs_never_mix(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with owned_folder(tmp_path / "out"), pytest.raises(ConflictError, match="another clipwise run is using"):
        run(videos, tmp_path / "out")


def test_a_given_split_is_kept_and_its_leaks_are_told(videos: Path, tmp_path: Path) -> None:
    shutil.copy(videos / "up/0.avi", videos / "up/same.avi")
    rows = ["path,label,split,group"]
    names = ["up/0", "up/2", "up/4", "가/1", "가/3", "up/same", "가/5"]
    splits = ["train", "train", "val", "train", "test", "test", "test"]
    for number, (name, split) in enumerate(zip(names, splits, strict=True)):
        rows.append(f"videos/{name}.avi,{name.split('/')[0]},{split},{'g' if number < 4 else ''}")
    (tmp_path / "list.csv").write_text("\n".join(rows))
    result = run(tmp_path / "list.csv", tmp_path / "out")
    clips = by_path(result.store)
    assert [clips[f"videos/up/{name}.avi"].split for name in ("0", "2", "4", "same")] == [
        "train", "train", "val", "test",
    ]  # fmt: skip
    (identical,) = result.summary.identical
    assert identical.splits == ("train", "test")
    (group,) = result.summary.shared_groups
    assert (group.what, group.splits, len(group.clips)) == ("g", ("train", "val"), 4)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("videos", "lies inside the videos"),
        ("videos/up/out", "lies inside the videos .*Choose a folder beside them, such as .*videos_clips"),
        ("full", r"is a folder with other things in it \(thesis\.txt\), not a clip store"),
        ("file", "is a file, not a folder"),
    ],
)
def test_places_that_cannot_be_the_store(videos: Path, tmp_path: Path, out: str, message: str) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("x")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match=message):
        run(videos, tmp_path / out)
    assert (tmp_path / "full" / "thesis.txt").exists()


def test_a_file_in_the_way_of_the_store(videos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(MachineError, match="cannot make the folder"):
        run(videos, tmp_path / "file" / "out")


def test_a_damaged_store_is_not_overwritten(videos: Path, tmp_path: Path) -> None:
    run(videos, tmp_path / "out")
    path = tmp_path / "out" / "store.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format_version": 7}))
    with pytest.raises(StoreError, match="format version 7"):
        run(videos, tmp_path / "out")
    assert json.loads(path.read_text())["format_version"] == 7


def test_folders_of_frames_are_videos(tmp_path: Path) -> None:
    for label, count in (("a", 4), ("b", 11)):
        folder = tmp_path / "videos" / label / "walk"
        folder.mkdir(parents=True)
        for number in range(count):
            cv2.imwrite(str(folder / f"{number}.png"), np.full((8, 8, 3), 20 * number, np.uint8))
    store = run(tmp_path / "videos", tmp_path / "out", listing=ListingOptions(frame_rate=10.0)).store
    one, two = store.clips
    assert (one.num_frames, two.num_frames, two.frame_indices) == (4, 11, (1, 5, 9))  # natural order
    assert two.frame_times_seconds == pytest.approx((0.1, 0.5, 0.9))
    assert [int(frame.mean()) for frame in store.frames(two)] == [20, 100, 180]
    run(tmp_path / "videos", tmp_path / "out", listing=ListingOptions(frame_rate=10.0))
    assert InlinePool.read == []
    again = run(tmp_path / "videos", tmp_path / "out", listing=ListingOptions(frame_rate=5.0)).store
    assert again.clips[1].frame_times_seconds == pytest.approx((0.2, 1.0, 1.8))


# --- groups and given splits ----------------------------------------------------------------------


@pytest.fixture
def given(videos: Path, tmp_path: Path) -> Path:
    """A table with a given split in which both cameras stand on both sides."""
    rows = ["path,label,split,camera"]
    for number in range(8):
        label = "가" if number % 2 else "up"
        split = "test" if number > 5 else "train"
        rows.append(f"videos/{label}/{number}.avi,{label},{split},{'ns'[number // 2 % 2]}")
    (tmp_path / "list.csv").write_text("\n".join(rows), encoding="utf-8")
    return tmp_path / "list.csv"


def sides(store: ClipStore) -> dict[str, set[str]]:
    result: dict[str, set[str]] = {}
    for clip in store.clips:
        result.setdefault(clip.group, set()).add(clip.split)
    return result


def test_regroup_makes_a_split_without_shared_groups(given: Path, tmp_path: Path) -> None:
    camera = ListingOptions(group_column="camera")
    kept = run(given, tmp_path / "kept", listing=camera)
    assert [shared.what for shared in kept.summary.shared_groups] == ["s"]
    anew = run(given, tmp_path / "anew", listing=camera, regroup=True, val_fraction=0.0, test_fraction=0.5)
    assert anew.summary.shared_groups == ()
    assert sorted(sides(anew.store).values(), key=str) == [{"test"}, {"train"}]
    moved = sum(clip.split != ("test" if clip.path[-5] in "67" else "train") for clip in anew.store.clips)
    assert moved > 0
    assert any(f"--regroup: {moved} of 8 clips stand on another side" in note for note in anew.notes)
    rule = anew.store.manifest["split"]
    assert (rule["origin"], rule["makes"], rule["grouping"], rule["regroup"]) == (
        "made", "all", "column camera", True,
    )  # fmt: skip
    before = content(tmp_path / "anew")
    run(given, tmp_path / "anew", listing=camera, regroup=True, val_fraction=0.0, test_fraction=0.5)
    assert content(tmp_path / "anew") == before
    with pytest.raises(ConflictError, match="--regroup was given, now it is not"):
        run(given, tmp_path / "anew", listing=camera)
    with pytest.raises(ConflictError, match="splits made otherwise: --regroup is new"):
        run(given, tmp_path / "kept", listing=camera, regroup=True)
    assert content(tmp_path / "anew") == before


def test_other_groups_are_another_split(videos: Path, tmp_path: Path) -> None:
    def number(pattern: str) -> ListingOptions:
        return ListingOptions(group_regex=pattern)

    store = run(videos, tmp_path / "out", listing=number(r"([0-3])\.avi")).store
    assert store.manifest["split"]["grouping"] == r"regex ([0-3])\.avi"
    assert {clip.group for clip in store.clips if clip.path[-5] in "0123"} == set("0123")
    assert all(clip.group.startswith("sha256:") for clip in store.clips if clip.path[-5] in "4567")
    message = r"grouping was 'regex \(\[0-3\]\)\\\\.avi', now ''"
    with pytest.raises(ConflictError, match=message):
        run(videos, tmp_path / "out")
    run(videos, tmp_path / "out", listing=number(r"([0-3])\.avi"))
    assert InlinePool.read == []


def test_lists_of_others_become_a_store(videos: Path, tmp_path: Path) -> None:
    """Paths are noted relative to the folder that was given, and where that lies beside the store."""
    (tmp_path / "in").mkdir()
    videos = videos.rename(tmp_path / "in" / "videos")
    names = ['new\nline".avi', os.fsdecode(b"\xff.avi"), "concat:x %d.avi", "-" + "x" * 200 + ".avi"]
    for number, name in enumerate(names):
        (videos / "up" / f"{2 * number}.avi").rename(videos / "up" / name)
    lines = ['"' + f"up/{name}".replace('"', '""') + '" 0' for name in names]
    lines += [f"가/{number}.avi 1" for number in (1, 3, 5)] + ["가/gone.avi 1"]
    (tmp_path / "in" / "classes.txt").write_text("up\ndown\n")
    (tmp_path / "in" / "train.txt").write_bytes(
        "\n".join(lines[:2] + lines[4:]).encode("utf-8", "surrogateescape")
    )
    (tmp_path / "in" / "test.txt").write_bytes("\n".join(lines[2:4]).encode("utf-8", "surrogateescape"))
    result = run(tmp_path / "in", tmp_path / "out")
    assert result.listed.input_format == "list"
    clips = by_path(result.store)
    assert clips.keys() == {f"videos/up/{name}" for name in names} | {
        f"videos/가/{name}.avi" for name in ("1", "3", "5", "gone")
    }
    assert [clips[f"videos/up/{name}"].split for name in names[2:]] == ["test", "test"]
    assert {clip.label for clip in result.store.clips} == {"up", "down"}
    assert {path: clip.status for path, clip in clips.items() if clip.status != "ok"} == {
        "videos/가/gone.avi": "failed"
    }
    assert read_origin(result.store.folder) == (tmp_path / "in").resolve()
    assert all(Path(source_location(tmp_path / "in", clip)).exists() for clip in result.store.usable())
    assert ClipStore.open(result.store.folder).clips == result.store.clips
