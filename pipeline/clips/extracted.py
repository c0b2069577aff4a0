"""What became of one source, or of one window of it: everything about a clip but label, split and group."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from pipeline.clips.clip import COLUMNS


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """A record that a worker returns, and the journal keeps.

    Attributes:
        id: of the clip.
        source_id: of the source that it was made from; several clips may share it.
        fingerprint: size and modification time of the source; "" when it is not there.
        status: as in `Clip`; `unchanged`: the clip in the store is still right; `stopped`: the machine, not
            the video, is the trouble (a full disk), `reason` says what.
        reason: why, unless ok.
        cv2_version: of the OpenCV that read the frames.
        ffmpeg_version: of the FFmpeg inside it.

    The rest is as in `Clip`.
    """

    id: str
    source_id: str
    fingerprint: str
    status: Literal["ok", "damaged", "failed", "unchanged", "stopped"]
    reason: str = ""
    start_seconds: float | None = None
    end_seconds: float | None = None
    size_bytes: int | None = None
    sha256: str = ""
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    num_frames: int | None = None
    frames_expected: int | None = None
    frames_read: int | None = None
    num_gaps: int | None = None
    num_complaints: int | None = None
    duration_seconds: float | None = None
    frame_indices: tuple[int, ...] = ()
    frame_times_seconds: tuple[float, ...] = ()
    frames_sha256: str = ""
    cv2_version: str = ""
    ffmpeg_version: str = ""

    def of_clip(self) -> dict[str, Any]:
        """The fields that the clip's row takes over as they are."""
        return {name: getattr(self, name) for name in SHARED_FIELDS}

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Extracted":
        """Rebuilds it.

        Raises:
            ValueError: other fields than ours.
        """
        if set(values) != {field.name for field in fields(cls)}:
            raise ValueError("not a record of this version")
        tuples = {name: tuple(values[name]) for name in ("frame_indices", "frame_times_seconds")}
        return cls(**{**values, **tuples})


# What a record and the clip's row have in common, besides id and status.
SHARED_FIELDS = tuple(
    field.name
    for field in fields(Extracted)
    if field.name in COLUMNS and field.name not in ("id", "status", "reason")
)
