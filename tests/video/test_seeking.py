"""Jumps: planned where they save much, true or thrown away, never another result than reading straight on."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from pipeline.spec import ClipSpec
from pipeline.video import passes, reader, seeking
from pipeline.video.index import PacketIndex, read_index
from pipeline.video.parts import Part, Windows
from pipeline.video.reader import read_clip
from pipeline.video.seeking import plan_steps
from pipeline.video.worker import read_clip_isolated
from tests.helpers.videos import read_numbers, write_numbered_av

SPEC = ClipSpec(num_frames=6, image_size=48)
SIZE = (64, 48)
COUNT = 900


def index_of(count: int, key_every: int, **changes: Any) -> PacketIndex:
    times = tuple(i / 25 for i in range(count))
    values: dict[str, Any] = {
        "times_seconds": times,
        "key_times_seconds": times[::key_every],
        "claimed_frames": count,
        "last_tick": count - 1,
        "bytes_missing": False,
        "claimed_rate": 25.0,
        "can_jump": True,
    }
    return PacketIndex(**{**values, **changes})


def long_video(path: Path) -> Path:
    return write_numbered_av(path, [40 * i for i in range(COUNT)], codec="libx264", key_every=60)


def test_steps_land_on_the_key_frame_before() -> None:
    steps = plan_steps(index_of(1000, 50, may_hide_frames=True), [80, 90, 500, 510, 990])
    assert [(step.target, step.landing) for step in steps] == [
        (80, 50),
        (90, None),  # straight on
        (500, 450),  # a key frame that OpenCV cannot land on so shortly before: it goes back 16 frames
        (510, None),
        (990, 950),
        (999, None),  # the end is looked at
    ]
    assert plan_steps(index_of(1000, 50), [80, 90, 500, 510, 990]) == steps[:-1]


@pytest.mark.parametrize(
    "index",
    [
        index_of(1000, 1000),  # one key frame
        index_of(60, 12),  # short: nothing to save
        index_of(1000, 50, claimed_rate=0.0),
        index_of(1000, 50, num_complaints=1),
        index_of(1000, 50, bytes_missing=True),
        index_of(1000, 50, can_jump=False),
        index_of(0, 1),
        index_of(1, 1),
    ],
)
def test_nothing_is_planned_where_it_gains_nothing_or_proves_nothing(index: PacketIndex) -> None:
    wanted = [index.num_packets * (2 * i + 1) // 24 for i in range(12)] if index.num_packets > 1 else []
    assert plan_steps(index, wanted) == ()


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which ways videos were read, and with what success."""
    taken: list[str] = []
    real_jumps, real_straight = seeking.read_by_jumps, passes.read_sequentially

    def jumps(*args: Any) -> Any:
        reading = real_jumps(*args)
        taken.append("jumps" if reading else "refuted")
        return reading

    def straight(*args: Any) -> Any:
        taken.append("straight")
        return real_straight(*args)

    monkeypatch.setattr(reader, "read_by_jumps", jumps)
    monkeypatch.setattr(reader, "read_sequentially", straight)
    return taken


