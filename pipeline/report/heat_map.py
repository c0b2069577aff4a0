"""A heat map laid over a frame: where in it an answer comes from, readable without colours, and in words."""

import cv2
import numpy as np
from numpy.typing import NDArray

_STRONG = 0.5  # of the map's largest value: this part is outlined
_WIDE = 0.4  # an outlined part above this share of the picture has no place worth naming
_DIMMED = 0.5  # what is left of the brightness where the map is 0
_TINT = 0.6  # how much of the colour is the map's where it is 1
_ROWS, _COLUMNS = ("upper", "", "lower"), ("left", "", "right")


def overlay(frame: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The frame, bright and tinted where the map is high, dark elsewhere, with a line around the strong part.

    Brightness and the line say what the colour says: the picture can be read without colours.

    Args:
        frame: (H, W, 3) RGB.
        heat: (H, W) in 0 .. 1; NaN: no part of the picture, left as it is.
    """
    if heat.shape != frame.shape[:2]:
        raise ValueError(f"a heat map of {heat.shape} does not fit a frame of {frame.shape[:2]}")
    is_picture = np.isfinite(heat)
    level = np.where(is_picture, heat, 0.0)[:, :, None]
    tint = cv2.applyColorMap((level * 255).round().astype(np.uint8), cv2.COLORMAP_INFERNO)[:, :, ::-1]
    dimmed = frame * (_DIMMED + (1 - _DIMMED) * level)
    drawn = dimmed * (1 - _TINT * level) + tint * (_TINT * level)
    result = np.ascontiguousarray(np.where(is_picture[:, :, None], drawn, frame).round().astype(np.uint8))
    lines, _ = cv2.findContours(_strong_part(heat).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(result, lines, -1, (0, 0, 0), 3)  # dark below light: seen on any picture
    cv2.drawContours(result, lines, -1, (255, 255, 255), 1)
    return result


def place_words(heat: NDArray[np.float32]) -> str:
    """Where the map is strong, for those who do not see it: `strongest at the upper left`.

    Args:
        heat: (H, W) in 0 .. 1; NaN where there is no picture.
    """
    strong, is_picture = _strong_part(heat), np.isfinite(heat)
    if not strong.any():
        return "nothing in it raises the score"
    if strong.sum() > _WIDE * is_picture.sum():
        return "spread over much of the picture"
    rows, columns = np.nonzero(is_picture)
    box = np.where(strong, heat, 0.0)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    sums = [
        [float(cell.sum()) for cell in np.array_split(band, 3, axis=1)] for band in np.array_split(box, 3)
    ]
    row, column = divmod(int(np.argmax(sums)), 3)
    return f"strongest {_place(_ROWS[row], _COLUMNS[column])}"


def _place(row: str, column: str) -> str:
    if not row and not column:
        return "in the middle"
    if not row:
        return f"at the middle {column}"
    return f"at the {row} {column}" if column else f"at the {row} middle"


def _strong_part(heat: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where the map has at least half of its largest value."""
    level = np.where(np.isfinite(heat), heat, 0.0)
    peak = float(level.max(initial=0.0))
    return np.asarray(level >= _STRONG * peak) if peak > 0 else np.zeros(heat.shape, np.bool_)
