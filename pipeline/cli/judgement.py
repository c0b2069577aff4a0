"""How a judgement is shown to a person: the figures, each class, the baselines, what belongs to them."""

from typing import Any

from pipeline.cli.output import print_table

BASELINE_TEXTS = {
    "majority": "majority class",
    "single_frame": "single frame + logistic regression",
    "mean": "mean + logistic regression",
    "mean_std_difference": "mean, std, difference + logistic regression",
    "shuffled": "this model on shuffled frames",
}


def print_judgement(judged: dict[str, Any]) -> None:
    """Prints the content of `Judgement.to_dict`."""
    print(f"{judged['split']} clips: {judged['num_used']} of {judged['num_total']} used\n")
    print_table(
        [
            [row["label"], *(_share(row[key]) for key in ("precision", "recall", "f1")), row["support"]]
            for row in judged["per_class"]
        ],
        header=["class", "precision", "recall", "F1", "clips"],
    )
    print()
    print_table(
        [
            ["this model", *_scores(judged)],
            *([["  95 % interval", *_intervals(judged["intervals"])]] if judged["intervals"] else []),
            *[
                [BASELINE_TEXTS[name], *_scores(scores)]
                for name, scores in judged["baselines"].items()
                if scores is not None
            ],
        ],
        header=["", "accuracy", "macro-F1", "balanced accuracy"],
    )
    for note in judged["notes"]:
        print(f"- {note}")


def _scores(scores: dict[str, Any]) -> list[str]:
    return [_share(scores[key]) for key in ("accuracy", "macro_f1", "balanced_accuracy")]


def _intervals(intervals: dict[str, list[float]]) -> list[str]:
    pairs = [intervals[key] for key in ("accuracy", "macro_f1", "balanced_accuracy")]
    return [f"{low:.3f} to {high:.3f}" for low, high in pairs]


def _share(value: float) -> str:
    return f"{value:.3f}"
