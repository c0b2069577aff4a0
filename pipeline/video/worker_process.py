"""A worker process from the inside: started clean, prepared before cv2 comes in, ended with its parent.

started         by spawn, without the user's __main__ and deaf to Ctrl-C
prepared        environment, log of the decoder, memory limit; only then cv2
ended           by the pool, or here when the parent is gone (even by kill -9)
"""

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator
from multiprocessing import spawn
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any, TypeVar

from pipeline.video.codecs import DECODER_NAMES
from pipeline.video.descriptors import open_closed_descriptors

# Names of FFmpeg's demuxers (https://ffmpeg.org/ffmpeg-formats.html). Playlists, image patterns, text and the
# concat format are left out: they open other files.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,mjpeg,gif"
DECODER_ENVIRONMENT = {  # read when cv2 loads FFmpeg: set before cv2 is imported
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": (
        f"protocol_whitelist;file|format_whitelist;{_FORMATS}|codec_whitelist;{','.join(DECODER_NAMES)}"
    ),
    "OPENCV_FFMPEG_LOGLEVEL": "24",  # errors and warnings: ComplaintLog counts those that tell of damage
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}

J = TypeVar("J")
R = TypeVar("R")

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # mallopt(3)
_START_LOCK = threading.Lock()


class WorkerProcess(SpawnProcess):
    """A spawned process that does not import the user's main script."""

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - multiprocessing's name
        with _START_LOCK, _empty_main(), _path_without_cv2(), _sigint_blocked():
            return SpawnProcess._Popen(process_obj)


class WorkerContext(SpawnContext):
    """Starts worker processes. Made before the pipes to them are."""

    Process = WorkerProcess

    def __init__(self) -> None:
        open_closed_descriptors()
        super().__init__()


@contextlib.contextmanager
def _empty_main() -> Iterator[None]:
    """Multiprocessing has the child run the __main__ it finds again: a script without a guard, a notebook."""
    real = sys.modules["__main__"]
    empty = types.ModuleType("__main__")
    empty.__spec__ = None
    sys.modules["__main__"] = empty
    try:
        yield
    finally:
        sys.modules["__main__"] = real


@contextlib.contextmanager
def _path_without_cv2() -> Iterator[None]:
    """Multiprocessing hands sys.path to the child, and cv2 has its own folder there while it is imported.

    Another thread may be at that: cv2/typing would be found before the standard `typing`. What is handed over
    is changed, sys.path is not: cv2 looks for its library in it now.
    """
    real = spawn.get_preparation_data

    def without_cv2(name: str) -> dict[str, Any]:
        data = real(name)
        return {**data, "sys_path": [entry for entry in data["sys_path"] if not _is_of_cv2(entry)]}

    spawn.get_preparation_data = without_cv2
    try:
        yield
    finally:
        spawn.get_preparation_data = real


def _is_of_cv2(entry: object) -> bool:
    """Whether an entry of sys.path, where anything may be, is cv2's package folder or one in it."""
    if not isinstance(entry, str):
        return False
    places = (entry, os.path.dirname(entry))  # noqa: PTH120
    # Unlike Path.exists, no error where a folder may not be looked into.
    return any(os.path.exists(os.path.join(place, "load_config_py3.py")) for place in places)  # noqa: PTH110, PTH118


@contextlib.contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Ctrl-C goes to the whole process group; a worker that is still starting must not print a traceback."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def prepare_worker(memory_limit_bytes: int | None) -> None:
    """First thing in a worker: environment, output, limits; only then cv2."""
    from pipeline.video.complaints import start_log

    threading.Thread(target=end_with_parent, daemon=True).start()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # at once, even from inside the decoder
    os.environ.update(DECODER_ENVIRONMENT)
    start_log()
    _keep_memory()
    if memory_limit_bytes is not None and os.name == "posix":
        import resource

        with contextlib.suppress(ValueError, OSError):  # macOS refuses, and a lower limit may be in force
            resource.setrlimit(resource.RLIMIT_AS, (memory_limit_bytes, memory_limit_bytes))
    import cv2

    cv2.setNumThreads(1)


def run_in_worker(function: Callable[[J], R], job: J) -> R:
    """Runs a job; one that runs out of memory leaves nothing behind.

    The pool keeps an error until the next job ends, and with its traceback all that the job had in its hands:
    the next job would run out of memory too.
    """
    try:
        return function(job)
    except MemoryError:
        pass  # here its traceback goes
    gc.collect()
    raise MemoryError


def _keep_memory() -> None:
    """Has glibc keep freed pictures for the next ones instead of giving them back to the kernel each time.

    Saves a tenth of the CPU time of a short video: 1,100 page faults a clip less.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):  # another C library
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)  # the most it takes
        mallopt(_M_TRIM_THRESHOLD, 128 << 20)


def end_with_parent() -> None:
    """A parent that was killed cannot stop its workers: they see its end of the pipe close."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
