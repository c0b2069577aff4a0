"""Frame truth, kind by kind: number, index and time of every sampled frame, by contract 2 of the design.

What is expected is worked out here from the times that were written, in fractions, without the sampling of
the package; what was shown is read from the pixels of the clip.
"""

import bisect
import statistics
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.reader import ClipRead, read_clip
from pipeline.video.worker import read_clip_isolated, read_clips_isolated
from tests.helpers.companions import joined, with_second, with_sound
from tests.helpers.kind import Truth, steady
from tests.helpers.kinds import KINDS, LYING_KINDS
from tests.helpers.mux import Coding
from tests.helpers.videos import read_numbers

SIDE = 96
LONG_KINDS = [name for name, kind in KINDS.items() if kind.is_long]
# Long versions that stand for the others in the default run: one of each way to say times and key frames.
QUICK_LONG = {
    "mp4",
    "mkv_23976",
    "pyramid_mp4",
    "open_gop_mkv",
    "refresh_mp4",
    "refresh_ts",
    "vfr_90k_mp4",
    "vfr_b_mkv",
    "equal_times_mkv",
    "rate_24_to_25",
    "late_ts",
    "edit_middle",
    "edit_both_b",
    "edit_swaps",
    "hevc_mp4",
    "ts_b",
    "raw_h264_b",
    "open_gop_hevc",
    "webm_vp9_hidden",
    "av1_mp4",
    "avi_mpeg4_b",
    "fragmented",
}

GARBAGE = ("interlaced",)  # OpenCV cannot convert such frames and does not say so in what it returns

Range = tuple[Fraction | None, Fraction | None]


def is_even(times: list[Fraction], tick: Fraction) -> bool:
    """Whether the times are those of an even grid, but for rounding to a tick."""
    gaps = [after - before for before, after in pairwise(times)]
    if not gaps:
        return True
    step = sum(gaps) / len(gaps)
    drift = max(abs(time - times[0] - i * step) for i, time in enumerate(times))
    return max(gaps) - min(gaps) <= tick and drift <= tick


def expected_indices(truth: Truth, num_frames: int, wanted: Range) -> tuple[int, ...]:
    """Contract 2, worked out in fractions."""
    start, end = wanted
    inside = [
        i
        for i, time in enumerate(truth.times)
        if (start is None or time >= start) and (end is None or time < end)
    ]
    times = [truth.times[i] for i in inside]
    middles = [Fraction(2 * i + 1, 2 * num_frames) for i in range(num_frames)]
    if is_even(times, truth.tick):
        return tuple(inside[int(middle * len(times))] for middle in middles)
    last = statistics.median(after - before for before, after in pairwise(times))
    whole = times[-1] - times[0] + last
    centres = [times[0] + middle * whole for middle in middles]
    return tuple(inside[bisect.bisect_right(times, centre + truth.tick / 2) - 1] for centre in centres)


