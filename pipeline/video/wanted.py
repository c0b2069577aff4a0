"""What is wanted of a video: which clips, planned from the times of its frames, and what became of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.spec import ClipSpec
from pipeline.video.collector import Collector
from pipeline.video.damage import Damage
from pipeline.video.parts import DamagedPolicy, Part, Windows
from pipeline.video.sampling import median_gap, plan_frames

HandOver = Callable[[int, Part, NDArray[np.uint8]], None]
"""Takes the number of the part that was asked for, that part or a window of it, and the clip's frames."""


@dataclass(frozen=True, kw_only=True)
class PlannedClip:
    """One clip to make.

    Attributes:
        number: of the part that was asked for.
        part: that part, or a window of it.
        indices: of its frames, T * oversample; none where the part holds no frame.
    """

    number: int
    part: Part
    indices: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ClipOutcome:
    """What became of one clip.

    Attributes:
        number: of the part that was asked for.
        part: that part, or a window of it.
        frame_indices: T indices among the frames really shown.
        frame_times_seconds: T times; 0 is the first shown frame.
        error: why there is no such clip; "" when it was handed over whole.
        note: what is wrong with its frames, although it was taken; "" when they are clean.
    """

    number: int
    part: Part
    frame_indices: tuple[int, ...] = ()
    frame_times_seconds: tuple[float, ...] = ()
    error: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the caller of the reader asked for; see `reader.read_video`."""

    spec: ClipSpec
    parts: tuple[Part, ...]
    windows: Windows | None
    oversample: int
    damaged: DamagedPolicy

    def plan(
        self, times: Sequence[float], frame_rate: float, *, tick_seconds: float | None = None
    ) -> tuple[PlannedClip, ...]:
        """The clips of a video with these frame times."""
        return tuple(
            PlannedClip(
                number=number,
                part=part,
                indices=plan_frames(
                    times,
                    num_frames=self.spec.num_frames,
                    oversample=self.oversample,
                    tick_seconds=tick_seconds,
                    start_seconds=part.start_seconds,
                    end_seconds=part.end_seconds,
                ),
            )
            for number, whole in enumerate(self.parts)
            for part in self._cut(whole, times, frame_rate)
        )

    def _cut(self, part: Part, times: Sequence[float], frame_rate: float) -> tuple[Part, ...]:
        if self.windows is None or not times:
            return (part,)
        return self.windows.cut(part, duration_of(times, frame_rate))

    def collector(self, planned: Sequence[PlannedClip], hand_over: HandOver) -> Collector:
        """Collects the planned clips and hands each over with its part."""
        clips = [clip for clip in planned if clip.indices]
        return Collector(
            self.spec.image_size,
            [clip.indices for clip in clips],
            lambda i, frames: hand_over(clips[i].number, clips[i].part, frames),
        )

    def outcome(
        self, clip: PlannedClip, *, times: Sequence[float], frame_rate: float, damage: Damage
    ) -> ClipOutcome:
        """What becomes of a clip, as far as the plan and the damage tell."""
        if not clip.indices:
            lasts = f"the video lasts {duration_of(times, frame_rate):.2f} s"
            return ClipOutcome(number=clip.number, part=clip.part, error=f"no frame {clip.part}: {lasts}")
        broken, error, note = damage.affected(clip.indices), "", ""
        count = f"{len(broken)} of {len(set(clip.indices))} frames"
        if damage.sentence and self.damaged == "fail":
            error = f"the video is damaged: {damage.sentence}"
        elif broken and self.damaged == "auto":
            error = f"sampled frames are damaged: {count}; {damage.sentence}"
        elif broken:
            note = f"sampled frames may be damaged: {count}"
        centres = clip.indices[self.oversample // 2 :: self.oversample]
        return ClipOutcome(
            number=clip.number,
            part=clip.part,
            frame_indices=centres,
            frame_times_seconds=tuple(times[index] for index in centres),
            error=error,
            note=note,
        )


def duration_of(times: Sequence[float], frame_rate: float) -> float:
    """How long a video lasts, in seconds: its last frame lasts the median gap."""
    return times[-1] + median_gap(times, single_seconds=1 / frame_rate if frame_rate else 0.0)
