"""One long job in a worker process of its own that tells of its work while it goes on.

    worker    event, event, event ...   waits where nobody takes them: the pipe holds one or two
    here      for event in stream_isolated(function, job)

A `WorkerPool` gives one answer a job, at its end. Here the answers of a video that lasts hours come as they
are made, and memory stays flat on both sides.
"""

import contextlib
from collections.abc import Callable, Generator, Iterable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from pipeline.errors import VideoError
from pipeline.video.worker import (
    DEFAULT_MEMORY_LIMIT_BYTES,
    needs_too_much_memory,
    words_of_death,
    worker_failure,
)
from pipeline.video.worker_process import WorkerContext, prepare_worker

J = TypeVar("J")
E = TypeVar("E")

SILENCE_LIMIT_SECONDS = 300.0
"""A worker that says nothing for so long while we wait is taken to hang."""
_END_SECONDS = 5.0


def stream_isolated(
    function: Callable[[J], Iterable[E]],
    job: J,
    *,
    silence_limit_seconds: float = SILENCE_LIMIT_SECONDS,
    memory_limit_bytes: int | None = DEFAULT_MEMORY_LIMIT_BYTES,
) -> Generator[E, None, None]:
    """Runs `function(job)` in a worker process and yields what it yields, as it does.

    Closing the generator ends the worker at once.

    Args:
        function: a plain importable function; what it yields is pickled.
        job: plain data. Where it is a path or has an attribute `path`, a failure names it.
        silence_limit_seconds: how long the worker may say nothing while we wait for it.
        memory_limit_bytes: address space of the worker (POSIX only); None for no limit.

    Raises:
        ValueError: the function is defined in `__main__`, which workers do not import.
        VideoError: the function raised one.
        WorkerFailure: the worker crashed, hung or ran out of memory. What it had said is true all the same.
        Exception: any other error of the function.
    """
    if function.__module__ == "__main__":
        raise ValueError(f"{function!r} is defined in __main__, which workers do not import")
    context = WorkerContext()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_serve, args=(theirs, function, job, memory_limit_bytes), daemon=True, name="clipwise-stream"
    )
    process.start()
    theirs.close()  # else its end would not be seen when the worker dies
    try:
        while True:
            if not ours.poll(silence_limit_seconds):
                raise worker_failure(job, f"its worker said nothing for {silence_limit_seconds:g} s")
            try:
                kind, value = ours.recv()
            except (EOFError, OSError):  # it died, perhaps in the middle of a word
                process.join(_END_SECONDS)
                code = process.exitcode
                died = "its worker process went silent" if code is None else words_of_death(code)
                raise worker_failure(job, died) from None
            if kind == "event":
                yield value
            elif kind == "error":
                raise value
            else:
                return
    finally:
        ours.close()
        process.kill()
        process.join(_END_SECONDS)
        with contextlib.suppress(ValueError):  # it does not even listen to SIGKILL
            process.close()


def _serve(
    pipe: "Connection[Any, Any]",
    function: Callable[[J], Iterable[Any]],
    job: J,
    memory_limit_bytes: int | None,
) -> None:
    prepare_worker(memory_limit_bytes)
    try:
        for event in function(job):
            pipe.send(("event", event))
    except MemoryError:
        pipe.send(("error", worker_failure(job, needs_too_much_memory(memory_limit_bytes))))
    except VideoError as error:
        pipe.send(("error", error))
    except Exception as error:  # a bug of ours: the parent raises it
        error.add_note("in a worker process")
        pipe.send(("error", error))
    else:
        pipe.send(("end", None))
