"""A list of paths that comes in through a pipe: taken as it comes, however long it is and however slowly."""

import os
import queue
import threading
from collections.abc import Iterator

from pipeline.errors import MachineError
from pipeline.video.pause import NOT_YET, NotYet

_CHUNK_BYTES = 1 << 16
_PATHS_AHEAD = 256  # read at most so many before they are asked for


class PathList:
    """The paths in a stream, one a line, or each ended by NUL.

    A thread reads, so that whoever asks never waits for the other end of the pipe: where no path has come
    yet, that is what the answer says. Empty lines are passed over.

    Args:
        descriptor: of the open stream.
        null: paths are ended by NUL, as `find -print0` writes them: the only way for names with line feeds.
    """

    def __init__(self, descriptor: int, *, null: bool = False) -> None:
        self._descriptor = descriptor
        self._end = b"\0" if null else b"\n"
        self._found: queue.Queue[str | OSError | None] = queue.Queue(_PATHS_AHEAD)

    def __iter__(self) -> Iterator[str | NotYet]:
        # A daemon, and no buffered file: a thread that still waits for a pipe must not hold up the exit.
        threading.Thread(target=self._read, daemon=True).start()
        while True:
            try:
                found = self._found.get_nowait()
            except queue.Empty:
                yield NOT_YET
                continue
            if found is None:
                return
            if isinstance(found, OSError):
                raise MachineError(f"the list of videos on stdin cannot be read: {found.strerror or found}.")
            yield found

    def _read(self) -> None:
        rest = b""
        try:
            while chunk := os.read(self._descriptor, _CHUNK_BYTES):
                *whole, rest = (rest + chunk).split(self._end)
                for item in whole:
                    self._put(item)
            self._put(rest)
            self._found.put(None)
        except OSError as error:
            self._found.put(error)

    def _put(self, item: bytes) -> None:
        if self._end == b"\n":
            item = item.removesuffix(b"\r")  # lists from Windows
        if item:
            self._found.put(os.fsdecode(item))