def ranges_of(truth: Truth) -> list[Range]:
    """From one frame up to another; from and up to moments between frames; a single frame."""
    times, count = truth.times, len(truth.times)
    early, late, middle = times[count // 4], times[-1 - count // 5], times[count // 2]
    between = (times[1] - times[0]) / 3
    single = next((t for t, after in pairwise(times[count // 3 :]) if after > t), times[-1])
    return [
        (early, late),
        (None, middle + between),
        (middle - between, None),
        (single, single + Fraction(1, 1_000_000) * 10),
    ]


def check(truth: Truth, clip: ClipRead, num_frames: int, wanted: Range) -> None:
    """Index, time and picture of every frame of the clip, and what is said of the video."""
    expected = expected_indices(truth, num_frames, wanted)
    assert clip.frame_indices == expected, (num_frames, wanted)
    upright = np.rot90(clip.frames, truth.degrees // 90, axes=(1, 2))
    assert read_numbers(upright, size_wh=truth.size_wh) == tuple(truth.numbers[i] for i in expected)
    shown_at = [float(truth.times[i]) for i in expected]
    np.testing.assert_allclose(clip.frame_times_seconds, shown_at, rtol=0, atol=1e-6)
    assert clip.num_frames == len(truth.numbers)
    assert clip.damage == ""
    size_wh = truth.size_wh if truth.degrees % 180 == 0 else truth.size_wh[::-1]
    assert (clip.width, clip.height) == size_wh


def check_all(truth: Truth, *lengths: int) -> None:
    """Clips of all these lengths of the whole video; of the first length, of each range too."""
    cases: list[tuple[int, Range]] = [(num_frames, (None, None)) for num_frames in lengths]
    cases += [(lengths[0], wanted) for wanted in ranges_of(truth)]
    for num_frames, wanted in cases:
        start, end = (None if moment is None else float(moment) for moment in wanted)
        spec = ClipSpec(num_frames=num_frames, image_size=SIDE)
        clip = read_clip(truth.path, spec, start_seconds=start, end_seconds=end)
        check(truth, clip, num_frames, wanted)


@pytest.mark.parametrize("name", [name for name in KINDS if name not in GARBAGE])
def test_every_sampled_frame_is_true(tmp_path: Path, name: str) -> None:
    check_all(KINDS[name].make(tmp_path), 12, 1, 5, 16, 47)


@pytest.mark.parametrize(
    "name",
    [name if name in QUICK_LONG else pytest.param(name, marks=pytest.mark.slow) for name in LONG_KINDS],
)
def test_every_sampled_frame_of_a_long_video_is_true(tmp_path: Path, name: str) -> None:
    check_all(KINDS[name].make(tmp_path, 900, 50), 5, 1, 12)


# At some distances of key frames FFmpeg leaves a frame of time between the two pieces of it; so does PyAV.
SHIFTED = ("edit_middle_b",)


@pytest.mark.slow
@pytest.mark.parametrize("key_every", [7, 25, 250])
@pytest.mark.parametrize("name", [name for name in LONG_KINDS if name not in SHIFTED])
def test_the_distance_of_key_frames_does_not_matter(tmp_path: Path, name: str, key_every: int) -> None:
    check_all(KINDS[name].make(tmp_path, 700, key_every), 16, 3)


@pytest.mark.parametrize("num_frames", [5, 7])
@pytest.mark.parametrize("name", LYING_KINDS)
def test_key_frames_that_are_none(tmp_path: Path, name: str, num_frames: int) -> None:
    truth = LYING_KINDS[name].make(tmp_path, 900, 50)
    spec = ClipSpec(num_frames=num_frames, image_size=SIDE)
    check(truth, read_clip(truth.path, spec), num_frames, (None, None))
    check(truth, read_clip_isolated(truth.path, spec), num_frames, (None, None))


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", ["mp4", "mkv_23976", "b_mp4", "vfr_mkv", "mjpeg_avi", "webm_vp9"])
def test_the_shortest_videos(tmp_path: Path, name: str, count: int) -> None:
    truth = KINDS[name].make(tmp_path, count)
    for num_frames in (1, 2, 5):
        clip = read_clip(truth.path, ClipSpec(num_frames=num_frames, image_size=SIDE))
        check(truth, clip, num_frames, (None, None))


def test_workers_read_every_kind_as_true(tmp_path: Path) -> None:
    truths = []
    for name in KINDS:
        if name not in GARBAGE:
            (tmp_path / name).mkdir()
            truths.append(KINDS[name].make(tmp_path / name))
    spec = ClipSpec(num_frames=12, image_size=SIDE)
    outcomes = read_clips_isolated([truth.path for truth in truths], spec, num_workers=2)
    for truth, (path, clip) in zip(truths, outcomes, strict=True):
        assert not isinstance(clip, VideoError), (path, clip)
        check(truth, clip, 12, (None, None))


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".mov", ".flv"])
def test_sound_that_starts_earlier(tmp_path: Path, suffix: str) -> None:
    check_all(with_sound(tmp_path / f"video{suffix}"), 12, 5)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_the_first_of_two_videos_is_read(tmp_path: Path, suffix: str) -> None:
    check_all(with_second(tmp_path / f"video{suffix}"), 12, 5)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_cover_is_no_video(tmp_path: Path, suffix: str) -> None:
    check_all(with_second(tmp_path / f"video{suffix}", is_cover=True), 12, 5)


@pytest.mark.parametrize("size_wh", [(64, 48), (96, 64), (48, 64)])
@pytest.mark.parametrize("name", ["ts", "raw_h264"])
def test_joined_recordings_are_read_to_the_end(tmp_path: Path, name: str, size_wh: tuple[int, int]) -> None:
    # Both count time from the same start: the second's jump back is one gap. Another size is scaled.
    check_all(joined(tmp_path, KINDS[name], second_size_wh=size_wh), 12, 5)


@pytest.mark.parametrize("start_seconds", [Fraction(18), Fraction(30), Fraction(34)])
def test_joined_recordings_whose_clocks_overlap(tmp_path: Path, start_seconds: Fraction) -> None:
    def later(count: int, clock: int) -> list[int]:
        return [int((start_seconds + Fraction(1, 50) + Fraction(i, 25)) * clock) for i in range(count)]

    kind = replace(KINDS["ts"], coding=Coding(key_every=50))
    truth = joined(tmp_path, kind, count=900, second_times=later)
    check_all(truth, 2, 3, 5)


def test_a_clock_that_wraps(tmp_path: Path) -> None:
    wraps_seconds = Fraction(1 << 33, 90_000)  # MPEG counts 33 bits
    kind = replace(KINDS["ts_b"], times=steady(25, start_seconds=int(wraps_seconds) - 1))
    check_all(kind.make(tmp_path, 60), 12, 5)


@pytest.mark.parametrize("name", GARBAGE)
def test_frames_that_cannot_be_converted_are_no_clip(tmp_path: Path, name: str) -> None:
    truth = KINDS[name].make(tmp_path)
    ((_, outcome),) = read_clips_isolated([truth.path], ClipSpec(num_frames=12, image_size=SIDE))
    assert isinstance(outcome, VideoError)
    print(outcome)
