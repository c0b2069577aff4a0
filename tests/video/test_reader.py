"""read_clip on numbered frames: indices, times, order, colours, rotation, pixel aspect, rates, ranges."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video import passes, reader
from pipeline.video.index import PacketIndex
from pipeline.video.reader import read_clip
from tests.helpers.videos import (
    CLEAR_RGB,
    SET_RGB,
    numbered_frame,
    read_numbers,
    turn_mp4,
    write_numbered_av,
    write_numbered_video,
)

SIZE = (64, 48)
SPEC = ClipSpec(num_frames=5, image_size=48)
EVERY_40_MS = [40 * i for i in range(40)]


@pytest.mark.parametrize("suffix", ["avi", "mkv"])
def test_lossless_frames_come_back_exactly(tmp_path: Path, suffix: str) -> None:
    path = write_numbered_video(tmp_path / f"video.{suffix}", 40, size_wh=SIZE)
    spec = ClipSpec(num_frames=5, image_size=64, fill_rgb=(1, 2, 3))
    clip = read_clip(path, spec)
    assert clip.frame_indices == (4, 12, 20, 28, 36)
    assert clip.frame_times_seconds == pytest.approx((0.16, 0.48, 0.8, 1.12, 1.44))
    assert clip.frames.shape == (5, 64, 64, 3)
    assert clip.frames.dtype == np.uint8
    for frame, number in zip(clip.frames, clip.frame_indices, strict=True):
        expected = np.full((64, 64, 3), (1, 2, 3), np.uint8)
        expected[8:56] = numbered_frame(number, size_wh=SIZE)  # 64x48 fits without scaling
        np.testing.assert_array_equal(frame, expected)
    assert (clip.width, clip.height) == SIZE
    assert (clip.num_frames, clip.frame_rate, clip.damage) == (40, 25.0, "")
    assert clip.duration_seconds == pytest.approx(1.6)


@pytest.mark.parametrize("num_frames", [1, 3, 12, 39, 40, 41, 100])
def test_every_clip_length(tmp_path: Path, num_frames: int) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 40)
    clip = read_clip(path, ClipSpec(num_frames=num_frames, image_size=48))
    expected = tuple(int((i + 0.5) * 40 / num_frames) for i in range(num_frames))
    assert clip.frame_indices == expected
    assert read_numbers(clip.frames, size_wh=SIZE) == expected


@pytest.mark.parametrize(
    ("num_shown", "expected"), [(1, (0,) * 5), (2, (0, 0, 1, 1, 1)), (4, (0, 1, 2, 2, 3))]
)
def test_fewer_frames_than_the_clip_has(tmp_path: Path, num_shown: int, expected: tuple[int, ...]) -> None:
    path = write_numbered_video(tmp_path / "video.avi", num_shown)
    clip = read_clip(path, SPEC)
    assert clip.frame_indices == expected
    assert read_numbers(clip.frames, size_wh=SIZE) == expected
    assert clip.num_frames == num_shown
    assert clip.duration_seconds == pytest.approx(num_shown / 25)


@pytest.mark.parametrize(
    ("name", "codec", "b_frames"),
    [
        ("plain.mp4", "mpeg4", 0),
        ("b.mp4", "libx264", 3),
        ("b.mkv", "libx264", 2),
        ("b.avi", "mpeg4", 2),  # the decoder's times are one frame late and the last one is lost
        ("b.mov", "mpeg4", 2),
        ("v.webm", "libvpx", 0),
        ("v.flv", "flv", 0),
        ("v.ts", "mpeg4", 2),
    ],
)
def test_containers_and_frame_order(tmp_path: Path, name: str, codec: str, b_frames: int) -> None:
    rate = 25 if name.endswith("avi") else 1000  # an AVI's tick is its frame
    times = [time * rate // 1000 for time in EVERY_40_MS]
    path = write_numbered_av(tmp_path / name, times, codec=codec, b_frames=b_frames, ticks_per_second=rate)
    clip = read_clip(path, SPEC)
    assert clip.frame_indices == (4, 12, 20, 28, 36)
    assert read_numbers(clip.frames, size_wh=SIZE) == clip.frame_indices
    assert clip.frame_times_seconds == pytest.approx([i * 0.04 for i in clip.frame_indices], abs=0.001)
    assert (clip.num_frames, clip.damage) == (40, "")


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_rotation_is_applied(tmp_path: Path, degrees: int) -> None:
    path = turn_mp4(write_numbered_av(tmp_path / "video.mp4", EVERY_40_MS), degrees)
    clip = read_clip(path, SPEC)
    assert (clip.width, clip.height) == (SIZE if degrees % 180 == 0 else SIZE[::-1])
    turned_back = np.rot90(clip.frames, degrees // 90, axes=(1, 2))  # anticlockwise
    assert read_numbers(turned_back, size_wh=SIZE) == clip.frame_indices


@pytest.mark.parametrize(
    ("aspect", "degrees", "shown"),
    [
        (Fraction(2), 0, (128, 48)),
        (Fraction(1, 2), 0, (32, 48)),
        (Fraction(3, 2), 180, (96, 48)),
        # A quarter turn of 64x48 with pixels twice as wide as high: 48x64 with pixels twice as high as wide.
        (Fraction(2), 90, (24, 64)),
        (Fraction(2), 270, (24, 64)),
    ],
)
def test_pixel_aspect_is_applied(
    tmp_path: Path, aspect: Fraction, degrees: int, shown: tuple[int, int]
) -> None:
    path = write_numbered_av(tmp_path / "video.mp4", EVERY_40_MS, pixel_aspect=aspect)
    clip = read_clip(turn_mp4(path, degrees), ClipSpec(num_frames=5, image_size=96))
    assert (clip.width, clip.height) == shown
    turned_back = np.rot90(clip.frames, degrees // 90, axes=(1, 2))
    size_wh = shown if degrees % 180 == 0 else shown[::-1]
    assert read_numbers(turned_back, size_wh=size_wh) == clip.frame_indices


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_variable_rate_goes_by_time(tmp_path: Path, suffix: str) -> None:
    times = [0, 40, 80, 500, 1000, 1040, 1080, 3000]  # see test_sampling for the arithmetic
    path = write_numbered_av(tmp_path / f"video.{suffix}", times, codec="libx264", b_frames=2)
    clip = read_clip(path, SPEC)
    assert clip.frame_indices == (2, 3, 6, 6, 6)
    assert read_numbers(clip.frames, size_wh=SIZE) == (2, 3, 6, 6, 6)
    assert clip.frame_times_seconds == pytest.approx((0.08, 0.5, 1.08, 1.08, 1.08))
    assert clip.num_frames == 8
    assert clip.duration_seconds == pytest.approx(3.04)
    assert clip.frame_rate == pytest.approx(7 / 3)


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_time_starts_at_the_first_shown_frame(tmp_path: Path, suffix: str) -> None:
    path = write_numbered_av(tmp_path / f"video.{suffix}", [5000 + time for time in EVERY_40_MS])
    clip = read_clip(path, SPEC)
    assert clip.frame_indices == (4, 12, 20, 28, 36)
    assert clip.frame_times_seconds[0] == pytest.approx(0.16)
    assert clip.duration_seconds == pytest.approx(1.6)
    assert clip.damage == ""


def test_range_restricts_to_start_up_to_end(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 40)
    clip = read_clip(path, SPEC, start_seconds=0.4, end_seconds=0.8)
    assert clip.frame_indices == (11, 13, 15, 17, 19)
    assert read_numbers(clip.frames, size_wh=SIZE) == clip.frame_indices
    assert clip.num_frames == 40
    assert clip.duration_seconds == pytest.approx(1.6)
    assert read_clip(path, SPEC, start_seconds=1.56).frame_indices == (39,) * 5
    assert read_clip(path, SPEC, end_seconds=0.04).frame_indices == (0,) * 5


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (1.6, None, "no frame from 1.6 s to the end"),
        (1.0, 1.0, "from 1 s to 1 s"),
        (None, 0.0, "from the start to 0 s"),
    ],
)
def test_an_empty_range_names_the_duration(
    tmp_path: Path, start: float | None, end: float | None, words: str
) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 40)
    with pytest.raises(VideoError, match=r"the video lasts 1\.60 s") as caught:
        read_clip(path, SPEC, start_seconds=start, end_seconds=end)
    assert words in caught.value.reason


def test_a_wrong_index_is_refuted_by_the_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 40)
    truth = read_clip(path, SPEC)
    readings = []
    real_pass = passes.read_sequentially

    def counted(*args: object) -> object:
        readings.append(args)
        return real_pass(*args)  # type: ignore[arg-type]

    def lying(_path: object) -> PacketIndex:
        times = tuple(i / 25 for i in range(90))
        return PacketIndex(
            times_seconds=times, key_times_seconds=times, claimed_frames=90, last_tick=89, bytes_missing=False
        )

    monkeypatch.setattr(reader, "read_sequentially", counted)
    read_clip(path, SPEC)
    assert len(readings) == 1  # the true index is proved by one pass
    monkeypatch.setattr(reader, "read_index", lying)
    clip = read_clip(path, SPEC)
    assert len(readings) == 3
    assert clip.frame_indices == truth.frame_indices
    np.testing.assert_array_equal(clip.frames, truth.frames)
    nothing = PacketIndex(
        times_seconds=(), key_times_seconds=(), claimed_frames=0, last_tick=0, bytes_missing=False
    )
    monkeypatch.setattr(reader, "read_index", lambda _path: nothing)
    np.testing.assert_array_equal(read_clip(path, SPEC).frames, truth.frames)


def test_colours_are_rgb(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 3)
    clip = read_clip(path, ClipSpec(num_frames=1, image_size=64, fill_rgb=(7, 8, 9)))
    colours = {tuple(int(value) for value in pixel) for pixel in clip.frames.reshape(-1, 3)}
    assert colours == {SET_RGB, CLEAR_RGB, (7, 8, 9)}


def test_reading_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write_numbered_av(tmp_path / "video.mp4", EVERY_40_MS, codec="libx264", b_frames=3)
    first, second = read_clip(path, SPEC), read_clip(str(path).encode(), SPEC)
    np.testing.assert_array_equal(first.frames, second.frames)
    assert first.frame_indices == second.frame_indices


def test_repr_is_short(tmp_path: Path) -> None:
    clip = read_clip(write_numbered_video(tmp_path / "video.avi", 3), SPEC)
    assert repr(clip) == "ClipRead(frames=(5, 48, 48, 3), num_frames=3, 64x48, 0.12 s, damage='')"
