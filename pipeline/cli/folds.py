"""`clipwise train --folds`: how good models trained like this are, and how sure that is."""

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.cli.train import Options


def run_folds(options: "Options", num_folds: int) -> int:
    """Trains and judges the folds, prints the figures."""
    from pipeline.cli.output import print_json, say
    from pipeline.cli.progress import progress
    from pipeline.cli.report import write_folds_report
    from pipeline.cli.stopwatch import Stopwatch
    from pipeline.model.device import choose_device
    from pipeline.training.folds import cross_validate
    from pipeline.training.run import Watch

    stopwatch = Stopwatch()

    def embedding(rows: Iterable[int]) -> Iterable[int]:
        return progress(rows, "embedding", unit="clip")

    result = cross_validate(
        options.clips,
        options.out,
        options.training,
        num_folds=num_folds,
        num_repeats=1 if options.repeats is None else options.repeats,
        device=choose_device(options.device),
        runtime=options.runtime,
        watch=Watch(embedding=embedding, say=say),
    )
    _draw(options, result.metrics)
    page = write_folds_report(options, result.metrics)
    if options.json:
        print_json({"run": str(options.out), **result.metrics})
    else:
        _print(result.metrics)
    if result.was_finished:
        say(f"{options.out} was finished before, with these options; nothing was done")
    else:
        say(f"{stopwatch}; the figures are in {options.out}, the report of them is {page}")
    config = shlex.quote(str(options.out / "config.json"))
    say("this made no model; to train one on all training clips with the same options:")
    say(f"clipwise train {shlex.quote(str(options.clips))} --out RUN --config {config}")
    return 0


def _print(metrics: dict[str, Any]) -> None:
    from pipeline.cli.judgement import print_classes, print_groups, print_scores
    from pipeline.cli.output import print_table

    repeats = "" if metrics["repeats"] == 1 else f", {metrics['repeats']} times over"
    print(
        f"{metrics['num_used']} of {metrics['num_total']} clips ({metrics['num_groups']} groups) held back "
        f"in {metrics['folds']} folds{repeats}\n"
    )
    print_table(
        [
            [
                row["repeat"],
                row["fold"],
                row["num_train"],
                row["num_val"],
                row["num_test"],
                f"{row['best_epoch']} of {row['epochs']}",
                f"{row['accuracy']:.3f}",
                f"{row['macro_f1']:.3f}",
            ]
            for row in metrics["per_fold"]
        ],
        header=["repeat", "fold", "train", "val", "held back", "best epoch", "accuracy", "macro-F1"],
    )
    print("\nall answers on clips held back:")
    print_classes(metrics["per_class"])
    print("\nmeans over the folds:")
    print_scores(metrics, metrics["intervals"], metrics["baselines"])
    print()
    print_groups(metrics["per_group"])
    print(metrics["verdict"]["sentence"])
    for note in metrics["notes"]:
        print(f"- {note}")


def _draw(options: "Options", metrics: dict[str, Any]) -> None:
    """Draws the confusion matrix of all clips held back into the run folder."""
    import numpy as np

    from pipeline.report.plots import write_confusion_matrix

    write_confusion_matrix(
        options.out / "confusion_matrix.png",
        np.array(metrics["confusion_matrix"]),
        [row["label"] for row in metrics["per_class"]],
    )
