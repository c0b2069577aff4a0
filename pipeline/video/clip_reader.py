"""Reading the clips of one kind from many videos, in worker processes that are kept ready."""

import contextlib
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Self, cast

from pipeline.spec import ClipSpec
from pipeline.video.pause import NotYet
from pipeline.video.worker import read_job
from pipeline.video.worker_reserve import WorkerReserve

if TYPE_CHECKING:
    from pipeline.errors import VideoError
    from pipeline.video.capture import AnyPath
    from pipeline.video.reader import ClipRead

    Outcomes = Generator[tuple[AnyPath, ClipRead | VideoError], None, None]


class ClipReader:
    """Reads clips in worker processes, which stay for the next call; safe in threads.

    Args:
        spec: what a clip is.
    """

    def __init__(self, spec: ClipSpec) -> None:
        self.spec = spec
        self._reserve = WorkerReserve()

    def read(
        self, paths: "Iterable[AnyPath | NotYet]", *, frame_rate: float | None = None, num_workers: int = 1
    ) -> "Outcomes":
        """Reads a clip of each video, in order and ahead of who takes them; the first begin at once.

        Args:
            paths: taken as they are needed; see `WorkerPool.map`.
            frame_rate: frames a second of folders of images.
            num_workers: processes that read.

        Yields:
            (path, clip), or (path, VideoError) where the video cannot be read.
        """
        job: Callable[[AnyPath], ClipRead] = partial(
            read_job, spec=self.spec, frame_rate=frame_rate, damaged="auto"
        )
        with contextlib.ExitStack() as lent:
            pool = lent.enter_context(self._reserve.pool(num_workers))
            begun = pool.map(job, cast("Iterable[Any]", paths))  # mypy finds no J in a union
            return _until_the_end(begun, lent.pop_all())

    def close(self) -> None:
        """Ends the workers. Later reads start new ones."""
        self._reserve.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _until_the_end(outcomes: "Outcomes", lent: contextlib.ExitStack) -> "Outcomes":
    with lent:
        yield from outcomes
