"""The fits of a comparison: what each is, where its answers are kept, and workers that make them."""

import io
import lzma
import os
import signal
import struct
import threading
import time
import zipfile
import zlib
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pebble import ProcessExpired, ProcessPool

from pipeline.compare.heads import HEADS
from pipeline.compare.one_fit import (
    OTHERS_LEFT_OUT,
    FitAnswers,
    FitData,
    answers_from,
    arrays_of,
    fit_head,
    fit_majority,
)
from pipeline.compare.settings import Setting
from pipeline.errors import MachineError
from pipeline.files import write_bytes
from pipeline.training.options import TrainOptions
from pipeline.video.worker_process import WorkerContext, end_with_parent

_TRIES = 2
_BROKEN = (
    OSError, EOFError, ValueError, KeyError, TypeError, IndexError, RuntimeError, NotImplementedError,
    MemoryError, SyntaxError, struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip
"""What reading a damaged .npz file may end in."""
_AHEAD = 2  # jobs in the hands of each worker: none of them waits for the next


@dataclass(frozen=True, order=True)
class FitKey:
    """Names a fit.

    Attributes:
        variant: which features.
        head: its name.
        fraction: share of the training clips.
        setting: number of the head's setting.
        repeat, fold: from 0.
    """

    variant: str
    head: str
    fraction: float
    setting: int
    repeat: int
    fold: int

    @property
    def file(self) -> Path:
        """Where its answers are kept, below the folder of the comparison."""
        name = (
            f"{self.head}-of-{round(100 * self.fraction):03d}-setting-{self.setting}-"
            f"repeat-{self.repeat + 1}-fold-{self.fold + 1}.npz"
        )
        return Path("fits") / self.variant / name


@dataclass(frozen=True, kw_only=True)
class Job:
    """A fit that is to be made.

    Attributes:
        key: its name.
        setting: of its head.
        options: that make the head and its training.
        train, val, test: rows of the clips.
    """

    key: FitKey
    setting: Setting
    options: TrainOptions
    train: np.ndarray = field(repr=False)
    val: np.ndarray = field(repr=False)
    test: np.ndarray = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Clips:
    """What all fits share.

    Attributes:
        features: file of the features (N, T, D) of each variant.
        class_indices: (N,).
        groups: of the clips.
        num_classes: K.
    """

    features: Mapping[str, Path]
    class_indices: np.ndarray
    groups: Sequence[str]
    num_classes: int


@dataclass(frozen=True, kw_only=True)
class Made:
    """A fit that was just made, and how long that took."""

    answers: FitAnswers
    wall_seconds: float


def save_answers(path: Path, answers: FitAnswers) -> None:
    """Keeps the answers of a fit, whole or not at all."""
    content = io.BytesIO()
    np.savez(content, **arrays_of(answers))
    write_bytes(path, content.getvalue())


def read_answers(path: Path) -> FitAnswers | None:
    """The answers that were kept; None where there are none, or damaged ones: they are made anew."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            return answers_from({name: saved[name] for name in saved.files})
    except _BROKEN:
        return None


class Fitter:
    """Makes fits, in this process or in workers; close it, or use it in a `with` block.

    Args:
        clips: what all fits share.
        num_workers: processes; with one, all is done here.
    """

    def __init__(self, clips: Clips, *, num_workers: int) -> None:
        self._clips = clips
        self._num_workers = num_workers
        self._pool: ProcessPool | None = None

    def __enter__(self) -> "Fitter":
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.stop()  # what was being fitted is lost; what was finished is kept
            self._pool.join()
            self._pool = None

    def run(self, jobs: Sequence[Job]) -> Generator[tuple[Job, Made], None, None]:
        """Makes the fits, and gives each when it is finished.

        Raises:
            TrainingError: a loss is not a number.
            MachineError: workers die.
        """
        if self._num_workers == 1 or len(jobs) == 1:
            _prepare(self._clips)
            for job in jobs:
                yield job, _make(job)
            return
        waiting = deque((job, 1) for job in jobs)
        running: dict[Future[Made], tuple[Job, int]] = {}
        while waiting or running:
            while waiting and len(running) < _AHEAD * self._num_workers:
                job, attempt = waiting.popleft()
                running[self._schedule(job)] = job, attempt
            finished, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in finished:
                job, attempt = running.pop(future)
                try:
                    yield job, future.result()
                except (ProcessExpired, BrokenProcessPool) as error:
                    if attempt == _TRIES:
                        raise MachineError(
                            f"a worker process died while fitting {HEADS[job.key.head].title} ({error}). Is "
                            "memory short? Try fewer --workers, and run the same command again to go on."
                        ) from error
                    waiting.appendleft((job, attempt + 1))

    def _schedule(self, job: Job) -> "Future[Made]":
        if self._pool is not None and not self._pool.active:
            self._pool.stop()
            self._pool.join()
            self._pool = None
        if self._pool is None:
            self._pool = ProcessPool(
                max_workers=self._num_workers,
                context=WorkerContext(),
                initializer=_prepare_worker,
                initargs=(self._clips,),
            )
        future: Future[Made] = self._pool.schedule(_make, args=(job,))
        return future


_PREPARED: dict[str, Any] = {}


def _prepare_worker(clips: Clips) -> None:
    """First thing in a worker."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.environ["OMP_NUM_THREADS"] = "1"
    _prepare(clips)


def _prepare(clips: Clips) -> None:
    _PREPARED.clear()
    _PREPARED["clips"] = clips


def _make(job: Job) -> Made:
    """Makes a fit, where `_prepare` was called."""
    start = time.monotonic()
    clips: Clips = _PREPARED["clips"]
    variant = job.key.variant
    if variant not in _PREPARED:
        _PREPARED[variant] = np.load(clips.features[variant], mmap_mode="r", allow_pickle=False)
    data = FitData(
        features=_PREPARED[variant],
        class_indices=clips.class_indices,
        groups=clips.groups,
        num_classes=clips.num_classes,
        train=job.train,
        val=job.val,
        test=job.test,
    )
    head = HEADS[job.key.head]
    if head.tuned == "nothing":
        answers = fit_majority(data)
    else:
        has_order, is_part = data.features.shape[1] > 1, job.key.fraction < 1
        answers = fit_head(
            data,
            job.options,
            reads_order=head.reads_order and has_order,
            others_left_out=0 if is_part else OTHERS_LEFT_OUT,
        )
    return Made(answers=answers, wall_seconds=time.monotonic() - start)
