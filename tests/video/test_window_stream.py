"""A video told in windows while it is read: each clip is the one that `read_video` makes, to the bit."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.streaming import stream_isolated
from pipeline.video.window_events import StreamBegun, StreamEnd, StreamFrame, StreamWindow
from pipeline.video.window_stream import StreamJob, stream_windows
from pipeline.video.worker import WorkerPool
from tests.helpers.kinds import KINDS
from tests.helpers.streamed import BothWays, make_job, read_both_ways
from tests.helpers.videos import read_numbers, write_numbered_video
from tests.video.test_damage_truth import HARMS, KINDS_HERE

# One of each way to say times: the others are run with `-m slow`.
QUICK = [
    "mkv_23976", "pyramid_mkv", "vfr_90k_mp4", "pause_mkv", "late_ts", "edit_middle_b", "raw_h264_b",
    "avi_mpeg4_b", "mjpeg_avi", "interlaced",
]  # fmt: skip
WINDOWS = [(0.5, 0.2), (None, None), (30.0, 7.0)]
# Their packets tell other times than their frames have, so that results wait for a second reading.
TWICE = ("edit", "avi", "raw", "mpg", "ogg", "equal", "webm", "open_gop_ts", "refresh")


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with WorkerPool() as pool:
        yield pool


def both_ways(pool: WorkerPool, jobs: list[StreamJob]) -> list[object]:
    return [outcome for _, outcome in pool.map(read_both_ways, jobs)]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in KINDS]
)
def test_windows_are_those_of_the_reader(name: str, pool: WorkerPool, tmp_path: Path) -> None:
    truth = KINDS[name].make(tmp_path, 60)
    jobs = [make_job(str(truth.path), window_seconds=w, stride_seconds=s) for w, s in WINDOWS]
    for outcome in both_ways(pool, jobs):
        if name == "interlaced":
            assert isinstance(outcome, tuple)
            assert outcome[0] == outcome[1]
            assert outcome[0].startswith("interlaced video")
            continue
        assert isinstance(outcome, BothWays), outcome
        assert outcome.streamed == outcome.read
        assert any(indices for indices, _, _ in outcome.streamed)
        assert outcome.sent_twice == 0
        if not name.startswith(TWICE):  # else some were sent for windows that proved to be others
            assert outcome.num_sent == len({i for indices, _, _ in outcome.read for i in indices})
        assert outcome.damage == ("", "")


def damaged_jobs(folder: Path, kinds: list[str], seed: int) -> list[StreamJob]:
    draw = random.Random(seed)
    jobs = []
    for kind in kinds:
        (folder / kind).mkdir()
        if kind.startswith("ffv1"):
            clean = write_numbered_video(folder / kind / f"clean.{kind[5:]}", 60)
        else:
            clean = KINDS[kind].make(folder / kind, 60).path
        for harm_name, harm in HARMS.items():
            path = folder / kind / f"{harm_name}{clean.suffix}"
            path.write_bytes(harm(clean.read_bytes(), draw))
            jobs.append(make_job(str(path), window_seconds=0.5, stride_seconds=0.2))
    return jobs


def check_damaged(pool: WorkerPool, jobs: list[StreamJob]) -> Counter[str]:
    """Every outcome is the reader's; returns how many were of which sort."""
    seen: Counter[str] = Counter()
    for job, outcome in zip(jobs, both_ways(pool, jobs), strict=True):
        if isinstance(outcome, tuple):
            # The reader makes no clip of such a file; the stream may have given windows before it found out.
            assert outcome[0] == outcome[1], (job.path, outcome)
            seen["refused"] += 1
            continue
        assert isinstance(outcome, BothWays), (job.path, outcome)
        assert outcome.streamed == outcome.read, job.path
        assert outcome.damage[0] == outcome.damage[1], job.path
        assert outcome.sent_twice == 0
        lost = [not indices for indices, _, _ in outcome.streamed]
        seen["all lost" if all(lost) else "some lost" if any(lost) else "none lost"] += 1
    return seen


def test_damage_costs_the_windows_that_it_costs_the_reader(pool: WorkerPool, tmp_path: Path) -> None:
    kinds = ["mp4", "ts_b", "avi_mpeg4", "mjpeg_avi", "ffv1_mkv"]
    seen = check_damaged(pool, damaged_jobs(tmp_path, kinds, 0))
    assert seen["some lost"] >= 5
    assert seen["none lost"] >= 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_damage_of_all_kinds(seed: int, pool: WorkerPool, tmp_path: Path) -> None:
    seen = check_damaged(pool, damaged_jobs(tmp_path, KINDS_HERE, seed))
    assert seen["some lost"] >= 20


def test_frames_come_once_and_windows_before_the_end(tmp_path: Path) -> None:
    """10 s at 10 frames a second in windows of 2 s of 4 frames: a stride of 1 s is two frames more."""
    path = write_numbered_video(tmp_path / "v.mkv", 100, frame_rate=10)
    spec = ClipSpec(num_frames=4, image_size=48)
    job = StreamJob(path=str(path), spec=spec, clip_seconds=1.95)
    begun, *events, end = stream_windows(job)
    assert begun == StreamBegun(window_seconds=2.0, stride_seconds=1.0, claimed_seconds=10.0)
    assert isinstance(end, StreamEnd)
    assert end.duration_seconds == pytest.approx(10)
    assert (end.num_frames, end.num_missing, end.width, end.height) == (100, 0, 64, 48)
    frames = [event for event in events if isinstance(event, StreamFrame)]
    assert [event.index for event in frames] == list(range(2, 100, 5))
    assert read_numbers(frames[3].frame[None], size_wh=(64, 48)) == (17,)
    windows = [event for event in events if isinstance(event, StreamWindow)]
    assert [window.start_seconds for window in windows] == [float(k) for k in range(9)]
    assert windows[3].frame_indices == (32, 37, 42, 47)
    first = next(place for place, event in enumerate(events) if isinstance(event, StreamWindow))
    assert sum(isinstance(event, StreamFrame) for event in events[:first]) == 4  # at once, not at the end


def test_a_window_longer_than_the_video_is_all_of_it(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "v.avi", 10, frame_rate=10)
    job = StreamJob(path=str(path), spec=ClipSpec(num_frames=2, image_size=48), clip_seconds=60)
    (window,) = [event for event in stream_windows(job) if isinstance(event, StreamWindow)]
    assert window.start_seconds == 0
    assert window.end_seconds == pytest.approx(1)
    assert window.frame_indices == (2, 7)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("no.mp4", None, "no such file"),
        ("empty.mp4", b"", "the file is empty"),
        ("text.mp4", b"not a video at all", "not a supported video"),
        ("cut.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "the index .moov. is missing"),
        ("folder", None, "is a folder, not a regular file"),
    ],
)
def test_what_is_no_video_is_refused(name: str, content: bytes | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
    elif content is not None:
        path.write_bytes(content)
    job = StreamJob(path=str(path), spec=ClipSpec(num_frames=2, image_size=48), clip_seconds=1)
    with pytest.raises(VideoError, match=reason):
        list(stream_isolated(stream_windows, job))
