"""A frame of any size becomes S x S pixels. The only user of cv2.resize.

The geometry is in displayed pixels (w, h): rotation and pixel aspect applied.

    letterbox   scale = min(S / w, S / h), centred, padded     stretch   S x S whatever the aspect
    crop        the largest centred square, scaled to S x S
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.spec import ClipSpec, Fit

_MAX_PIXEL_ASPECT = 100.0


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a frame goes: this box of the stored frame, resized to this size, put at this corner.

    Attributes:
        source_xywh_px: the part of the stored frame that is used.
        size_wh_px: its size on the square.
        corner_xy_px: where its upper left corner is on the square.
    """

    source_xywh_px: tuple[int, int, int, int]
    size_wh_px: tuple[int, int]
    corner_xy_px: tuple[int, int]


def displayed_size(width: int, height: int, *, pixel_aspect: float) -> tuple[int, int]:
    """Size on the screen of a frame whose pixels are `pixel_aspect` times as wide as high."""
    return max(1, math.floor(width * pixel_aspect + 0.5)), height


def sane_pixel_aspect(numerator: float, denominator: float) -> float:
    """Width over height of a pixel; 1 where the file says nothing or nonsense."""
    if not (numerator > 0 and denominator > 0):  # NaN too
        return 1.0
    aspect = numerator / denominator
    return aspect if 1 / _MAX_PIXEL_ASPECT <= aspect <= _MAX_PIXEL_ASPECT else 1.0


def place(width: int, height: int, *, image_size: int, fit: Fit, pixel_aspect: float = 1.0) -> Placement:
    """How a stored frame of width x height is put on the square."""
    shown_width, shown_height = displayed_size(width, height, pixel_aspect=pixel_aspect)
    S = image_size
    if fit == "stretch":
        return Placement(source_xywh_px=(0, 0, width, height), size_wh_px=(S, S), corner_xy_px=(0, 0))
    if fit == "crop":
        side = min(shown_width, shown_height)
        box_width = _scaled(width, side / shown_width)
        box_height = _scaled(height, side / shown_height)
        x, y = (width - box_width) // 2, (height - box_height) // 2
        return Placement(source_xywh_px=(x, y, box_width, box_height), size_wh_px=(S, S), corner_xy_px=(0, 0))
    scale = min(S / shown_width, S / shown_height)
    new_width, new_height = _scaled(shown_width, scale), _scaled(shown_height, scale)
    return Placement(
        source_xywh_px=(0, 0, width, height),
        size_wh_px=(new_width, new_height),
        corner_xy_px=((S - new_width) // 2, (S - new_height) // 2),  # the odd pixel goes right and bottom
    )


def fit_frame(
    frame_bgr: NDArray[np.uint8],
    spec: ClipSpec,
    *,
    pixel_aspect: float = 1.0,
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Frame (H, W, 3) in OpenCV's channel order -> (S, S, 3) RGB, written into `out` where that is given."""
    S = spec.image_size
    height, width = frame_bgr.shape[:2]
    placement = place(width, height, image_size=S, fit=spec.fit, pixel_aspect=pixel_aspect)
    x, y, box_width, box_height = placement.source_xywh_px
    picture = resize_frame(frame_bgr[y : y + box_height, x : x + box_width], placement.size_wh_px)
    canvas = np.empty((S, S, 3), np.uint8) if out is None else out
    left, top = placement.corner_xy_px
    right, bottom = left + placement.size_wh_px[0], top + placement.size_wh_px[1]
    # Only the bars are filled and the channels are swapped by OpenCV: a fifth of the time of plain numpy.
    for bar in (canvas[:top], canvas[bottom:], canvas[top:bottom, :left], canvas[top:bottom, right:]):
        if bar.size:
            bar[:] = spec.fill_rgb
    canvas[top:bottom, left:right] = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return canvas


def resize_frame(frame: NDArray[np.uint8], size_wh_px: tuple[int, int]) -> NDArray[np.uint8]:
    """A frame (H, W) or (H, W, 3) of another size.

    INTER_AREA along the axes that shrink, INTER_LINEAR along those that grow (pixel aspect mixes them).
    """
    height, width = frame.shape[:2]
    new_width, new_height = size_wh_px
    shrunk = (min(width, new_width), min(height, new_height))
    if shrunk != (width, height):
        frame = cv2.resize(frame, shrunk, interpolation=cv2.INTER_AREA)  # type: ignore[assignment] # noqa: TID251
    if shrunk != size_wh_px:
        frame = cv2.resize(frame, size_wh_px, interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment] # noqa: TID251
    return frame


def _scaled(side_px: int, scale: float) -> int:
    return max(1, math.floor(side_px * scale + 0.5))
