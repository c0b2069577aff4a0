"""Worker processes that may crash, hang or run out of memory without taking anything else down.

WorkerPool               N slots, each a pebble pool of one worker: what kills a worker is always its own job
read_clips_isolated      `read_clip` in such workers
worker_process           the other side: how a worker is started, prepared and ended
"""

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast

from pebble import ProcessExpired, ProcessPool

from pipeline.errors import MachineError, VideoError
from pipeline.spec import ClipSpec
from pipeline.video.pause import NotYet
from pipeline.video.worker_process import WorkerContext, prepare_worker, run_in_worker

if TYPE_CHECKING:  # cv2 must not be imported in a worker before its environment is set
    from pipeline.video.capture import AnyPath
    from pipeline.video.parts import DamagedPolicy
    from pipeline.video.reader import ClipRead

J = TypeVar("J")
R = TypeVar("R")

DEFAULT_TIME_LIMIT_SECONDS = 600.0
DEFAULT_MEMORY_LIMIT_BYTES = 4 << 30
_JOBS_PER_SLOT = 2  # one runs, one waits in the pipe so that the worker never idles
_LOOK_AHEAD_PER_SLOT = 4  # outcomes held back at most while an earlier job is still running
_MAX_ATTEMPTS = 3
_LOST_AFTER_SECONDS = 30.0  # a job that its idle worker does not begin in this time has been lost on the way
_LOOK_EVERY_SECONDS = 2.0
_ASK_AGAIN_SECONDS = 0.02  # a source that did not know its next job yet
_Left = Literal["some", "none", "not yet", "full"]  # of a source, when no more jobs can be started


class WorkerFailure(VideoError):  # noqa: N818 - what happened, not a mistake of the caller
    """A job whose worker crashed, was killed, hung or ran out of memory. Only this job is lost."""


@dataclass
class _Job(Generic[J]):
    value: J
    future: Any = None
    slot: int = -1
    attempts: int = 0
    time_limit_seconds: float = 0.0
    idle_since: float | None = None  # when it was first seen to be next in its slot and not begun


