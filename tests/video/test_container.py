import struct
from pathlib import Path

import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.container import look_at_container
from pipeline.video.reader import read_clip
from tests.helpers.videos import cut_file, write_numbered_av, write_numbered_video


@pytest.mark.parametrize(
    ("name", "codec", "ticks_per_second", "expected"),
    [
        ("v.mp4", "mpeg4", 600, 1 / 600),
        ("v.mov", "mpeg4", 30000, 1 / 30000),
        ("v.mkv", "mpeg4", 1000, 1 / 1000),
        ("v.flv", "flv", 1000, 1 / 1000),
        ("v.ts", "mpeg4", 1000, 1 / 90000),
    ],
)
def test_the_tick_of_a_clock(
    tmp_path: Path, name: str, codec: str, ticks_per_second: int, expected: float
) -> None:
    times = [i * ticks_per_second // 25 for i in range(10)]
    path = write_numbered_av(tmp_path / name, times, codec=codec, ticks_per_second=ticks_per_second)
    found = look_at_container(path).tick_seconds
    assert found is not None
    # Muxers make a coarse clock finer by a whole factor; never coarser.
    assert found <= expected * 1.0001
    assert abs(expected / found - round(expected / found)) < 1e-6


def test_avi_tells_no_tick_but_its_length(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "v.avi", 40)
    assert look_at_container(path).tick_seconds is None
    assert look_at_container(path).missing == ""
    assert look_at_container(cut_file(path, 0.6)).missing == "the file is shorter than its header says"


def test_an_mp4_without_its_index_says_so(tmp_path: Path) -> None:
    path = write_numbered_av(tmp_path / "v.mp4", [40 * i for i in range(60)])
    assert look_at_container(path).missing == ""
    cut_file(path, 0.6)  # the index stands at the end
    assert "the index (moov) is missing" in look_at_container(path).missing
    with pytest.raises(VideoError, match=r"not a readable video: the index \(moov\) is missing: cut off"):
        read_clip(path, ClipSpec())


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"\x00\x00\x00\x08ftyp",
        struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4s", 0, b"moov") * 3,
        struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4sQ", 1, b"moov", 2**63) + b"trak" * 9,
        struct.pack(">I4s", 8, b"ftyp") + struct.pack(">I4s", 3, b"moov") * 9,
        struct.pack(">I4s", 8, b"ftyp") * 50_000,
        struct.pack(">I4s", 8, b"ftyp")
        + struct.pack(">I4sI4sI4sI4s", 40, b"moov", 32, b"trak", 24, b"mdia", 16, b"mdhd"),
    ],
)
def test_nonsense_does_no_harm(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "v.mp4"
    path.write_bytes(content)
    if content:
        assert look_at_container(path).tick_seconds is None
    else:
        with pytest.raises(VideoError, match="the file is empty"):
            look_at_container(path)
