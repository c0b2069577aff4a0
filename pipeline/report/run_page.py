"""The page of a trained model: what was trained on what, and how good it is on a set of clips."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.clips.store import ClipStore
from pipeline.evaluation.predictions import ClipAnswer
from pipeline.model.checkpoint import Checkpoint
from pipeline.report.curves import learning_curves
from pipeline.report.explanation_figures import (
    AGREEMENT_COLUMNS,
    ORDER_COLUMNS,
    agreement_rows,
    explanation_charts,
    explanation_sentences,
    order_rows,
)
from pipeline.report.figures import SCORES, interval, probability_rows, share
from pipeline.report.mistakes import MAX_MISTAKES, film_strips
from pipeline.report.page import write_page
from pipeline.report.reliability_chart import reliability_chart
from pipeline.report.score_tables import class_rows, confusions, group_rows, score_rows
from pipeline.report.training_facts import data_facts, model_facts

Command = tuple[str, str]
"""What a command is for, and the command as it is typed."""

_SPLITS = {"train": "training clips", "val": "validation clips", "test": "test clips", "all": "all clips"}


def write_run_page(
    path: Path,
    *,
    name: str,
    store: ClipStore,
    checkpoint: Checkpoint,
    judged: dict[str, Any],
    answers: Sequence[ClipAnswer],
    history: Sequence[Mapping[str, Any]],
    best_epoch: int | None,
    commands: Sequence[Command],
) -> None:
    """Writes the page: one file that needs no other.

    Args:
        path: an `.html`, written whole or not at all.
        name: of the run or the model.
        store: the clips that it was judged on.
        checkpoint: what the model's file says of it.
        judged: the content of `Judgement.to_dict`.
        answers: what the model said of each of these clips.
        history: a row an epoch, as in history.csv; none where it is not at hand.
        best_epoch: whose weights were kept; None: not known.
        commands: that made the model and the figures.

    Raises:
        StoreError: frames of the store are missing or damaged.
        MachineError: it cannot be written.
    """
    from pipeline import __version__

    wrong = sum(1 for answer in answers if not answer.is_right)
    intervals = judged["intervals"]
    write_page(
        path,
        "run.html",
        {
            "name": name,
            "version": __version__,
            "clips": _SPLITS.get(judged["split"], judged["split"]),
            "judged": judged,
            "headline_figures": [
                {
                    "name": title,
                    "figure": share(judged[key]),
                    "interval": interval(intervals[key]) if intervals else "",
                }
                for key, title in SCORES.items()
            ],
            "model_facts": model_facts(checkpoint),
            "data": data_facts(store),
            "is_same_store": checkpoint.provenance.get("data") == store.digest,
            "curves": learning_curves(history, best_epoch=best_epoch or 0)
            if history and not _was_fitted_at_once(checkpoint, history)
            else [],
            "kept": _kept(history, best_epoch),
            "scores": score_rows(judged, intervals, judged["baselines"]),
            "classes": class_rows(judged["per_class"]),
            "confusions": confusions(
                judged["confusion_matrix"], [row["label"] for row in judged["per_class"]]
            ),
            "groups": group_rows(judged["per_group"]),
            "reliability": reliability_chart(judged["calibration"]),
            "bins": judged["calibration"]["bins"],
            "probabilities": probability_rows(judged),
            "explanations": _explanations(judged.get("explanations")),
            "mistakes": film_strips(store, answers),
            "mistakes_text": _mistakes_text(wrong, len(answers), has_frames=store.has_frames),
            "commands": commands,
        },
    )


def _explanations(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the page shows of a model's explanations; None: they were not measured."""
    if found is None:
        return None
    agreement = found["agreement"]
    return {
        "sentences": explanation_sentences(found),
        "charts": explanation_charts(found),
        "order_columns": ORDER_COLUMNS,
        "orders": order_rows(found),
        "agreement_columns": AGREEMENT_COLUMNS,
        "agreement": agreement_rows(agreement) if agreement else [],
    }


def _was_fitted_at_once(checkpoint: Checkpoint, history: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the only row is of a regression, which learns in no epochs."""
    return checkpoint.model.head.is_linear and [row["stage"] for row in history] == ["head"]


def _kept(history: Sequence[Mapping[str, Any]], best_epoch: int | None) -> str:
    if not history or best_epoch is None:
        return ""
    if best_epoch == 0:
        return (
            f"None of {len(history)} epochs was better than the weights that training started from, so those "
            "are kept."
        )
    return f"Of {len(history)} epochs, the weights of epoch {best_epoch} are kept."


def _mistakes_text(wrong: int, total: int, *, has_frames: bool) -> str:
    if not wrong:
        return f"No mistake in {total} clips."
    shown = "" if wrong <= MAX_MISTAKES else f" The {MAX_MISTAKES} most confident are shown."
    pictures = "" if has_frames else " They are features given directly: there are no frames to show."
    return f"{wrong} of {total} clips, the most confident mistake first.{shown}{pictures}"
