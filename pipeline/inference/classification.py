"""What the classifier says of one video, and which frames counted."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from pipeline.inference.notebook_view import classification_html


@dataclass(frozen=True, kw_only=True)
class FrameEvidence:
    """One of the T frames, or steps of given features, that a decision rests on.

    Attributes:
        index: number of the frame in the video, or of the step, from 0.
        time_seconds: when it is shown; the first shown frame is at 0. None: a step of given features.
        attention_weight: its share in the clip's features; the T of them sum to 1.
        importance: how much the label's probability falls when the frame is left out; may be negative.
    """

    index: int
    time_seconds: float | None
    attention_weight: float
    importance: float

    @property
    def shown_seconds(self) -> float:
        """`time_seconds` of a frame of a video."""
        assert self.time_seconds is not None  # noqa: S101 - asked for where there are frames
        return self.time_seconds


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The answer for one video, or one row of a file of features.

    Attributes:
        path: the video, as it was named; `features.npz#12` for a row.
        status: `ok`; `damaged`: the frames used are good, others could not be read; `failed`: no answer.
        label: the most probable class; None if failed.
        class_index: its index; None if failed.
        probabilities: of every class, in the order of the labels.
        frames: the T frames in order.
        unsure: whether the label's probability is below the threshold that the model has for it.
        error: why it failed; None otherwise.
        warnings: what makes the answer less sure: damage, an unusual length.
        duration_seconds: how long the video lasts; None if failed, or features.
        images: the frames themselves, (T, S, S, 3) uint8 RGB; None if failed, or features.
        picture_box_px: left, top, right, bottom of the picture in them, without the bars; None if failed.
    """

    path: str
    status: Literal["ok", "damaged", "failed"]
    label: str | None = None
    class_index: int | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    frames: tuple[FrameEvidence, ...] = ()
    unsure: bool = False
    error: str | None = None
    warnings: tuple[str, ...] = ()
    duration_seconds: float | None = None
    images: np.ndarray | None = field(default=None, repr=False, compare=False)
    picture_box_px: tuple[int, int, int, int] | None = None

    @property
    def probability(self) -> float:
        """Of `label`; 0 if failed."""
        return self.probabilities[self.label] if self.label is not None else 0.0

    def top(self, count: int) -> list[tuple[str, float]]:
        """The most probable labels with their probabilities, best first."""
        ranked = sorted(self.probabilities.items(), key=lambda pair: -pair[1])
        return ranked[:count]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, without the images."""
        return {
            "path": self.path,
            "status": self.status,
            "label": self.label,
            "class_index": self.class_index,
            "probabilities": dict(self.probabilities),
            "frames": [
                {
                    "index": frame.index,
                    "time_seconds": frame.time_seconds,
                    "attention_weight": frame.attention_weight,
                    "importance": frame.importance,
                }
                for frame in self.frames
            ],
            "unsure": self.unsure,
            "error": self.error,
            "warnings": list(self.warnings),
            "duration_seconds": self.duration_seconds,
        }

    def _repr_html_(self) -> str:
        """How notebooks show it."""
        return classification_html(self)

    def __repr__(self) -> str:
        if self.status == "failed":
            return f"Classification({self.path!r}, failed: {self.error})"
        shown = ", ".join(f"{label} {probability:.3f}" for label, probability in self.top(3))
        return f"Classification({self.path!r}, {self.status}: {shown}{', unsure' if self.unsure else ''})"
