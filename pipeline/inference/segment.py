"""What a timeline says: the answer for one window, and a stretch of the recording with one label."""

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class WindowAnswer:
    """What the model says of one window by itself.

    Attributes:
        number: of the window, from 0.
        start_seconds, end_seconds: of the window; 0 is the first shown frame.
        probabilities: (K,) in the order of the labels; None where the window could not be read.
        frame_indices: of its frames, among those shown.
        error: why it could not be read; "" otherwise.
    """

    number: int
    start_seconds: float
    end_seconds: float
    probabilities: NDArray[np.float64] | None
    frame_indices: tuple[int, ...]
    error: str = ""

    @property
    def centre_seconds(self) -> float:
        """The moment that the answer stands for."""
        return (self.start_seconds + self.end_seconds) / 2


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of a recording with one label.

    Attributes:
        start_seconds, end_seconds: of the stretch; 0 is the first shown frame. Segments follow each other
            without gaps, from 0 to the end.
        status: `ok`, or `failed`: this stretch could not be read.
        label: of the stretch; None if failed.
        class_index: its index; None if failed.
        confidence: mean probability of the label over the windows in the middle of which the stretch lies; 0
            if failed.
        probabilities: the same of every class, in the order of the labels; empty if failed.
        unsure: whether no label reaches the model's threshold here; `label` is then the most probable one.
        num_windows: how many windows say so.
        error: why it could not be read; None otherwise.
    """

    start_seconds: float
    end_seconds: float
    status: Literal["ok", "failed"] = "ok"
    label: str | None = None
    class_index: int | None = None
    confidence: float = 0.0
    probabilities: dict[str, float] = field(default_factory=dict)
    unsure: bool = False
    num_windows: int = 0
    error: str | None = None

    @property
    def duration_seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "start_seconds": self.start_seconds,
            "end_seconds": self.end_seconds,
            "status": self.status,
            "label": self.label,
            "class_index": self.class_index,
            "confidence": self.confidence,
            "probabilities": dict(self.probabilities),
            "unsure": self.unsure,
            "num_windows": self.num_windows,
            "error": self.error,
        }

    def __repr__(self) -> str:
        said = f"{self.label} {self.confidence:.3f}{', unsure' if self.unsure else ''}"
        said = f"failed: {self.error}" if self.status == "failed" else said
        return f"Segment({self.start_seconds:.1f} to {self.end_seconds:.1f} s, {said})"
