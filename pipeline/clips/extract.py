"""One video becomes its clips: the unit of work, a plain function of plain data that runs in a worker."""

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.extracted import Extracted
from pipeline.clips.fingerprint import fingerprint, hash_source, size_of
from pipeline.clips.source import Source, clip_id
from pipeline.clips.store import frames_path, write_frames
from pipeline.errors import MachineError, VideoError
from pipeline.spec import ClipSpec
from pipeline.video.parts import Part

_SECONDS_A_BYTE = 2e-6  # a slow machine reads half a megabyte of video a second
_SECONDS_A_VIDEO = 600.0


@dataclass(frozen=True, kw_only=True)
class ExtractJob:
    """What a worker needs to make the clips of one video.

    Attributes:
        sources: the video, or those parts of it that are listed; all at one location.
        spec: what a clip is.
        rule: how many clips there are, and what becomes of damaged ones.
        folder: the store.
        known_sha256: for ids of sources, of the bytes that the store's clips were made from: equal bytes are
            not read again.
    """

    sources: tuple[Source, ...]
    spec: ClipSpec
    rule: ClipRule = field(default_factory=ClipRule)
    folder: str
    known_sha256: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Names the job in messages."""
        return self.sources[0].path

    @property
    def time_limit_seconds(self) -> float:
        """How long the video may take: an hour of 1080p is read for minutes, on a slow machine for many."""
        return _SECONDS_A_VIDEO + _SECONDS_A_BYTE * (size_of(self.sources[0]) or 0)


def extract(job: ExtractJob) -> tuple[Extracted, ...]:
    """Reads one video and writes its clips, each whole or not at all; never raises for a video's sake.

    Returns:
        One record for each clip, one or more for each source.
    """
    from pipeline.video.capture import regular_file

    first, sha256 = job.sources[0], ""
    before = fingerprint(first)
    try:
        if first.frame_rate is None:
            regular_file(first.location)
        sha256 = hash_source(first)
        unchanged = [it for it in job.sources if sha256 and job.known_sha256.get(it.id) == sha256]
        records = [
            Extracted(id=it.id, source_id=it.id, fingerprint=before, status="unchanged", sha256=sha256)
            for it in unchanged
        ]
        fresh = [it for it in job.sources if it not in unchanged]
        if fresh:
            records += _read(job, fresh, before, sha256)
        return tuple(records)
    except VideoError as error:
        return tuple(failure(source, error.reason, sha256=sha256, seen=before) for source in job.sources)
    except MachineError as error:
        return tuple(
            Extracted(id=it.id, source_id=it.id, fingerprint=before, status="stopped", reason=str(error))
            for it in job.sources
        )


def failure(source: Source, reason: str, *, sha256: str = "", seen: str | None = None) -> Extracted:
    """The record of a source that gave no clip; `seen` is its fingerprint from before it was read."""
    return Extracted(
        id=source.id,
        source_id=source.id,
        fingerprint=fingerprint(source) if seen is None else seen,
        status="failed",
        reason=reason,
        start_seconds=source.start_seconds,
        end_seconds=source.end_seconds,
        size_bytes=size_of(source),
        sha256=sha256,
    )


def _read(job: ExtractJob, sources: list[Source], before: str, sha256: str) -> list[Extracted]:
    from pipeline.video.reader import read_video
    from pipeline.video.versions import decoder_versions

    first, folder = sources[0], Path(job.folder)
    hashes: dict[str, str] = {}

    def write(number: int, part: Part, frames: NDArray[np.uint8]) -> None:
        name = clip_id(sources[number], part)
        hashes[name] = write_frames(folder, name, frames)

    try:
        video = read_video(
            first.location,
            job.spec,
            [Part(start_seconds=it.start_seconds, end_seconds=it.end_seconds) for it in sources],
            hand_over=write,
            windows=job.rule.windows,
            oversample=job.rule.oversample,
            frame_rate=first.frame_rate,
            damaged=job.rule.damaged,
        )
        if fingerprint(first) != before:
            raise VideoError(first.path, "it changed while it was read; run again when it is complete")
    except BaseException:
        _remove(folder, hashes)
        raise
    versions = decoder_versions()
    records = []
    for clip in video.clips:
        source = sources[clip.number]
        name = clip_id(source, clip.part)
        reason = clip.error or "; ".join(filter(None, (clip.note, video.damage)))
        records.append(
            Extracted(
                id=name,
                source_id=source.id,
                fingerprint=before,
                status="failed" if clip.error else "damaged" if reason else "ok",
                reason=reason,
                start_seconds=clip.part.start_seconds,
                end_seconds=clip.part.end_seconds,
                size_bytes=size_of(source),
                sha256=sha256,
                width=video.width,
                height=video.height,
                frame_rate=video.frame_rate,
                num_frames=video.num_frames,
                frames_expected=video.frames_expected,
                frames_read=video.frames_read,
                num_gaps=video.num_gaps,
                num_complaints=video.num_complaints,
                duration_seconds=video.duration_seconds,
                frame_indices=() if clip.error else clip.frame_indices,
                frame_times_seconds=() if clip.error else clip.frame_times_seconds,
                frames_sha256="" if clip.error else hashes[name],
                cv2_version=versions["cv2"],
                ffmpeg_version=versions["ffmpeg"],
            )
        )
    whole = {record.id for record in records if record.status != "failed"}
    _remove(folder, hashes.keys() - whole)
    return records


def _remove(folder: Path, ids: Iterable[str]) -> None:
    """Takes back clips that were written before their video proved unfit."""
    for name in ids:
        with contextlib.suppress(OSError):
            frames_path(folder, name).unlink()
