"""Judge a trained model on a split of a clip store, beside its baselines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pipeline.cli.report import check_page_path
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.evaluation.judge import Judged


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise evaluate`."""

    clips: tyro.conf.Positional[Path]
    """The clip store: that of the training, or another one with the same kind of clips. Or an .npz file of
    features, for a model of such."""
    model: Path
    """Run folder, or a .safetensors file (which has no linear baselines)."""
    split: Literal["train", "val", "test", "all"] = "test"
    """Which clips."""
    predictions: Path | None = None
    """Also write what the model says of each clip into this CSV file."""
    reliability: Path | None = None
    """Also draw into this PNG file whether the probabilities mean what they say."""
    threshold: float | None = None
    """Count answers with a lower probability as unsure. Default: the threshold that training chose, if the
    validation clips showed one."""
    confusion_matrix: Path | None = None
    """Also draw the confusion matrix into this PNG file."""
    report: Annotated[Path | None, tyro.conf.arg(metavar="report.html")] = None
    """Also write a page with all of it and the most confident mistakes: one HTML file that needs no network.
    (The report.html of a run folder is of the validation clips, and stays as training wrote it.)"""
    explanations: bool = False
    """Also measure whether what is said of single frames is true: frames are taken out of each clip, and put
    in, in the order of attention, of leave-one-out, and at random."""
    other_models: tyro.conf.UseAppendAction[tuple[Path, ...]] = ()
    """With --explanations: a run on the same clips with another --seed, for how far both agree on the frames
    that count; may be given several times."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the model runs."""
    runtime: Literal["auto", "torch", "onnx"] = "auto"
    """What runs the backbone. auto: ONNX Runtime on a CPU where it is installed, else torch."""
    json: bool = False
    """Print one JSON object instead of tables."""

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"--threshold is {self.threshold}; allowed: 0 to 1.")
        if self.other_models and not self.explanations:
            raise UsageError("--other-models is for how far explanations agree: add --explanations.")
        check_page_path(self.report)


def run(options: Options) -> int:
    """Judges, prints."""
    from pipeline.cli.judgement import print_judgement
    from pipeline.cli.output import print_json, say
    from pipeline.cli.progress import progress
    from pipeline.cli.stopwatch import Stopwatch
    from pipeline.clips.store import ClipStore
    from pipeline.evaluation.judge import Explaining, judge
    from pipeline.evaluation.predictions import predictions_csv
    from pipeline.evaluation.trained import load_trained
    from pipeline.files import write_text
    from pipeline.model.device import choose_device

    stopwatch = Stopwatch()
    device = choose_device(options.device)
    model = load_trained(options.model, device=device, runtime=options.runtime, threshold=options.threshold)
    others = [load_trained(path, device=device, runtime=options.runtime) for path in options.other_models]
    _check_others(options, model, others)
    store = ClipStore.open(options.clips)

    def embedding(rows: Iterable[int]) -> Iterable[int]:
        return progress(rows, "embedding", unit="clip")

    judgement = judge(
        model,
        store,
        split=None if options.split == "all" else options.split,
        explaining=Explaining(others=tuple(others)) if options.explanations else None,
        progress=embedding,
        say=say,
    )
    if options.json:
        print_json(judgement.to_dict())
    else:
        print_judgement(judgement.to_dict())
    if options.predictions is not None:
        write_text(options.predictions, predictions_csv(judgement))
        say(f"what the model says of each clip is in {options.predictions}")
    if options.reliability is not None:
        from pipeline.report.reliability_plot import write_reliability

        write_reliability(options.reliability, judgement.to_dict()["calibration"])
        say(f"the reliability diagram is in {options.reliability}")
    if options.confusion_matrix is not None:
        from pipeline.report.plots import write_confusion_matrix

        write_confusion_matrix(options.confusion_matrix, judgement.confusion, list(judgement.labels))
        say(f"the confusion matrix is in {options.confusion_matrix}")
    if options.report is not None:
        from pipeline.cli.report import write_evaluation_report

        write_evaluation_report(options.report, options, store, judgement)
        say(f"the page is {options.report}")
    say(f"{stopwatch}, {model.embedder.runtime_words}")
    return 0


def _check_others(options: Options, model: "Judged", others: "Sequence[Judged]") -> None:
    """Refuses models that cannot be compared, or that are the same: they would agree with themselves."""
    if not others:
        return
    known = {model.weights_digest: options.model}
    for path, other in zip(options.other_models, others, strict=True):
        if other.labels != model.labels or other.spec != model.spec:
            raise UsageError(
                f"--other-models {path} knows other labels, or takes other clips, than {options.model}; give "
                "a run on the same clips with another --seed."
            )
        digest = other.weights_digest
        if digest in known:
            raise UsageError(
                f"--other-models {path} has the same weights as {known[digest]}, and a model agrees with "
                "itself; give a run on the same clips with another --seed, and each only once."
            )
        known[digest] = path
