"""How a judgement is shown to a person: the figures, each class, the baselines, what belongs to them."""

from typing import Any

from pipeline.cli.output import print_table
from pipeline.evaluation.baselines import BASELINE_TEXTS

_SCORES = ("accuracy", "macro_f1", "balanced_accuracy")


def print_judgement(judged: dict[str, Any]) -> None:
    """Prints the content of `Judgement.to_dict`."""
    print(f"{judged['split']} clips: {judged['num_used']} of {judged['num_total']} used\n")
    print_classes(judged["per_class"])
    print()
    print_scores(judged, judged["intervals"], judged["baselines"])
    print()
    print_groups(judged["per_group"])
    print_table(_probability_rows(judged))
    print(f"\n{judged['verdict']['sentence']}")
    for note in judged["notes"]:
        print(f"- {note}")


def print_classes(per_class: list[dict[str, Any]]) -> None:
    """Prints precision, recall, F1 and number of clips of each class."""
    print_table(
        [
            [row["label"], *(_share(row[key]) for key in ("precision", "recall", "f1")), row["support"]]
            for row in per_class
        ],
        header=["class", "precision", "recall", "F1", "clips"],
    )


def print_groups(per_group: list[dict[str, Any]] | None) -> None:
    """Prints the accuracy on each group, and an empty line; nothing where there are intervals instead."""
    if per_group is None:
        return
    print_table(
        [[row["group"], _share(row["accuracy"]), row["support"]] for row in per_group],
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
            *([["  95 % interval", *(_interval(intervals[key]) for key in _SCORES)]] if intervals else []),
            *[
                [BASELINE_TEXTS[baseline], *_three(figures)]
                for baseline, figures in baselines.items()
                if figures is not None
            ],
        ],
        header=["", "accuracy", "macro-F1", "balanced accuracy"],
    )


def _probability_rows(judged: dict[str, Any]) -> list[list[str]]:
    """What the probabilities are worth, and the answers that are sure."""
    intervals, calibration = judged["intervals"] or {}, judged["calibration"]
    chance, temperature = calibration["ece_if_calibrated"], calibration["temperature"]
    rows = [
        [f"true class among the {k} most probable", _share(share), _interval(intervals.get(f"top_{k}"))]
        for k, share in judged["top_k"].items()
    ]
    rows += [
        ["log-loss", _share(judged["log_loss"]), _interval(intervals.get("log_loss"))],
        [
            "calibration error",
            _share(calibration["ece"]),
            f"perfect probabilities would show {chance['mean']:.3f} (up to {chance['quantile_95']:.3f}) here",
        ],
        ["temperature", _share(temperature), calibration["temperature_reason"]],
    ]
    kept, threshold = judged["abstention"], calibration["threshold"]
    if kept is None:
        return [*rows, ["unsure below", "-", calibration["threshold_reason"]]]
    right = "none of them" if kept["precision"] is None else f"{_share(kept['precision'])} of these are right"
    given = f"answers {kept['num_kept']} of {judged['num_used']} clips ({kept['coverage']:.3f}); {right}"
    return [*rows, ["unsure below", _share(threshold), given]]


def _three(scores: dict[str, Any]) -> list[str]:
    return [_share(scores[key]) for key in _SCORES]


def _interval(pair: list[float] | None) -> str:
    return f"{pair[0]:.3f} to {pair[1]:.3f}" if pair else ""


def _share(value: float) -> str:
    return f"{value:.3f}"
