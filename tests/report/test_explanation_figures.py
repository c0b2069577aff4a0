"""Tables, sentences and charts of explanations: the figures that were measured, for eyes and without."""

from typing import Any

import numpy as np
import pytest

from pipeline.evaluation.explanations import ATTENTION, LEAVE_ONE_OUT, Explained, measure_explanations
from pipeline.evaluation.predict import predict
from pipeline.model.head import SequenceHead
from pipeline.report.explanation_figures import (
    AGREEMENT_COLUMNS,
    ORDER_COLUMNS,
    agreement_rows,
    explanation_charts,
    explanation_sentences,
    order_rows,
)
from tests.helpers.heads import linear_head


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    """Of a model that goes by one frame a clip, with uniform attention, and of another just like it."""
    random = np.random.default_rng(0)
    features = random.normal(0, 0.05, (24, 4, 1)).astype(np.float32)
    features[np.arange(24), random.integers(0, 4, 24)] = 4
    return _measured(linear_head(np.array([[1.0], [-1.0]]), query=np.zeros(1)), features)


def _measured(head: SequenceHead, features: np.ndarray) -> dict[str, Any]:
    model = Explained(head=head, features=features, temperature=1.0)
    predictions = [predict(head, clip) for clip in features]
    groups = [str(row) for row in range(len(features))]
    return measure_explanations(model, predictions, groups, split="test", others=[model]).to_dict()


def test_without_attention_there_are_no_rows_or_lines_of_it() -> None:
    features = np.random.default_rng(0).normal(size=(24, 4, 1)).astype(np.float32)
    found = _measured(linear_head(np.array([[1.0], [-1.0]])), features)
    assert [row["name"] for row in order_rows(found)] == ["leave-one-out", "random order"]
    assert [row["name"] for row in agreement_rows(found["agreement"])] == ["leave-one-out"]
    assert explanation_sentences(found)[0].startswith("This model has no attention")
    for chart in explanation_charts(found):
        assert chart["chart"].count('fill="none"') == 2
        assert "attention" not in chart["chart"]
        assert len(chart["legend"]) == 2


def test_a_row_for_each_order(found: dict[str, Any]) -> None:
    rows = {
        row["name"]: dict(zip(("out", "out by", "in", "in by", "verdict"), row["cells"], strict=True))
        for row in order_rows(found)
    }
    assert list(rows) == ["leave-one-out", "attention", "random order"]
    assert len(ORDER_COLUMNS) == 5
    assert rows["leave-one-out"]["verdict"] == "better than random"
    assert rows["attention"]["verdict"] == "not surely better than random"
    assert rows["random order"]["verdict"] == rows["random order"]["out by"] == ""
    gain = found["orders"]["leave_one_out"]["deletion_gain"]
    low, high = gain["interval"]
    assert rows["leave-one-out"]["out by"] == f"{gain['mean']:+.3f} ({low:+.3f} to {high:+.3f})"


def test_agreement_beside_chance(found: dict[str, Any]) -> None:
    rows = agreement_rows(found["agreement"])
    assert {len(row["cells"]) for row in rows} == {len(AGREEMENT_COLUMNS)}
    assert rows[0]["name"] == "leave-one-out"
    assert rows[0]["cells"][0] == "1.000"
    assert {row["cells"][-1] for row in rows} == {"0.250"}
    unknown = {"other_clips_correlation": None, "other_clips_overlap": None}
    _, row = agreement_rows(
        {name: {**found["agreement"][name], **unknown} for name in (LEAVE_ONE_OUT, ATTENTION)}
    )
    assert (row["cells"][2], row["cells"][5]) == ("", "")


def test_the_verdict_comes_first(found: dict[str, Any]) -> None:
    sentences = explanation_sentences(found)
    assert "not surely better than random order" in sentences[0]
    assert "2 models were compared" in sentences[-1]
    assert len(explanation_sentences({**found, "agreement": None})) == len(sentences) - 1


def test_a_chart_for_each_curve(found: dict[str, Any]) -> None:
    charts = explanation_charts(found)
    assert [chart["title"].split(",")[0] for chart in charts] == ["Frames are taken out", "Frames are put in"]
    for chart in charts:
        assert chart["chart"].count('fill="none"') == 3  # a line for each order
        assert "leave-one-out has an area of 0." in chart["chart"]  # for those who do not see it
        assert [item["name"].split(",")[0] for item in chart["legend"]] == [
            "leave-one-out",
            "attention",
            "random order",
        ]
