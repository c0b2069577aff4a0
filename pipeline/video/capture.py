"""Opening a video: the only user of cv2.VideoCapture. Every file is taken for hostile."""

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import cv2

from pipeline.errors import VideoError
from pipeline.video.codecs import fourcc_text, is_supported

MAX_FRAME_PIXELS = 8192 * 4608  # 8K and a little more; decoding holds many frames of this size at once
SPARSE_BYTES = 1 << 30  # from this size on a file is asked whether it holds data at all
MAX_FAILURES = 64  # failed grabs in a row that are taken for the end: one bad packet looks like the end too
NOT_SUPPORTED = "not a supported video"
Capture = cv2.VideoCapture  # noqa: TID251 - the type, for those who are handed an open one
AnyPath = str | bytes | os.PathLike[str]


def name_of(path: AnyPath) -> str:
    """A path as text for messages and errors."""
    return os.fsdecode(path)


def regular_file(path: AnyPath) -> bytes:
    """The absolute path of a file that may be opened, as bytes.

    A FIFO would hang the open for ever, and a name that is not UTF-8 crashes OpenCV unless it comes as bytes.

    Raises:
        VideoError: no such file, not a regular file, empty, mostly holes, or not readable.
    """
    name = name_of(path)
    try:
        status = Path(name).stat()
    except FileNotFoundError:
        raise VideoError(name, "no such file") from None
    except (OSError, ValueError) as error:
        raise VideoError(name, f"cannot be opened: {getattr(error, 'strerror', None) or error}") from None
    if not stat.S_ISREG(status.st_mode):
        raise VideoError(name, f"is a {_kind(status.st_mode)}, not a regular file")
    if status.st_size == 0:
        raise VideoError(name, "the file is empty")
    if not os.access(name, os.R_OK):
        raise VideoError(name, "cannot be opened: no permission to read it")
    if _is_mostly_holes(name, status):
        raise VideoError(name, "most of the file is missing (holes without data): an unfinished copy?")
    return os.path.abspath(os.fsencode(name))  # noqa: PTH100 - a Path cannot hold bytes


@contextlib.contextmanager
def open_frames(path: AnyPath) -> Iterator[Capture]:
    """Opens a video for decoding with one thread, upright.

    Raises:
        VideoError: the file cannot be opened, its codec is not supported or its frames are too large.
    """
    # ORIENTATION_AUTO is refused as a parameter of the open and must be set after it.
    with _open(path, [cv2.CAP_PROP_N_THREADS, 1]) as capture:
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        yield capture


@contextlib.contextmanager
def open_packets(path: AnyPath) -> Iterator[Capture]:
    """Opens a video for walking its packets without decoding them.

    Raises:
        VideoError: as `open_frames`.
    """
    with _open(path, [cv2.CAP_PROP_FORMAT, -1, cv2.CAP_PROP_N_THREADS, 1]) as capture:
        yield capture


@contextlib.contextmanager
def decoder_errors(path: AnyPath) -> Iterator[None]:
    """An error that OpenCV raises inside the block becomes one that names the file.

    Raises:
        MemoryError: there was not enough for it.
        VideoError: anything else.
    """
    try:
        yield
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise MemoryError(str(error)) from error
        raise VideoError(name_of(path), f"the decoder failed: {error.err}") from error


@contextlib.contextmanager
def _open(path: AnyPath, parameters: list[int]) -> Iterator[Capture]:
    absolute = regular_file(path)
    try:
        capture = Capture(absolute, cv2.CAP_FFMPEG, parameters)  # type: ignore[call-overload]
    except cv2.error:
        raise VideoError(name_of(path), NOT_SUPPORTED) from None
    try:
        if not capture.isOpened():
            raise VideoError(name_of(path), NOT_SUPPORTED)
        fourcc = fourcc_text(capture.get(cv2.CAP_PROP_FOURCC))
        if not is_supported(fourcc):  # known before a decoder is opened: the packets are walked first
            name = repr(fourcc) if fourcc.isascii() and fourcc.isprintable() else "of its pictures"
            raise VideoError(name_of(path), f"the codec {name} is not supported")
        width, height = (
            int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        if width * height > MAX_FRAME_PIXELS:
            limit = f"at most {MAX_FRAME_PIXELS / 1e6:.0f} million pixels a frame are read"
            raise VideoError(name_of(path), f"frames of {width}x{height} are too large; {limit}")
        yield capture
    finally:
        capture.release()


def _is_mostly_holes(name: str, status: os.stat_result) -> bool:
    """Whether a large file holds data in less than half of its length: a terabyte of nothing takes hours."""
    num_blocks = getattr(status, "st_blocks", None)
    if num_blocks is None or status.st_size < SPARSE_BYTES or 512 * num_blocks >= status.st_size // 2:
        return False
    if not hasattr(os, "SEEK_DATA"):
        return False
    data_bytes = end = 0  # some file systems do not tell the blocks, so the data is asked for
    with contextlib.suppress(OSError), open(name, "rb", buffering=0) as file:  # noqa: PTH123
        for _ in range(1000):
            start = os.lseek(file.fileno(), end, os.SEEK_DATA)  # OSError: there is no more
            end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            data_bytes += end - start
    return data_bytes < status.st_size // 2


def _kind(mode: int) -> str:
    kinds = {
        stat.S_IFDIR: "folder",
        stat.S_IFIFO: "FIFO",
        stat.S_IFSOCK: "socket",
        stat.S_IFCHR: "device",
        stat.S_IFBLK: "device",
    }
    return kinds.get(stat.S_IFMT(mode), "special file")
