"""One pass over a video: what it saw of the frames, of the damage and of the header."""

import math
from collections.abc import Iterator, MutableSequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.spec import ClipSpec
from pipeline.video.capture import MAX_FAILURES, AnyPath, Capture, open_frames
from pipeline.video.collector import Collector
from pipeline.video.complaints import complaint_log
from pipeline.video.letterbox import displayed_size, fit_frame, sane_pixel_aspect

INTERLACED = (
    "interlaced video: this OpenCV cannot convert its frames; deinterlace it first "
    "(ffmpeg -i IN -vf bwdif OUT)"
)


@dataclass(kw_only=True)
class Reading:
    """What one pass saw.

    Attributes:
        claimed_rate: frames a second by the header.
        pixel_aspect: of the upright frame.
        size_wh: of the upright frame, before the pixel aspect.
        raw_times_seconds: one for each frame shown, as the decoder told them.
        num_decoded: frames that were decoded.
        num_complaints: lines in the decoder's log.
        num_gaps: failures that were followed by more frames.
        trouble_indices: for each complaint or gap, the frame that was shown then (or would have been).
        is_interlaced: whether OpenCV refused to convert frames of two fields; it gives garbage for them.
    """

    claimed_rate: float = 0.0
    pixel_aspect: float = 1.0
    size_wh: tuple[int, int] = (0, 0)
    raw_times_seconds: MutableSequence[float] = field(default_factory=list)
    num_decoded: int = 0
    num_complaints: int = 0
    num_gaps: int = 0
    trouble_indices: list[int] = field(default_factory=list)
    is_interlaced: bool = False

    @classmethod
    def begun(cls, capture: Capture) -> "Reading":
        """A pass that has seen the header only."""
        reading = cls()
        reading.see_header(capture)
        return reading

    def see_header(self, capture: Capture) -> None:
        """Notes what the header says."""
        claimed = capture.get(cv2.CAP_PROP_FPS)
        self.claimed_rate = claimed if math.isfinite(claimed) else 0.0
        self.pixel_aspect = upright_pixel_aspect(capture)

    @property
    def displayed_size(self) -> tuple[int, int]:
        """Width and height on the screen."""
        return displayed_size(*self.size_wh, pixel_aspect=self.pixel_aspect)

    def put(self, index: int, frame_bgr: NDArray[np.uint8], spec: ClipSpec, collector: Collector) -> None:
        """Fits a frame into the clips that want it; its size is noted."""
        collector.put(index, lambda out: self.fit(frame_bgr, spec, out=out))

    def fit(
        self, frame_bgr: NDArray[np.uint8], spec: ClipSpec, *, out: NDArray[np.uint8] | None = None
    ) -> NDArray[np.uint8]:
        """A frame as clips have it, (S, S, 3) RGB, written into `out` where that is given."""
        self.size_wh = (frame_bgr.shape[1], frame_bgr.shape[0])
        return fit_frame(frame_bgr, spec, pixel_aspect=self.pixel_aspect, out=out)


class GrabbedFrame:
    """The frame that was grabbed last; it counts as shown unless its picture is asked for and cannot be had.

    Attributes:
        index: its number among the frames shown.
        raw_seconds: its time as the decoder tells it.
    """

    def __init__(self, capture: Capture, index: int) -> None:
        self.index = index
        self.raw_seconds = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        self.is_shown = True
        self._capture = capture

    def picture(self) -> NDArray[np.uint8] | None:
        """(H, W, 3) in OpenCV's channel order, or None: then the frame is not shown."""
        self.is_shown, frame = self._capture.retrieve()
        return frame if self.is_shown else None  # type: ignore[return-value]


def grab_frames(path: AnyPath, reading: Reading) -> Iterator[GrabbedFrame]:
    """Grabs every frame to the end, past bad packets: always right.

    Args:
        path: a video file.
        reading: takes note of all that is seen: of a frame when the next one is asked for.

    Raises:
        VideoError: the file cannot be opened.
    """
    log = complaint_log()
    complaints_before = log.count() if log else 0
    with open_frames(path) as capture:
        reading.see_header(capture)
        failures = 0
        while failures < MAX_FAILURES:
            index = len(reading.raw_times_seconds)
            shown, raw_seconds = capture.grab(), 0.0
            if shown:
                frame = GrabbedFrame(capture, index)
                yield frame
                shown, raw_seconds = frame.is_shown, frame.raw_seconds
            if log and (count := log.count()) > complaints_before:
                reading.num_complaints += count - complaints_before
                complaints_before = count
                reading.trouble_indices.append(index)
                reading.is_interlaced |= log.take_interlaced()
            if not shown:
                failures += 1
                continue
            if failures:
                reading.num_gaps += 1
                reading.trouble_indices.append(index)
                failures = 0
            reading.raw_times_seconds.append(raw_seconds)
    reading.num_decoded = len(reading.raw_times_seconds)


def read_sequentially(path: AnyPath, spec: ClipSpec, collector: Collector) -> Reading:
    """Grabs every frame and fits those wanted.

    Raises:
        VideoError: the file cannot be opened.
    """
    reading = Reading()
    for frame in grab_frames(path, reading):
        if collector.wants(frame.index) and (picture := frame.picture()) is not None:
            reading.put(frame.index, picture, spec, collector)
    log = complaint_log()
    reading.is_interlaced |= log is not None and log.take_interlaced()
    return reading


def upright_pixel_aspect(capture: Capture) -> float:
    """Pixel aspect on the upright frame: a quarter turn swaps width and height of the pixels too."""
    aspect = sane_pixel_aspect(capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN))
    turned = round(capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180 != 0
    return 1 / aspect if turned else aspect
