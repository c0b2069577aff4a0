"""Are two clips one recording, once the cut of the picture, the camera's shaking and the light are equal?

Small grey pictures (T, 32, 32) of two clips are compared frame by frame, in two steps:

    fit         zoom and offset that lay one clip's background (its median picture) on the other's, by least
                squares on the gradient, from coarse to fine (Lucas and Kanade 1981; Baker and Matthews 2004)
    explain     each frame of the other is put together from: the frame of this clip, its gradient (a small
                offset and zoom that remain) and its gradient where it moves (what moves, seen a moment sooner
                or later), brightness and contrast free

The agreement is the share of what moves in the other clip that is explained so, beyond what the background
explains, brightness, contrast, offset and zoom free as well. A copy cropped by some percent, or sampled a
fraction of a frame later, keeps most of it; another event at the same place has its things elsewhere, and the
background explains it as well.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE_PX = 32
_Y, _X = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32) / (SIDE_PX / 2) - 1  # -1 at the left and top
_BLURS_PX = (2.0, 2.0, 1.0, 1.0)  # of the steps of the fit
_FINE_BLUR_PX = 1.0
_MOTION_BLUR_PX = 1.5
_STEP_PX, _FARTHEST_PX = 1.5, 4.0  # at the border: 4 of 16 is a zoom by a quarter
_SHAKE_STEP_PX, _MOST_SHAKE_PX = 1.0, 3.0
_SHAKE_STEPS = 2
_BORDER_PX = 2  # is not compared: the warp makes it up
_FIT_BORDER_PX = 3
_LEAST_GREY = 4.0  # differences from the background that are surely motion
_NOISE = 0.25  # squared grey levels that encoding leaves in blurred pictures

Pictures = NDArray[np.float32]  # (T, 32, 32)


def steadied(pictures: Pictures) -> Pictures:
    """Pictures (T, 32, 32) laid on their median by shifts of the picture: a shaking camera held still."""
    shifts = np.zeros((len(pictures), 2), np.float32)
    steady = pictures
    for _ in range(_SHAKE_STEPS):
        ground = _blurred(_background(steady)[None], _FINE_BLUR_PX)
        parts = np.stack([ground[0], np.ones_like(ground[0]), *(it[0] for it in _gradients(ground))], axis=-1)
        inverse = np.linalg.pinv(_flat(parts[None], _FIT_BORDER_PX)[0])  # (4, pixels)
        found = _flat(_blurred(steady, _FINE_BLUR_PX)[..., None], _FIT_BORDER_PX)[..., 0] @ inverse.T
        step = found[:, 2:] / np.maximum(found[:, :1], 0.5)
        shifts -= np.clip(step, -_SHAKE_STEP_PX, _SHAKE_STEP_PX)
        shifts = np.clip(shifts, -_MOST_SHAKE_PX, _MOST_SHAKE_PX)
        steady = np.stack(
            [_warped(one, (dx, dy, 0.0, 0.0)) for one, (dx, dy) in zip(pictures, shifts, strict=True)]
        )
    return steady


def agreement(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Share of the motion, up to 1, that steadied pictures (T, 32, 32) have in common; near 0: none.

    The one that shows more explains the other: what was cropped away cannot be explained.
    """
    first, second = one.astype(np.float32), other.astype(np.float32)
    grounds = _background(first), _background(second)
    forth, back = _fit(*grounds), _fit(*reversed(grounds))
    if sum(forth[2:]) <= sum(back[2:]):
        return _explained(first, second, forth)
    return _explained(second, first, back)


