"""Worker processes kept for the next video: starting one costs more than reading a short video."""

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator

from pipeline.video.worker import WorkerPool


class WorkerReserve:
    """Lends pools of workers, each to one borrower at a time, and keeps what comes back.

    Safe in threads, each of which gets a pool of its own; in a forked child, which starts workers of its own
    and leaves those of its parent alone; and at the end of the process, where workers are ended.

    Args:
        most_kept: worker processes that are kept while nobody needs them; default: one a core.
    """

    def __init__(self, *, most_kept: int | None = None) -> None:
        self._most_kept = max(2, os.cpu_count() or 1) if most_kept is None else most_kept
        self._begin()

    def _begin(self) -> None:
        self._process_id = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[WorkerPool] = []
        self._all: set[WorkerPool] = set()
        self._end = weakref.finalize(self, _stop_all, self._all, self._process_id)

    @contextlib.contextmanager
    def pool(self, num_workers: int) -> Iterator[WorkerPool]:
        """Lends a pool of so many workers. An error in the block (Ctrl-C too) ends them at once."""
        pool = self._lend(num_workers)
        try:
            yield pool
        except GeneratorExit:  # whoever iterated has had enough
            self._take_back(pool)
            raise
        except BaseException:
            self._drop(pool)
            raise
        self._take_back(pool)

    def close(self) -> None:
        """Ends all workers; those that are lent too. The next borrower starts new ones."""
        if os.getpid() == self._process_id:
            _stop_all(self._all, self._process_id)
            self._idle.clear()

    def _lend(self, num_workers: int) -> WorkerPool:
        if os.getpid() != self._process_id:  # forked: the lock may be held, the workers are the parent's
            self._end.detach()
            self._begin()
        with self._lock:
            for pool in reversed(self._idle):  # the one that was at work last
                if pool.num_workers == num_workers:
                    self._idle.remove(pool)
                    return pool
            pool = WorkerPool(num_workers=num_workers)
            self._all.add(pool)
            return pool

    def _take_back(self, pool: WorkerPool) -> None:
        with self._lock:
            kept = sum(idle.num_workers for idle in self._idle)
            if pool in self._all and kept + pool.num_workers <= self._most_kept:
                self._idle.append(pool)
                return
        self._drop(pool)

    def _drop(self, pool: WorkerPool) -> None:
        with self._lock:
            self._all.discard(pool)
        pool.stop()


def _stop_all(pools: set[WorkerPool], process_id: int) -> None:
    if os.getpid() != process_id:  # a forked child ends: the workers are its parent's
        return
    while pools:
        with contextlib.suppress(KeyError):
            pools.pop().stop()
