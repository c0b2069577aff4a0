"""What can be known of a clip without looking at what it shows: the columns of the shortcut check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.audit.bars import Bars
from pipeline.audit.examine import Examined

_BAR_STEP = 0.02  # of a side: measured shares of bars vary by less


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of all clips.

    Attributes:
        name: for people.
        values: (N,); NaN where it is not known, which is a value of its own: it can tell classes apart too.
    """

    name: str
    values: NDArray[np.float64]


def properties(
    examined: Sequence[Examined], first_frame_bars: Mapping[str, Bars] | None = None
) -> tuple[Property, ...]:
    """The properties of the clips, in the order of the report.

    Args:
        examined: N clips.
        first_frame_bars: by clip id, the bars that its video's first frame alone has; clips that are not in
            it could not be looked at.
    """
    first = first_frame_bars or {}
    rows = [_row(it, first.get(it.clip.id)) for it in examined]
    names = list(rows[0]) if rows else []
    return tuple(
        Property(name=name, values=np.array([row[name] for row in rows], np.float64)) for name in names
    )


def _row(examined: Examined, first: Bars | None) -> dict[str, float]:
    clip, bars = examined.clip, examined.bars
    width, height, seconds = clip.width, clip.height, clip.duration_seconds
    bit_rate = clip.size_bytes * 8 / seconds if clip.size_bytes and seconds else None
    return {
        "width": _known(width),
        "height": _known(height),
        "shape (bars of the letterbox)": _known(round(width / height, 2) if width and height else None),
        "frame rate": _known(None if clip.frame_rate is None else round(clip.frame_rate, 2)),
        "length": _known(seconds),
        "bit rate": _known(bit_rate),
        "bars above and below": _stepped(bars.across),
        "bars left and right": _stepped(bars.upright),
        "bars of the first frame": float("nan") if first is None else _stepped(first.across + first.upright),
    }


def _known(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _stepped(share: float) -> float:
    return round(share / _BAR_STEP) * _BAR_STEP
