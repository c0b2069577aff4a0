"""One source becomes one clip: the unit of work, a plain function of plain data that runs in a worker."""

import hashlib
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from pipeline import files
from pipeline.clips.clip import COLUMNS
from pipeline.clips.source import Source, is_frame_image
from pipeline.clips.store import write_frames
from pipeline.errors import MachineError, VideoError
from pipeline.spec import ClipSpec


@dataclass(frozen=True, kw_only=True)
class ExtractJob:
    """What a worker needs to make one clip.

    Attributes:
        source: the video and the range.
        spec: what a clip is.
        folder: the store.
        known_sha256: of the bytes that the store's clip was made from; equal bytes are not read again.
    """

    source: Source
    spec: ClipSpec
    folder: str
    known_sha256: str = ""

    @property
    def path(self) -> str:
        """Names the job in messages."""
        return self.source.path


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """What became of one source; everything about a clip but label, split and group.

    Attributes:
        id: of the clip.
        fingerprint: size and modification time of the source; "" when it is not there.
        status: as in `Clip`; `unchanged`: the clip in the store is still right; `stopped`: the machine, not
            the video, is the trouble (a full disk), `reason` says what.
        reason: why, unless ok.
        cv2_version: of the OpenCV that read the frames.
        ffmpeg_version: of the FFmpeg inside it.

    The rest is as in `Clip`.
    """

    id: str
    fingerprint: str
    status: Literal["ok", "damaged", "failed", "unchanged", "stopped"]
    reason: str = ""
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


def extract(job: ExtractJob) -> Extracted:
    """Reads one video and writes its clip, whole or not at all; never raises for a video's sake."""
    from pipeline.video.capture import regular_file

    source, sha256 = job.source, ""
    before = fingerprint(source)
    try:
        if source.frame_rate is None:
            regular_file(source.location)
        sha256 = hash_source(source)
        if sha256 and sha256 == job.known_sha256:
            return Extracted(id=source.id, fingerprint=before, status="unchanged", sha256=sha256)
        return _read(job, before, sha256)
    except VideoError as error:
        return failure(source, error.reason, sha256=sha256)
    except MachineError as error:
        return Extracted(id=source.id, fingerprint=before, status="stopped", reason=str(error))


def failure(source: Source, reason: str, *, sha256: str = "") -> Extracted:
    """The record of a source that gave no clip."""
    return Extracted(
        id=source.id,
        fingerprint=fingerprint(source),
        status="failed",
        reason=reason,
        size_bytes=size_of(source),
        sha256=sha256,
    )


def size_of(source: Source) -> int | None:
    """Bytes of a source; None when it is not there."""
    try:
        return sum(os.stat(path).st_size for path in _files(source))  # noqa: PTH116 - names may not be UTF-8
    except OSError:
        return None


def fingerprint(source: Source) -> str:
    """Size and modification time of a source, cheap to ask for; "" when it is not there."""
    try:
        if source.frame_rate is None:
            status = os.stat(source.location)  # noqa: PTH116 - names may not be UTF-8
            return f"{status.st_size}:{status.st_mtime_ns}"
        statuses = [(os.path.basename(path), os.stat(path)) for path in _images(source)]  # noqa: PTH116, PTH119
    except OSError:
        return ""
    lines = "\n".join(f"{os.fsencode(name)!r}:{it.st_size}:{it.st_mtime_ns}" for name, it in statuses)
    return f"{source.frame_rate!r}:{len(statuses)}:{hashlib.sha256(lines.encode()).hexdigest()}"


def hash_source(source: Source) -> str:
    """SHA-256 of a video's bytes; of a folder of frames: of their names and bytes; "" if they cannot be read.

    The source must be a regular file or a folder: a pipe would never end.
    """
    try:
        if source.frame_rate is None:
            return files.sha256_of_file(source.location)
        lines = [
            f"{os.fsencode(os.path.basename(path))!r}:{files.sha256_of_file(path)}"  # noqa: PTH119
            for path in _images(source)
        ]
    except OSError:
        return ""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files(source: Source) -> list[str]:
    return [source.location] if source.frame_rate is None else _images(source)


def _images(source: Source) -> list[str]:
    names = sorted(os.listdir(source.location), key=os.fsencode)  # noqa: PTH208
    return [os.path.join(source.location, name) for name in names if is_frame_image(name)]  # noqa: PTH118


def _read(job: ExtractJob, before: str, sha256: str) -> Extracted:
    from pipeline.video.reader import read_clip
    from pipeline.video.versions import decoder_versions

    source = job.source
    read = read_clip(
        source.location,
        job.spec,
        start_seconds=source.start_seconds,
        end_seconds=source.end_seconds,
        frame_rate=source.frame_rate,
    )
    if fingerprint(source) != before:
        raise VideoError(source.path, "it changed while it was read; run again when it is complete")
    versions = decoder_versions()
    return Extracted(
        id=source.id,
        fingerprint=before,
        status="damaged" if read.damage else "ok",
        reason=read.damage,
        size_bytes=size_of(source),
        sha256=sha256,
        width=read.width,
        height=read.height,
        frame_rate=read.frame_rate,
        num_frames=read.num_frames,
        frames_expected=read.frames_expected,
        frames_read=read.frames_read,
        num_gaps=read.num_gaps,
        num_complaints=read.num_complaints,
        duration_seconds=read.duration_seconds,
        frame_indices=read.frame_indices,
        frame_times_seconds=read.frame_times_seconds,
        frames_sha256=write_frames(Path(job.folder), source.id, read.frames),
        cv2_version=versions["cv2"],
        ffmpeg_version=versions["ffmpeg"],
    )
