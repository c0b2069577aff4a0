"""What the decoder complains about. FFmpeg conceals damage and says so only in its log: count the lines."""

import os
import tempfile

_MARK = b"[OPENCV:FFMPEG:16]"  # level 16: errors; OPENCV_FFMPEG_LOGLEVEL=16 prints these and nothing milder
_MAX_LOG_BYTES = 1 << 20


class ComplaintLog:
    """Counts the complaints that the decoder has printed in this process.

    Stdout and stderr of the process go to a file (FFmpeg's lines come on stdout, OpenCV's own on stderr), so
    this is for worker processes only.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile("a+b", buffering=0)  # noqa: SIM115 - lives as long as the process
        self._offset = 0
        self._partial = b""
        self._count = 0
        for stream in (1, 2):
            os.dup2(self._file.fileno(), stream)

    def count(self) -> int:
        """Complaints since the process began; costs one `fstat` when there was nothing new."""
        if os.fstat(self._file.fileno()).st_size == self._offset:
            return self._count
        self._file.seek(self._offset)
        fresh = self._partial + self._file.read()
        self._offset = self._file.tell()
        self._count += fresh.count(_MARK)
        tail = fresh[-(len(_MARK) - 1) :]  # a mark may be half written; a whole one never fits in here
        self._partial = tail
        if self._offset > _MAX_LOG_BYTES:  # a hostile file must not fill the disk
            self._file.truncate(0)
            self._offset = 0
        return self._count


_log: ComplaintLog | None = None


def start_log() -> None:
    """Sends this process's output to a log that `complaint_log` counts; for worker processes."""
    global _log  # noqa: PLW0603 - the standard streams are one for each process, and so is this
    if _log is None:
        _log = ComplaintLog()


def complaint_log() -> ComplaintLog | None:
    """This process's log, or None where complaints cannot be counted (not a worker)."""
    return _log
