"""A shard: one file with the features of many clips, written whole or not at all, mapped when it is read.

It is a plain .npy array (R, T, D), which numpy maps into memory, and behind the array a list in JSON: what
each row is of, and a checksum of its bytes. A file that was cut off has no list and is no shard; a row whose
bytes have changed since is never handed out.
"""

import json
import secrets
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.files import json_text, whole_file

SUFFIX = ".npy"


@dataclass(frozen=True, kw_only=True)
class Shard:
    """A shard that was opened; its rows are read from the disk when they are looked at.

    Attributes:
        path: the file.
        rows: (R, T, D), mapped copy-on-write: changing it changes no file.
        names: what each row is of.
        checksums: CRC-32 of each row's bytes.
    """

    path: Path
    rows: np.ndarray
    names: tuple[str, ...]
    checksums: tuple[int, ...]

    def is_whole(self, row: int) -> bool:
        """Whether a row's bytes are those that were written; reads them all."""
        return _checksum(self.rows[row]) == self.checksums[row]


def open_shards(folder: Path, *, row_shape: tuple[int, int], dtype: np.dtype[np.generic]) -> list[Shard]:
    """All shards in a folder that hold rows of this kind; files that are no such shards are passed over."""
    if not folder.is_dir():
        return []
    opened = (_open(path, row_shape, dtype) for path in sorted(folder.glob(f"*{SUFFIX}")))
    return [shard for shard in opened if shard is not None]


def write_shard(folder: Path, rows: Iterable[np.ndarray], names: Sequence[str]) -> Path:
    """Writes a shard under a name of its own; returns its path.

    Args:
        folder: where; it must be there.
        rows: one array (T, D) for each name, all of one type; taken one at a time.
        names: what each row is of; at least one.

    Raises:
        MachineError: it cannot be written (full disk, read-only folder).
    """
    path = folder / f"{secrets.token_hex(8)}{SUFFIX}"
    checksums: list[int] = []
    with whole_file(path) as file:
        for row in rows:
            row = np.ascontiguousarray(row)  # noqa: PLW2901 - the same row
            if not checksums:
                header = {**np.lib.format.header_data_from_array_1_0(row), "shape": (len(names), *row.shape)}
                np.lib.format.write_array_header_1_0(file, header)
            checksums.append(_checksum(row))
            file.write(row.data)
        file.write(json_text({"names": list(names), "crc32": checksums}).encode())
    return path


def _open(path: Path, row_shape: tuple[int, int], dtype: np.dtype[np.generic]) -> Shard | None:
    try:
        with path.open("rb") as file:
            np.lib.format.read_magic(file)
            shape, is_fortran, found = np.lib.format.read_array_header_1_0(file)
            start = file.tell()
            if is_fortran or found != dtype or shape[1:] != row_shape:
                return None
            num_bytes = shape[0] * row_shape[0] * row_shape[1] * dtype.itemsize
            file.seek(start + num_bytes)
            listed = json.loads(file.read())
        names, checksums = tuple(listed["names"]), tuple(listed["crc32"])
        rows = np.memmap(path, dtype=dtype, mode="c", offset=start, shape=shape)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not len(names) == len(checksums) == len(rows):
        return None
    return Shard(path=path, rows=rows, names=names, checksums=checksums)


def _checksum(row: np.ndarray) -> int:
    return zlib.crc32(np.ascontiguousarray(row).data)
