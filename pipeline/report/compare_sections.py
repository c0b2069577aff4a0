"""The parts of the page of a comparison: what each chart and table shows."""

from collections.abc import Mapping
from typing import Any

from pipeline.evaluation.baselines import MAJORITY
from pipeline.report.charts import bar
from pipeline.report.compare_result import (
    CompareResult,
    cell,
    setting_words,
    sign,
    spread,
    value,
    with_spread,
)
from pipeline.report.compare_words import by_words, decides, epochs_words, pair_words, seconds_words
from pipeline.report.difference_chart import Difference, difference_chart
from pipeline.report.dumbbell_chart import Dumbbell, dumbbell_chart

_MOST_SETTINGS = 2
_MARKS = {"true": "ok", "false": "problem", "depends": "warning", "cannot be told": "unknown"}


def headline(comparison: CompareResult) -> list[dict[str, str]]:
    """The scores that matter most: of the head supported, of the best, of the majority."""
    wanted = {name: _place_words(comparison, name) for name in (comparison.supported, comparison.best)}
    wanted.setdefault(MAJORITY, "the least to beat")
    by_name = {head["name"]: result for head, result in comparison.rows()}
    return [
        {
            "name": f"{comparison.title(name)}: {text}",
            "figure": value(by_name[name]["macro_f1"]),
            "interval": spread(by_name[name]["macro_f1"]),
        }
        for name, text in wanted.items()
        if name is not None and name in by_name
    ]


def class_bars(comparison: CompareResult) -> list[dict[str, Any]]:
    """A row a class: its label, how many clips, a bar."""
    data = comparison.result["data"]
    counts = [(label, int(data["clips_per_class"].get(label, 0))) for label in data["labels"]]
    most = max((count for _, count in counts), default=0) or 1
    return [{"name": label, "count": count, "bar": bar(count / most)} for label, count in counts]


def head_rows(comparison: CompareResult) -> list[dict[str, Any]]:
    """A row a head: what it is, where it stands, and whether it sees the order of the frames."""
    return [
        {
            "title": head["title"],
            "what": head["what"],
            "place": "beside" if head["place"] != "ladder" else f"rung {head['rung']}",
            "order": "sees the order" if head["reads_order"] else "blind to the order",
            "is_supported": head["name"] == comparison.supported,
        }
        for head in comparison.heads
    ]


def score_cells(comparison: CompareResult) -> list[dict[str, Any]]:
    """A row a head: its scores with their intervals, and how far it is behind the best."""
    keys = ("macro_f1", "accuracy", "balanced_accuracy", "log_loss")
    return [
        {
            "name": head["title"],
            "mark": _place_words(comparison, head["name"]),
            "is_model": head["name"] == comparison.supported,
            "cells": [cell(result.get(key)) for key in keys],
            "behind": _behind_cell(comparison.shortfall(head["name"])),
        }
        for head, result in comparison.rows()
    ]


def cost_rows(comparison: CompareResult) -> list[dict[str, Any]]:
    """A row a head: epochs and seconds to its best, parameters, the settings that were kept."""
    return [
        {
            "name": head["title"],
            "is_model": head["name"] == comparison.supported,
            "cells": [
                epochs_words(result["epochs_to_best"]),
                seconds_words(result["seconds_to_best"]),
                f"{result['parameters']:,}",
            ],
            "settings": _settings(result["chosen"]),
        }
        for head, result in comparison.rows()
    ]


def pair_section(comparison: CompareResult) -> dict[str, Any] | None:
    """Differences of the compared pairs: a chart, and a row a pair; None: there are none.

    The step from the majority to the first head that looks at a clip is often so much larger than all others
    that it would hide them; it stands in the table only.
    """
    pairs = comparison.pairs()
    if not pairs:
        return None
    places = {head["name"]: head["place"] for head in comparison.heads}
    only_majority = all(pair["second"] == MAJORITY for pair in pairs)
    differences, rows, block = [], [], ""
    for pair in pairs:
        first, second = comparison.title(pair["first"]), comparison.title(pair["second"])
        is_rung = places.get(pair["first"]) == "ladder"
        place = "Each rung against the one before it" if is_rung else f"Against {second}"
        if pair["second"] != MAJORITY or only_majority:
            heading = "" if place == block else place
            differences.append(Difference(name=first, other=second, figure=decides(pair), heading=heading))
            block = place
        rows.append(
            {
                "first": first,
                "second": second,
                "cells": [cell(pair.get(key), signed=True) for key in ("macro_f1", "accuracy", "log_loss")],
                "words": pair_words(decides(pair)) + by_words(pair),
            }
        )
    return {
        "figure": difference_chart(differences, x_name="difference in macro-F1"),
        "rows": rows,
        "leaves_out": len(differences) < len(rows),
    }


