"""The charts and tables of the pages on models, piece by piece."""

import math
import re
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from pipeline.report.axes import Axes, ticks
from pipeline.report.curves import learning_curves
from pipeline.report.reliability_chart import reliability_chart
from pipeline.report.reliability_plot import ranges_by_chance
from pipeline.report.score_tables import class_rows, confusions, group_rows, score_rows


@pytest.mark.parametrize(
    ("low", "high", "whole", "expected"),
    [
        (0.0, 1.0, False, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (0.45, 1.02, False, [0.6, 0.8, 1.0]),
        (0.5, 30.5, True, [10, 20, 30]),
        (0.5, 2.5, True, [1, 2]),
        (0.0, 1.3e-6, False, [0, 5e-7, 1e-6]),
        (0.0, 4200.0, False, [0, 1000, 2000, 3000, 4000]),
    ],
)
def test_ticks_are_round(low: float, high: float, whole: bool, expected: list[float]) -> None:
    assert ticks(low, high, has_whole_steps=whole) == pytest.approx(expected)


def test_values_become_pixels_and_gaps_stay_gaps() -> None:
    axes = Axes(x=(0, 10), y=(0, 1), x_name="x", width_px=156, height_px=152)
    assert (axes.x_px(0), axes.x_px(10), axes.y_px(0), axes.y_px(1)) == (46, 146, 110, 10)
    assert axes.path([(0, 0), (5, math.nan), (10, 1)]) == "M46.0 110.0M146.0 10.0"
    assert axes.path([(0, 0), (5, 0.5), (10, 1)]) == "M46.0 110.0L96.0 60.0L146.0 10.0"
    with pytest.raises(ValueError, match="the lower one first"):
        Axes(x=(1, 1), y=(0, 1), x_name="x")


def row(epoch: int, stage: str = "head", **values: float) -> dict[str, Any]:
    losses = dict.fromkeys(("train_loss", "val_loss", "val_loss_rescaled"), 1 / epoch)
    return {"epoch": epoch, "stage": stage, **losses, "train_macro_f1": 0.5, "val_macro_f1": 0.4, **values}


def test_learning_curves_say_what_was_kept_and_when_the_backbone_began_to_learn() -> None:
    history = [row(1), row(2), row(3, "all", train_loss=math.inf), row(4, "all", val_loss=0.125)]
    loss, f1 = learning_curves(history, best_epoch=4)
    names = [item["name"] for item in loss["legend"]]
    assert names == [
        "training", "validation", "validation, at its best temperature", "kept: epoch 4",
        "from epoch 3 on, the backbone learns too",
    ]  # fmt: skip
    assert "validation from 1.000 to 0.125" in loss["chart"]
    assert "nan" not in loss["chart"].split('role="img"')[1].split(">", 1)[1]
    assert [item["name"] for item in f1["legend"]][:2] == ["training", "validation"]
    (_, started) = learning_curves([row(1)], best_epoch=0)
    assert [item["name"] for item in started["legend"]] == ["training", "validation"]
    assert started["chart"].count("<circle") == 2, "one epoch is a point"
    with pytest.raises(ValueError, match="at least one epoch"):
        learning_curves([], best_epoch=0)


def test_the_reliability_diagram_has_each_bin_and_what_chance_allows() -> None:
    bins = [
        {"num_clips": 10, "confidence": 0.6, "accuracy": 0.3},
        {"num_clips": 11, "confidence": 0.95, "accuracy": 1.0},
    ]
    chart = reliability_chart({"bins": bins})
    assert "probability 0.60: 0.30 right; probability 0.95: 1.00 right" in chart
    assert chart.count("<circle") == 2
    assert ranges_by_chance(bins)[0] == tuple(np.array(binom.interval(0.95, 10, 0.6)) / 10)
    with pytest.raises(ValueError, match="at least one bin"):
        reliability_chart({"bins": []})


def test_tables_of_scores() -> None:
    scores = {"accuracy": 0.9, "macro_f1": 0.8, "balanced_accuracy": 0.7}
    own, other = score_rows(
        scores, {key: [0.5, 1.0] for key in scores}, {"mean": None, "majority": dict(scores, macro_f1=0.2)}
    )
    assert [cell["figure"] for cell in own["cells"]] == ["0.900", "0.800", "0.700"]
    assert own["cells"][0]["interval"] == "0.500 to 1.000"
    assert (own["is_model"], other["is_model"], other["name"]) == (True, False, "majority class")
    tick = re.search(r'd="M([\d.]+) 0v16"', other["bar"])
    assert tick is not None
    assert float(tick[1]) == pytest.approx(0.8 * 180)
    stored = dict.fromkeys(("mean", "shuffled", "majority"), scores)
    assert [each["name"] for each in score_rows(scores, None, stored)] == [
        "this model", "majority class", "mean + logistic regression", "this model on shuffled frames",
    ]  # fmt: skip
    rows = class_rows(
        [
            {"label": "a", "precision": 1.0, "recall": 0.5, "f1": 0.667, "support": 4},
            {"label": "b", "precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0},
        ]
    )
    assert [each["cells"] for each in rows] == [["1.000", "0.500", "0.667"], ["-", "-", "-"]]
    groups = [{"group": "x", "accuracy": 1.0, "support": 3}, {"group": "y", "accuracy": 0.5, "support": 2}]
    assert [each["name"] for each in group_rows(groups)] == ["y", "x"]
    assert group_rows(None) == []


def test_confusions_are_counted_by_row_and_ranked() -> None:
    found = confusions([[8, 2, 0], [5, 5, 0], [0, 0, 0]], ["a", "b", "c"])
    first = found["rows"][0]["cells"]
    assert [cell["count"] for cell in first] == [8, 2, 0]
    assert [cell["share"] for cell in first] == ["80 %", "20 %", "0 %"]
    assert first[0]["shade"] != first[1]["shade"] != ""
    assert first[2]["shade"] == ""
    assert found["rows"][2]["cells"][0]["share"] == ""
    assert [(pair["true"], pair["predicted"], pair["count"], pair["total"]) for pair in found["pairs"]] == [
        ("b", "a", 5, 10),
        ("a", "b", 2, 10),
    ]
    many = confusions(np.eye(40, dtype=int).tolist(), [str(number) for number in range(40)])
    assert (many["rows"], many["pairs"]) == ([], [])
