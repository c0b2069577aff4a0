"""What the decoder complains about. FFmpeg conceals damage and says so only in its log: count the lines."""

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from typing import IO

_MARK = b"[OPENCV:FFMPEG:16]"  # level 16: errors
# Level 24, warnings, is full of trifles; a packet that the demuxer knows to lack bytes is none.
_CORRUPT = re.compile(rb"\[OPENCV:FFMPEG:24\][^\n]*corrupt", re.IGNORECASE)
# OpenCV's conversion to RGB at such a frame; `retrieve` reports success all the same.
_INTERLACED = b"Cannot convert interlaced to progressive"
# Our own list of codecs at work, on sound and subtitles too: says nothing of the video's health.
_OURS = re.compile(re.escape(_MARK) + rb" Codec \([^)\n]*\) not on whitelist")
_MAX_LOG_BYTES = 1 << 20


class ComplaintLog:
    """Counts the complaints that the decoder has printed in this process.

    Stdout and stderr of the process go to a file (FFmpeg's lines come on stdout, OpenCV's own on stderr), so
    this is for worker processes only.
    """

    def __init__(self) -> None:
        self._file = _open_log()
        self._offset = 0
        self._partial = b""
        self._count = 0
        self._interlaced = False
        for stream in (1, 2):
            os.dup2(self._file.fileno(), stream)

    def count(self) -> int:
        """Complaints since the process began; costs one `fstat` when there was nothing new."""
        if os.fstat(self._file.fileno()).st_size == self._offset:
            return self._count
        self._file.seek(self._offset)
        fresh = self._partial + self._file.read()
        self._offset = self._file.tell()
        lines, _, self._partial = fresh.rpartition(b"\n")  # the last line may be half written
        self._interlaced |= _INTERLACED in lines
        self._count += lines.count(_MARK) + len(_CORRUPT.findall(lines)) - len(_OURS.findall(lines))
        if self._offset > _MAX_LOG_BYTES:  # a hostile file must not fill the memory
            self._file.seek(0)  # the streams share this offset
            self._file.truncate()
            self._offset = 0
            self._partial = b""
        return self._count

    @contextlib.contextmanager
    def unheard(self) -> Iterator[None]:
        """What is said inside the block is not counted: another reader of the same file is at work there."""
        before = self.count()
        try:
            yield
        finally:
            self.count()
            self._count = before

    def take_interlaced(self) -> bool:
        """Whether frames were refused because they are interlaced, since this was asked last."""
        was, self._interlaced = self._interlaced, False
        return was


def _open_log() -> IO[bytes]:
    """In memory where there is such a thing: on a full disk complaints would be lost, and damage unseen."""
    if hasattr(os, "memfd_create"):
        return open(os.memfd_create("clipwise-decoder-log"), "a+b", buffering=0)  # noqa: PTH123
    return tempfile.TemporaryFile("a+b", buffering=0)  # lives as long as the process


_log: ComplaintLog | None = None


def start_log() -> None:
    """Sends this process's output to a log that `complaint_log` counts; for worker processes."""
    global _log  # noqa: PLW0603 - the standard streams are one for each process, and so is this
    if _log is None:
        _log = ComplaintLog()


def complaint_log() -> ComplaintLog | None:
    """This process's log, or None where complaints cannot be counted (not a worker)."""
    return _log
