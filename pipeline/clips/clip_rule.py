"""How videos become clips, beside what a clip is: how many of each video, what of damaged ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_args

from pipeline.errors import UsageError
from pipeline.video.parts import DamagedPolicy, Windows

_FLAGS = {
    "oversample": "--oversample",
    "damaged": "--damaged",
    "window_seconds": "--window-seconds",
    "stride_seconds": "--stride-seconds",
}


@dataclass(frozen=True, kw_only=True)
class ClipRule:
    """One for all clips of a store; written into store.json.

    Attributes:
        oversample: frames stored for each of the T segments, odd: training may pick any of them, everything
            else takes the middle one, which is the frame that a clip without oversampling has.
        damaged: `auto`: a video whose sampled frames cannot be shown to be clean gives no clip; `keep`: it
            does, and is marked; `fail`: no clip of a video with any damage.
        window_seconds: cut long videos into clips of this length; None: one clip a video (or listed range).
        stride_seconds: from the start of one window to that of the next; None: a window's length.
    """

    oversample: int = 1
    damaged: DamagedPolicy = "auto"
    window_seconds: float | None = None
    stride_seconds: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.oversample <= 31 or self.oversample % 2 == 0:
            raise UsageError(
                f"--oversample is {self.oversample}; allowed: odd numbers from 1 to 31, so that one frame is "
                "in the middle."
            )
        if self.damaged not in get_args(DamagedPolicy):
            raise UsageError(f"--damaged is {self.damaged!r}; allowed: {', '.join(get_args(DamagedPolicy))}.")
        if self.window_seconds is None and self.stride_seconds is not None:
            raise UsageError("--stride-seconds needs --window-seconds: how long is each clip?")
        if self.window_seconds is not None and self.stride_seconds is None:
            object.__setattr__(self, "stride_seconds", self.window_seconds)
        _ = self.windows  # checks the numbers

    @property
    def windows(self) -> Windows | None:
        """The windows that cut videos; None where each is one clip."""
        if self.window_seconds is None or self.stride_seconds is None:
            return None
        return Windows(window_seconds=self.window_seconds, stride_seconds=self.stride_seconds)

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ClipRule":
        """Rebuilds a rule from `to_dict`.

        Raises:
            UsageError: other fields than ours, or values that are not allowed.
        """
        if set(values) != {field.name for field in fields(cls)}:
            raise UsageError(f"not a rule for clips of this version: {values!r}.")
        return cls(**values)

    def differences(self, other: "ClipRule") -> list[str]:
        """Flags and values in which two rules differ, for messages."""
        return [
            f"{flag} was {getattr(self, name)!r}, now {getattr(other, name)!r}"
            for name, flag in _FLAGS.items()
            if getattr(self, name) != getattr(other, name)
        ]
