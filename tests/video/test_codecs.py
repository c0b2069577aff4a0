"""Videos in the codecs that people have are read; a rare codec is refused before any decoder sees it."""

from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.codecs import fourcc_text, is_supported
from pipeline.video.reader import read_clip
from pipeline.video.worker import read_clips_isolated

SPEC = ClipSpec(num_frames=3, image_size=32)
# codec, suffix, pixel format
PEOPLE_HAVE = [
    ("libx264", ".mp4", "yuv420p"), ("libx264", ".ts", "yuv420p"), ("libx264", ".flv", "yuv420p"),
    ("libx264", ".mkv", "yuv422p10le"), ("libx264", ".h264", "yuv420p"), ("libx264", ".avi", "yuv420p"),
    ("libx265", ".mp4", "yuv420p"), ("libvpx", ".webm", "yuv420p"), ("libvpx-vp9", ".webm", "yuv420p"),
    ("libsvtav1", ".mp4", "yuv420p"), ("mpeg1video", ".mpg", "yuv420p"), ("mpeg2video", ".ts", "yuv420p"),
    ("mpeg4", ".avi", "yuv420p"), ("mpeg4", ".3gp", "yuv420p"), ("msmpeg4v2", ".avi", "yuv420p"),
    ("msmpeg4", ".avi", "yuv420p"), ("wmv1", ".wmv", "yuv420p"), ("wmv2", ".asf", "yuv420p"),
    ("h263", ".3gp", "yuv420p"), ("flv", ".flv", "yuv420p"), ("mjpeg", ".avi", "yuvj420p"),
    ("mjpeg", ".mov", "yuvj420p"), ("png", ".mov", "rgb24"), ("gif", ".gif", "rgb8"),
    ("ffv1", ".mkv", "yuv420p"), ("huffyuv", ".avi", "yuv422p"), ("ffvhuff", ".avi", "yuv420p"),
    ("prores_ks", ".mov", "yuv422p10le"), ("cinepak", ".avi", "rgb24"), ("qtrle", ".mov", "rgb24"),
    ("svq1", ".mov", "yuv410p"), ("rawvideo", ".avi", "yuv420p"), ("rawvideo", ".avi", "bgr24"),
    ("rawvideo", ".mov", "uyvy422"),
]  # fmt: skip
RARE = [
    ("magicyuv", ".avi", "yuv420p", "MAGY"), ("utvideo", ".avi", "yuv420p", "ULRA"),
    ("snow", ".avi", "yuv420p", "snow"), ("jpeg2000", ".mov", "yuv420p", "mjp2"),
    ("tiff", ".mov", "rgb24", "tiff"), ("flashsv", ".flv", "bgr24", "FSV1"),
]  # fmt: skip


def write_video(path: Path, codec: str, pixel_format: str) -> Path:
    """Eight frames, each lighter than the one before."""
    width, height = (176, 144) if codec == "h263" else (64, 48)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        for number in range(8):
            picture = np.full((height, width, 3), 30 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pixel_format)
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_the_codecs_that_people_have_are_read_without_a_complaint(tmp_path: Path) -> None:
    paths = [
        write_video(tmp_path / f"{number}-{codec}{suffix}", codec, pixel_format)
        for number, (codec, suffix, pixel_format) in enumerate(PEOPLE_HAVE)
    ]
    wrong = []
    for path, outcome in read_clips_isolated(paths, SPEC, num_workers=2):
        if isinstance(outcome, VideoError) or outcome.num_frames != 8 or outcome.damage:
            wrong.append((Path(str(path)).name, outcome))
    assert wrong == []


def test_rare_codecs_are_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [
        write_video(tmp_path / f"{codec}{suffix}", codec, pixel_format)
        for codec, suffix, pixel_format, _ in RARE
    ]
    reasons = [f"the codec {fourcc!r} is not supported" for *_, fourcc in RARE]
    outcomes = [outcome for _, outcome in read_clips_isolated(paths, SPEC)]
    assert [getattr(outcome, "reason", outcome) for outcome in outcomes] == reasons

    monkeypatch.setattr(cv2.VideoCapture, "grab", lambda _self: pytest.fail("decoded"), raising=False)  # noqa: TID251
    with pytest.raises(VideoError, match="the codec 'MAGY' is not supported"):
        read_clip(paths[0], SPEC)


def test_a_codec_is_known_by_its_decoder_not_by_its_name_in_the_file(tmp_path: Path) -> None:
    path = write_video(tmp_path / "magic.avi", "magicyuv", "yuv420p")
    content = path.read_bytes()
    assert content.count(b"M8Y0") >= 1
    path.write_bytes(content.replace(b"M8Y0", b"M8RG"))  # another of this codec's names
    ((_, outcome),) = read_clips_isolated([path], SPEC)
    assert getattr(outcome, "reason", outcome) == "the codec 'MAGY' is not supported"


@pytest.mark.parametrize(
    ("number", "text", "supported"),
    [
        (0x34363268, "h264", True),
        (0x31564646, "FFV1", True),
        (0.0, "\0\0\0\0", True),
        (-1.0, "ÿÿÿÿ", False),
        (0x5947414D, "MAGY", False),
    ],
)
def test_fourcc(number: float, text: str, supported: bool) -> None:
    assert fourcc_text(number) == text
    assert is_supported(text) is supported
