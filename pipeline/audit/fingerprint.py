"""What a clip looks like and how it moves, in numbers that re-encoding and rescaling hardly change.

Of each frame, bars cut away, in grey, shrunk to 32 x 32: the lowest 8 x 8 coefficients of the cosine
transform without the first one, which is brightness (those that the well-known pHash takes the signs of).

    look        each frame's coefficients at length 1: the product of two clips is their mean correlation
    motion      the coefficients less their mean over the clip: what is left when the place is taken away

One camera on a wall gives hundreds of clips with one look; two of them that also move alike, frame by frame,
are one recording. Both are float vectors, not bits, so that one matrix product compares thousands of clips.
Pairs that come near are compared closer, on the small pictures themselves (alignment.py).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn

from pipeline.audit.alignment import SIDE_PX, steadied
from pipeline.video.letterbox import resize_frame

_LOWEST = 8
COEFFICIENTS = _LOWEST * _LOWEST - 1


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """The fingerprint of a clip.

    Attributes:
        look: (T * 63,) float32 of length 1; zeros where no frame shows anything.
        motion: (T * 63,) float32 of length 1; zeros where nothing moves at all.
        motion_share: how much of the picture the motion is, 0 (a still) to 1.
        steady: (T, 32, 32) the small grey pictures, the camera's shaking taken out, for a closer look.
    """

    look: NDArray[np.float32]
    motion: NDArray[np.float32]
    motion_share: float
    steady: NDArray[np.uint8]


def fingerprint(pictures: NDArray[np.uint8]) -> Fingerprint:
    """The fingerprint of pictures (T, H, W, 3) without bars."""
    small = np.stack([_small_grey(picture) for picture in pictures])  # (T, 32, 32)
    lowest = dctn(small, axes=(1, 2), norm="ortho")[:, :_LOWEST, :_LOWEST]
    waves = lowest.reshape(len(small), -1)[:, 1:]  # (T, 63)
    moving = waves - waves.mean(axis=0)
    whole = float(np.linalg.norm(waves))
    look = waves / np.maximum(np.linalg.norm(waves, axis=1, keepdims=True), 1e-6)
    return Fingerprint(
        look=_unit(look.ravel()),
        motion=_unit(moving.ravel()),
        motion_share=float(np.linalg.norm(moving)) / whole if whole > 0 else 0.0,
        steady=np.clip(np.rint(steadied(small)), 0, 255).astype(np.uint8),
    )


def _small_grey(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return resize_frame(grey, (SIDE_PX, SIDE_PX)).astype(np.float32)  # type: ignore[arg-type]


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    length = float(np.linalg.norm(vector))
    return (vector / length if length > 1e-6 else np.zeros_like(vector)).astype(np.float32)
