"""Train a classifier on a clip store.

A pretrained backbone stays frozen: each clip is embedded once, and the head is trained on the features. With
--finetune or --weights none the backbone is trained too, from pixels. The test split is not looked at.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from pipeline.errors import UsageError
from pipeline.training.options import TrainOptions

if TYPE_CHECKING:
    from tqdm import tqdm

    from pipeline.training.run_folder import RunResult
    from pipeline.training.task import Epoch


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise train`."""

    clips: tyro.conf.Positional[Path]
    """The clip store that `clipwise preprocess` made; or features given directly, an .npz file with X (N, T,
    D) and y (N,), which may have groups, lengths and split (N,) too."""
    out: Path
    """Folder of the run: made, or gone on with, or found finished."""
    training: tyro.conf.UseAppendAction[TrainOptions] = field(default_factory=TrainOptions)
    config: Path | None = None
    """JSON file with options, such as RUN/config.json; options given here come before it."""
    folds: int | None = None
    """Make no model, but judge this way of training on the train and val clips: deal them to so many folds,
    hold each back once, train on the others."""
    repeats: int | None = None
    """With --folds: deal and train so many times over. Default: 1."""
    init: Path | None = None
    """Start from this trained model (run folder or file)."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to train. auto: a CUDA GPU if there is one."""
    runtime: Literal["auto", "torch", "onnx"] = "auto"
    """What runs a backbone that is not being trained. auto: ONNX Runtime on a CPU where it is installed, else
    torch."""
    tensorboard: bool = False
    """Write the history into RUN/tensorboard too, while training (needs the package tensorboard)."""
    json: bool = False
    """Print the metrics as one JSON object."""

    def __post_init__(self) -> None:
        if self.folds is None and self.repeats is not None:
            raise UsageError("--repeats is the number of times that --folds are dealt: add --folds.")
        if self.folds is not None and self.tensorboard:
            raise UsageError("--tensorboard shows one training; it cannot go with --folds, which are many.")
        if self.folds is not None and self.init is not None:
            raise UsageError(
                "--init cannot go with --folds: the model it names may have seen clips that are held back."
            )


def defaults(arguments: Sequence[str]) -> Options | None:
    """Options of the file that `--config` names, as the values that the other arguments change."""
    path = _config_path(arguments)
    if path is None:
        return None
    import json

    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"--config {path}: {error.strerror}.") from None
    except ValueError as error:
        raise UsageError(f"--config {path} is not JSON: {error}.") from None
    training = TrainOptions.from_dict(values, source=f"--config {path}")
    return Options(clips=tyro.MISSING, out=tyro.MISSING, training=training)


def _config_path(arguments: Sequence[str]) -> Path | None:
    for position, argument in enumerate(arguments):
        if argument == "--config" and position + 1 < len(arguments):
            return Path(arguments[position + 1])
        if argument.startswith("--config="):
            return Path(argument.removeprefix("--config="))
    return None


def run(options: Options) -> int:
    """Trains, draws the curves and the confusion matrix, writes the report, prints the figures."""
    from pipeline.cli.judgement import print_judgement
    from pipeline.cli.output import print_json, say
    from pipeline.cli.progress import progress
    from pipeline.cli.report import write_training_report
    from pipeline.cli.stopwatch import Stopwatch
    from pipeline.model.device import choose_device
    from pipeline.training.run import Watch, train

    if options.folds is not None:
        from pipeline.cli.folds import run_folds

        return run_folds(options, options.folds)
    device = choose_device(options.device)
    stopwatch = Stopwatch()
    with _EpochBar(options.training.most_epochs) as bar, _events(options) as add_event:

        def embedding(rows: Iterable[int]) -> Iterable[int]:
            return progress(rows, "embedding", unit="clip")

        def show(row: "Epoch") -> None:
            bar.show(row)
            add_event(row)

        result = train(
            options.clips,
            options.out,
            options.training,
            init=options.init,
            device=device,
            runtime=options.runtime,
            watch=Watch(embedding=embedding, on_epoch=show, say=say),
        )
    _draw(options.out, result)
    page = write_training_report(options, result)
    validation = result.metrics["validation"]
    if options.json:
        print_json({"run": str(options.out), **result.metrics})
    else:
        print_judgement(validation)
        at_once = options.training.fits_regression
        best = f"best epoch {result.metrics['best_epoch']} of {result.metrics['epochs']}"
        print("\nfitted at once, without epochs" if at_once else f"\n{best}")
    if result.was_finished:
        say(f"{options.out} was finished before, with these options; nothing was done")
    else:
        say(f"{stopwatch}; the run is in {options.out}, its report is {page}")
        say(f"next: clipwise evaluate {options.clips} --model {options.out}")
    return 0


@contextlib.contextmanager
def _events(options: Options) -> "Iterator[Callable[[Epoch], None]]":
    """What writes an epoch for TensorBoard; nothing, unless asked for."""
    if not options.tensorboard:
        yield lambda row: None
        return
    from dataclasses import asdict

    from pipeline.report.tensorboard import EventWriter

    writer = EventWriter(options.out)
    try:
        yield lambda row: writer.add(asdict(row))
    finally:
        writer.close()


class _EpochBar:
    """A progress bar over the epochs, with the losses and the validation macro-F1."""

    def __init__(self, num_epochs: int) -> None:
        self._num_epochs = num_epochs
        self._bar: tqdm[None] | None = None  # made by the first epoch: what comes before has a bar of its own

    def __enter__(self) -> "_EpochBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, row: "Epoch") -> None:
        """Moves on by an epoch."""
        from pipeline.cli.progress import epoch_bar

        self._bar = self._bar or epoch_bar(self._num_epochs)
        self._bar.set_postfix_str(
            f"loss {row.train_loss:.3f}, val loss {row.val_loss:.3f}, val macro-F1 {row.val_macro_f1:.3f}",
            refresh=False,
        )
        self._bar.update()


def _draw(out: Path, result: "RunResult") -> None:
    """Draws learning curves, reliability and confusion matrix of the validation clips into the run folder."""
    from dataclasses import asdict

    import numpy as np

    from pipeline.report.plots import write_confusion_matrix, write_learning_curves
    from pipeline.report.reliability_plot import write_reliability

    validation = result.metrics["validation"]
    write_learning_curves(
        out / "learning_curves.png",
        [asdict(row) for row in result.history],
        best_epoch=result.metrics["best_epoch"],
    )
    write_reliability(out / "reliability.png", validation["calibration"])
    write_confusion_matrix(
        out / "confusion_matrix.png",
        np.array(validation["confusion_matrix"]),
        [row["label"] for row in validation["per_class"]],
    )
