"""Videos with known truth: the frame's number is drawn in each frame, in blocks that survive scaling.

The blocks form 4 columns x 3 rows, most significant bit first; a set bit is orange, a clear one dark blue:
swapped channels, a turned frame or another frame give another number or no number at all.
"""

import math
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

COLUMNS, ROWS = 4, 3
BITS = COLUMNS * ROWS
SET_RGB = (255, 128, 0)
CLEAR_RGB = (0, 0, 96)
# Added to each number, so that no turned or mirrored frame of a short video is again one of its frames.
_MARK = 0b1000_0000_0000
MAX_FRAMES = _MARK


def numbered_frame(number: int, *, size_wh: tuple[int, int] = (64, 48)) -> NDArray[np.uint8]:
    """A frame (H, W, 3) RGB that shows a number below `MAX_FRAMES`."""
    assert 0 <= number < MAX_FRAMES
    width, height = size_wh
    frame = np.empty((height, width, 3), np.uint8)
    for bit in range(BITS):
        is_set = (number | _MARK) >> (BITS - 1 - bit) & 1
        row, column = divmod(bit, COLUMNS)
        rows = slice(row * height // ROWS, (row + 1) * height // ROWS)
        columns = slice(column * width // COLUMNS, (column + 1) * width // COLUMNS)
        frame[rows, columns] = SET_RGB if is_set else CLEAR_RGB
    return frame


def read_number(frame: NDArray[np.uint8], *, size_wh: tuple[int, int] | None = None) -> int:
    """The number in an RGB frame; for a letterboxed one give the displayed size of the video.

    Raises:
        ValueError: the frame shows no number.
    """
    side_h, side_w = frame.shape[:2]
    left, top, width, height = 0.0, 0.0, float(side_w), float(side_h)
    if size_wh is not None:
        scale = min(side_w / size_wh[0], side_h / size_wh[1])
        width, height = (max(1, math.floor(side * scale + 0.5)) for side in size_wh)
        left, top = (side_w - width) // 2, (side_h - height) // 2
    number = 0
    for bit in range(BITS):
        row, column = divmod(bit, COLUMNS)
        y = int(top + (row + 0.5) * height / ROWS)
        x = int(left + (column + 0.5) * width / COLUMNS)
        pixel = frame[y, x].astype(int)
        distances = [int(np.abs(pixel - colour).max()) for colour in (CLEAR_RGB, SET_RGB)]
        if min(distances) > 60:
            raise ValueError(f"no number: the block in row {row}, column {column} has the colour {pixel}")
        number = number << 1 | int(distances[1] < distances[0])
    if number < _MARK:
        raise ValueError(f"no number: the mark is missing in {number:012b} (a turned frame?)")
    return number - _MARK


def read_numbers(clip: NDArray[np.uint8], *, size_wh: tuple[int, int] | None = None) -> tuple[int, ...]:
    """The numbers of a clip (T, S, S, 3)."""
    return tuple(read_number(frame, size_wh=size_wh) for frame in clip)


def write_numbered_video(
    path: Path, num_frames: int, *, size_wh: tuple[int, int] = (64, 48), frame_rate: float = 25.0
) -> Path:
    """A lossless FFV1 video (.avi or .mkv) of constant rate, every frame a key frame."""
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), frame_rate, size_wh)
    assert writer.isOpened(), path
    for number in range(num_frames):
        writer.write(np.ascontiguousarray(numbered_frame(number, size_wh=size_wh)[:, :, ::-1]))
    writer.release()
    return path


def write_numbered_av(
    path: Path,
    times: Sequence[int],
    *,
    size_wh: tuple[int, int] = (64, 48),
    codec: str = "mpeg4",
    pixel_aspect: Fraction = Fraction(1),
    b_frames: int = 0,
    key_every: int = 12,
    ticks_per_second: int = 1000,
) -> Path:
    """A video by PyAV with a frame at each of these times (in ticks); frame i shows the number i."""
    tick = Fraction(1, ticks_per_second)
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = 4_000_000
        stream.gop_size = key_every
        stream.max_b_frames = b_frames
        stream.codec_context.time_base = tick
        stream.time_base = tick
        stream.codec_context.sample_aspect_ratio = pixel_aspect
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number, size_wh=size_wh), format="rgb24")
            frame.pts = time
            frame.time_base = tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_mp4(path: Path, degrees: int) -> Path:
    """Writes a rotation (clockwise, when shown) into the display matrix of an .mp4 or .mov of one track."""
    turn = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[degrees]
    content = bytearray(path.read_bytes())
    assert content.count(b"tkhd") == 1
    start = content.index(b"tkhd") + 4 + 40
    a, b, c, d = (value << 16 for value in turn)
    content[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)
    return path


def cut_file(path: Path, share: float) -> Path:
    """Cuts a file to a share of its bytes."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path
