"""What is told of a video while it is read in windows: plain values, sent from a worker as they come."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class StreamBegun:
    """The header was read.

    Attributes:
        window_seconds: length of each window.
        stride_seconds: from the start of one to the start of the next.
        claimed_seconds: how long the video lasts by its header, which may be wrong; 0: it does not say.
    """

    window_seconds: float
    stride_seconds: float
    claimed_seconds: float


@dataclass(frozen=True, kw_only=True)
class StreamFrame:
    """A frame that some window wants; each comes once, in order.

    Attributes:
        index: among the frames really shown.
        frame: (S, S, 3) uint8 RGB.
    """

    index: int
    frame: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class StreamWindow:
    """A window whose frames have all come; windows come in order, each once, and none is ever taken back.

    Attributes:
        number: of the window, from 0.
        start_seconds, end_seconds: of the window; 0 is the first shown frame.
        frame_indices: T indices, none where the window holds no frame.
        frame_times_seconds: T times.
        error: why there is no clip of this window; "" where all its frames can be shown to be clean.
    """

    number: int
    start_seconds: float
    end_seconds: float
    frame_indices: tuple[int, ...]
    frame_times_seconds: tuple[float, ...]
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class StreamProgress:
    """Where the reading is.

    Attributes:
        seconds: of the video.
        waits: whether windows wait: the packets told other times than the frames have, so that the video is
            read to its end for its times, and then a second time.
    """

    seconds: float
    waits: bool


@dataclass(frozen=True, kw_only=True)
class StreamEnd:
    """The video was read to its end.

    Attributes:
        duration_seconds: of the video; its last frame lasts the median gap.
        frame_rate: frames a second.
        num_frames: frames really shown.
        num_missing: frames that there should be beside those: lost, or cut off.
        width, height: displayed size in pixels.
        damage: what is wrong with the video in a sentence; "" when nothing is.
    """

    duration_seconds: float
    frame_rate: float
    num_frames: int
    num_missing: int
    width: int
    height: int
    damage: str


StreamEvent = StreamBegun | StreamFrame | StreamWindow | StreamProgress | StreamEnd
