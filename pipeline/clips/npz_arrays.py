"""Arrays in an .npz file, read without running code from it and without more memory than there is."""

import contextlib
import io
import lzma
import os
import zipfile
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import StoreError, UsageError
from pipeline.files import format_bytes

SUFFIX = ".npz"
_HEADER_BYTES = 1 << 14  # numpy itself takes headers of 10,000 bytes at most
_BROKEN = (
    OSError, EOFError, ValueError, KeyError, RuntimeError, NotImplementedError, RecursionError, MemoryError,
    SyntaxError, zipfile.BadZipFile, zlib.error, lzma.LZMAError,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Declared:
    """What an array says of itself, before it is read."""

    shape: tuple[int, ...]
    dtype: "np.dtype[Any]"
    header_bytes: int

    @property
    def num_bytes(self) -> int:
        count = 1
        for side in self.shape:
            count *= side
        return count * self.dtype.itemsize


def is_npz(path: Path | str) -> bool:
    """Whether a path names an .npz file (or none yet), and not a folder."""
    path = Path(path)
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def read_arrays(path: Path, names: Collection[str], *, bytes_beside: int = 0) -> dict[str, np.ndarray]:
    """Those of the named arrays that an .npz file has.

    What each array says of its shape is looked at first: a small file can promise terabytes.

    Args:
        path: the file.
        names: which arrays; others are not looked at.
        bytes_beside: memory that the caller needs for each value of the largest array, beside the arrays.

    Raises:
        UsageError: there is no such file.
        StoreError: it is no .npz file, is damaged, holds Python objects, or is larger than the memory.
    """
    if not os.path.lexists(path):
        raise UsageError(f"{path} does not exist; name an .npz file of features, or a clip store.")
    if not path.is_file():
        raise StoreError(f"{path} is no regular file; give an .npz file, as numpy.savez writes it.")
    with _explained(path, "an .npz file, as numpy.savez writes it"):
        archive = zipfile.ZipFile(path)
    with archive:
        members = {name: f"{name}.npy" for name in names if f"{name}.npy" in archive.namelist()}
        declared = {}
        for name, member in members.items():
            with _explained(path, f"whole: the array {name}"):
                declared[name] = _declared(archive, member)
            _check(path, name, declared[name], archive.getinfo(member).file_size)
        _check_memory(path, declared, bytes_beside)
        arrays = {}
        for name, member in members.items():
            with _explained(path, f"whole: the array {name}"), archive.open(member) as opened:
                arrays[name] = np.asarray(np.lib.format.read_array(opened, allow_pickle=False))
    return arrays


def names_in(path: Path) -> list[str]:
    """The names of the arrays in an .npz file, for messages."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sorted(name.removesuffix(".npy") for name in archive.namelist())
    except _BROKEN:
        return []


@contextlib.contextmanager
def _explained(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise StoreError(f"{path} is not {what} ({reason}). Write it again with numpy.savez.") from None


def _declared(archive: zipfile.ZipFile, member: str) -> _Declared:
    """Shape and type of an array; no more than its header is unpacked."""
    with archive.open(member) as opened:
        start = io.BytesIO(opened.read(_HEADER_BYTES))
    version = np.lib.format.read_magic(start)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its format version is {version}")
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(start)
    return _Declared(shape=tuple(shape), dtype=dtype, header_bytes=start.tell())


def _check(path: Path, name: str, declared: _Declared, num_unpacked: int) -> None:
    """Refuses what cannot be read, and what promises more than the file holds."""
    if declared.dtype.hasobject:
        raise StoreError(
            f"{path}: {name} holds Python objects, which are not read: they can run code. Save texts as "
            f"{name}=np.array({name}, dtype=str), and numbers with a type of numbers."
        )
    if any(side < 0 for side in declared.shape):
        raise StoreError(f"{path}: {name} has shape {declared.shape}, which cannot be. Write the file again.")
    if declared.header_bytes + declared.num_bytes > num_unpacked:
        raise StoreError(
            f"{path} is not whole: {name} should be {declared.shape} {declared.dtype}, "
            f"{format_bytes(declared.num_bytes)}, and has {format_bytes(num_unpacked)}. Write the file again."
        )


def _check_memory(path: Path, declared: dict[str, _Declared], bytes_beside: int) -> None:
    """Refuses arrays that are larger than the memory that is free."""
    largest = max((it.num_bytes // max(1, it.dtype.itemsize) for it in declared.values()), default=0)
    needed = sum(it.num_bytes for it in declared.values()) + largest * bytes_beside
    available = available_memory_bytes()
    if available is not None and needed > available:
        shapes = ", ".join(f"{name} {it.shape} {it.dtype}" for name, it in declared.items())
        raise StoreError(
            f"{path}: its arrays ({shapes}) take {format_bytes(needed)} of memory, and "
            f"{format_bytes(available)} are free. Save fewer rows, or numbers as float32."
        )


def available_memory_bytes() -> int | None:
    """Memory that is free, or what the container leaves of it; None where the system does not tell."""
    found = []
    with contextlib.suppress(OSError, ValueError, StopIteration, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(1024 * int(next(line for line in lines if line.startswith("MemAvailable:")).split()[1]))
    with contextlib.suppress(OSError, ValueError):  # no container, or "max"
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{name}").read_text()) for name in ("max", "current"))
        counts = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        cached = int(counts.get("inactive_file", 0))  # of files: given back where it is needed
        found.append(max(0, limit - max(0, used - cached)))
    if not found:
        with contextlib.suppress(AttributeError, ValueError, OSError):  # Windows has no sysconf
            found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    return min(found, default=None)
