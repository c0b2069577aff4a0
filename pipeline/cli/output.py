"""What a command says: tables and JSON lines on stdout, messages on stderr."""

import sys
from collections.abc import Sequence
from typing import Any

from pipeline.files import json_text
from pipeline.report.words import display_width, one_line

GAP = "  "


def print_table(rows: Sequence[Sequence[object]], *, header: Sequence[str] = (), indent: str = "") -> None:
    """Prints rows in aligned columns, aware of wide characters; numbers stand right, text left.

    Args:
        rows: the cells; names from anywhere are made harmless.
        header: the names of the columns.
        indent: put before each line.
    """
    for line in table_lines(rows, header=header):
        print(indent + line)


def table_lines(rows: Sequence[Sequence[object]], *, header: Sequence[str] = ()) -> list[str]:
    """The lines of `print_table`."""
    if not rows and not header:
        return []
    texts = [[one_line(str(cell)) for cell in row] for row in ([header] if header else []) + list(rows)]
    num_columns = max(len(row) for row in texts)
    texts = [[*row, *[""] * (num_columns - len(row))] for row in texts]
    widths = [max(display_width(row[column]) for row in texts) for column in range(num_columns)]
    is_number = [
        bool(rows) and all(isinstance(row[column], int | float) for row in rows if column < len(row))
        for column in range(num_columns)
    ]
    return [
        GAP.join(
            _aligned(text, width, right=right)
            for text, width, right in zip(row, widths, is_number, strict=True)
        ).rstrip()
        for row in texts
    ]


def print_json(value: Any) -> None:
    """Prints one JSON object on one line."""
    print(json_text(value))


def say(message: str) -> None:
    """Tells the person at the terminal something that is not a result."""
    print(f"clipwise: {one_line(message)}", file=sys.stderr)


def _aligned(text: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - display_width(text))
    return blanks + text if right else text + blanks
