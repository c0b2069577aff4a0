"""What a page shows of one classified video: its answer, its frames, and where in them it comes from."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.inference.classification import Classification, FrameEvidence
from pipeline.report.charts import bar, signed_bar
from pipeline.report.figures import probability
from pipeline.report.heat_map import overlay, place_words
from pipeline.report.importance import most_important
from pipeline.report.page import jpeg

_MAX_LABELS = 8
_FRAME_PX = 184
_KEY_FRAME_PX = 224
_BAR_PX = 120
_LEAST_SCALE = 0.0005  # of a full bar: what is smaller is rounding, and does not look like evidence
_LEAST_SIDE = 8  # a picture thinner than an eighth of the frame is shown with its bars


def video_name(path: str) -> str:
    """The last part of a path, which may not be UTF-8."""
    return os.path.basename(path.rstrip("/\\")) or path  # noqa: PTH119 - a name, not a file to be opened


def video_section(result: Classification, heat_maps: Mapping[int, NDArray[np.float32]]) -> dict[str, Any]:
    """Plain values for the template.

    Args:
        result: an answer with its frames.
        heat_maps: place of a key frame in the clip -> where in it the answer comes from (S, S).
    """
    assert result.images is not None  # noqa: S101 - only failed results have none
    pictures = result.images
    box = _shown_box(result)
    peak = max((frame.attention_weight for frame in result.frames), default=0.0)
    scale = max(_LEAST_SCALE, *(abs(frame.importance) for frame in result.frames))
    return {
        "path": result.path,
        "name": video_name(result.path),
        "label": result.label,
        "probability": probability(result.probability),
        "is_unsure": result.unsure,
        "is_damaged": result.status == "damaged",
        "warnings": result.warnings,
        "probabilities": [
            {"label": label, "bar": bar(share, width_px=240), "figure": probability(share)}
            for label, share in result.top(_MAX_LABELS)
        ],
        "rest": _rest_words(result),
        "frames": [
            {
                "number": number,
                "time": time_words(frame.shown_seconds),
                "is_key": number - 1 in heat_maps,
                "picture": jpeg(_cut(pictures[number - 1], box), side_px=_FRAME_PX),
                "left_out_bar": signed_bar(frame.importance / scale, width_px=_BAR_PX),
                "left_out": points(frame.importance, scale),
                "attention_bar": bar(frame.attention_weight / max(peak, 1e-12), width_px=_BAR_PX),
                "attention": f"{100 * frame.attention_weight:.1f} %",
            }
            for number, frame in enumerate(result.frames, start=1)
        ],
        "scale": points(scale, scale).lstrip("+"),
        "summary": _summary(result),
        "key_frames": [
            _key_frame(result.frames[index], index, pictures[index], heat, box=box, scale=scale)
            for index, heat in sorted(heat_maps.items())
        ],
    }


def points(fall: float, scale: float) -> str:
    """A fall in probability, in points of a hundred, with its sign and digits that suit the largest one."""
    text = f"{100 * fall:+.{1 if scale >= 0.02 else 2 if scale >= 0.002 else 3}f}"
    return text.lstrip("+-") if float(text) == 0 else text


def time_words(seconds: float) -> str:
    """A time in a video: `3.40 s`, `2 min 05.4 s`."""
    if round(seconds, 2) < 100:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds, 1), 60)
    return f"{minutes:.0f} min {rest:04.1f} s"


def _summary(result: Classification) -> str:
    """What leaving out single frames says of this answer."""
    falls = [frame.importance for frame in result.frames]
    if len(falls) == 1:
        return "The clip has one frame, which cannot be left out."
    most = int(np.argmax(np.abs(falls)))
    place = f"Frame {most + 1} ({time_words(result.frames[most].shown_seconds)}) matters most"
    if most_important(falls) is None:
        largest = points(abs(falls[most]), abs(falls[most])).lstrip("+")
        drawn = "" if abs(falls[most]) < _LEAST_SCALE else " The bars are drawn large all the same."
        return (
            f"No single frame decides: whichever is left out, the probability changes by {largest} points at "
            f"most.{drawn}"
        )
    before, after = probability(result.probability), probability(result.probability - falls[most])
    way = "falls" if falls[most] > 0 else "rises"
    return f"{place}: without it the probability {way} from {before} to {after}."


def _key_frame(
    frame: FrameEvidence,
    index: int,
    picture: NDArray[np.uint8],
    heat: NDArray[np.float32],
    *,
    box: tuple[int, int, int, int],
    scale: float,
) -> dict[str, Any]:
    return {
        "number": index + 1,
        "time": time_words(frame.shown_seconds),
        "left_out": points(frame.importance, scale),
        "plain": jpeg(_cut(picture, box), side_px=_KEY_FRAME_PX),
        "heat": jpeg(_cut(overlay(picture, heat), box), side_px=_KEY_FRAME_PX),
        "place": place_words(heat),
    }


def _rest_words(result: Classification) -> str:
    num_more = len(result.probabilities) - _MAX_LABELS
    if num_more <= 0:
        return ""
    shown = sum(share for _, share in result.top(_MAX_LABELS))
    return f"{num_more} more labels have {max(0.0, 1 - shown):.3f} together."


def _shown_box(result: Classification) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is shown of each frame: the picture without bars, unless too thin."""
    assert result.images is not None  # noqa: S101 - asked for answers only
    side = result.images.shape[1]
    if result.picture_box_px is None:
        return 0, 0, side, side
    left, top, right, bottom = result.picture_box_px
    if min(right - left, bottom - top) * _LEAST_SIDE < side:
        return 0, 0, side, side
    return left, top, right, bottom


def _cut(picture: NDArray[np.uint8], box: Sequence[int]) -> NDArray[np.uint8]:
    left, top, right, bottom = box
    return picture[top:bottom, left:right]
