"""How a judgement is shown to a person: the figures, each class, the baselines, what belongs to them."""

from typing import Any

from pipeline.cli.output import print_table
from pipeline.evaluation.baselines import BASELINE_TEXTS
from pipeline.report.explanation_figures import (
    AGREEMENT_COLUMNS,
    ORDER_COLUMNS,
    agreement_rows,
    explanation_sentences,
    order_rows,
)
from pipeline.report.figures import SCORES, interval, probability_rows, share


def print_judgement(judged: dict[str, Any]) -> None:
    """Prints the content of `Judgement.to_dict`."""
    print(f"{judged['split']} clips: {judged['num_used']} of {judged['num_total']} used\n")
    print_classes(judged["per_class"])
    print()
    print_scores(judged, judged["intervals"], judged["baselines"])
    print()
    print_groups(judged["per_group"])
    print_table(probability_rows(judged))
    print(f"\n{judged['verdict']['sentence']}")
    for note in judged["notes"]:
        print(f"- {note}")
    if judged.get("explanations"):
        print()
        print_explanations(judged["explanations"])


def print_explanations(explanations: dict[str, Any]) -> None:
    """Prints what the orders of the frames are worth, how far models agree, and what follows from it."""
    print_table(
        [[row["name"], *row["cells"]] for row in order_rows(explanations)], header=["", *ORDER_COLUMNS]
    )
    if explanations["agreement"] is not None:
        print()
        print_table(
            [[row["name"], *row["cells"]] for row in agreement_rows(explanations["agreement"])],
            header=["", *AGREEMENT_COLUMNS],
        )
    print()
    for sentence in explanation_sentences(explanations):
        print(sentence)


def print_classes(per_class: list[dict[str, Any]]) -> None:
    """Prints precision, recall, F1 and number of clips of each class."""
    print_table(
        [
            [row["label"], *(share(row[key]) for key in ("precision", "recall", "f1")), row["support"]]
            for row in per_class
        ],
        header=["class", "precision", "recall", "F1", "clips"],
    )


def print_groups(per_group: list[dict[str, Any]] | None) -> None:
    """Prints the accuracy on each group, and an empty line; nothing where there are intervals instead."""
    if per_group is None:
        return
    print_table(
        [[row["group"], share(row["accuracy"]), row["support"]] for row in per_group],
        header=["group", "accuracy", "clips"],
    )
    print()


def print_scores(
    scores: dict[str, Any], intervals: dict[str, Any] | None, baselines: dict[str, Any], *, name: str = ""
) -> None:
    """Prints a method's scores and intervals, then those of its baselines."""
    print_table(
        [
            [name or "this model", *_three(scores)],
            *([["  95 % interval", *(interval(intervals[key]) for key in SCORES)]] if intervals else []),
            *[
                [BASELINE_TEXTS[baseline], *_three(figures)]
                for baseline in BASELINE_TEXTS
                if (figures := baselines.get(baseline)) is not None
            ],
        ],
        header=["", *SCORES.values()],
    )


def _three(scores: dict[str, Any]) -> list[str]:
    return [share(scores[key]) for key in SCORES]
