"""CSV and text files in UTF-8, read with the line numbers that messages need."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import UsageError

_SNIFF_BYTES = 65536
_MAX_BYTES = 1 << 30  # a list of 10 million videos; more is no list


def read_text(path: Path) -> str:
    """The text of a file (with or without a byte order mark); bytes that are not UTF-8 stay as surrogates.

    Raises:
        UsageError: it cannot be read, or is UTF-16.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}.") from None
    if len(content) > _MAX_BYTES:
        raise UsageError(f"{path} is larger than 1 GB; that is no list of videos.")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UsageError(f"{path} is UTF-16 text; save it in UTF-8.")
    return content.decode("utf-8-sig", "surrogateescape")


def read_rows(table: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    """The names in the first line of a CSV, and its other rows with their line numbers; blank ones left out.

    Raises:
        UsageError: it is no such file; the rows raise it for a line that does not fit.
    """
    reader = csv.reader(io.StringIO(read_text(table), newline=""), strict=True)
    header = [name.strip() for name in _next_row(table, reader) or []]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UsageError(f"{table}, line 1: two columns are named {twice[0]!r}. Rename one.")

    def rows() -> Iterator[tuple[int, dict[str, str]]]:
        while True:
            line = reader.line_num + 1
            row = _next_row(table, reader)
            if row is None:
                return
            if not any(cell.strip() for cell in row):
                continue  # a blank line
            if len(row) != len(header):
                raise UsageError(
                    f"{table}, line {line}: {len(row)} columns, but the first line names {len(header)}. "
                    'A comma inside a name needs quotes: "a,b.mp4".'
                )
            yield line, dict(zip(header, row, strict=True))

    return header, rows()


def header_of(table: Path) -> list[str]:
    """The names in the first line of what may be a CSV; [] when there are none to be read."""
    try:
        with table.open("rb") as file:
            text = file.read(_SNIFF_BYTES).decode("utf-8-sig", "surrogateescape")
        return [name.strip() for name in next(csv.reader(io.StringIO(text, newline="")), [])]
    except (OSError, csv.Error):
        return []


def require_text(where: str, **values: str) -> None:
    """Refuses names that are not UTF-8 text: they would be the names of classes and groups.

    Raises:
        UsageError: names what it is.
    """
    for name, value in values.items():
        if any("\udc80" <= character <= "\udcff" for character in value):
            raise UsageError(f"{where}: {name} is not UTF-8 text. Save the file in UTF-8.")


def _next_row(table: Path, reader: Any) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise UsageError(f"{table}, line {reader.line_num}: not a CSV ({error}).") from None
