"""Markdown in which words from anywhere stay words: no markup, no HTML, no link of theirs."""

import re
from collections.abc import Sequence

from pipeline.report.words import one_line

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}  # `\|` ends a cell for some readers
_MARKUP = re.compile(r"[\\`*\[\]#~$!]|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.|:(?=//)", re.IGNORECASE)
_STARTS_A_BLOCK = re.compile(r"^(\d*)([-+=.)])")


def plain(text: str) -> str:
    """The text on one line, as a reader of Markdown shows it letter by letter within a line or a cell."""
    marked = _MARKUP.sub(r"\\\g<0>", one_line(text).strip())
    return "".join(_ENTITIES.get(character, character) for character in marked)


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table.

    Args:
        header: the names of the columns.
        rows: the cells, each made plain.
    """
    lines = [header, ["---"] * len(header)]
    cells = [[plain(str(cell)) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in [*lines, *cells])


def bullets(sentences: Sequence[str]) -> str:
    """A list of plain sentences."""
    return "\n".join(f"- {paragraph(sentence)}" for sentence in sentences)


def paragraph(text: str) -> str:
    """A plain text that stands by itself: its first letters begin no list, heading or rule."""
    return _STARTS_A_BLOCK.sub(r"\1\\\2", plain(text))
