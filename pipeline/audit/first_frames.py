"""The first frame of each video, which sampling seldom takes: does it have bars that the clip's frames lack?

Some recorders write it in another shape than the rest. Whoever trains on frame 0 learns that. The
sources are read again, one frame each, in workers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.audit.bars import Bars, find_bars, without_padding
from pipeline.clips.clip import Clip
from pipeline.clips.origin import source_location
from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.worker import WorkerPool


@dataclass(frozen=True, kw_only=True)
class FirstFrame:
    """The first frame of a clip's video.

    Attributes:
        bars: those that the clip's own frames do not have.
        picture: (S, S, 3) RGB, fitted as the clip's frames are; None where it was not kept.
    """

    bars: Bars
    picture: NDArray[np.uint8] | None = None


@dataclass(frozen=True, kw_only=True)
class FirstFrames:
    """What the first frames showed.

    Attributes:
        by_clip: those that were looked at, by clip id.
        missing: by clip id, why a video could not be looked at: gone, changed, unreadable.
        num_parts: clips that are a part from the middle of a video: its first frame says nothing about them.
        reason: why none was looked at; "" otherwise.
    """

    by_clip: Mapping[str, FirstFrame]
    missing: Mapping[str, str]
    num_parts: int = 0
    reason: str = ""

    @property
    def bars(self) -> dict[str, Bars]:
        """The bars of the first frame alone, by clip id."""
        return {clip_id: it.bars for clip_id, it in self.by_clip.items()}

    @property
    def differing(self) -> tuple[str, ...]:
        """Ids of the clips whose first frame has bars that the others have not."""
        return tuple(clip_id for clip_id, it in self.by_clip.items() if it.bars.are_there)


@dataclass(frozen=True, kw_only=True)
class FirstFrameJob:
    """What a worker needs: the clip, its spec, and where its video lies."""

    clip: Clip
    spec: ClipSpec
    path: str


def look_at_first_frames(
    clips: Sequence[Clip],
    bars: Mapping[str, Bars],
    spec: ClipSpec,
    root: Path | None,
    *,
    num_workers: int = 1,
    keep: int = 3,
) -> Iterable[FirstFrames]:
    """Looks at the first frame of each clip's video; what is known so far comes after each, all of it last.

    Args:
        clips: usable ones.
        bars: of each clip's own frames, by id.
        spec: of the store.
        root: the folder that the clips' paths are relative to; None: not known.
        num_workers: processes that read.
        keep: so many differing first frames of each class are kept as pictures.
    """
    if root is None:
        why = "where the videos lie is not known (say it with --videos FOLDER)"
        yield FirstFrames(by_clip={}, missing={clip.id: why for clip in clips}, reason=why)
        return
    whole = [clip for clip in clips if not clip.start_seconds]
    missing: dict[str, str] = {}
    jobs: list[FirstFrameJob] = []
    for clip in whole:
        path = source_location(root, clip)
        if problem := _changed(path, clip):
            missing[clip.id] = problem
        else:
            jobs.append(FirstFrameJob(clip=clip, spec=spec, path=path))
    if not jobs:
        why = f"none of the {len(whole)} videos is at {root} as it was (say where with --videos FOLDER)"
        yield FirstFrames(by_clip={}, missing=missing, num_parts=len(clips) - len(whole), reason=why)
        return
    by_clip: dict[str, FirstFrame] = {}
    kept: dict[str, int] = {}
    seen = FirstFrames(by_clip=by_clip, missing=missing, num_parts=len(clips) - len(whole))
    with WorkerPool(num_workers=min(num_workers, len(jobs))) as pool:
        for job, outcome in pool.map(look, jobs):
            clip = job.clip
            if isinstance(outcome, VideoError):
                missing[clip.id] = outcome.reason
            else:
                more = outcome.bars.beyond(bars[clip.id])
                wanted = more.are_there and kept.get(clip.label, 0) < keep
                by_clip[clip.id] = replace(outcome, bars=more, picture=outcome.picture if wanted else None)
                kept[clip.label] = kept.get(clip.label, 0) + wanted
            yield seen


def look(job: FirstFrameJob) -> FirstFrame:
    """The unit of work: reads one first frame and measures its bars.

    Raises:
        VideoError: no frame can be decoded.
    """
    from pipeline.video.first_frame import read_first_frame

    picture = read_first_frame(job.path, job.spec)
    return FirstFrame(bars=find_bars(without_padding(picture[None], job.clip, job.spec)[0]), picture=picture)


def _changed(path: str, clip: Clip) -> str:
    """Why a file is not the one that the clip was made from, as far as its size tells; "" where it may be."""
    place = Path(path)
    try:
        if place.is_dir():
            return ""
        size_bytes = place.stat().st_size
    except OSError as error:
        return f"cannot be opened: {error.strerror or error}"
    except ValueError as error:  # a path that no file system takes
        return f"cannot be opened: {error}"
    if clip.size_bytes is not None and size_bytes != clip.size_bytes:
        return "has changed since it was preprocessed"
    return ""
