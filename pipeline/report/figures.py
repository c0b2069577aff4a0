"""The figures of a judgement in words: the same in the terminal and on a page."""

from typing import Any

SCORES = {"accuracy": "accuracy", "macro_f1": "macro-F1", "balanced_accuracy": "balanced accuracy"}
"""The scores that are always shown, and their names."""


def share(value: float) -> str:
    """A share with three digits."""
    return f"{value:.3f}"


def probability(value: float) -> str:
    """A probability with three digits, or as many as tell it from 1 (.99992 is not "1.000")."""
    for digits in range(3, 7):
        text = f"{value:.{digits}f}"
        if value >= 1 or float(text) < 1:
            return text
    return "above 0.999999"


def interval(pair: list[float] | None) -> str:
    """An interval; nothing where there is none."""
    return f"{pair[0]:.3f} to {pair[1]:.3f}" if pair else ""


def probability_rows(judged: dict[str, Any]) -> list[list[str]]:
    """What the probabilities are worth, and the answers that are sure: name, figure, what belongs to it.

    Args:
        judged: the content of `Judgement.to_dict`.
    """
    intervals, calibration = judged["intervals"] or {}, judged["calibration"]
    chance, temperature = calibration["ece_if_calibrated"], calibration["temperature"]
    rows = [
        [f"true class among the {k} most probable", share(value), interval(intervals.get(f"top_{k}"))]
        for k, value in judged["top_k"].items()
    ]
    rows += [
        ["log-loss", share(judged["log_loss"]), interval(intervals.get("log_loss"))],
        [
            "calibration error",
            share(calibration["ece"]),
            f"perfect probabilities would show {chance['mean']:.3f} (up to {chance['quantile_95']:.3f}) here",
        ],
        ["temperature", share(temperature), calibration["temperature_reason"]],
    ]
    kept, threshold = judged["abstention"], calibration["threshold"]
    if kept is None:
        return [*rows, ["unsure below", "-", calibration["threshold_reason"]]]
    right = "none of them" if kept["precision"] is None else f"{share(kept['precision'])} of these are right"
    given = f"answers {kept['num_kept']} of {judged['num_used']} clips ({kept['coverage']:.3f}); {right}"
    return [*rows, ["unsure below", probability(threshold), given]]
