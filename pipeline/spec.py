"""What a clip is. The only home of frame count, sampling rule, fit, image size and fill colour."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from pipeline.errors import UsageError

SPEC_VERSION = 1

Sampling = Literal["segment_centres"]
Fit = Literal["letterbox", "stretch", "crop"]


@dataclass(frozen=True, kw_only=True)
class ClipSpec:
    """How a video becomes a clip of T frames of S x S pixels.

    Made once, by `preprocess`; written into the clip store and from there into the checkpoint, so that
    training and classification cannot disagree.

    Attributes:
        num_frames: T, frames in a clip.
        image_size: S, side of the square frame in pixels.
        sampling: `segment_centres`: one frame at the centre of each of T equal segments of the video.
        fit: how a frame is brought to S x S. `letterbox` keeps the aspect ratio and pads, `stretch`
            ignores the aspect ratio, `crop` keeps it and cuts the longer side.
        fill_rgb: colour of the padding, 0 to 255 each. Black by measurement: neither the ImageNet mean nor
            mid grey did better beyond twice the standard error (scripts/bench_fill.py).
        version: meaning of the fields above; another version is refused.
    """

    num_frames: int = 12
    image_size: int = 224
    sampling: Sampling = "segment_centres"
    fit: Fit = "letterbox"
    fill_rgb: tuple[int, int, int] = (0, 0, 0)
    version: int = SPEC_VERSION

    def __post_init__(self) -> None:
        object.__setattr__(self, "fill_rgb", tuple(self.fill_rgb))
        _check_version(self.version)
        _check_int("num_frames", self.num_frames, 1, 1024)
        _check_int("image_size", self.image_size, 8, 2048)
        if self.sampling not in get_args(Sampling):
            raise UsageError(f"sampling is {self.sampling!r}; allowed: {', '.join(get_args(Sampling))}.")
        if self.fit not in get_args(Fit):
            raise UsageError(f"fit is {self.fit!r}; allowed: {', '.join(get_args(Fit))}.")
        if len(self.fill_rgb) != 3:
            raise UsageError(f"fill_rgb is {self.fill_rgb!r}; it takes three numbers (R, G, B).")
        for value in self.fill_rgb:
            _check_int("fill_rgb", value, 0, 255)

    def to_dict(self) -> dict[str, Any]:
        """The spec as JSON-ready values."""
        return {**asdict(self), "fill_rgb": list(self.fill_rgb)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ClipSpec":
        """Rebuilds a spec from `to_dict`; an unknown version or field is refused (UsageError)."""
        if not isinstance(values, dict):
            raise UsageError(f"a clip spec is a JSON object, not {type(values).__name__}.")
        _check_version(values.get("version"))  # first: another version may have other fields
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            wrong = sorted(known.symmetric_difference(values))
            raise UsageError(f"clip spec with missing or unknown fields: {', '.join(wrong)}.")
        return cls(**values)

    def differences(self, other: "ClipSpec") -> list[str]:
        """Names and values of the fields in which two specs differ, for messages."""
        return [
            f"{field.name} is {getattr(self, field.name)!r}, not {getattr(other, field.name)!r}"
            for field in fields(self)
            if getattr(self, field.name) != getattr(other, field.name)
        ]


def _check_version(version: object) -> None:
    if version != SPEC_VERSION:
        raise UsageError(
            f"clip spec version {version!r} is unknown; this Clipwise understands version "
            f"{SPEC_VERSION}. Install a newer Clipwise, or preprocess the videos again."
        )


def _check_int(name: str, value: object, low: int, high: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(f"{name} is {value!r}; allowed: whole numbers from {low} to {high}.")
