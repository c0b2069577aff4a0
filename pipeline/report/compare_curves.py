"""Curves of a comparison's page: scores by the number of clips, loss by hidden size."""

from typing import Any

from pipeline.report.compare_result import CompareResult, cell, counted
from pipeline.report.head_lines import line_charts, lines_of


def curve_charts(comparison: CompareResult) -> list[dict[str, Any]]:
    """Learning curves; none where nothing was learned from fewer clips."""
    lines = lines_of(comparison, "curves", "num_clips", "macro_f1")
    if not any(len(line.points) > 1 for line in lines):
        return []
    return line_charts(
        lines,
        supported=comparison.supported,
        x_name="clips learned from",
        y_name="macro-F1",
        y_limits=(0.0, 1.0),
        low_is_good=False,
    )


def curve_rows(comparison: CompareResult) -> dict[str, Any]:
    """The same as a table: its columns, and a row a head."""
    lines = lines_of(comparison, "curves", "num_clips", "macro_f1")
    numbers = sorted({x for line in lines for x, _ in line.points})
    return {
        "columns": [counted(int(number), "clip") for number in numbers],
        "rows": [
            {"name": line.title, "cells": [cell(dict(line.points).get(number)) for number in numbers]}
            for line in lines
        ],
    }


def size_section(comparison: CompareResult) -> dict[str, Any] | None:
    """Loss by hidden size: charts, and how often each size was kept; None: no sizes were compared."""
    lines = lines_of(comparison, "hidden_sizes", "hidden", "val_loss")
    if not any(len(line.points) > 1 for line in lines):
        return None
    entries = comparison.lines("hidden_sizes")
    sizes = sorted({int(size) for _, entry in entries for size in entry["chosen"]})
    return {
        "charts": line_charts(
            lines, supported=comparison.supported, x_name="hidden size", y_name="validation loss",
            y_limits=(0.0, float("inf")), low_is_good=True,
        ),
        "columns": [str(size) for size in sizes],
        "rows": [
            {
                "name": head["title"],
                "cells": [entry["chosen"].get(str(size), 0) for size in sizes],
                "total": sum(entry["chosen"].values()),
            }
            for head, entry in entries
        ],
    }  # fmt: skip
