"""Which videos a person means who names files, folders and lists."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.clips.walk import videos_below
from pipeline.errors import MachineError, UsageError
from pipeline.inference.path_list import PathList
from pipeline.video.pause import NotYet

LIST = "-"
"""Stands for the list of paths on stdin; a file of that name is `./-`."""


class VideoInputs:
    """The videos that files, folders and a list on stdin stand for, in the order they were named.

    A file is taken as it is, whatever its name; whether it is a video shows when it is read. In a folder and
    the folders below it, files with the extension of a video are taken, sorted by name; with a `frame_rate`
    folders of frame images too. A video that is named twice is given twice.

    What is named one by one must exist: a slip of the finger is seen before anything starts. A path in a list
    may be wrong at its own cost: it is given as it is, and reading it fails.

    Args:
        inputs: paths, and `-` for the list.
        frame_rate: frames a second of folders of frame images.
        list_descriptor: the open stream that `-` stands for.
        null: its paths are ended by NUL instead of line feeds.

    Attributes:
        count: how many videos; None where a list is yet to tell.

    Raises:
        UsageError: an input does not exist, a folder has no videos, or `-` is named twice.
    """

    def __init__(
        self,
        inputs: Sequence[str],
        *,
        frame_rate: float | None = None,
        list_descriptor: int = 0,
        null: bool = False,
    ) -> None:
        if inputs.count(LIST) > 1:
            raise UsageError(f"{LIST} (the list on stdin) is named {inputs.count(LIST)} times; once is all.")
        if null and LIST not in inputs:
            raise UsageError(f"--null tells how a list on stdin is written; name it too: {LIST}")
        self._frame_folders = frame_rate is not None
        self._list = PathList(list_descriptor, null=null)
        self._parts = [None if path == LIST else self._named(path) for path in inputs]
        known = [part for part in self._parts if part is not None]
        self.count = sum(map(len, known)) if len(known) == len(self._parts) else None

    def __iter__(self) -> Iterator[str | NotYet]:
        for part in self._parts:
            if part is not None:
                yield from part
                continue
            for path in self._list:
                yield from [path] if isinstance(path, NotYet) else self._listed(path)

    def _named(self, path: str) -> list[str]:
        if os.path.isdir(path):  # noqa: PTH112 - `./-` is not `-`
            found = videos_below(Path(path), frame_folders=self._frame_folders)
            if not found:
                raise UsageError(
                    f"the folder {path} has no videos. A folder of frame images needs --frame-rate."
                )
            return found
        if os.path.lexists(path):
            return [path]
        raise UsageError(f"{path} does not exist; name video files or folders of them.")

    def _listed(self, path: str) -> list[str]:
        try:
            found = videos_below(Path(path), frame_folders=self._frame_folders) if _is_folder(path) else []
        except MachineError:  # a folder that cannot be read
            found = []
        return found or [path]


def _is_folder(path: str) -> bool:
    try:
        return os.path.isdir(path)  # noqa: PTH112
    except ValueError:  # a NUL in the name
        return False
