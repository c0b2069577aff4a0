"""Figures of heads from the evidence: what tables and plots show, JSON-ready."""

from collections import Counter
from typing import Any

import numpy as np

from pipeline.compare.evidence import Evidence
from pipeline.compare.figure import Figure, fold_figure
from pipeline.compare.heads import HEADS, Head
from pipeline.compare.scorer import Scored

SHOWN = ("macro_f1", "accuracy", "log_loss", "balanced_accuracy")
_PAIRED = ("macro_f1", "accuracy", "log_loss", "balanced_accuracy")


def head_figures(evidence: Evidence, variant: str, head: Head) -> dict[str, Any]:
    """A row of `results`."""
    scorer = evidence.scorer
    answers = evidence.pooled(variant, head.name)
    scored = scorer.score(answers)
    figures = scorer.figures(scored)
    fits = evidence.fits(variant, head.name)
    trained = evidence.trained_macro_f1(variant, head.name)
    epochs = evidence.epochs_to_best(variant, head.name)
    shuffled = scorer.score_shuffled(answers) if answers.shuffled is not None else None
    gains = evidence.top_frame_gains(variant, head.name)
    return {
        "variant": variant,
        "head": head.name,
        **{name: figures[name].to_dict() for name in SHOWN},
        "train_macro_f1": float(trained.mean()),
        "gap": of_folds(evidence, trained).minus(figures["macro_f1"]).to_dict(),
        "epochs_to_best": None
        if epochs is None
        else {
            "mean": float(epochs.mean()),
            "low": int(epochs.min()),
            "high": int(epochs.max()),
            "at_end": int((epochs >= evidence.options.epochs).sum()),
            "num_fits": len(epochs),
        },
        "seconds_to_best": float(np.mean([fit.seconds_to_best for fit in fits])),
        "parameters": int(np.median([fit.figures["parameters"] for fit in fits])),
        "chosen": chosen_settings(evidence, variant, head),
        "shuffled_macro_f1": None if shuffled is None else shuffled.values["macro_f1"],
        "shuffle_cost": None
        if shuffled is None
        else scorer.differences(scored, shuffled)["macro_f1"].to_dict(),
        "attention": None if gains is None else {"top_frame_gain": scorer.mean(gains).to_dict()},
    }


def of_folds(evidence: Evidence, values: np.ndarray) -> Figure:
    """A figure of what is known of each fold by itself."""
    return fold_figure(values, test_share=evidence.plan.test_share, enough_groups=evidence.scorer.can_tell)


def chosen_settings(evidence: Evidence, variant: str, head: Head) -> list[dict[str, Any]]:
    """The settings kept, the most frequent first."""
    keys = evidence.keys(variant, head.name)
    counts = Counter(key.setting for key in keys)
    settings = {key.setting: evidence.settings[key] for key in keys}
    return [
        {"setting": settings[number].to_dict(), "times": times}
        for number, times in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def pair_figures(evidence: Evidence, variant: str, first: str, second: str) -> dict[str, Any]:
    """A row of `pairs`: the first head minus the second."""
    differences = evidence.scorer.differences(
        evidence.scored(variant, first), evidence.scored(variant, second)
    )
    return {
        "variant": variant,
        "first": first,
        "second": second,
        **{name: differences[name].to_dict() for name in _PAIRED},
    }


def pairs_of(evidence: Evidence, variant: str) -> list[dict[str, Any]]:
    """Neighbours on the ladder, and each head beside it against the one that it changes.

    A head that was left out is stepped over: the next one below takes its place.
    """
    heads = {head.name: head for head in evidence.heads_of(variant)}
    found = []
    for head in heads.values():
        other = head.adds_to
        while other is not None and other not in heads:
            other = HEADS[other].adds_to
        if other is not None:
            found.append(pair_figures(evidence, variant, head.name, other))
    return found


def curve_of(evidence: Evidence, head: Head) -> dict[str, Any] | None:
    """The learning curve of a head on the reference; None where it was not fitted on parts of the clips."""
    variant, points = evidence.reference, []
    for fraction in evidence.plan.fractions:
        keys = evidence.keys(variant, head.name, fraction=fraction)
        if not all(key in evidence.answers for key in keys):
            continue
        figures = evidence.scorer.figures(evidence.scored(variant, head.name, fraction=fraction))
        points.append(
            {
                "fraction": fraction,
                "num_clips": round(
                    float(np.mean([len(fold.train[fraction]) for fold in evidence.plan.folds]))
                ),
                "macro_f1": figures["macro_f1"].to_dict(),
                "accuracy": figures["accuracy"].to_dict(),
            }
        )
    return {"variant": variant, "head": head.name, "points": points} if len(points) > 1 else None


def hidden_sizes_of(evidence: Evidence, head: Head) -> dict[str, Any] | None:
    """Validation loss by hidden size, the learning rate and dropout being those of the first setting.

    None where fewer than two sizes were tried.
    """
    variant = evidence.reference
    keys = [
        key for key in evidence.answers if (key.variant, key.head, key.fraction) == (variant, head.name, 1.0)
    ]
    if head.is_linear or not keys:
        return None
    first = evidence.settings[min(keys, key=lambda key: key.setting)]
    losses: dict[int, list[float]] = {}
    for key in sorted(keys):
        setting = evidence.settings[key]
        alike = (setting.learning_rate, setting.dropout) == (first.learning_rate, first.dropout)
        if setting.hidden is not None and alike:
            losses.setdefault(setting.hidden, []).append(evidence.answers[key].figures["val_loss"])
    if len(losses) < 2:
        return None
    kept = Counter(
        hidden
        for key in evidence.keys(variant, head.name)
        if (hidden := evidence.settings[key].hidden) is not None
    )
    return {
        "variant": variant,
        "head": head.name,
        "points": [
            {"hidden": size, "val_loss": of_folds(evidence, np.array(found)).to_dict()}
            for size, found in sorted(losses.items())
        ],
        "chosen": {str(size): kept[size] for size in sorted(kept)},
    }


def paired(evidence: Evidence, first: Scored, second: Scored) -> dict[str, dict[str, Any]]:
    """Macro-F1 and accuracy of one minus those of the other."""
    differences = evidence.scorer.differences(first, second)
    return {name: differences[name].to_dict() for name in ("macro_f1", "accuracy")}
