"""The rendered video: the same pictures, a band that says what and where, all words, whole or not at all."""

from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.errors import MachineError, VideoError
from pipeline.report.timeline_colours import label_colours
from pipeline.report.timeline_video import _text_picture, render_timeline
from pipeline.video import render
from tests.helpers.kinds import KINDS
from tests.helpers.videos import read_number, write_numbered_video
from tests.report.test_timeline_text import segment

LABELS = ["걷기", "run"]


def render_here(out: Path, video: Path, end_seconds: float, **options: float) -> list[float]:
    rows = [segment(0, end_seconds / 2, "걷기"), segment(end_seconds / 2, end_seconds, "run", class_index=1)]
    told: list[float] = []
    render_timeline(
        out, str(video), segments=rows, labels=LABELS, size_wh=(128, 96), on_progress=told.append, **options
    )
    return told


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as file:
        return [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]


def test_each_frame_with_its_caption_and_place(tmp_path: Path) -> None:
    video = write_numbered_video(tmp_path / "v.avi", 210, size_wh=(128, 96), frame_rate=10)
    told = render_here(tmp_path / "out.mp4", video, 21.0, frame_rate=10)
    frames = frames_of(tmp_path / "out.mp4")
    assert told == [10.0, 20.0]
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["out.mp4", "v.avi"]
    assert len(frames) == 210
    height = frames[0].shape[0]
    assert frames[0].shape[1] == 128
    assert 96 < height < 140
    for number in (0, 57, 104, 106, 209):
        assert read_number(frames[number][:96]) == number
        bar = frames[number][height - 10, 4:124].astype(int)
        for place, rgb in ((2, label_colours(2)[0]), (117, label_colours(2)[1])):
            if abs(place - number / 209 * 119) > 4:
                assert np.abs(bar[place] - rgb).max() < 40  # the codec is lossy
        head = int(np.argmax(bar.min(axis=1)))  # the only white place
        assert abs(head - number / 210 * 119) <= 1.5
    swatches = [frame[96 + 11, 7].astype(int) for frame in (frames[50], frames[150])]
    for swatch, rgb in zip(swatches, label_colours(2), strict=True):
        assert np.abs(swatch - rgb).max() < 40


def test_a_variable_rate_becomes_a_constant_one_by_time(tmp_path: Path) -> None:
    truth = KINDS["vfr_mkv"].make(tmp_path, 40)
    end = float(truth.times[-1]) + 0.04
    render_here(tmp_path / "out.mp4", truth.path, end, frame_rate=25)
    frames = frames_of(tmp_path / "out.mp4")
    assert len(frames) == pytest.approx(end * 25, abs=1)
    for place in range(3, len(frames), 7):
        there = [number for number, time in enumerate(truth.times) if float(time) <= (place + 0.5) / 25]
        assert read_number(frames[place][:96]) == there[-1]


def test_words_are_drawn_in_all_languages_and_cut_where_there_is_no_room() -> None:
    wide, narrow = _text_picture("걷기 يمين 🎥 <b>", 12, 24), _text_picture("w" * 400, 12, 24, max_px=90)
    assert wide.shape[0] == narrow.shape[0] == 24
    assert narrow.shape[1] <= 92
    assert wide.std() > 10


def test_what_cannot_be_done_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(VideoError, match="no such file"):
        render_here(tmp_path / "out.mp4", tmp_path / "none.mp4", 1.0, frame_rate=10)
    video = write_numbered_video(tmp_path / "v.avi", 20, size_wh=(128, 96), frame_rate=10)
    with pytest.raises(MachineError, match="cannot write"):
        render_here(tmp_path / "no" / "folder" / "out.mp4", video, 2.0, frame_rate=10)
    assert [path.name for path in tmp_path.iterdir()] == ["v.avi"]
    monkeypatch.setattr(render, "_ROOM_BYTES", 1 << 62)
    with pytest.raises(MachineError, match="is full"):
        render._require_room(str(video))
