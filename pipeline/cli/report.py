"""The page that a training, folds, an evaluation or a classification leaves: what is known becomes a file."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.cli.command_line import command_line, shell_word
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.cli.evaluate import Options as EvaluateOptions
    from pipeline.cli.train import Options as TrainOptions
    from pipeline.clips.store import ClipStore
    from pipeline.evaluation.judgement import Judgement
    from pipeline.inference.classifier import Classifier
    from pipeline.report.classification_page import ClassificationPage
    from pipeline.training.run_folder import RunResult

REPORT_FILE = "report.html"
"""In a run folder: how good its model is on the validation clips. `evaluate --report` writes other files."""


def check_page_path(path: Path | None) -> None:
    """Whether a page can be written where `--report` says.

    Raises:
        UsageError: it is not named `.html`, or there is no such folder.
    """
    if path is None:
        return
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--report {path}: the page is HTML; give a name that ends in .html.")
    if not path.parent.is_dir():
        raise UsageError(f"--report {path}: there is no folder {path.parent}. Make it first.")


def write_training_report(options: "TrainOptions", result: "RunResult") -> Path:
    """Writes the page of a finished run into its folder, from what lies there; says where."""
    from pipeline.clips.store import ClipStore
    from pipeline.evaluation.predictions import PREDICTIONS_FILE, read_predictions
    from pipeline.model.checkpoint import load_checkpoint
    from pipeline.report.run_page import write_run_page

    page = options.out / REPORT_FILE
    store = ClipStore.open(options.clips)
    options = _as_run(options, store)
    _, checkpoint = load_checkpoint(options.out)
    write_run_page(
        page,
        name=options.out.resolve().name,
        store=store,
        checkpoint=checkpoint,
        judged=result.metrics["validation"],
        answers=read_predictions(options.out / PREDICTIONS_FILE),
        history=[asdict(row) for row in result.history],
        best_epoch=result.metrics["best_epoch"],
        commands=[
            ("This run:", command_line("train", options)),
            ("Its model on the test clips, which nothing was chosen by:", _evaluate_words(options)),
        ],
    )
    return page


def write_folds_report(options: "TrainOptions", metrics: dict[str, Any]) -> Path:
    """Writes the page of a finished cross-validation into its folder; says where."""
    import json

    from pipeline.clips.store import ClipStore
    from pipeline.report.folds_page import write_folds_page
    from pipeline.training.run_folder import RUN_FILE

    page = options.out / REPORT_FILE
    store = ClipStore.open(options.clips)
    options = _as_run(options, store)
    write_folds_page(
        page,
        name=options.out.resolve().name,
        store=store,
        given=json.loads((options.out / RUN_FILE).read_bytes()),
        metrics=metrics,
        commands=[("These folds:", command_line("train", options))],
    )
    return page


def _as_run(options: "TrainOptions", store: "ClipStore") -> "TrainOptions":
    """The options as the run has them: without a backbone where features are given."""
    from pipeline.training.given_options import options_for

    return replace(options, training=options_for(store, options.training))


def write_evaluation_report(
    page: Path, options: "EvaluateOptions", store: "ClipStore", judgement: "Judgement"
) -> None:
    """Writes the page of an evaluation; the curves are there where `--model` is a run folder."""
    from pipeline.evaluation.predictions import answers_of
    from pipeline.model.checkpoint import load_checkpoint
    from pipeline.report.run_page import write_run_page
    from pipeline.training.run_folder import METRICS_FILE, read_finished

    _, checkpoint = load_checkpoint(options.model)
    finished = read_finished(options.model) if (options.model / METRICS_FILE).exists() else None
    write_run_page(
        page,
        name=options.model.resolve().name,
        store=store,
        checkpoint=checkpoint,
        judged=judgement.to_dict(),
        answers=answers_of(judgement),
        history=[asdict(row) for row in finished.history] if finished else [],
        best_epoch=finished.metrics["best_epoch"] if finished else None,
        commands=[("This page:", command_line("evaluate", options))],
    )


def begin_classification_page(model: Path, classifier: "Classifier") -> "ClassificationPage":
    """A page that takes the results of `classify` as they come."""
    from pipeline.model.checkpoint import MODEL_FILE
    from pipeline.report.classification_page import ClassificationPage

    path = model.resolve()
    name = path.parent.name if path.name == MODEL_FILE else path.name
    return ClassificationPage(classifier, model_name=name)


def finish_classification_page(page: "ClassificationPage", path: Path) -> None:
    """Writes it, and says what it leaves out."""
    from pipeline.cli.output import say

    page.write(path)
    say(f"the page is {path}")
    if page.num_without_frames:
        say(
            f"the page shows no frames of {page.num_without_frames} videos: with them it would become too "
            "large to open. Classify fewer videos at once to see theirs."
        )


def _evaluate_words(options: "TrainOptions") -> str:
    """The evaluation that comes next."""
    return (
        f"clipwise evaluate {shell_word(str(options.clips))} --model {shell_word(str(options.out))} "
        f"--split test --report test.html"
    )
