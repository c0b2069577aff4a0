"""Damaged videos: what is said, and whether the clip can still be given."""

import random
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.damage import Damage, OpenDamage
from pipeline.video.index import PacketIndex, read_index
from pipeline.video.passes import Reading
from pipeline.video.reader import read_clip
from pipeline.video.worker import read_clip_isolated
from tests.helpers.videos import (
    cut_file,
    numbered_frame,
    read_numbers,
    write_numbered_av,
    write_numbered_video,
)

SPEC = ClipSpec(num_frames=6, image_size=48)
SIZE = (64, 48)


def index_of(
    num_packets: int, key_every: int, claimed: int = 0, *, bytes_missing: bool = False
) -> PacketIndex:
    times = tuple(i / 25 for i in range(num_packets))
    return PacketIndex(
        times_seconds=times,
        key_times_seconds=times[::key_every],
        claimed_frames=claimed,
        last_tick=num_packets - 1,
        bytes_missing=bytes_missing,
    )


def assess(index: PacketIndex, *, complaints: int = 0, gaps: int = 0, at: tuple[int, ...] = ()) -> Damage:
    reading = Reading(
        raw_times_seconds=list(index.times_seconds),
        num_complaints=complaints,
        num_gaps=gaps,
        trouble_indices=list(at),
    )
    return Damage.assess(reading, index)


def test_damage_lasts_until_the_next_sure_key_frame() -> None:
    index = index_of(100, key_every=20)
    damage = assess(index, complaints=1, at=(30,))
    # The key frame of 40 may have been decoded before the packet that is complained of; that of 60 was not.
    assert damage.affected(range(100)) == tuple(range(30, 60))
    assert damage.affected((0, 29, 60, 99)) == ()
    assert assess(index, complaints=1, at=(95,)).affected(range(100)) == tuple(range(95, 100))
    assert assess(index, complaints=1, at=(100,)).affected(range(100)) == ()  # after the last frame


def test_where_every_frame_is_a_key_frame_damage_stays_in_one() -> None:
    damage = assess(index_of(100, key_every=1), complaints=2, at=(30, 50))
    assert damage.affected(range(100)) == (30, 50)


def test_shifted_times_leave_no_key_frame_sure() -> None:
    index = index_of(100, key_every=20)
    shifted = [time + 0.04 for time in index.times_seconds]
    reading = Reading(raw_times_seconds=shifted, num_complaints=1, trouble_indices=[30])
    damage = Damage.assess(reading, index)
    assert damage.affected(range(100)) == tuple(range(30, 100))


@pytest.mark.parametrize(
    ("index", "complaints", "gaps", "sentence"),
    [
        (index_of(60, 1), 0, 0, ""),
        (index_of(60, 1), 12, 0, "60 of 60 frames read; 12 decoder complaints"),
        (index_of(60, 1), 1, 1, "60 of 60 frames read; 1 decoder complaint; 1 gap in the video"),
        (index_of(60, 1, claimed=100), 1, 0, "cut off after 60 of 100 frames; 1 decoder complaint"),
        (index_of(60, 1, claimed=100, bytes_missing=True), 0, 0, "cut off after 60 of 100 frames"),
        (index_of(60, 1, claimed=100), 0, 0, ""),  # headers lie: alone they prove nothing
        (index_of(60, 1, claimed=61), 1, 0, "60 of 60 frames read; 1 decoder complaint"),
    ],
)
def test_the_sentence(index: PacketIndex, complaints: int, gaps: int, sentence: str) -> None:
    assert assess(index, complaints=complaints, gaps=gaps).sentence == sentence


@pytest.mark.parametrize("suffix", ["avi", "mkv"])
def test_a_cut_file_gives_its_clean_frames_and_says_so(tmp_path: Path, suffix: str) -> None:
    path = cut_file(write_numbered_video(tmp_path / f"video.{suffix}", 40), 0.6)
    clip = read_clip_isolated(path, SPEC)
    shown = clip.num_frames
    assert 15 <= shown < 40
    complaints = 2 if suffix == "avi" else 1  # there the demuxer sees the cut, too
    assert (clip.frames_expected, clip.frames_read, clip.num_complaints) == (40, shown, complaints)
    said = f"{complaints} decoder complaint{'s' * (complaints > 1)}"
    assert clip.damage == f"cut off after {shown} of 40 frames; {said}"
    assert clip.frame_indices == tuple(int((i + 0.5) * shown / 6) for i in range(6))
    assert read_numbers(clip.frames, size_wh=SIZE) == clip.frame_indices


def test_a_cut_avi_is_told_without_any_complaint(tmp_path: Path) -> None:
    whole = write_numbered_video(tmp_path / "video.avi", 40)
    assert not read_index(whole).bytes_missing
    assert read_clip(whole, SPEC).damage == ""
    cut = cut_file(whole, 0.6)
    assert read_index(cut).bytes_missing
    assert "of 40 frames" in read_clip(cut, SPEC).damage  # in this process nobody counts complaints