def gap_figure(comparison: CompareResult) -> dict[str, Any] | None:
    """Scores on clips learned from against those held back; None: they are not known."""
    rows = [
        Dumbbell(
            name=head["title"],
            upper=float(result["train_macro_f1"]),
            lower=float(result["train_macro_f1"] - result["gap"]["mean"]),
            difference=result["gap"],
            is_strong=head["name"] == comparison.supported,
        )
        for head, result in comparison.rows()
        if result["train_macro_f1"] is not None and result["gap"] is not None
    ]
    if not rows:
        return None
    return dumbbell_chart(
        rows,
        upper_name="on clips that it learned from",
        lower_name="on clips held back",
        title="macro-F1 of each head",
    )


def order_section(comparison: CompareResult) -> dict[str, Any] | None:
    """True order against shuffled frames, of heads that read the order; None: there are none."""
    read = [
        (head, result)
        for head, result in comparison.rows()
        if head["reads_order"] and result["shuffled_macro_f1"] is not None
    ]
    if not read:
        return None
    figure = dumbbell_chart(
        [
            Dumbbell(
                name=head["title"],
                upper=float(result["shuffled_macro_f1"]),
                lower=float(result["macro_f1"]["mean"]),
                difference=result["shuffle_cost"],
                is_strong=head["name"] == comparison.supported,
            )
            for head, result in read
        ],
        upper_name="frames shuffled",
        lower_name="frames in their order",
        title="macro-F1 of heads that read the order",
    )
    others = [head["title"] for head, _ in comparison.rows() if not head["reads_order"]]
    surely = sum(sign(result["shuffle_cost"]) == 1 for _, result in read)
    return {"figure": figure, "others": others, "num_heads": len(read), "num_surely": surely}


def claim_rows(comparison: CompareResult) -> list[dict[str, Any]]:
    """The claims on the full design, each with its answer."""
    return [
        {
            "claim": each["claim"],
            "answer": each["answer"],
            "mark": _MARKS.get(each["answer"], "unknown"),
            "sentence": each["sentence"],
        }
        for each in comparison.result["claims"]
    ]


def attention_rows(comparison: CompareResult) -> list[dict[str, Any]]:
    """Heads with attention: how much more the frame with the most of it counts than another one."""
    return [
        {
            "name": head["title"],
            "cells": [with_spread(result["attention"]["top_frame_gain"], signed=True)],
            "words": _ATTENTION_WORDS[sign(result["attention"]["top_frame_gain"])],
        }
        for head, result in comparison.rows()
        if result.get("attention") and result["attention"]["top_frame_gain"]
    ]


_ATTENTION_WORDS = {
    1: "counts more than another at random",
    -1: "counts less than another at random",
    0: "not surely more than another at random",
    None: "cannot be told",
}


def shrink_row(comparison: CompareResult) -> dict[str, Any] | None:
    """The full design against the same without the layer that shrinks; None: they were not compared."""
    for pair in comparison.pairs():
        if (pair["first"], pair["second"]) == ("full", "attention"):
            return {
                "first": comparison.title(pair["first"]),
                "second": comparison.title(pair["second"]),
                "cells": [cell(pair.get(key), signed=True) for key in ("macro_f1", "accuracy", "log_loss")],
            }
    return None


def _place_words(comparison: CompareResult, name: str | None) -> str:
    """Whether a head is the one supported, the best, or as good as that for all that is known."""
    said = [
        words
        for which, words in ((comparison.supported, "supported"), (comparison.best, comparison.best_words))
        if which == name
    ]
    shortfall = comparison.shortfall(name) if name is not None and not said else None
    if shortfall is not None and shortfall["allowed"] is not None and not comparison.beats_nothing:
        said += ["as good as the best"] if shortfall["behind"] <= shortfall["allowed"] else []
    return ", ".join(said)


def _behind_cell(shortfall: Mapping[str, Any] | None) -> dict[str, str]:
    if shortfall is None:
        return {"figure": "", "interval": ""}
    allowed = shortfall["allowed"]
    return {
        "figure": f"{shortfall['behind']:.3f}",
        "interval": "" if allowed is None else f"chance: {allowed:.3f}",
    }


def _settings(chosen: list[Mapping[str, Any]]) -> list[str]:
    """The settings kept most often."""
    ranked = sorted((each for each in chosen if each["setting"]), key=lambda each: -each["times"])
    total = sum(each["times"] for each in ranked)
    shown = [
        f"{setting_words(each['setting'])} ({each['times']} of {total})" for each in ranked[:_MOST_SETTINGS]
    ]
    left = len(ranked) - len(shown)
    return [*shown, *([f"and {left} more"] if left else [])]