class WorkerPool:
    """Runs jobs in worker processes.

    Use it as a context manager. Leaving the block on an error (Ctrl-C too) stops the workers at once.

    Args:
        num_workers: processes at a time.
        time_limit_seconds: a job that takes longer is ended; a number, or a function of the job.
        memory_limit_bytes: address space of a worker (POSIX only); None for no limit.
    """

    def __init__(
        self,
        *,
        num_workers: int = 1,
        time_limit_seconds: float | Callable[[Any], float] = DEFAULT_TIME_LIMIT_SECONDS,
        memory_limit_bytes: int | None = DEFAULT_MEMORY_LIMIT_BYTES,
    ) -> None:
        if num_workers < 1:
            raise ValueError(f"num_workers is {num_workers}; allowed: 1 or more")
        self._time_limit_of = (
            time_limit_seconds if callable(time_limit_seconds) else lambda _job: time_limit_seconds
        )
        self._memory_limit_bytes = memory_limit_bytes
        self._slots: list[ProcessPool | None] = [None] * num_workers

    @property
    def num_workers(self) -> int:
        """Processes at a time."""
        return len(self._slots)

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends all workers; jobs that are still running are lost."""
        pools = [pool for pool in self._slots if pool is not None]
        self._slots = [None] * len(self._slots)
        for pool in pools:
            pool.stop()
        for pool in pools:
            pool.join()

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J | NotYet]
    ) -> Generator[tuple[J, R | VideoError], None, None]:
        """Runs `function(job)` in the workers; the first jobs begin at once, before a result is asked for.

        Args:
            function: a plain importable function (or a `partial` of one). An error of another kind than
                VideoError or MemoryError that it raises is raised here.
            jobs: plain data, taken lazily: memory stays flat however many there are. Where a job is a path or
                has an attribute `path`, a failure names it. `NOT_YET` in the place of a job: it is not known
                yet, and results that are there are given out meanwhile.

        Raises:
            ValueError: the function is defined in `__main__`, which workers do not import.

        Yields:
            (job, result) in the order of the jobs; (job, VideoError) where the function raised one;
            (job, WorkerFailure) where the worker crashed, hung or ran out of memory.
        """
        if getattr(getattr(function, "func", function), "__module__", "") == "__main__":
            raise ValueError(f"{function!r} is defined in __main__, which workers do not import")
        waiting: deque[_Job[J]] = deque()  # in order, from the oldest that is not yet yielded
        source = iter(jobs)
        left = self._fill(function, source, waiting)
        return self._outcomes(function, source, waiting, left)

    def _outcomes(
        self, function: Callable[[J], R], source: Iterator[J | NotYet], waiting: deque[_Job[J]], left: _Left
    ) -> Generator[tuple[J, R | VideoError], None, None]:
        try:
            while True:
                if not waiting and left == "none":
                    return
                if not waiting:
                    time.sleep(_ASK_AGAIN_SECONDS)
                elif not waiting[0].future.done():
                    self._wait(waiting, left)
                    self._send_lost_jobs_again(function, waiting)
                else:
                    outcome = self._outcome(function, waiting[0])
                    if outcome is not None:  # else it was given to a new worker
                        yield waiting.popleft().value, outcome[0]
                left = self._fill(function, source, waiting)
        finally:
            for job in waiting:
                job.future.cancel()

    def _fill(
        self, function: Callable[[J], R], source: Iterator[J | NotYet], waiting: deque[_Job[J]]
    ) -> _Left:
        """Starts jobs while there is room; says what is left of the source."""
        while len(waiting) < _LOOK_AHEAD_PER_SLOT * len(self._slots):
            slot = self._free_slot(waiting)
            if slot is None:
                return "some"
            try:
                value = next(source)
            except StopIteration:
                return "none"
            if isinstance(value, NotYet):
                return "not yet"
            job = _Job(value, time_limit_seconds=self._time_limit_of(value))
            self._submit(function, job, slot)
            waiting.append(job)
        return "full"

    def _free_slot(self, waiting: Iterable[_Job[J]]) -> int | None:
        """The slot with the fewest unfinished jobs, if one has room."""
        loads = [0] * len(self._slots)
        for job in waiting:
            if not job.future.done():
                loads[job.slot] += 1
        slot = min(range(len(loads)), key=loads.__getitem__)
        return slot if loads[slot] < _JOBS_PER_SLOT else None

    def _wait(self, waiting: deque[_Job[J]], left: _Left) -> None:
        """Waits for the first job, or, where more could then be started, for any."""
        later = [job.future for job in waiting if not job.future.done()] if left == "some" else []
        wait(
            [waiting[0].future, *later],
            timeout=_ASK_AGAIN_SECONDS if left == "not yet" else _LOOK_EVERY_SECONDS,
            return_when=FIRST_COMPLETED,
        )

    def _send_lost_jobs_again(self, function: Callable[[J], R], waiting: deque[_Job[J]]) -> None:
        """Gives jobs to a new worker that nobody works on.

        A worker that is killed from outside between taking a job and saying so loses it: pebble starts
        another worker and waits for ever.
        """
        heads: dict[int, _Job[J]] = {}
        for job in waiting:
            if not job.future.done():
                heads.setdefault(job.slot, job)
        now = time.monotonic()
        for slot, head in heads.items():
            if head.future.running() or head.idle_since is None:
                head.idle_since = None if head.future.running() else now
            elif now - head.idle_since > _LOST_AFTER_SECONDS:
                lost = [job for job in waiting if job.slot == slot and not job.future.done()]
                self._close_slot(slot)
                for job in lost:
                    self._submit_again(function, job)

    def _submit_again(self, function: Callable[[J], R], job: _Job[J]) -> None:
        """A new try, or, after too many, a future that says so."""
        if job.attempts < _MAX_ATTEMPTS:
            self._submit(function, job, job.slot)
            return
        job.future = Future()
        job.future.set_exception(BrokenProcessPool())

    def _submit(self, function: Callable[[J], R], job: _Job[J], slot: int) -> None:
        job.slot = slot
        job.attempts += 1
        job.idle_since = None
        for _ in range(2):
            pool = self._slots[slot]
            if pool is None:
                pool = self._slots[slot] = self._new_pool()
            try:
                job.future = pool.schedule(
                    run_in_worker, args=(function, job.value), timeout=job.time_limit_seconds
                )
            except RuntimeError:  # its worker died while it had nothing to do: a new one
                self._close_slot(slot)
                continue
            return
        raise MachineError(
            "worker processes cannot be started; see the memory and process limits (ulimit -a)."
        )

    def _outcome(self, function: Callable[[J], R], job: _Job[J]) -> tuple[R | VideoError] | None:
        """The outcome of a finished job, or None where it was started again through no fault of its own."""
        try:
            return (job.future.result(),)
        except VideoError as error:
            return (error,)
        except FutureTimeoutError:
            reason = f"took longer than {job.time_limit_seconds:g} s"
        except MemoryError:
            reason = needs_too_much_memory(self._memory_limit_bytes)
        except ProcessExpired as error:
            reason = words_of_death(error.exitcode)
        except BrokenProcessPool:
            # The worker died before it said which job it had: this one, or the one before it in the pipe.
            if job.attempts < _MAX_ATTEMPTS:
                self._close_slot(job.slot)
                self._submit(function, job, job.slot)
                return None
            reason = "its worker process died each time"
        return (worker_failure(job.value, reason),)

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=1,
            context=WorkerContext(),
            initializer=prepare_worker,
            initargs=(self._memory_limit_bytes,),
        )

    def _close_slot(self, slot: int) -> None:
        pool, self._slots[slot] = self._slots[slot], None
        if pool is not None:
            with contextlib.suppress(RuntimeError, OSError):
                pool.stop()
                pool.join()


def read_clips_isolated(
    paths: Iterable["AnyPath | NotYet"],
    spec: ClipSpec,
    *,
    frame_rate: float | None = None,
    damaged: "DamagedPolicy" = "auto",
    num_workers: int = 1,
    time_limit_seconds: float = DEFAULT_TIME_LIMIT_SECONDS,
    memory_limit_bytes: int | None = DEFAULT_MEMORY_LIMIT_BYTES,
) -> Iterator[tuple["AnyPath", "ClipRead | VideoError"]]:
    """`read_clip` in worker processes, for each path in order."""
    with WorkerPool(
        num_workers=num_workers,
        time_limit_seconds=time_limit_seconds,
        memory_limit_bytes=memory_limit_bytes,
    ) as pool:
        job: Callable[[AnyPath], ClipRead] = partial(
            read_job, spec=spec, frame_rate=frame_rate, damaged=damaged
        )
        yield from pool.map(job, cast("Iterable[Any]", paths))  # mypy finds no J in a union


def read_clip_isolated(
    path: "AnyPath", spec: ClipSpec, *, frame_rate: float | None = None, damaged: "DamagedPolicy" = "auto"
) -> "ClipRead":
    """`read_clip` in a worker process.

    Raises:
        VideoError: the video cannot become a clip, or its worker failed.
    """
    ((_, outcome),) = read_clips_isolated([path], spec, frame_rate=frame_rate, damaged=damaged)
    if isinstance(outcome, VideoError):
        raise outcome
    return outcome


def read_job(
    path: "AnyPath", *, spec: ClipSpec, frame_rate: float | None, damaged: "DamagedPolicy"
) -> "ClipRead":
    """`read_clip` as workers are told to run it: it is imported there, after cv2's environment is set."""
    from pipeline.video.reader import read_clip

    return read_clip(path, spec, frame_rate=frame_rate, damaged=damaged)


def worker_failure(job: object, reason: str) -> WorkerFailure:
    """A failure that names the job's path, where it is one or has one."""
    path = getattr(job, "path", job)
    return WorkerFailure(os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else "", reason)


def needs_too_much_memory(limit_bytes: int | None) -> str:
    """The reason of a job that ran out of memory."""
    limit = "" if limit_bytes is None else f" (the limit of a worker is {limit_bytes / (1 << 30):.1f} GiB)"
    return f"needs too much memory{limit}"


def words_of_death(exitcode: int) -> str:
    """How a worker process ended, in words."""
    if exitcode < 0:
        try:
            return f"its worker process was ended by {signal.Signals(-exitcode).name}"
        except ValueError:
            return f"its worker process was ended by signal {-exitcode}"
    return f"its worker process ended with code {exitcode}"
