"""The decode benchmark tells a right frame from a wrong one, and its readers read what they are asked for."""

from pathlib import Path

import av
import numpy as np
import pytest

from scripts import bench_decode, bench_readers, bench_truth, bench_videos


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "video.mp4"
    bench_videos.encode(path, (320, 180), 40)
    return path


def test_frames_carry_their_number(video: Path) -> None:
    with av.open(str(video)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    numbers = [bench_videos.read_number(frame) for frame in frames]
    assert numbers == list(range(40))
    assert bench_videos.read_number(np.full((180, 320, 3), 128, np.uint8)) is None


def test_repeated_packets_show_the_frames_again(video: Path, tmp_path: Path) -> None:
    target = tmp_path / "long.mp4"
    bench_videos.repeat(video, target, times=3)
    with av.open(str(target)) as container:
        frames = list(container.decode(video=0))
    numbers = [bench_videos.read_number(frame.to_ndarray(format="rgb24")) for frame in frames]
    assert numbers == list(range(40)) * 3
    assert [frame.time for frame in frames] == pytest.approx([i / 25 for i in range(120)])


@pytest.mark.parametrize("tool", ["PyAV", "cv2 grab", "cv2 read everything"])
def test_readers_read_the_frames_asked_for(video: Path, tmp_path: Path, tool: str) -> None:
    truth, readers = bench_truth, bench_readers
    videos = truth._with_truth("some", [video], tmp_path)
    (case,) = videos.cases
    assert case.indices == tuple((2 * i + 1) * 40 // 24 for i in range(12))
    clip = readers.READERS[tool]()(case)
    assert videos.wrong_frames(0, clip) == 0
    shifted = readers.Case(path=case.path, indices=tuple(i - 1 for i in case.indices), pixel_aspect=1.0)
    assert videos.wrong_frames(0, readers.READERS[tool]()(shifted)) == 12


def test_clipwise_and_a_peer_run_as_processes(video: Path, tmp_path: Path) -> None:
    videos = bench_truth._with_truth("some", [video], tmp_path)
    bench = bench_decode.Bench(tmp_path)
    for tool in ("Clipwise", "PyAV"):
        result = bench.run(tool, videos, check=True)
        assert result.is_right, result
        assert 0 < result.cpu_seconds < 60
        assert 0 < result.wall_seconds < 60


def test_an_unreadable_video_is_counted_and_the_rest_is_read(video: Path, tmp_path: Path) -> None:
    videos = bench_truth._with_truth("some", [video, video], tmp_path)
    Path(videos.cases[0].path).write_bytes(b"no video")
    result = bench_decode.Bench(tmp_path).run("PyAV", videos, check=True)
    assert list(result.errors) == [0]
    assert result.wrong == {}
    assert not result.is_right
