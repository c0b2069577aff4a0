"""How answers are printed, each as soon as it is there: a table for people, JSON lines, CSV.

Table    label, probability, what makes it doubtful, length of the video, name; further labels below
Details  the one video that was asked for: bars for its labels and for the attention of its frames
         (a row of a file of features is shown like a video, its steps like frames)
JsonLines, CsvRows   everything, for programs
"""

import csv
import io
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from pipeline.files import json_text
from pipeline.report.words import display_width, one_line, padded, shortened

if TYPE_CHECKING:
    from pipeline.inference.classification import Classification

_MAX_LABEL_COLUMNS = 24
_NOTE_COLUMNS = 7  # "unsure", "damaged"
_PROBABILITY_PREFIX = "probability: "  # of a column, as in the predictions.csv of `evaluate`
_GAP = "  "
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what makes a spreadsheet compute a cell


class Printer(Protocol):
    """Prints answers."""

    def show(self, result: "Classification") -> None:
        """Prints one answer, at once."""


class Table:
    """One aligned row for each video, readable at 80 columns; the name stands last and is never cut.

    Args:
        labels: all that there may be.
        top_k: how many labels of each video are shown.
        unit: what is classified: `video`, or `row`.
    """

    def __init__(self, labels: Iterable[str], *, top_k: int, unit: str = "video") -> None:
        self._top_k = top_k
        widest = max(display_width(one_line(name)) for name in [*labels, "failed"])
        self._label_columns = min(widest, _MAX_LABEL_COLUMNS)
        self._row("label", "prob.", "", "  length", unit)

    def show(self, result: "Classification") -> None:
        """Prints a row, and one for each further label."""
        name = one_line(result.path)
        if result.status == "failed":
            self._row("failed", "", "", "", f"{name}: {one_line(result.error or '')}")
            return
        (label, probability), *further = result.top(self._top_k)
        note = "unsure" if result.unsure else "damaged" if result.status == "damaged" else ""
        seconds = result.duration_seconds
        length = f"{len(result.frames):3d} steps" if seconds is None else f"{seconds:7.1f} s"
        self._row(label, f"{probability:.3f}", note, length, name)
        for label, probability in further:
            self._row(label, f"{probability:.3f}", "", "", "")

    def _row(self, label: str, probability: str, note: str, length: str, name: str) -> None:
        cells = (
            padded(shortened(one_line(label), self._label_columns), self._label_columns),
            padded(probability, 5),
            padded(note, _NOTE_COLUMNS),
            padded(length, 9),
            name,
        )
        print(_GAP.join(cells).rstrip(), flush=True)


class Details:
    """One video: its labels on one line, then bars for labels and frames."""

    def __init__(self, *, top_k: int, why_no_attention: str) -> None:
        self._top_k = top_k
        self._why_no_attention = why_no_attention

    def show(self, result: "Classification") -> None:
        """Prints the line and the bars."""
        from pipeline.report.terminal import terminal_bars

        name = one_line(result.path)
        if result.status == "failed":
            print(f"{name}\tfailed\t{one_line(result.error or '')}", flush=True)
            return
        words = [f"{one_line(label)}\t{probability:.3f}" for label, probability in result.top(self._top_k)]
        print("\t".join([name, *words, *(["unsure"] if result.unsure else [])]))
        bars = terminal_bars(
            probabilities=result.probabilities,
            times_seconds=[frame.time_seconds for frame in result.frames],
            attention_weights=[frame.attention_weight for frame in result.frames],
            importances=[frame.importance for frame in result.frames],
            why_no_attention=self._why_no_attention,
        )
        print(bars, end="", flush=True)


class JsonLines:
    """One JSON object a line."""

    def show(self, result: "Classification") -> None:
        """Prints `Classification.to_dict`."""
        print(json_text(result.to_dict()), flush=True)


class CsvRows:
    """RFC 4180 with line feeds: a header, then one row a video, the probability of every label last.

    Names come out as they are, so that a program finds the file again; only a name that a spreadsheet would
    take for a formula (`=1+1.mp4`) gets `./` before it, which names the same file. On a terminal, where
    nobody reads them back, control characters in names are escaped.

    Args:
        labels: all that there may be.
        top_k: how many of the most probable labels have columns of their own.
    """

    def __init__(self, labels: Iterable[str], *, top_k: int) -> None:
        self._labels = list(labels)
        self._top_k = min(top_k, len(self._labels))
        self._clean: Callable[[str], str] = one_line if sys.stdout.isatty() else str
        further = [
            f"{name}_{rank}" for rank in range(2, self._top_k + 1) for name in ("label", "probability")
        ]
        self._write(
            [
                *("path", "status", "label", "probability", "unsure", *further),
                *("duration_seconds", "warnings", "error"),
                *(f"{_PROBABILITY_PREFIX}{label}" for label in self._labels),
            ]
        )

    def show(self, result: "Classification") -> None:
        """Prints a row; what a failed video has not is empty."""
        ranked = [cell for pair in result.top(self._top_k) for cell in pair]
        failed = result.status == "failed"
        self._write(
            [
                f"./{result.path}" if result.path.startswith(_FORMULA_STARTS) else result.path,
                result.status,
                *(ranked[:2] or ["", ""]),
                "" if failed else "yes" if result.unsure else "no",
                *(ranked[2:] or [""] * (2 * self._top_k - 2)),
                "" if result.duration_seconds is None else result.duration_seconds,
                "; ".join(result.warnings),
                result.error or "",
                *(result.probabilities.get(label, "") for label in self._labels),
            ]
        )

    def _write(self, cells: list[object]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(
            [self._clean(cell) if isinstance(cell, str) else cell for cell in cells]
        )
        print(text.getvalue(), end="", flush=True)
