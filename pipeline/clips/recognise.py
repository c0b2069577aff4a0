"""How an input is to be read, found out from the files that are there."""

import os
from pathlib import Path

from pipeline.clips.source import InputFormat
from pipeline.clips.source_kinetics import find_kinetics, is_kinetics
from pipeline.clips.source_list import find_lists, is_headless
from pipeline.clips.source_table import find_tables, is_table
from pipeline.clips.source_ucf101 import find_ucf101
from pipeline.clips.walk import LIST_SUFFIXES, list_files
from pipeline.errors import UsageError


def recognise(videos: Path) -> InputFormat:
    """How a file or a folder is to be read.

    Lists say more than folders do: a folder with lists is read by them.

    Raises:
        UsageError: it can be read in several ways, or in none.
        MachineError: a folder cannot be read.
    """
    seen = _seen_in(videos) if videos.is_dir() else _seen_as(videos)
    if len(seen) > 1:
        ways = "; ".join(f"{input_format}: {what}" for input_format, what in seen.items())
        raise UsageError(
            f"{videos} can be read in several ways ({ways}). Say which one is meant with --input-format "
            f"{' or '.join(seen)}."
        )
    return next(iter(seen))


def _seen_in(folder: Path) -> dict[InputFormat, str]:
    files = list_files(folder)
    found: dict[InputFormat, list[Path]] = {
        "ucf101": find_ucf101(files),
        "kinetics": find_kinetics(files),
        "csv": find_tables(path for path in files if path.parent == folder),
        "list": [path for lists in find_lists(files) for path in lists.values()],
    }
    seen: dict[InputFormat, str] = {
        input_format: _short(folder, paths) for input_format, paths in found.items() if paths
    }
    return seen or {"folders": "class folders"}


def _short(folder: Path, paths: list[Path]) -> str:
    names = [os.path.relpath(path, folder) for path in paths[:3]]
    return ", ".join(names) + (", ..." if len(paths) > 3 else "")


def _seen_as(file: Path) -> dict[InputFormat, str]:
    suffix = file.suffix.lower()
    if suffix not in LIST_SUFFIXES:
        raise UsageError(
            f"{file} is a file but not a .csv, .txt or .list. Give a folder of class folders, a CSV with the "
            "columns path,label, or a list with a path and a label in each line."
        )
    if suffix != ".csv":
        return {"list": "a list of paths and labels"}
    seen: dict[InputFormat, str] = {}
    if is_table(file):
        seen["csv"] = "the columns path,label"
    if is_kinetics(file):
        seen["kinetics"] = "the column youtube_id"
    if not seen and is_headless(file):
        seen["list"] = "a path and a label in each line"
    return seen or {"csv": "a CSV"}
