"""A video again with a band under its picture: what it shows now, and where on the whole timeline that is.

    |                        |
    |        picture         |
    |                        |
    | # label    87 % 0:12:31|   caption of the present stretch, its confidence, the time
    | ====--==|======-----== |   the whole recording, and where we are

All words come as pictures: nothing here knows fonts. Runs in a worker; sound is not kept.
"""

import os
import shutil
from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import MachineError, VideoError
from pipeline.video.capture import decoder_errors
from pipeline.video.index import read_index
from pipeline.video.letterbox import resize_frame
from pipeline.video.passes import Reading, grab_frames

Picture = NDArray[np.uint8]  # (H, W, 3) RGB
_TELL_EVERY_FRAMES = 100
_ROOM_BYTES = 64 << 20  # left on the disk: the encoder does not say when it is full


@dataclass(frozen=True, kw_only=True)
class Caption:
    """What is said from one moment on.

    Attributes:
        start_seconds: the moment.
        words: which of the words.
        figures: what stands on the right, before the time.
    """

    start_seconds: float
    words: int
    figures: str


@dataclass(frozen=True, kw_only=True)
class RenderJob:
    """What a worker needs to render a video.

    Attributes:
        path: the video.
        out: the file to write; it is not there before it is whole.
        size_wh: of the picture, even numbers.
        frame_rate: frames a second of the new video.
        duration_seconds: of the video.
        captions: in the order of their start; the first one starts at 0.
        words: (h, w, 3) each, all of one height and background.
        glyphs: a picture for each character of the figures and of the time, of the same height.
        bar: (h, W, 3), the whole recording.
        margin_px: around words and bar.
    """

    path: str
    out: str
    size_wh: tuple[int, int]
    frame_rate: float
    duration_seconds: float
    captions: tuple[Caption, ...]
    words: tuple[Picture, ...]
    glyphs: Mapping[str, Picture]
    bar: Picture
    margin_px: int


def render_video(job: RenderJob) -> Iterator[float]:
    """Renders; for `stream_isolated`.

    Yields:
        Up to which second it is done, now and then.

    Raises:
        VideoError: the video cannot be read.
        MachineError: the new one cannot be written.
    """
    band = _Band(job)
    width, height = job.size_wh
    out_wh = (width, height + band.height_px)
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(os.fsencode(job.out), cv2.CAP_FFMPEG, fourcc, job.frame_rate, out_wh)  # type: ignore[call-overload]
    if not writer.isOpened():
        raise MachineError(f"OpenCV cannot write {job.out}; `clipwise doctor` says what it can do.")
    canvas = np.zeros((out_wh[1], width, 3), np.uint8)
    num_written, has_picture = 0, False
    try:
        with decoder_errors(job.path):
            for until_seconds, picture in _shown(job):
                while has_picture and (num_written + 0.5) / job.frame_rate <= until_seconds:
                    band.draw(canvas[height:], num_written / job.frame_rate)
                    writer.write(canvas)
                    num_written += 1
                    if num_written % _TELL_EVERY_FRAMES == 0:
                        _require_room(job.out)
                        yield num_written / job.frame_rate
                if picture is not None:
                    canvas[:height] = resize_frame(picture, job.size_wh)
                    has_picture = True
    finally:
        writer.release()
    if not has_picture:
        raise VideoError(job.path, "no frame could be decoded")
    if read_index(job.out).num_packets != num_written:  # the encoder reports no error
        raise MachineError(f"{job.out} could not be written whole; is there room on its disk?")


def _shown(job: RenderJob) -> Iterator[tuple[float, Picture | None]]:
    """Each frame with the moment from which on it is shown; at last the end."""
    reading, seconds = Reading(raw_times_seconds=array("d")), 0.0
    for frame in grab_frames(job.path, reading):
        first = reading.raw_times_seconds[0] if frame.index else frame.raw_seconds
        passed = frame.raw_seconds - first
        lost_its_time = frame.index > 0 and (frame.raw_seconds == 0 or passed < seconds)
        seconds = seconds + 1 / job.frame_rate if lost_its_time else passed
        picture = frame.picture()
        if picture is not None:
            yield seconds, picture
    yield max(seconds, job.duration_seconds), None


class _Band:
    """What stands under the picture."""

    def __init__(self, job: RenderJob) -> None:
        margin = job.margin_px
        self._job = job
        self._starts = [caption.start_seconds for caption in job.captions]
        self._line_px = next(iter(job.glyphs.values())).shape[0]
        self._bar_top_px = margin + self._line_px + margin
        self.height_px = (self._bar_top_px + job.bar.shape[0] + margin + 1) // 2 * 2
        self._background = tuple(int(value) for value in job.words[0][0, -1, ::-1])
        self._words = [np.ascontiguousarray(words[:, :, ::-1]) for words in job.words]
        self._glyphs = {key: np.ascontiguousarray(glyph[:, :, ::-1]) for key, glyph in job.glyphs.items()}
        self._bar = np.ascontiguousarray(job.bar[:, :, ::-1])

    def draw(self, canvas: Picture, seconds: float) -> None:
        """Draws the band of one moment, BGR."""
        job, margin = self._job, self._job.margin_px
        canvas[:] = self._background
        caption = job.captions[max(0, bisect_right(self._starts, seconds) - 1)]
        words = self._words[caption.words]
        canvas[margin : margin + self._line_px, margin : margin + words.shape[1]] = words
        right = canvas.shape[1] - margin
        for character in reversed(f"{caption.figures}  {_clock(seconds)}"):
            glyph = self._glyphs[character]
            left = right - glyph.shape[1]
            if left < margin:
                break
            canvas[margin : margin + self._line_px, left:right] = glyph
            right = left
        top, height, width = self._bar_top_px, self._bar.shape[0], self._bar.shape[1]
        canvas[top : top + height, margin : margin + width] = self._bar
        share = min(1.0, seconds / job.duration_seconds) if job.duration_seconds else 0.0
        x = margin + round(share * (width - 1))
        cv2.line(canvas, (x, top - 2), (x, top + height + 1), (0, 0, 0), 3)
        cv2.line(canvas, (x, top - 2), (x, top + height + 1), (255, 255, 255), 1)


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _require_room(path: str) -> None:
    if shutil.disk_usage(Path(path).parent).free < _ROOM_BYTES:
        raise MachineError(f"the disk of {path} is full; free some space or write the video elsewhere.")