def chunks_of(content: bytes | bytearray) -> list[tuple[int, int]]:
    """Where the frames of an AVI file start and how long they are."""
    chunks, position = [], content.index(b"movi") + 4
    while content[position + 2 : position + 4] == b"dc":
        length = int.from_bytes(content[position + 4 : position + 8], "little")
        chunks.append((position + 8, length))
        position += 8 + length + length % 2
    return chunks


def overwrite(path: Path, share: float, count: int = 60) -> Path:
    content = bytearray(path.read_bytes())
    at = int(len(content) * share)
    content[at : at + count] = np.random.default_rng(0).bytes(count)
    path.write_bytes(content)
    return path


def test_damage_between_the_sampled_frames_is_reported(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 40)
    content = bytearray(path.read_bytes())
    start, length = chunks_of(content)[30]
    content[start : start + length] = np.random.default_rng(0).bytes(length)
    path.write_bytes(content)
    sentence = "39 of 40 frames read; 1 decoder complaint; 1 gap in the video"
    with pytest.raises(VideoError, match=f"sampled frames are damaged: 9 of 39 frames; {sentence}"):
        read_clip_isolated(path, ClipSpec(num_frames=200, image_size=48))
    few = ClipSpec(num_frames=2, image_size=48)
    clip = read_clip_isolated(path, few)
    # Frame 30 is missing: the times have a hole, so sampling goes by time, .4 and 1.2 s.
    assert read_numbers(clip.frames, size_wh=SIZE) == (10, 29)
    assert clip.frame_times_seconds == pytest.approx((0.4, 1.16))
    assert clip.damage == sentence
    assert (clip.frames_expected, clip.frames_read, clip.num_gaps) == (40, 39, 1)
    kept = read_clip_isolated(path, ClipSpec(num_frames=200, image_size=48), damaged="keep")
    assert kept.damage == f"sampled frames may be damaged: 9 of 39 frames; {sentence}"
    with pytest.raises(VideoError, match=f"the video is damaged: {sentence}"):
        read_clip_isolated(path, few, damaged="fail")


def test_damage_in_predicted_frames_spreads_to_the_next_key_frame(tmp_path: Path) -> None:
    times = [40 * i for i in range(120)]
    path = write_numbered_av(tmp_path / "video.mkv", times, codec="libx264", key_every=24)
    overwrite(path, 0.5, count=300)
    with pytest.raises(VideoError, match="sampled frames are damaged"):
        read_clip_isolated(path, ClipSpec(num_frames=120, image_size=48))
    clean = read_clip_isolated(path, ClipSpec(num_frames=2, image_size=48))
    assert clean.damage != ""
    assert read_numbers(clean.frames, size_wh=SIZE) == clean.frame_indices


def test_a_clean_video_has_no_damage_in_a_worker(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 40)
    isolated, here = read_clip_isolated(path, SPEC), read_clip(path, SPEC)
    assert isolated.damage == ""
    np.testing.assert_array_equal(isolated.frames, here.frames)


def test_a_video_of_which_nothing_decodes(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 10)
    content = bytearray(path.read_bytes())
    for start, length in chunks_of(content):
        content[start : start + length] = bytes(length)
    path.write_bytes(content)
    with pytest.raises(VideoError, match="no frame could be decoded"):
        read_clip(path, SPEC)


def test_numbers_are_not_read_from_noise() -> None:
    from tests.helpers.videos import read_number

    with pytest.raises(ValueError, match="no number"):
        read_number(np.full((48, 64, 3), 128, np.uint8))
    with pytest.raises(ValueError, match="turned"):
        read_number(np.rot90(numbered_frame(6), 2))


def test_spans_while_reading_are_those_of_the_whole_reading() -> None:
    """Troubles and key frames at random, told in order to one and all at once to the other."""
    draw = random.Random(0)
    for _ in range(200):
        count = draw.randrange(20, 120)
        troubles = sorted(draw.sample(range(count), draw.randrange(5)))
        keys = sorted({0, *draw.sample(range(count), draw.randrange(8))})
        index = PacketIndex(
            times_seconds=tuple(i / 10 for i in range(count)),
            key_times_seconds=tuple(key / 10 for key in keys),
            claimed_frames=count,
            last_tick=count - 1,
            bytes_missing=False,
        )
        reading = Reading(
            raw_times_seconds=list(index.times_seconds),
            num_complaints=len(troubles),
            trouble_indices=troubles,
        )
        whole, met = Damage.assess(reading, index), OpenDamage()
        for frame in range(count):
            if frame in troubles:
                met.trouble(frame, intra_only=False)
            if frame in keys:
                met.key_frame(frame)
            assert met.affected(range(frame + 1)) == whole.affected(range(frame + 1))
