"""The page of a cross-validation: what models trained like this reach on clips that were held back."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.clips.store import ClipStore
from pipeline.evaluation.baselines import BASELINE_TEXTS
from pipeline.report.charts import bar
from pipeline.report.figures import SCORES, interval, share
from pipeline.report.page import write_page
from pipeline.report.run_page import Command
from pipeline.report.score_tables import class_rows, confusions, group_rows, score_rows
from pipeline.report.training_facts import backbone_words, clip_words, data_facts, run_facts


def write_folds_page(
    path: Path,
    *,
    name: str,
    store: ClipStore,
    given: Mapping[str, Any],
    metrics: Mapping[str, Any],
    commands: Sequence[Command],
) -> None:
    """Writes the page: one file that needs no other.

    Args:
        path: an `.html`, written whole or not at all.
        name: of the run.
        store: whose training and validation clips were held back in turn.
        given: the content of run.json.
        metrics: the content of metrics.json.
        commands: that made the figures.

    Raises:
        MachineError: it cannot be written.
    """
    from pipeline import __version__

    intervals, best = metrics["intervals"], metrics["verdict"]["baseline"]
    options = given["options"]
    write_page(
        path,
        "folds.html",
        {
            "name": name,
            "version": __version__,
            "metrics": metrics,
            "headline_figures": [
                {
                    "name": title,
                    "figure": share(metrics[key]),
                    "interval": interval(intervals[key]) if intervals else "",
                }
                for key, title in SCORES.items()
            ],
            "training_facts": [
                ("backbone", backbone_words(options["backbone"], options)),
                ("a clip", clip_words(store.spec, takes_features=not store.has_frames)),
                *run_facts(given),
            ],
            "data": data_facts(store),
            "scores": score_rows(metrics, intervals, metrics["baselines"]),
            "best": BASELINE_TEXTS[best],
            "folds": [_fold(row, best) for row in metrics["per_fold"]],
            "classes": class_rows(metrics["per_class"]),
            "confusions": confusions(
                metrics["confusion_matrix"], [row["label"] for row in metrics["per_class"]]
            ),
            "groups": group_rows(metrics["per_group"]),
            "commands": commands,
        },
    )


def _fold(row: Mapping[str, Any], best: str) -> dict[str, Any]:
    """A fold: its numbers, the model's scores, those of the best simpler method, and which is ahead."""
    other = row["baselines"][best]
    return {
        "numbers": [row["repeat"], row["fold"], row["num_train"], row["num_val"], row["num_test"]],
        "best_epoch": f"{row['best_epoch']} of {row['epochs']}",
        "accuracy": share(row["accuracy"]),
        "macro_f1": share(row["macro_f1"]),
        "bar": bar(row["macro_f1"], tick=other["macro_f1"]),
        "other": share(other["macro_f1"]),
        "difference": f"{row['macro_f1'] - other['macro_f1']:+.3f}",
    }
