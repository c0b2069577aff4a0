"""Files that appear whole or not at all, folders that one process owns, and disk space checked beforehand."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import filelock

from pipeline.errors import ConflictError, MachineError

_HASH_CHUNK_BYTES = 1 << 20
TEMPORARY_PREFIX = ".unfinished-"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Opens a binary file for writing that takes its name only when it is complete.

    The bytes go to a temporary file beside `path`; leaving the block without an error flushes them to the
    disk and renames the file over `path` in one step. With an error nothing is left behind.

    Raises:
        MachineError: the disk is full, the folder read-only, and the like; names the path.
    """
    path = Path(path)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101 - mkstemp makes private files
        os.replace(temporary, path)  # noqa: PTH105
        temporary = None
        _sync_folder(path.parent)
    except OSError as error:
        raise MachineError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    with whole_file(path) as file:
        file.write(content)


def write_text(path: Path, content: str) -> None:
    """Writes UTF-8 text whole or not at all; bytes of file names that are not UTF-8 come out as they were."""
    write_bytes(path, content.encode("utf-8", "surrogateescape"))


def write_json(path: Path, value: Any) -> None:
    """Writes sorted, indented JSON: the same value gives the same bytes."""
    write_text(path, json_text(value, indent=2) + "\n")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Sorted JSON with text of all languages kept readable; NaN is refused rather than written."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=indent, allow_nan=False)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")  # lone surrogates become \udcxx


def make_folder(path: Path) -> None:
    """Makes a folder and its parents.

    Raises:
        MachineError: it cannot be made, or a file is in its place.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"cannot make the folder {path}: {error.strerror or error}") from error


@contextlib.contextmanager
def owned_folder(path: Path) -> Iterator[None]:
    """Holds a folder for this process, so that two runs never mix; the lock ends with the process.

    Raises:
        ConflictError: another process holds it.
    """
    lock = filelock.FileLock(Path(path) / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise ConflictError(
            f"another clipwise run is using {path}; wait for it to end, or choose another --out."
        ) from None
    except OSError as error:
        raise MachineError(f"cannot lock {path}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def remove_unfinished(folder: Path) -> None:
    """Removes what a killed run left in `folder`; call it only while holding the folder."""
    for leftover in Path(folder).glob(TEMPORARY_PREFIX + "*"):
        remove_file(leftover)


def remove_file(path: Path) -> None:
    """Removes a file, if it is there.

    Raises:
        MachineError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise MachineError(f"cannot remove {path}: {error.strerror or error}") from error


def move_file(path: Path, to: Path) -> None:
    """Moves a file within a file system, over what is there, in one step.

    Raises:
        MachineError: it cannot be moved.
    """
    try:
        os.replace(path, to)  # noqa: PTH105
    except OSError as error:
        raise MachineError(f"cannot move {path} to {to}: {error.strerror or error}") from error


def require_free_space(folder: Path, needed_bytes: int, *, purpose: str) -> None:
    """Checks that `folder`'s disk has room.

    Raises:
        MachineError: it has not; says how much is needed and how much there is.
    """
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise MachineError(
            f"{purpose} needs about {format_bytes(needed_bytes)}, but the disk of {folder} has "
            f"{format_bytes(free_bytes)} free. Free some space or choose another --out."
        )


def format_bytes(count: int) -> str:
    """A byte count for people: `1.8 MB`."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def sha256_of_file(path: Path | str | bytes) -> str:
    """Hex SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:  # noqa: PTH123 - bytes paths are allowed
        while chunk := file.read(_HASH_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Makes a rename durable; a no-op where folders cannot be opened (Windows)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
