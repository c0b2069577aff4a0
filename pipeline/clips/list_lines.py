r"""The lines of a list of paths and labels: what is the path and what is the label.

    videos/a.mp4 3             separated by blanks, tabs or commas; the label is the last field
    "with blank.mp4" 3         quotes keep a path together, "" stands for one quote in it
    frames/a 163 3             a folder of frames, how many, and the label

Nothing is unquoted or split that need not be: names hold blanks, commas and quotes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.clips.csv_rows import read_text
from pipeline.clips.location import find_prefix
from pipeline.clips.source import is_video
from pipeline.errors import UsageError

Separator = Literal["\t", ",", " "]
_SEPARATORS: tuple[Separator, ...] = ("\t", ",", " ")
_NAMES = {"\t": "tabs", ",": "commas", " ": "blanks"}
_QUOTED = re.compile(r'[ \t]*"((?:[^"]|"")*)"[ ]*([ \t,])(.*)')


@dataclass(frozen=True, kw_only=True)
class ListLine:
    """One line.

    Attributes:
        number: of the line in its file.
        paths: what can be the path, the likeliest first: numbers before the label may belong to it or not.
        label: the last field.
    """

    number: int
    paths: tuple[str, ...]
    label: str


@dataclass(frozen=True, kw_only=True)
class _Raw:
    """A line as it stands: a quoted path apart from what follows its separator, or all of it in the rest."""

    number: int
    rest: str
    quoted: str | None = None
    separator: str = ""


def read_lines(file: Path, root: Path) -> tuple[list[ListLine], str]:
    """Reads a list.

    Which separator it has shows from all its lines; where several fit, from the paths that exist.

    Returns:
        The lines, and the separator in words.

    Raises:
        UsageError: no lines, or a line without a label.
    """
    raw = _raw_lines(read_text(file))
    if not raw:
        raise UsageError(f"{file} lists no videos. A line is: path label.")
    best: list[ListLine] = []
    most, separator_name = -1, ""
    for separator in _SEPARATORS:
        lines = _split(raw, separator)
        if lines is None:
            continue
        count = find_prefix(root, [line.paths for line in lines], depth=2)[1]
        if count > most:
            best, most, separator_name = lines, count, _NAMES[separator]
    if not best:
        bad = next((line for line in raw if _fields(line, " ") is None), raw[0])
        raise UsageError(
            f"{file}, line {bad.number}: {(bad.rest or bad.quoted or '')[:60]!r} has no label. A line is: "
            "path label, with the same separator (blank, tab or comma) in all lines; the label is the last "
            "field."
        )
    return best, separator_name


def looks_like_list(text: str) -> bool:
    """Whether the beginning of a file reads as paths of videos with labels."""
    raw = _raw_lines(text)[:20]
    if not raw:
        return False
    for separator in _SEPARATORS:
        lines = _split(raw, separator)
        if lines is not None and all(any(is_video(_name(path)) for path in line.paths) for line in lines):
            return True
    return all(re.fullmatch(r"\S.*/.*[ \t,]\d+[ \t,]\d+", line.rest) for line in raw)  # folders of frames


def _raw_lines(text: str) -> list[_Raw]:
    """Lines with content; a quoted path may hold line breaks."""
    lines, start, number = [], 0, 1
    while start < len(text):
        match = _QUOTED.match(text, start)
        end = match.end() if match else text.find("\n", start)
        end = len(text) if end < 0 else end
        whole = text[start:end]
        if match:
            path = match[1].replace('""', '"')
            lines.append(_Raw(number=number, rest=match[3].strip(), quoted=path, separator=match[2]))
        elif whole.strip():
            lines.append(_Raw(number=number, rest=whole.strip()))
        number += whole.count("\n") + 1
        start = end + 1
    return lines


def _split(raw: Sequence[_Raw], separator: Separator) -> list[ListLine] | None:
    """The lines cut at a separator; None when one of them has none."""
    lines = []
    for line in raw:
        fields = _fields(line, separator)
        if fields is None:
            return None
        paths, label = fields
        lines.append(ListLine(number=line.number, paths=paths, label=label))
    return lines


def _fields(line: _Raw, separator: Separator) -> tuple[tuple[str, ...], str] | None:
    if line.quoted is not None:
        label = _rpartition(line.rest, separator)[2]
        return ((line.quoted,), label) if label and line.separator == separator else None
    before, _, label = _rpartition(line.rest, separator)
    if not before or not label:
        return None
    shorter, _, number = _rpartition(before, separator)
    if not shorter or not (number.isascii() and number.isdigit()):
        return (before,), label
    # "dir 163 3": the number may be a count of frames, or the end of a name with blanks.
    return (before, shorter) if is_video(_name(before)) else (shorter, before), label


def _rpartition(text: str, separator: Separator) -> tuple[str, str, str]:
    if separator == " ":
        words = text.rsplit(None, 1)
        return (words[0], " ", words[1]) if len(words) == 2 else ("", "", text)
    before, found, after = text.rpartition(separator)
    return before.strip(), found, after.strip()


def _name(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