def _explained(by: Pictures, what: Pictures, fit: Sequence[float]) -> float:
    """Share of the motion in a clip that another one, laid on it by the fit, explains."""
    wanted = _flat(_blurred(what, _FINE_BLUR_PX)[..., None], _BORDER_PX)[..., 0]  # (T, pixels)
    pictures = _blurred(np.stack([_warped(picture, fit) for picture in by]), _FINE_BLUR_PX)
    ground = np.median(pictures, axis=0, keepdims=True)
    differences = _blurred(np.abs(pictures - ground), _MOTION_BLUR_PX)
    moving = differences / (differences + differences.mean() + _LEAST_GREY)
    right, down = _gradients(pictures)
    parts = [*_parts(pictures), moving * right, moving * down]
    with_motion = _left_over(wanted, _flat(np.stack(parts, axis=-1), _BORDER_PX))
    by_ground = _left_over(wanted, _flat(np.stack(_parts(ground), axis=-1), _BORDER_PX))
    return (by_ground - with_motion) / (by_ground + _NOISE)


def _parts(pictures: Pictures) -> list[Pictures]:
    """What a picture is put together from: it, brightness, and what moving and zooming it a little adds."""
    right, down = _gradients(pictures)
    return [pictures, np.ones_like(pictures), right, down, _X * right, _Y * down]


def _fit(ground: NDArray[np.float32], other: NDArray[np.float32]) -> Sequence[float]:
    """Offset and zoom (pixels right, down; at the border right, down) that lay a background on another."""
    fit = np.zeros(4, np.float32)
    for blur in _BLURS_PX:
        laid = _warped(_blurred(ground[None], blur)[0], fit.tolist())[None]
        parts = _flat(np.stack(_parts(laid), axis=-1), _FIT_BORDER_PX)[0]
        wanted = _flat(_blurred(other[None], blur)[..., None], _FIT_BORDER_PX)[0, :, 0]
        square = parts.T @ parts
        square += np.diag(1e-3 * np.diag(square)) + 1e-6 * np.eye(len(square), dtype=np.float32)
        found = np.linalg.solve(square, parts.T @ wanted)
        if found[0] > 0:
            fit += np.clip(found[2:] / max(float(found[0]), 0.5), -_STEP_PX, _STEP_PX)
            fit = np.clip(fit, -_FARTHEST_PX, _FARTHEST_PX)
    return [float(value) for value in fit]


def _warped(picture: NDArray[np.float32], fit: Sequence[float]) -> NDArray[np.float32]:
    right, down, wider, higher = fit
    half = SIDE_PX / 2
    where = np.array(
        [[1 + wider / half, 0, right - wider], [0, 1 + higher / half, down - higher]], np.float32
    )
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(picture, where, (SIDE_PX, SIDE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, np.float32)


def _background(pictures: Pictures) -> NDArray[np.float32]:
    return np.asarray(np.median(pictures, axis=0), np.float32)


def _blurred(pictures: Pictures, sigma_px: float) -> Pictures:
    return np.stack([cv2.GaussianBlur(picture, (0, 0), sigma_px) for picture in pictures])


def _gradients(pictures: Pictures) -> tuple[Pictures, Pictures]:
    """Change to the right and downwards, per pixel."""
    right, down = np.zeros_like(pictures), np.zeros_like(pictures)
    right[:, :, 1:-1] = (pictures[:, :, 2:] - pictures[:, :, :-2]) / 2
    down[:, 1:-1] = (pictures[:, 2:] - pictures[:, :-2]) / 2
    return right, down


def _flat(parts: NDArray[np.float32], border_px: int) -> NDArray[np.float32]:
    """(T, 32, 32, parts) -> (T, pixels, parts) without the border."""
    inner = parts[:, border_px:-border_px, border_px:-border_px]
    return inner.reshape(len(parts), -1, parts.shape[-1])


def _left_over(wanted: NDArray[np.float32], parts: NDArray[np.float32]) -> float:
    """Mean square of wanted (T, pixels) that a sum of the parts (T or 1, pixels, parts) leaves."""
    turned = parts.transpose(0, 2, 1)
    square = turned @ parts
    square += (
        1e-6 * np.trace(square, axis1=1, axis2=2)[:, None, None] * np.eye(parts.shape[-1], dtype=np.float32)
    )
    found = np.linalg.solve(square, turned @ wanted[..., None])
    return float(((wanted - (parts @ found)[..., 0]) ** 2).mean())
