"""How much disk a run will need, before it starts."""

import math
import random
from collections.abc import Sequence

from pipeline import files
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.extract import ExtractJob
from pipeline.errors import UsageError, VideoError
from pipeline.spec import ClipSpec
from pipeline.video.parts import Part
from pipeline.video.worker import WorkerPool

_NPY_HEADER_BYTES = 128
_NUM_LOOKED_AT = 100
_MAX_OPEN_BYTES = 1_000_000_000  # a quarter of what a worker may have


def clip_bytes(spec: ClipSpec, rule: ClipRule) -> int:
    """Bytes of one clip's file."""
    return spec.num_frames * rule.oversample * spec.image_size**2 * 3 + _NPY_HEADER_BYTES


def check_overlap(spec: ClipSpec, rule: ClipRule) -> None:
    """Refuses windows of which more overlap than a worker can hold: each is in memory while it lasts.

    Raises:
        UsageError: too many; says how much memory they would take.
    """
    if rule.window_seconds is None or rule.stride_seconds is None:
        return
    num_open = math.ceil(rule.window_seconds / rule.stride_seconds)
    needed_bytes = num_open * clip_bytes(spec, rule)
    if needed_bytes > _MAX_OPEN_BYTES:
        raise UsageError(
            f"--window-seconds {rule.window_seconds:g} with --stride-seconds {rule.stride_seconds:g} has "
            f"{num_open} clips overlap, {files.format_bytes(needed_bytes)} in memory; allowed: "
            f"{files.format_bytes(_MAX_OPEN_BYTES)}. Choose a longer stride."
        )


def estimate_num_clips(jobs: Sequence[ExtractJob]) -> int:
    """About how many clips windows will cut: from the headers of up to 100 videos, chosen at random.

    A header may lie; nothing rests on this but the check of free space.
    """
    looked_at = random.Random(0).sample(jobs, min(len(jobs), _NUM_LOOKED_AT))  # noqa: S311 - no secret
    with WorkerPool(num_workers=1, time_limit_seconds=10) as pool:
        counts = [
            count if not isinstance(count, VideoError) else len(job.sources)
            for job, count in pool.map(count_windows, looked_at)
        ]
    return round(sum(counts) * len(jobs) / len(looked_at))


def count_windows(job: ExtractJob) -> int:
    """How many clips a job makes if the header of its video is right."""
    from pipeline.video.index import claimed_duration

    windows, first = job.rule.windows, job.sources[0]
    if windows is None or first.frame_rate is not None:
        return len(job.sources)
    seconds = claimed_duration(first.location)
    parts = [Part(start_seconds=it.start_seconds, end_seconds=it.end_seconds) for it in job.sources]
    return sum(len(windows.cut(part, seconds)) for part in parts)