@pytest.mark.parametrize(
    ("name", "codec", "b_frames", "key_every"),
    [
        ("v.mp4", "libx264", 3, 60),
        ("v.mkv", "libx264", 2, 60),
        ("v.webm", "libvpx-vp9", 0, 60),
        ("v.avi", "libx264", 0, 60),
    ],
)
def test_jumps_give_what_reading_gives(  # noqa: PLR0917 - a table
    tmp_path: Path, ways: list[str], monkeypatch: pytest.MonkeyPatch,
    name: str, codec: str, b_frames: int, key_every: int,
) -> None:  # fmt: skip
    rate = 25 if name.endswith("avi") else 1000
    times = [i * rate // 25 for i in range(COUNT)]
    path = write_numbered_av(
        tmp_path / name, times, codec=codec, b_frames=b_frames, key_every=key_every, ticks_per_second=rate
    )
    clip = read_clip(path, SPEC)
    assert ways == ["jumps"]
    assert clip.frame_indices == tuple(COUNT * (2 * i + 1) // 12 for i in range(6))
    assert read_numbers(clip.frames, size_wh=SIZE) == clip.frame_indices
    assert clip.num_frames == clip.frames_expected == COUNT
    assert clip.frames_read < 0.6 * COUNT
    monkeypatch.setattr(reader, "plan_steps", lambda *_: ())
    straight = read_clip(path, SPEC)
    assert straight.frames_read == COUNT
    np.testing.assert_array_equal(clip.frames, straight.frames)
    assert clip.frame_times_seconds == straight.frame_times_seconds
    assert clip.duration_seconds == straight.duration_seconds


def test_a_stream_without_a_list_of_key_frames_is_read_straight_on(tmp_path: Path, ways: list[str]) -> None:
    """A jump there lands anywhere: MPEG-4 then decodes on grey, and nobody complains."""
    path = write_numbered_av(tmp_path / "v.ts", [40 * i for i in range(COUNT)], key_every=24)
    clip = read_clip(path, SPEC)
    assert ways == ["straight"]
    assert read_numbers(clip.frames, size_wh=SIZE) == clip.frame_indices


def test_an_intra_refresh_is_no_key_frame(tmp_path: Path, ways: list[str]) -> None:
    """The container calls its starts key frames; a picture decoded from there is whole a second later."""
    path = tmp_path / "v.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (48, 64, 3)).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.options = {"x264-params": "intra-refresh=1:keyint=40:bframes=0"}
        for number in range(400):
            picture = np.roll(noise, 3 * number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        flagged = sum(packet.is_keyframe for packet in container.demux(video=0))
    index = read_index(path)
    assert flagged > 5
    assert len(index.key_times_seconds) == 1
    read_clip(path, SPEC)
    assert ways == ["straight"]


def test_variable_rate_is_found_by_time(tmp_path: Path, ways: list[str]) -> None:
    rng = np.random.default_rng(0)
    times = np.concatenate([[0], rng.integers(5, 120, COUNT - 1).cumsum()]).tolist()
    path = write_numbered_av(tmp_path / "v.mkv", times, codec="libx264", b_frames=2, key_every=40)
    clip = read_clip(path, SPEC)
    assert ways == ["jumps"]
    assert read_numbers(clip.frames, size_wh=SIZE) == clip.frame_indices
    assert clip.frame_times_seconds == pytest.approx([times[i] / 1000 for i in clip.frame_indices])


def test_an_index_that_lies_is_refuted(
    tmp_path: Path, ways: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_numbered_av(
        tmp_path / "v.mp4", [40 * i for i in range(COUNT)], codec="libx264", key_every=60
    )
    truth = read_clip(path, SPEC)
    true = read_index(path)
    shifted = tuple(time + 0.04 for time in true.times_seconds)
    hole = (*true.times_seconds[:30], *true.times_seconds[31:])  # a frame that is shown, but not listed
    longer = (*true.times_seconds, true.times_seconds[-1] + 0.04)
    shorter = true.times_seconds[:-1]
    for times in (shifted, hole, longer, shorter):
        ways.clear()
        lie = PacketIndex(**{**vars(true), "times_seconds": times, "may_hide_frames": True})
        monkeypatch.setattr(reader, "read_index", lambda _path, lie=lie: lie)
        clip = read_clip(path, ClipSpec(num_frames=12, image_size=48))
        assert ways[:2] == ["refuted", "straight"], times[:2]
        assert clip.num_frames == truth.num_frames
        assert read_numbers(clip.frames, size_wh=SIZE) == clip.frame_indices


def test_damage_on_the_way_sends_it_back_to_the_start(tmp_path: Path) -> None:
    path = write_numbered_av(
        tmp_path / "v.mkv", [40 * i for i in range(COUNT)], codec="libx264", key_every=60
    )
    clean = read_clip_isolated(path, SPEC)
    assert clean.frames_read < COUNT
    content = bytearray(path.read_bytes())
    at = len(content) * 11 // 12 + 40  # in the group of pictures of the last sampled frame
    content[at : at + 400] = np.random.default_rng(0).bytes(400)
    path.write_bytes(content)
    kept = read_clip_isolated(path, SPEC, damaged="keep")
    assert kept.frames_read > 0.9 * COUNT  # all that there is
    assert kept.num_complaints > 0
    assert kept.damage


def test_many_windows_are_read_straight_on(tmp_path: Path, ways: list[str]) -> None:
    path = write_numbered_av(
        tmp_path / "v.mp4", [40 * i for i in range(COUNT)], codec="libx264", key_every=60
    )
    clips = {}
    video = reader.read_video(
        path,
        SPEC,
        [Part()],
        hand_over=lambda _number, part, frames: clips.update({part.start_seconds: frames}),
        windows=Windows(window_seconds=4, stride_seconds=2),
    )
    assert ways == ["straight"]
    assert len(video.clips) == len(clips) == 17
    for clip in video.clips:
        assert read_numbers(clips[clip.part.start_seconds], size_wh=SIZE) == clip.frame_indices
        first = round((clip.part.start_seconds or 0) * 25)
        assert clip.frame_indices == tuple(first + 100 * (2 * i + 1) // 12 for i in range(6))
