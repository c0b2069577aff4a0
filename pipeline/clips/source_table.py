"""Videos listed in a CSV: path,label[,split,group,start_seconds,end_seconds]."""

import csv
import io
import math
import os
import unicodedata
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from pipeline.clips.clip import SPLITS, Split
from pipeline.clips.source import Source, SourceList
from pipeline.errors import UsageError
from pipeline.labels import normalise_label

_KNOWN = ("path", "label", "split", "group", "start_seconds", "end_seconds")


def list_table(table: Path, *, frame_rate: float | None, group_column: str | None) -> SourceList:
    """Lists the rows of a CSV in UTF-8 (with or without a byte order mark).

    Paths are relative to the CSV. A file that is not there is listed too: it becomes a failed clip.

    Raises:
        UsageError: a mistake in the table; names the file and the line.
    """
    header, rows = _read(table)
    group_name = _check_header(table, header, group_column)
    lines: dict[str, int] = {}
    sources: list[Source] = []
    for line, row in rows:
        source = _source(table, line, row, group_name, frame_rate)
        if source.id in lines:
            raise UsageError(
                f"{table}, line {line}: {source.path!r} is listed already in line {lines[source.id]}. "
                "Keep one (several ranges of one video differ in start_seconds or end_seconds)."
            )
        lines[source.id] = line
        sources.append(source)
    if not sources:
        raise UsageError(f"{table} lists no videos. Add one line for each: path,label.")
    without = [source for source in sources if source.split is None]
    if 0 < len(without) < len(sources):
        raise UsageError(
            f"{table}, line {lines[without[0].id]}: split is empty, but other lines have one. "
            f"Fill in the column everywhere ({', '.join(SPLITS)}), or take it out to have the split made."
        )
    if not any(os.path.lexists(source.location) for source in sources):
        raise UsageError(
            f"{table}: none of its {len(sources)} files exists, such as {sources[0].location}. "
            f"Paths are relative to the CSV ({table.parent.resolve()}); move it or correct them."
        )
    unused = [name for name in header if name not in _KNOWN and name != group_name]
    return SourceList(
        sources=tuple(
            sorted(
                sources, key=lambda source: (os.fsencode(source.path), source.start_seconds or 0.0, source.id)
            )
        ),
        split_origin="made" if without else "csv",
        has_groups=any(source.group for source in sources),
        notes=(f"columns of {table.name} that are not used: {', '.join(unused)}.",) if unused else (),
    )


def _read(table: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    try:
        content = table.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {table}: {error.strerror or error}.") from None
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UsageError(f"{table} is UTF-16 text; save it as CSV in UTF-8.")
    text = content.decode("utf-8-sig", "surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header = [name.strip() for name in _next_row(table, reader) or []]

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


def _next_row(table: Path, reader: Any) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        raise UsageError(f"{table}, line {reader.line_num}: not a CSV ({error}).") from None


def _check_header(table: Path, header: list[str], group_column: str | None) -> str | None:
    missing = [name for name in ("path", "label") if name not in header]
    if missing:
        hint = (
            " Columns are separated by commas." if any(";" in name or "\t" in name for name in header) else ""
        )
        raise UsageError(
            f"{table}, line 1: no column {' and no column '.join(missing)}; "
            f"it has: {', '.join(header) or 'nothing'}. "
            f"The first line must name the columns path,label and may add {','.join(_KNOWN[2:])}.{hint}"
        )
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UsageError(f"{table}, line 1: two columns are named {twice[0]!r}. Rename one.")
    if group_column is not None and group_column not in header:
        raise UsageError(
            f"--group-column {group_column}: {table} has no such column; it has: {', '.join(header)}."
        )
    return group_column or ("group" if "group" in header else None)


def _source(
    table: Path, line: int, row: dict[str, str], group_name: str | None, frame_rate: float | None
) -> Source:
    where = f"{table}, line {line}"
    for name in {"label", "split", group_name} & row.keys():
        if any("\udc80" <= character <= "\udcff" for character in row[name or ""]):
            raise UsageError(f"{where}: {name} is not UTF-8 text. Save the CSV in UTF-8.")
    if not row["path"].strip() or "\0" in row["path"]:
        raise UsageError(f"{where}: path is {row['path']!r}; it must name a file.")
    label = normalise_label(row["label"])
    if not label:
        raise UsageError(f"{where}: label is empty. Each video needs the name of its class.")
    start = _seconds(where, row, "start_seconds")
    end = _seconds(where, row, "end_seconds")
    if end is not None and end <= (start or 0.0):
        raise UsageError(
            f"{where}: end_seconds is {end:g}, not after start_seconds ({start or 0.0:g}). "
            "A range needs a length."
        )
    location = locate(table.parent, row["path"])
    is_folder = os.path.isdir(location)  # noqa: PTH112 - names may not be UTF-8
    if is_folder and frame_rate is None:
        raise UsageError(
            f"{where}: {row['path']} is a folder. If it holds frame images, say how many a second: "
            "--frame-rate 25."
        )
    return Source(
        path=PurePath(row["path"]).as_posix(),
        location=location,
        label=label,
        split=_split(where, row),
        group=row[group_name].strip() if group_name else "",
        start_seconds=start,
        end_seconds=end,
        frame_rate=frame_rate if is_folder else None,
    )


def _split(where: str, row: dict[str, str]) -> Split | None:
    name = row.get("split", "").strip()
    if not name:
        return None
    for split in SPLITS:
        if name == split:
            return split
    raise UsageError(f"{where}: unknown split {name!r}; allowed: {', '.join(SPLITS)}.")


def _seconds(where: str, row: dict[str, str], name: str) -> float | None:
    text = row.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise UsageError(f"{where}: {name} is {text!r}; allowed: seconds, 0 or more, such as 12.5.")
    return value


def locate(folder: Path, path: str) -> str:
    """The file meant; a name written in another Unicode form (Hangul from macOS, say) is found too."""
    root = os.path.abspath(folder)  # noqa: PTH100 - the table may be named without a folder
    spellings = [path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD"))]
    locations = [os.path.join(root, spelling) for spelling in spellings]  # noqa: PTH118
    return next((location for location in locations if os.path.lexists(location)), locations[0])
