"""Videos listed in a Kinetics CSV: label,youtube_id,time_start,time_end,split.

A row's video lies anywhere below the folder, as <id>_<000010>_<000020>.mp4 (cut already) or as <id>.mp4 (the
whole video, of which the row's seconds are taken). Many videos of Kinetics are gone from where they were
published: a row without one becomes a failed clip.
"""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.clips.clip import Split
from pipeline.clips.csv_rows import header_of, read_rows, require_text
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.location import Fence
from pipeline.clips.source import Source, SourceList, sorted_sources
from pipeline.clips.split_names import split_in_name, split_of_word
from pipeline.clips.walk import list_files, walk
from pipeline.errors import UsageError
from pipeline.labels import normalise_label

_NEEDED = ("youtube_id", "time_start", "time_end")
_KNOWN = {"label", "split", *_NEEDED}


def is_kinetics(path: Path) -> bool:
    """Whether a file is such a CSV."""
    return path.suffix.lower() == ".csv" and set(_NEEDED) <= set(header_of(path))


def find_kinetics(files: Iterable[Path]) -> list[Path]:
    """Such CSVs among files that may be lists."""
    return [path for path in files if is_kinetics(path)]


@dataclass
class _Files:
    """The videos below the folder, by name without extension."""

    by_name: dict[str, list[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(list))
    several: list[str] = field(default_factory=list)

    def find(self, name: str, label: str, split: Split | None) -> str | None:
        """The path of a video; of several the one whose folders name the label and the split."""
        found = self.by_name.get(name)
        if not found:
            return None
        if len(found) > 1:
            self.several.append("/".join(found[0]))
        best = max(found, key=lambda parts: _fit(parts[:-1], label, split))
        return "/".join(best)


def _fit(folders: Sequence[str], label: str, split: Split | None) -> tuple[bool, bool]:
    """Whether folders name the label (with blanks or underscores) and the split."""
    names = [normalise_label(folder).replace(" ", "_") for folder in folders]
    return label.replace(" ", "_") in names, any(split_in_name(folder) == split for folder in folders)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row of a table, checked."""

    where: str
    label: str
    split: Split | None
    youtube_id: str
    start_seconds: float
    end_seconds: float
    group: str

    @property
    def name(self) -> str:
        """The name of the video cut from start to end."""
        return f"{self.youtube_id}_{int(self.start_seconds):06d}_{int(self.end_seconds):06d}"


def list_kinetics(videos: Path, options: ListingOptions) -> SourceList:
    """Lists the rows of a Kinetics CSV, or of all those in a folder (train.csv, val.csv, test.csv).

    Args:
        videos: the CSV, or the folder with the CSVs and the videos.
        options: `root`, `group_column` and `allow_outside` count here.

    Raises:
        UsageError: a mistake in a table; names the file and the line.
    """
    tables = find_kinetics(list_files(videos)) if videos.is_dir() else [videos]
    if not tables:
        raise UsageError(
            f"{videos} has no CSV with the columns {','.join(_NEEDED)} in it. Name the CSV itself."
        )
    root = options.root or (videos if videos.is_dir() else videos.parent)
    notes: list[str] = []
    rows = [row for table in tables for row in _read(table, options, notes, alone=len(tables) == 1)]
    if not rows:
        raise UsageError(f"{', '.join(map(str, tables))} lists no videos with a label.")
    found = walk(root, allow_outside=options.allow_outside)
    files = _Files()
    for parts in found.videos:
        files.by_name[os.path.splitext(parts[-1])[0]].append(parts)  # noqa: PTH122
    sources: dict[str, Source] = {}
    seen: dict[str, _Row] = {}
    twice: list[str] = []
    fence = Fence(root, options.allow_outside)
    for row in rows:
        source = _source(root, row, files)
        fence.check(row.where, source.path, source.location)
        if source.id not in seen:
            sources[source.id], seen[source.id] = source, row
        elif (source.label, source.split) == (sources[source.id].label, sources[source.id].split):
            twice.append(row.where)
        else:
            raise UsageError(
                f"{row.where}: {row.name} is listed already in {seen[source.id].where}, with another label "
                "or split. Keep one."
            )
    if twice:
        notes.append(f"{len(twice)} rows say the same as an earlier row, such as {twice[0]}: read once.")
    if files.several:
        notes.append(
            f"{len(files.several)} videos lie at several places, such as {files.several[0]}: one was taken, "
            "in the folder of its label and split where there is one."
        )
    if found.outside:
        notes.append(found.outside_note)
    return _as_list(root, tables, sources, notes, options.group_column)


def _as_list(
    root: Path, tables: list[Path], sources: dict[str, Source], notes: list[str], group_column: str | None
) -> SourceList:
    without = [source for source in sources.values() if source.split is None]
    if 0 < len(without) < len(sources):
        raise UsageError(
            f"{', '.join(map(str, tables))}: some rows have a split and some have none, such as "
            f"{without[0].path}. Fill in the column split everywhere (train, val, test), or take it out to "
            "have the split made."
        )
    num_whole = sum(source.end_seconds is not None for source in sources.values())
    whole = f", with {num_whole} ranges of whole videos" if num_whole else ""
    return SourceList(
        sources=sorted_sources(sources.values()),
        input_format="kinetics",
        read_as=f"the Kinetics CSV {', '.join(table.name for table in tables)}{whole}",
        root=root,
        split_origin="made" if without else "csv",
        grouping=f"column {group_column or 'youtube_id'}",
        notes=tuple(notes),
    )


def _read(table: Path, options: ListingOptions, notes: list[str], *, alone: bool) -> list[_Row]:
    header, lines = read_rows(table)
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        raise UsageError(
            f"{table}, line 1: no column {' and no column '.join(missing)}; it has: {', '.join(header)}. A "
            f"Kinetics CSV has label,{','.join(_NEEDED)},split."
        )
    if "label" not in header:
        if alone:
            raise UsageError(f"{table} has no column label: these videos cannot train or judge anything.")
        notes.append(f"left out: {table.name}, which has no labels.")
        return []
    column = options.group_column
    if column is not None and column not in header:
        raise UsageError(f"--group-column {column}: {table} has no such column; it has: {', '.join(header)}.")
    return [_row(f"{table}, line {line}", row, table, column) for line, row in lines]


def _row(where: str, row: dict[str, str], table: Path, group_column: str | None) -> _Row:
    require_text(where, **{name: row[name] for name in (*_KNOWN, group_column) if name in row})
    label, youtube_id = normalise_label(row["label"]), row["youtube_id"].strip()
    if not label:
        raise UsageError(f"{where}: label is empty. Each video needs the name of its class.")
    if not youtube_id or "/" in youtube_id or "\0" in youtube_id:
        raise UsageError(f"{where}: youtube_id is {youtube_id!r}; it must name a video.")
    start, end = _seconds(where, row, "time_start"), _seconds(where, row, "time_end")
    if end <= start:
        raise UsageError(f"{where}: time_end is {end:g}, not after time_start ({start:g}).")
    return _Row(
        where=where,
        label=label,
        split=_split(where, row.get("split", ""), table),
        youtube_id=youtube_id,
        start_seconds=start,
        end_seconds=end,
        group=row[group_column].strip() if group_column else youtube_id,
    )


def _split(where: str, word: str, table: Path) -> Split | None:
    """The split that a row names, or else the name of its file (the validation set is val)."""
    if not word.strip():
        return split_in_name(table.stem)
    split = split_of_word(word)
    if split is None:
        raise UsageError(f"{where}: unknown split {word.strip()!r}; allowed: train, val (or validate), test.")
    return split


def _seconds(where: str, row: dict[str, str], name: str) -> float:
    try:
        value = float(row[name])
        if 0 <= value < 1_000_000:
            return value
    except ValueError:
        pass
    raise UsageError(f"{where}: {name} is {row[name]!r}; allowed: seconds, 0 or more, such as 10.")


def _source(root: Path, row: _Row, files: _Files) -> Source:
    cut = files.find(row.name, row.label, row.split)
    whole = files.find(row.youtube_id, row.label, row.split) if cut is None else None
    path = cut or whole or f"{row.name}.mp4"
    return Source(
        path=path,
        location=os.path.join(os.path.abspath(root), path),  # noqa: PTH100, PTH118
        label=row.label,
        split=row.split,
        group=row.group,
        start_seconds=row.start_seconds if whole else None,
        end_seconds=row.end_seconds if whole else None,
    )
