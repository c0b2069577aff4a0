"""The long videos that `bench_decode.py` reads: 10 minutes of H.264 with each frame's number drawn in.

15,000 frames at 25 a second, a key frame each 250, B-frames and three references as x264's medium preset has
them. A camera pans over a textured ground, pieces of it move their own way, and each frame has fresh grain,
so that frames depend on one another as camera footage does. To be made soon, one minute is encoded and its
packets come ten times: a reader off by whole minutes would not be found out.

    python scripts/bench_videos.py OUT      makes OUT/long_720p.mp4 and OUT/long_1080p.mp4, if not there
"""

import argparse
import itertools
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import scipy.ndimage
from numpy.typing import NDArray
from tqdm import tqdm

FRAME_RATE = 25
NUM_FRAMES = 15_000
DISTINCT_FRAMES = 1_500
GOP_FRAMES = 250
SIZES_WH = {"720p": (1280, 720), "1080p": (1920, 1080)}
NUM_BITS = 12  # 2 ** 12 > DISTINCT_FRAMES
_CELL = 1 / 16  # side of a bit's square as a share of the width: 14 pixels when 224 are left
_OCTAVES = (256, 64, 16, 4)
_NUM_GRAINS = 8
_PREFIX = ".unfinished-"


def long_video(folder: Path, size: str) -> Path:
    """The video of this size, made if it is not there."""
    path = folder / f"long_{size}.mp4"
    if not path.exists():
        minute, unfinished = folder / f"{_PREFIX}minute_{size}.mp4", folder / f"{_PREFIX}{path.name}"
        encode(minute, SIZES_WH[size], DISTINCT_FRAMES, progress=path.name)
        repeat(minute, unfinished, times=NUM_FRAMES // DISTINCT_FRAMES)
        minute.unlink()
        os.replace(unfinished, path)  # noqa: PTH105
    return path


def encode(path: Path, size_wh: tuple[int, int], num_frames: int, *, progress: str = "") -> None:
    """Encodes such a video; frame i shows the number i."""
    scenery = Scenery(size_wh)
    options = {
        "preset": "veryfast",
        "crf": "23",
        "bf": "3",
        "refs": "3",
        "x264-params": f"keyint={GOP_FRAMES}:min-keyint={GOP_FRAMES}:scenecut=0:b-pyramid=normal:open-gop=0",
    }
    tick = Fraction(1, FRAME_RATE)
    with av.open(str(path), "w", format="mp4") as container:
        stream: Any = container.add_stream("libx264", rate=FRAME_RATE, options=options)
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = tick
        for number in tqdm(range(num_frames), desc=progress or None, disable=not progress, unit="frame"):
            frame = av.VideoFrame.from_ndarray(scenery.frame(number), format="yuv420p")
            frame.pts, frame.time_base = number, tick
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def repeat(source: Path, target: Path, *, times: int) -> None:
    """Writes a video's packets several times over, without encoding them anew."""
    with av.open(str(target), "w", format="mp4") as written:
        shift = 0
        stream: Any = None
        for _ in range(times):
            with av.open(str(source)) as read:
                of = read.streams.video[0]
                if stream is None:
                    stream = written.add_stream_from_template(of)
                for packet in read.demux(of):
                    if packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = stream
                        written.mux(packet)
                shift += round(of.frames / FRAME_RATE / of.time_base)


class Scenery:
    """Draws frames (3/2 H, W) in the planes of yuv420p."""

    def __init__(self, size_wh: tuple[int, int]) -> None:
        self._width, self._height = size_wh
        rng = np.random.default_rng(self._height)
        self._ground = _texture(rng, (self._height * 3 // 2, self._width * 3 // 2))
        self._piece = _texture(rng, (self._height // 3, self._width // 4))
        self._colours = [
            _texture(rng, (self._height * 3 // 4, self._width * 3 // 4)) // 3 + 85 for _ in range(2)
        ]
        self._grains = rng.normal(0, 1.5, (_NUM_GRAINS, self._height, self._width)).round().astype(np.int8)

    def frame(self, number: int) -> NDArray[np.uint8]:
        """One frame."""
        width, height = self._width, self._height
        picture = np.empty((height * 3 // 2, width), np.uint8)
        left = _to_and_fro(number * 3, width // 2) // 2 * 2
        top = _to_and_fro(number, height // 2) // 2 * 2
        luma = picture[:height]
        luma[:] = self._ground[top : top + height, left : left + width]
        tall, wide = self._piece.shape
        for piece in range(3):
            x = _to_and_fro(number * (2 + 3 * piece), width - wide)
            y = _to_and_fro(number * (3 - piece), height - tall)
            luma[y : y + tall, x : x + wide] = self._piece
        grain = np.roll(self._grains[number % _NUM_GRAINS], number * 37 % width, axis=1)
        np.add(luma, grain.view(np.uint8), out=luma)  # the texture keeps away from 0 and 255
        chroma = picture[height:].reshape(2, height // 2, width // 2)
        for plane, colour in zip(chroma, self._colours, strict=True):
            plane[:] = colour[top // 2 : top // 2 + height // 2, left // 2 : left // 2 + width // 2]
        _draw_number(luma, chroma, number)
        return picture


def read_number(picture_rgb: NDArray[np.uint8]) -> int | None:
    """The number drawn in a picture (of any size, without bars); None where it cannot be told."""
    height, width = picture_rgb.shape[:2]
    grey = picture_rgb.mean(axis=2)
    number = 0
    for bit, (row, column) in enumerate(_cells()):
        y, x = (row + 0.5) * _CELL * width, (column + 0.5) * _CELL * width
        value = grey[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2].mean()
        if 90 < value < 165 or y >= height:
            return None
        number |= int(value > 128) << bit
    return number


def _draw_number(luma: NDArray[np.uint8], chroma: NDArray[np.uint8], number: int) -> None:
    side = round(_CELL * luma.shape[1])
    for bit, (row, column) in enumerate(_cells()):
        luma[row * side : (row + 1) * side, column * side : (column + 1) * side] = (
            235 if number >> bit & 1 else 16
        )
    chroma[:, :side, : (NUM_BITS // 2) * side // 2] = 128


def _cells() -> list[tuple[int, int]]:
    return list(itertools.product(range(2), range(NUM_BITS // 2)))


def _texture(rng: np.random.Generator, size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """Soft shapes with fine detail on them, from 40 to 215."""
    total = np.zeros(size_hw, np.float32)
    for step in _OCTAVES:
        coarse = rng.normal(size=[side // step + 2 for side in size_hw]).astype(np.float32)
        fine = scipy.ndimage.zoom(coarse, step, order=1)
        total += fine[: size_hw[0], : size_hw[1]] * step**0.5
    low, high = np.percentile(total, (1, 99))
    scaled: NDArray[np.uint8] = np.clip(40 + (total - low) / (high - low) * 175, 40, 215).astype(np.uint8)
    return scaled


def _to_and_fro(position: int, length: int) -> int:
    """A point that moves along a stretch and back."""
    return abs((position + length) % (2 * length) - length)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for size in SIZES_WH:
        path = long_video(options.out, size)
        print(f"{path}: {path.stat().st_size * 8 / (NUM_FRAMES / FRAME_RATE) / 1e6:.1f} Mbit/s")


if __name__ == "__main__":
    main()
