"""What tables of scores show: the model beside its baselines, classes, groups, what is taken for what."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.evaluation.baselines import BASELINE_TEXTS
from pipeline.report.charts import bar
from pipeline.report.figures import SCORES, interval, share

_MAX_MATRIX = 24
_MAX_PAIRS = 30
_MAX_ROWS = 60
_LARGEST_SHADE = 0.6  # text on it stays easy to read


def score_rows(
    scores: Mapping[str, float],
    intervals: Mapping[str, list[float]] | None,
    baselines: Mapping[str, Mapping[str, float] | None],
    *,
    name: str = "this model",
) -> list[dict[str, Any]]:
    """A row for the model and one for each baseline: name, a bar of its macro-F1, figures with intervals."""
    rows = [_score_row(name, scores, intervals, tick=None)]
    for baseline, text in BASELINE_TEXTS.items():  # from the simplest on, however they were stored
        others = baselines.get(baseline)
        if others is not None:
            rows.append(_score_row(text, others, None, tick=scores["macro_f1"]))
    return rows


def _score_row(
    name: str,
    scores: Mapping[str, float],
    intervals: Mapping[str, list[float]] | None,
    *,
    tick: float | None,
) -> dict[str, Any]:
    return {
        "name": name,
        "is_model": tick is None,
        "bar": bar(scores["macro_f1"], tick=tick),
        "cells": [
            {"figure": share(scores[key]), "interval": interval(intervals[key]) if intervals else ""}
            for key in SCORES
        ],
    }


def class_rows(per_class: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a class: its label, a bar of its F1, precision, recall, F1, number of clips."""
    return [
        {
            "name": row["label"],
            "bar": bar(row["f1"]) if row["support"] else "",
            "cells": [share(row[key]) for key in ("precision", "recall", "f1")]
            if row["support"]
            else ["-", "-", "-"],
            "support": row["support"],
        }
        for row in per_class
    ]


def group_rows(per_group: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]]:
    """A row a group, the worst first; none where there are intervals instead."""
    ranked = sorted(per_group or (), key=lambda row: (row["accuracy"], row["group"]))
    return [
        {
            "name": row["group"],
            "bar": bar(row["accuracy"]),
            "accuracy": share(row["accuracy"]),
            "support": row["support"],
        }
        for row in ranked[:_MAX_ROWS]
    ]


def confusions(matrix: Sequence[Sequence[int]], labels: Sequence[str]) -> dict[str, Any]:
    """True against predicted labels: `rows` of a table, unless it were too wide; the commonest `pairs`.

    Each cell has its count, the share of its row in words, and a shade.
    """
    pairs = sorted(
        (-count, true, predicted)
        for true, row in enumerate(matrix)
        for predicted, count in enumerate(row)
        if count and true != predicted
    )
    return {
        "labels": list(labels),
        "rows": [
            {
                "name": labels[true],
                "cells": [_cell(count, sum(row), true == at) for at, count in enumerate(row)],
            }
            for true, row in enumerate(matrix)
        ]
        if len(labels) <= _MAX_MATRIX
        else [],
        "pairs": [
            {
                "true": labels[true],
                "predicted": labels[predicted],
                "count": -count,
                "total": sum(matrix[true]),
            }
            for count, true, predicted in pairs[:_MAX_PAIRS]
        ],
        "num_pairs": len(pairs),
        "max_matrix": _MAX_MATRIX,
    }


def _cell(count: int, total: int, is_right: bool) -> dict[str, Any]:
    part = count / total if total else 0.0
    colour = "76,120,168" if is_right else "179,38,30"
    return {
        "count": count,
        "share": f"{100 * part:.0f} %" if total else "",
        "is_right": is_right,
        "shade": f"rgba({colour},{_LARGEST_SHADE * part:.2f})" if count else "",
    }
