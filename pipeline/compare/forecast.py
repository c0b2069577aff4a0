"""How long the rest will take, from how long the fits so far took."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from pipeline.compare.jobs import FitKey, Job

_WIDE = 64  # as a size, of a head that has none


class Forecast:
    """Estimates the time left of fits that differ widely: by head, size, and number of clips.

    The cost of a fit is taken as in proportion to its clips. A head and size that was not seen yet costs as
    other sizes of that head do, by clip; a head that was not seen as all others do on average.

    Args:
        num_workers: that fit at the same time.
    """

    def __init__(self, num_workers: int) -> None:
        self._num_workers = num_workers
        self._seen: dict[tuple[object, ...], tuple[float, float]] = defaultdict(lambda: (0.0, 0.0))

    def add(self, job: Job, wall_seconds: float) -> None:
        """A fit took so long, as its worker saw it."""
        for name in _names(job.key, job):
            seconds, clips = self._seen[name]
            self._seen[name] = (seconds + wall_seconds, clips + len(job.train))

    def seconds_left(self, jobs: Iterable[Job], *, later: Mapping[str, float] | None = None) -> float | None:
        """Wall seconds for jobs that are yet to be made; None where nothing is known.

        Args:
            jobs: that are known.
            later: clips that will be learned from in fits that are not known yet, by head.
        """
        if not self._seen:
            return None
        total = sum(len(job.train) * self._rate(_names(job.key, job)) for job in jobs)
        for head, clips in (later or {}).items():
            total += clips * self._rate([("head", head), ("all",)])
        return total / self._num_workers

    def _rate(self, names: list[tuple[object, ...]]) -> float:
        """Seconds a clip, of the first of these names that has been seen."""
        for name in names:
            if name in self._seen:
                seconds, clips = self._seen[name]
                return seconds / max(clips, 1)
        return 0.0


def _names(key: FitKey, job: Job) -> list[tuple[object, ...]]:
    """From the most special to the most general."""
    return [
        ("size", key.variant, key.head, job.setting.hidden or _WIDE),
        ("head", key.head),
        ("all",),
    ]
