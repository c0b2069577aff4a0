"""Files that are no videos, and names that are traps: a reason each, never a crash or a hang."""

import os
import shutil
import wave
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video import capture
from pipeline.video.reader import read_clip
from pipeline.video.worker import WorkerPool, read_clips_isolated
from tests.helpers.videos import read_numbers, write_numbered_av, write_numbered_video

SPEC = ClipSpec(num_frames=3, image_size=48)


def reason_of(path: Path | str | bytes) -> str:
    with pytest.raises(VideoError) as caught:
        read_clip(path, SPEC)
    assert caught.value.path == os.fsdecode(path)
    return caught.value.reason


def test_missing_empty_and_special_files(tmp_path: Path) -> None:
    assert reason_of(tmp_path / "nothing.mp4") == "no such file"
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert reason_of(empty) == "the file is empty"
    assert reason_of(tmp_path) == "is a folder, not a regular file"
    fifo = tmp_path / "fifo.mp4"
    os.mkfifo(fifo)
    assert reason_of(fifo) == "is a FIFO, not a regular file"
    assert reason_of("/dev/null") == "is a device, not a regular file"
    assert "cannot be opened" in reason_of("a\0b.mp4")
    assert "cannot be opened" in reason_of(tmp_path / ("x" * 300 + ".mp4"))
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    assert "cannot be opened" in reason_of(tmp_path / "loop.mp4")


def test_a_large_file_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty, half, full = (tmp_path / f"{name}.mp4" for name in ("empty", "half", "full"))
    for path, share in ((empty, 0.01), (half, 0.6), (full, 1.0)):
        path.write_bytes(bytes([1]) * int(share * (1 << 22)))
        os.truncate(path, 1 << 22)
    monkeypatch.setattr(capture, "SPARSE_BYTES", 1 << 22)
    if 512 * empty.stat().st_blocks > 1 << 21:
        pytest.skip("this file system has no holes")
    assert reason_of(empty).startswith("most of the file is missing")
    assert reason_of(half) == reason_of(full) == "not a supported video"
    os.truncate(empty, 1 << 40)
    assert reason_of(empty).startswith("most of the file is missing")


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 3)
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    assert reason_of(path) == "cannot be opened: no permission to read it"


def test_what_is_no_video(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("not a video\n" * 100)
    noise = tmp_path / "noise.avi"
    noise.write_bytes(np.random.default_rng(0).bytes(10_000))
    for path in (text, noise):
        assert reason_of(path) == "not a supported video"


def test_audio_only_and_disguised_files_are_refused_in_a_worker(tmp_path: Path) -> None:
    victim = write_numbered_video(tmp_path / "victim.avi", 3)
    sound = tmp_path / "sound.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\1" * 8000)
    concat = tmp_path / "list.mp4"  # a list of FFmpeg's concat format: would read the file beside it
    concat.write_text(f"ffconcat version 1.0\nfile {victim.name}\n")
    playlist = tmp_path / "playlist.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{victim.name}\n#EXT-X-ENDLIST\n")
    text = tmp_path / "notes.txt"
    text.write_text("FFmpeg renders text as video\n" * 50)
    paths = [sound, concat, playlist, text, victim]
    outcomes = [outcome for _, outcome in read_clips_isolated(paths, SPEC)]
    for path, outcome in zip(paths[:-1], outcomes, strict=False):
        assert isinstance(outcome, VideoError), path
        assert outcome.reason == "not a supported video"
    assert not isinstance(outcomes[-1], VideoError)


@pytest.mark.parametrize(
    "name",
    [
        "with%02d.avi",
        "http:colon.avi",
        "concat:a|b.avi",
        "-dash.avi",
        "한국어 비디오.avi",
        "فيديو.avi",
        "🎬.avi",
        b"latin1-\xe9.avi",
        "two\nlines.avi",
        "no_suffix",
        "video.avi.txt",
    ],
)
def test_any_name_of_a_good_video(tmp_path: Path, name: str | bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    video = write_numbered_video(tmp_path / "plain.avi", 9)
    path = os.fsencode(tmp_path / os.fsdecode(name))
    shutil.copyfile(video, path)
    for spelt in (path, os.fsdecode(path), Path(os.fsdecode(path))):
        assert read_numbers(read_clip(spelt, SPEC).frames, size_wh=(64, 48)) == (1, 4, 7)
    monkeypatch.chdir(tmp_path)
    assert read_clip(Path(os.fsdecode(name)), SPEC).num_frames == 9


def test_a_frame_too_large_is_refused_before_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 3)
    monkeypatch.setattr(capture, "MAX_FRAME_PIXELS", 64 * 48 - 1)
    monkeypatch.setattr(cv2.VideoCapture, "grab", lambda _self: pytest.fail("decoded"), raising=False)  # noqa: TID251
    assert reason_of(path).startswith("frames of 64x48 are too large")


def test_decoding_is_upright_and_single_threaded(tmp_path: Path) -> None:
    path = write_numbered_av(tmp_path / "video.mp4", [40 * i for i in range(5)], codec="libx264")
    with capture.open_frames(path) as opened:
        assert opened.getBackendName() == "FFMPEG"
        assert opened.get(cv2.CAP_PROP_ORIENTATION_AUTO) == 1
        assert opened.get(cv2.CAP_PROP_N_THREADS) == 1


def reason_in_worker(path: Path) -> str:
    """Runs in a worker."""
    try:
        read_clip(path, SPEC)
    except VideoError as error:
        return error.reason
    return ""


def test_worker_errors_name_the_file(tmp_path: Path) -> None:
    with WorkerPool() as pool:
        ((path, reason),) = pool.map(reason_in_worker, [tmp_path / "nothing.mp4"])
    assert (path, reason) == (tmp_path / "nothing.mp4", "no such file")
