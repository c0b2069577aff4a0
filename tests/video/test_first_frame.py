"""The first frame of a video: the first one, fitted as its clip's frames are."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.first_frame import read_first_frame
from pipeline.video.letterbox import fit_frame
from tests.helpers.videos import (
    numbered_frame,
    read_number,
    turn_mp4,
    write_numbered_av,
    write_numbered_video,
)

SPEC = ClipSpec(num_frames=4, image_size=64)


def test_it_is_frame_0_letterboxed(tmp_path: Path) -> None:
    frame = read_first_frame(write_numbered_video(tmp_path / "a.avi", 9), SPEC)
    truth = fit_frame(np.ascontiguousarray(numbered_frame(0)[:, :, ::-1]), SPEC)
    assert np.array_equal(frame, truth)
    turned = turn_mp4(write_numbered_av(tmp_path / "b.mp4", range(0, 400, 40)), 90)
    upright = read_first_frame(turned, SPEC)
    assert not upright[:, :8].any(), "the bars of a standing picture are left and right"
    assert read_number(np.rot90(upright), size_wh=(64, 48)) == 0


def test_what_is_no_video_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"no video")
    with pytest.raises(VideoError, match="not a supported video"):
        read_first_frame(tmp_path / "a.mp4", SPEC)
    with pytest.raises(VideoError, match="no such file"):
        read_first_frame(tmp_path / "b.mp4", SPEC)
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match="without frame images"):
        read_first_frame(tmp_path / "empty", SPEC)
