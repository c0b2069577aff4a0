"""Why a video was classified as it was: where in its key frames, and whether its attention can be trusted."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.inference.classification import Classification
from pipeline.inference.grad_cam import grad_cam
from pipeline.model.classifier import ClipClassifier


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What `Classifier.explain` finds beside the importance of frames, which is in `Classification.frames`.

    Attributes:
        heat_maps: place of a key frame in the clip (0 .. T - 1) -> (S, S) in 0 .. 1, the most important frame
            first: where in the frame the class was seen (Grad-CAM). 1 is that frame's strongest place; all 0:
            no place of it speaks for the class. NaN in the bars, which are no part of the video.
        attention_note: whether this model's attention was found to tell which frames count better than random
            order does, in words; "" when that was never measured.
        attention_trusted: the same as a fact; None: never measured, or too few independent clips to tell.
    """

    heat_maps: dict[int, NDArray[np.float32]] = field(repr=False)
    attention_note: str
    attention_trusted: bool | None


def explain(
    model: ClipClassifier,
    result: Classification,
    *,
    num_key_frames: int,
    attention_note: str,
    attention_trusted: bool | None,
) -> Explanation:
    """Explains a classification by the model that made it; see `Classifier.explain`.

    Raises:
        ValueError: the classification failed or has no frames, or `num_key_frames` is below 1.
        UsageError: the backbone has no map.
    """
    if result.images is None or result.class_index is None:
        raise ValueError(
            f"{result!r} has no frames to explain; give a classification that is ok, with its images."
        )
    places = key_frames(result, num_key_frames)
    maps = grad_cam(model, result.images, result.class_index, places)
    return Explanation(
        heat_maps={
            place: _within_picture(heat, result.picture_box_px)
            for place, heat in zip(places, maps, strict=True)
        },
        attention_note=attention_note,
        attention_trusted=attention_trusted,
    )


def key_frames(result: Classification, count: int) -> list[int]:
    """Places of the frames without which the label's probability falls most, the most important first.

    Raises:
        ValueError: fewer than 1 are asked for.
    """
    if count < 1:
        raise ValueError(f"num_key_frames is {count}; allowed: 1 or more.")
    falls = np.array([frame.importance for frame in result.frames])
    return [int(place) for place in np.argsort(-falls, kind="stable")[:count]]


def _within_picture(
    heat: NDArray[np.float32], box_px: tuple[int, int, int, int] | None
) -> NDArray[np.float32]:
    """A map scaled to 0 .. 1 by what is in the picture, NaN around it."""
    left, top, right, bottom = box_px or (0, 0, heat.shape[1], heat.shape[0])
    found = np.full(heat.shape, np.nan, np.float32)
    inside = heat[top:bottom, left:right]
    highest = float(inside.max())
    found[top:bottom, left:right] = inside / highest if highest > 0 else 0.0
    return found
