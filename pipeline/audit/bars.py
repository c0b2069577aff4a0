"""Black bars: those that our letterbox put around a picture, and those that the picture brought along.

A side of a picture has a bar where lines of pixels are black from end to end, and the first line after them
is not: a dark scene, or something small before a black ground, has no such edge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.clips.clip import Clip
from pipeline.spec import ClipSpec
from pipeline.video.letterbox import place

_BLACK = 32  # video's black is 16, and encoders ring around an edge
_BLACK_SHARE = 0.97  # of a line's pixels
_EDGE_PX = 3  # the edge is smeared over so many lines by scaling and encoding
_EDGE_SHARE = 0.3  # of the pixels of the line behind the edge are not black
_MIN_SHARE = 0.02  # thinner bars are the dirt that sensors and encoders leave at a border
_MAX_SHARE = 0.45


@dataclass(frozen=True, kw_only=True)
class Bars:
    """Black bars in a picture, each as a share of its height (top, bottom) or width (left, right)."""

    top: float = 0.0
    bottom: float = 0.0
    left: float = 0.0
    right: float = 0.0

    @property
    def across(self) -> float:
        """Share of the height that bars above and below take."""
        return self.top + self.bottom

    @property
    def upright(self) -> float:
        """Share of the width that bars left and right take."""
        return self.left + self.right

    @property
    def are_there(self) -> bool:
        """Whether there is any bar."""
        return self.across > 0 or self.upright > 0

    def common(self, other: "Bars") -> "Bars":
        """The bars that two pictures share."""
        return Bars(
            top=min(self.top, other.top),
            bottom=min(self.bottom, other.bottom),
            left=min(self.left, other.left),
            right=min(self.right, other.right),
        )

    def beyond(self, other: "Bars") -> "Bars":
        """What these bars have that the other picture's lack; less than 2 % of a side is error."""

        def more(mine: float, its: float) -> float:
            return mine - its if mine - its >= _MIN_SHARE else 0.0

        return Bars(
            top=more(self.top, other.top),
            bottom=more(self.bottom, other.bottom),
            left=more(self.left, other.left),
            right=more(self.right, other.right),
        )


def without_padding(frames: NDArray[np.uint8], clip: Clip, spec: ClipSpec) -> NDArray[np.uint8]:
    """Frames (T, S, S, 3) -> (T, H, W, 3) without our letterbox; unchanged where the size is unknown."""
    if clip.width is None or clip.height is None:
        return frames
    placement = place(clip.width, clip.height, image_size=spec.image_size, fit=spec.fit)
    (left, top), (width, height) = placement.corner_xy_px, placement.size_wh_px
    return frames[:, top : top + height, left : left + width]


def find_bars(picture: NDArray[np.uint8]) -> Bars:
    """The black bars of one picture (H, W, 3)."""
    is_light = picture.max(axis=2) > _BLACK  # (H, W)
    by_row, by_column = is_light.mean(axis=1), is_light.mean(axis=0)
    top, bottom = _bar(by_row), _bar(by_row[::-1])
    left, right = _bar(by_column), _bar(by_column[::-1])
    return Bars(top=top, bottom=bottom, left=left, right=right)


def common_bars(pictures: NDArray[np.uint8]) -> Bars:
    """The bars that all pictures (T, H, W, 3) of a clip have."""
    bars = find_bars(pictures[0])
    for picture in pictures[1:]:
        if not bars.are_there:
            break
        bars = bars.common(find_bars(picture))
    return bars


def without_bars(pictures: NDArray[np.uint8], bars: Bars) -> NDArray[np.uint8]:
    """Pictures (T, H, W, 3) without their bars."""
    height, width = pictures.shape[1:3]
    top, bottom = round(bars.top * height), round(bars.bottom * height)
    left, right = round(bars.left * width), round(bars.right * width)
    return pictures[:, top : height - bottom, left : width - right]


def _bar(light_shares: NDArray[np.float64]) -> float:
    """The share of the lines that a bar takes, seen from the first line; 0 where there is none."""
    count = len(light_shares)
    is_black = light_shares <= 1 - _BLACK_SHARE
    thickness = count if is_black.all() else int(np.argmin(is_black))
    share = thickness / count
    if not _MIN_SHARE <= share <= _MAX_SHARE:
        return 0.0
    behind = light_shares[thickness : thickness + _EDGE_PX]
    return share if behind.max() >= _EDGE_SHARE else 0.0
