"""How long the rest will take, from how long the fits so far took."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from pipeline.compare.heads import HEADS
from pipeline.compare.jobs import Job

_WIDE = 64  # as a size, of a head that has none
# CPU time a clip against that of a linear head, 1,280 features a frame, sizes of 64: until a head was seen.
_COSTS = {"nothing": 0.0, "penalty": 1.0, "attention": 6.0, "recurrent": 16.0}


class Forecast:
    """Estimates the time left of fits that differ widely: by head, size, and number of clips.

    The cost of a fit is taken as in proportion to its clips. A size that was not seen yet costs as the other
    sizes of its head do, a head that was not seen as its kind does beside those that were.

    Args:
        num_workers: that fit at the same time.
    """

    def __init__(self, num_workers: int) -> None:
        self._num_workers = num_workers
        self._seen: dict[tuple[object, ...], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))
        self._seconds, self._expected = 0.0, 0.0

    def add(self, job: Job, wall_seconds: float) -> None:
        """A fit took so long, as its worker saw it."""
        self._seconds += wall_seconds
        self._expected += _cost(job.key.head) * len(job.train)
        for name in _names(job):
            seconds, clips = self._seen[name]
            self._seen[name] = (seconds + wall_seconds, clips + len(job.train))

    def seconds_left(self, jobs: Iterable[Job], *, later: Mapping[str, float] | None = None) -> float | None:
        """Wall seconds for jobs that are yet to be made; None where nothing is known.

        Args:
            jobs: that are known.
            later: clips that will be learned from in fits that are not known yet, by head.
        """
        total = None if not self._expected else 0.0
        for job in jobs:
            if total is not None:
                total += len(job.train) * self._rate(job.key.head, _names(job))
        if total is None:
            return None
        for head, clips in (later or {}).items():
            total += clips * self._rate(head, [("head", head)])
        return total / self._num_workers

    def _rate(self, head: str, names: list[tuple[object, ...]]) -> float:
        """Seconds a clip, of the first of these names that has been seen; else as its kind of head costs."""
        for name in names:
            if name in self._seen:
                seconds, clips = self._seen[name]
                return seconds / max(clips, 1)
        return _cost(head) * self._seconds / self._expected


def _names(job: Job) -> list[tuple[object, ...]]:
    """From the most special to the most general."""
    head = job.key.head
    return [("size", job.key.variant, head, job.setting.hidden or _WIDE), ("head", head)]


def _cost(head: str) -> float:
    return _COSTS[HEADS[head].tuned]
