"""What a run of preprocess has done so far: lets it go on after a stop, and skip what has not changed.

    CLIPS/.preprocess/journal.jsonl    how clips are made, then one line for each finished source
    CLIPS/.preprocess/store.json       store.json of before, while clips of a finished store are made anew

A cache beside the store: it holds modification times, which the store itself must not, and may be deleted.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from pipeline import files
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.extracted import Extracted
from pipeline.errors import MachineError
from pipeline.spec import ClipSpec

FOLDER = ".preprocess"

Records = dict[str, tuple[Extracted, ...]]
"""For each source id, what became of it: one record a clip."""


def journal_path(folder: Path) -> Path:
    """Where a store's journal lies."""
    return folder / FOLDER / "journal.jsonl"


def read_journal(folder: Path) -> tuple[dict[str, Any], Records]:
    """How clips are made (`spec` and `clip_rule`, or nothing), and the last records of each source.

    A line that was cut off by a kill is left out: its source is simply read again.
    """
    made: dict[str, Any] = {}
    records: Records = {}
    try:
        lines = journal_path(folder).read_bytes().split(b"\n")
    except OSError:
        return {}, {}
    for line in lines:
        try:
            values = json.loads(line)
            if "spec" in values:
                made = values
            else:
                records[values["source"]] = tuple(Extracted.from_dict(clip) for clip in values["clips"])
        except (ValueError, TypeError, KeyError):
            continue
    return made, records


def write_journal(
    folder: Path, spec: ClipSpec, rule: ClipRule, records: Mapping[str, Sequence[Extracted]]
) -> None:
    """Writes the journal anew, whole."""
    lines = [files.json_text({"spec": spec.to_dict(), "clip_rule": rule.to_dict()})]
    lines += [_line(source_id, records[source_id]) for source_id in sorted(records)]
    files.write_text(journal_path(folder), "\n".join(lines) + "\n")


class JournalWriter:
    """Appends finished sources; each survives a kill of this process as soon as `add` returns.

    Raises:
        MachineError: the disk is full, and the like; also from its methods.
    """

    def __init__(self, folder: Path) -> None:
        self._path = journal_path(folder)
        with self._named():
            self._file: IO[bytes] = self._path.open("ab", buffering=0)

    def __enter__(self) -> "JournalWriter":
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        # Where there is an error already, that one is told.
        with self._file, self._named() if kind is None else contextlib.suppress(OSError):
            os.fsync(self._file.fileno())

    def add(self, source_id: str, records: Sequence[Extracted]) -> None:
        """Appends one source, on a line of its own even if the one before was cut off."""
        line = b"\n" + _line(source_id, records).encode()
        with self._named():
            while line:  # a full disk may take a part
                line = line[self._file.write(line) :]

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise MachineError(f"cannot write {self._path}: {error.strerror or error}") from error


def _line(source_id: str, records: Sequence[Extracted]) -> str:
    return files.json_text({"source": source_id, "clips": [record.to_dict() for record in records]})
