"""Videos listed in a CSV: path,label[,split,group,start_seconds,end_seconds]."""

import math
import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.clips.clip import SPLITS, Split
from pipeline.clips.csv_rows import header_of, read_rows, require_text
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.location import Fence, place, require_path
from pipeline.clips.source import Source, SourceList, sorted_sources
from pipeline.clips.walk import list_files
from pipeline.errors import UsageError
from pipeline.labels import normalise_label

_KNOWN = ("path", "label", "split", "group", "start_seconds", "end_seconds")


def is_table(path: Path) -> bool:
    """Whether a file is such a CSV: its first line names path and label."""
    return path.suffix.lower() == ".csv" and {"path", "label"} <= set(header_of(path))


def find_tables(files: Iterable[Path]) -> list[Path]:
    """Such CSVs among the files of a folder."""
    return [path for path in files if is_table(path)]


def list_table(videos: Path, options: ListingOptions) -> SourceList:
    """Lists the rows of a CSV in UTF-8 (with or without a byte order mark).

    Paths are relative to the CSV. A file that is not there is listed too: it becomes a failed clip.

    Args:
        videos: the CSV, or the folder that it lies in.
        options: `root`, `group_column` and `frame_rate` count here.

    Raises:
        UsageError: a mistake in the table; names the file and the line.
    """
    table = _the_table_in(videos) if videos.is_dir() else videos
    header, rows = read_rows(table)
    group_name = _check_header(table, header, options.group_column)
    fence = Fence(options.root or table.parent, options.allow_outside)
    lines: dict[str, int] = {}
    sources: list[Source] = []
    for line, row in rows:
        source = _source(f"{table}, line {line}", row, group_name, fence, options.frame_rate)
        if source.id in lines:
            raise UsageError(
                f"{table}, line {line}: {source.path!r} is listed already in line {lines[source.id]}. Keep "
                "one (several ranges of one video differ in start_seconds or end_seconds)."
            )
        lines[source.id] = line
        sources.append(source)
    if not sources:
        raise UsageError(f"{table} lists no videos. Add one line for each: path,label.")
    without = [source for source in sources if source.split is None]
    if 0 < len(without) < len(sources):
        raise UsageError(
            f"{table}, line {lines[without[0].id]}: split is empty, but other lines have one. Fill in the "
            f"column everywhere ({', '.join(SPLITS)}), or take it out to have the split made."
        )
    unused = [name for name in header if name not in _KNOWN and name != group_name]
    return SourceList(
        sources=sorted_sources(sources),
        input_format="csv",
        read_as=f"the CSV {table.name}",
        root=fence.root,
        split_origin="made" if without else "csv",
        grouping=f"column {group_name}" if any(source.group for source in sources) else "",
        notes=(f"columns of {table.name} that are not used: {', '.join(unused)}.",) if unused else (),
    )


def _the_table_in(folder: Path) -> Path:
    tables = find_tables(path for path in list_files(folder) if path.parent == folder)
    if len(tables) == 1:
        return tables[0]
    what = ", ".join(path.name for path in tables[:5]) if tables else "none"
    raise UsageError(
        f"{folder} must hold one CSV with the columns path,label; it holds {what}. Name the CSV itself."
    )


def _check_header(table: Path, header: list[str], group_column: str | None) -> str | None:
    missing = [name for name in ("path", "label") if name not in header]
    if missing:
        hint = (
            " Columns are separated by commas." if any(";" in name or "\t" in name for name in header) else ""
        )
        raise UsageError(
            f"{table}, line 1: no column {' and no column '.join(missing)}; it has: "
            f"{', '.join(header) or 'nothing'}. The first line must name the columns path,label and may add "
            f"{','.join(_KNOWN[2:])}.{hint}"
        )
    if group_column is not None and group_column not in header:
        raise UsageError(
            f"--group-column {group_column}: {table} has no such column; it has: {', '.join(header)}."
        )
    return group_column or ("group" if "group" in header else None)


def _source(
    where: str, row: dict[str, str], group_name: str | None, fence: Fence, frame_rate: float | None
) -> Source:
    require_text(where, **{name: row[name] for name in ("label", "split", group_name) if name in row})
    require_path(where, row["path"])
    label = normalise_label(row["label"])
    if not label:
        raise UsageError(f"{where}: label is empty. Each video needs the name of its class.")
    start = _seconds(where, row, "start_seconds")
    end = _seconds(where, row, "end_seconds")
    if end is not None and end <= (start or 0.0):
        raise UsageError(
            f"{where}: end_seconds is {end:g}, not after start_seconds ({start or 0.0:g}). A range needs a "
            "length."
        )
    path, location = place(fence.root, row["path"])
    fence.check(where, row["path"], location)
    is_folder = os.path.isdir(location)  # noqa: PTH112 - names may not be UTF-8
    if is_folder and frame_rate is None:
        raise UsageError(
            f"{where}: {row['path']} is a folder. If it holds frame images, say how many a second: "
            "--frame-rate 25."
        )
    return Source(
        path=path,
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
