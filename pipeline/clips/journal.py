"""What a run of preprocess has done so far: lets it go on after a stop, and skip what has not changed.

    CLIPS/.preprocess/journal.jsonl    the spec, then one line for each finished source
    CLIPS/.preprocess/store.json       store.json of before, while clips of a finished store are made anew

A cache beside the store: it holds modification times, which the store itself must not, and may be deleted.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from pipeline import files
from pipeline.clips.extract import Extracted
from pipeline.spec import ClipSpec

FOLDER = ".preprocess"


def journal_path(folder: Path) -> Path:
    """Where a store's journal lies."""
    return folder / FOLDER / "journal.jsonl"


def read_journal(folder: Path) -> tuple[dict[str, object] | None, dict[str, Extracted]]:
    """The spec (as a dict) that the journal was begun with, and the last record of each clip id.

    A line that was cut off by a kill is left out: its source is simply read again.
    """
    spec: dict[str, object] | None = None
    records: dict[str, Extracted] = {}
    try:
        lines = journal_path(folder).read_bytes().split(b"\n")
    except OSError:
        return None, {}
    for line in lines:
        try:
            values = json.loads(line)
            if "spec" in values:
                spec = values["spec"]
            else:
                record = Extracted.from_dict(values)
                records[record.id] = record
        except (ValueError, TypeError):
            continue
    return spec, records


def write_journal(folder: Path, spec: ClipSpec, records: Mapping[str, Extracted]) -> None:
    """Writes the journal anew, whole."""
    lines = [files.json_text({"spec": spec.to_dict()})]
    lines += [files.json_text(records[clip_id].to_dict()) for clip_id in sorted(records)]
    files.write_text(journal_path(folder), "\n".join(lines) + "\n")


class JournalWriter:
    """Appends finished records; each survives a kill of this process as soon as `add` returns."""

    def __init__(self, folder: Path) -> None:
        self._file: IO[bytes] = journal_path(folder).open("ab")

    def __enter__(self) -> "JournalWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def add(self, record: Extracted) -> None:
        """Appends one record, on a line of its own even if the one before was cut off."""
        self._file.write(b"\n" + files.json_text(record.to_dict()).encode())
        self._file.flush()
