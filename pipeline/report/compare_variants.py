"""Backbones and ways to fit frames on a comparison's page."""

from typing import Any

from pipeline.report.compare_result import CompareResult, cell
from pipeline.report.difference_chart import Difference, difference_chart


def backbone_table(comparison: CompareResult) -> dict[str, Any] | None:
    """Macro-F1 of every head on the features of each backbone; None: there is one alone."""
    names = comparison.backbones()
    if len(names) < 2:
        return None
    dims = {each["name"]: each["feature_dim"] for each in comparison.result["variants"]}
    columns = [{head["name"]: result["macro_f1"] for head, result in comparison.rows(name)} for name in names]
    rows = []
    for head in comparison.heads:
        figures = [column.get(head["name"]) for column in columns]
        if any(figures):
            rows.append({"name": head["title"], "cells": [cell(figure) for figure in figures]})
    return {"columns": [f"{name} ({dims[name]:,} numbers a frame)" for name in names], "rows": rows}


def fit_section(comparison: CompareResult) -> dict[str, Any] | None:
    """Letterbox, stretch and crop: differences, and accuracy by shape; None: not compared.

    The scores in `results` have no part in it: there the reference was tuned, and the others were not.
    """
    found = comparison.result.get("fits")
    if found is None:
        return None
    differences, block = [], ""
    for pair in sorted(found["pairs"], key=lambda each: found["heads"].index(each["head"])):
        heading = "" if pair["head"] == block else comparison.title(pair["head"])
        block = pair["head"]
        differences.append(
            Difference(
                name=f"{pair['first']} against {pair['second']}",
                other="",
                figure=pair["macro_f1"],
                heading=heading,
            )
        )
    names = comparison.fits()
    return {
        "names": names,
        "others": names[1:],
        "figure": difference_chart(differences, x_name="difference in macro-F1") if differences else None,
        "aspects": [
            {
                "aspect": row["aspect"],
                "num_clips": row["num_clips"],
                "head": comparison.title(row["head"]),
                "cells": [
                    *(cell(row["accuracy"].get(name)) for name in names),
                    *(cell(row["differences"].get(name), signed=True) for name in names[1:]),
                ],
            }
            for row in found["by_aspect"]
        ],
    }
