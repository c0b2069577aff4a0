"""From a path in a list to a file on this machine, and whether it stays inside the folder that was given.

Lists and archives come from anywhere: a path with `..` in it, an absolute one, or a symbolic link could name
any file of this machine. Such videos are taken only with `--allow-outside`.
"""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath

from pipeline.errors import UsageError

_SAMPLE_SIZE = 200


def locate(folder: Path | str, path: str) -> str:
    """The file meant; a name written in another Unicode form (Hangul from macOS, say) is found too."""
    root = os.path.abspath(folder)  # noqa: PTH100 - the table may be named without a folder
    location = os.path.join(root, path)  # noqa: PTH118 - names may not be UTF-8
    if path.isascii() or os.path.lexists(location):
        return location
    others = [os.path.join(root, unicodedata.normalize(form, path)) for form in ("NFC", "NFD")]  # noqa: PTH118
    return next((other for other in others if os.path.lexists(other)), location)


def place(root: Path, path: str, *, prefix: str = "") -> tuple[str, str]:
    """A listed path as the store names it, with forward slashes and relative to `root`, and where it lies.

    Args:
        root: the folder that the store's paths are relative to.
        path: as listed; may be absolute.
        prefix: the folder below root that the listed paths are relative to.
    """
    listed = os.path.join(prefix, path)  # noqa: PTH118 - names may not be UTF-8
    location = locate(root, listed)
    top = os.path.join(os.path.abspath(root), "")  # noqa: PTH100, PTH118
    if os.path.isabs(listed) and os.path.normpath(listed).startswith(top):  # noqa: PTH117
        listed = os.path.relpath(listed, top)
    return PurePath(listed).as_posix(), location


def require_path(where: str, path: str) -> None:
    """Refuses a listed path that can name no file.

    Raises:
        UsageError: it is empty or holds a zero byte.
    """
    if not path.strip() or "\0" in path:
        raise UsageError(f"{where}: path is {path!r}; it must name a file.")


@dataclass(frozen=True)
class Fence:
    """The folder that videos must lie in, links followed.

    Attributes:
        root: the folder.
        allow_outside: there is no fence.
    """

    root: Path
    allow_outside: bool = False

    @cached_property
    def _top(self) -> str:
        return os.path.realpath(self.root)

    def target_outside(self, location: str) -> str | None:
        """Where a file that leads out of the folder really lies; None when it stays inside."""
        if self.allow_outside:
            return None
        real = os.path.realpath(location)
        if real == self._top or real.startswith(os.path.join(self._top, "")):  # noqa: PTH118
            return None
        return real

    def check(self, where: str, path: str, location: str) -> None:
        """Refuses a listed video that leads outside; a folder of frames does when one of its files does.

        Raises:
            UsageError: it leads outside; names the list and the line (`where`).
        """
        for part in (location, *(() if self.allow_outside else _links_in(location))):
            target = self.target_outside(part)
            if target is not None:
                raise UsageError(
                    f"{where}: {path!r} leads out of {os.path.abspath(self.root)} (to {target}). "  # noqa: PTH100
                    "Correct the path, or take such videos too with --allow-outside."
                )


def find_prefix(root: Path, listed: Sequence[tuple[str, ...]], *, depth: int = 1) -> tuple[str, int]:
    """The folder at or below `root` that most of the listed paths are relative to.

    Args:
        root: where to look.
        listed: for each video its path, or the paths that can be meant; a sample of them is looked for.
        depth: how many folders down; a deeper level only counts when nothing is found above it.

    Returns:
        The folder as a path below root ("" is root itself), and how many of the sample it has.
    """
    sample = listed[:: max(1, len(listed) // _SAMPLE_SIZE)]
    best, most, level = "", 0, [""]
    for _ in range(depth + 1):
        for prefix in level:
            top = os.path.join(root, prefix)  # noqa: PTH118
            count = sum(any(os.path.lexists(locate(top, path)) for path in paths) for paths in sample)
            if count > most:
                best, most = prefix, count
        if most:
            break
        level = [os.path.join(parent, name) for parent in level for name in _folder_names(root, parent)]  # noqa: PTH118
    return best, most


def _folder_names(root: Path, parent: str) -> list[str]:
    try:
        with os.scandir(os.path.join(root, parent)) as entries:  # noqa: PTH118
            names = [entry.name for entry in entries if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return []
    return sorted(names, key=os.fsencode)


def _links_in(location: str) -> list[str]:
    if not os.path.isdir(location):  # noqa: PTH112
        return []
    try:
        with os.scandir(location) as entries:
            return [entry.path for entry in entries if entry.is_symlink()]
    except OSError:
        return []
