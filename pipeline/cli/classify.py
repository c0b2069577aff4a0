"""Classify videos, and show which frames counted.

Files, folders, and with `-` a list of them on stdin, all in the order they are named. One video: its most
probable labels, `unsure` if the first is below the model's threshold, then for each frame its time and its
share of the attention. Several: a row each, as soon as it is there. --json and --csv: the same for programs.
A video that cannot be read does not stop the others. With a model of features: .npz files, row by row.
"""

import contextlib
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pipeline.cli.report import check_page_path
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.cli.answers import Printer
    from pipeline.cli.pictures import Pictures
    from pipeline.inference.classification import Classification
    from pipeline.inference.classifier import Classifier
    from pipeline.inference.inputs import VideoInputs
    from pipeline.report.classification_page import ClassificationPage
    from pipeline.video.clip_reader import ClipReader


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise classify`."""

    videos: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="VIDEO...")]
    """Video files, folders of them, and `-` for a list on stdin: a path a line. Or .npz files of features."""
    model: Path
    """Run folder, or a .safetensors file."""
    top_k: int = 1
    """How many labels to show for each video, most probable first."""
    picture: Path | None = None
    """Draw the film strip with the attention under it: a PNG file, or a folder for several videos."""
    report: Annotated[Path | None, tyro.conf.arg(metavar="report.html")] = None
    """Also write a page that says what each answer rests on, frame by frame and where in the frame: one HTML
    file that needs no network."""
    threshold: float | None = None
    """Call an answer unsure if its probability is below this. Default: the threshold that training chose, if
    the validation clips showed one."""
    frame_rate: float | None = None
    """Take folders of frame images as videos, at this many frames a second."""
    null: bool = False
    """Paths in the list on stdin are ended by NUL (`find -print0`), not by line feeds."""
    workers: int = 1
    """Processes that read videos ahead."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the model runs."""
    runtime: Literal["auto", "torch", "onnx"] = "auto"
    """What runs the backbone. auto: ONNX Runtime on a CPU where it is installed, else torch."""
    json: bool = False
    """Print one JSON object for each video."""
    csv: bool = False
    """Print a CSV table: a header, then a row for each video."""

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise UsageError(f"--top-k is {self.top_k}; allowed: 1 or more.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"--threshold is {self.threshold}; allowed: 0 to 1.")
        if self.workers < 1:
            raise UsageError(f"--workers is {self.workers}; allowed: 1 or more.")
        if self.frame_rate is not None and not 0 < self.frame_rate < float("inf"):
            raise UsageError(f"--frame-rate is {self.frame_rate}; allowed: more than 0.")
        if self.json and self.csv:
            raise UsageError("--json and --csv were both given; choose one of them.")
        check_page_path(self.report)


def run(options: Options) -> int:
    """Classifies, prints; 1 if a video failed."""
    from pipeline.clips.npz_arrays import is_npz

    if any(map(is_npz, options.videos)):
        return _run_features(options)
    from pipeline.cli.pictures import Pictures
    from pipeline.cli.report import begin_classification_page
    from pipeline.model.header import peek_spec
    from pipeline.video.clip_reader import ClipReader

    videos = _videos(options)
    pictures = Pictures(options.picture, several=videos.count != 1) if options.picture else None
    spec = peek_spec(options.model) or _load(options, None).spec  # loading says what is wrong with the file
    with ClipReader(spec) as reader:
        # Torch takes seconds to import: a worker decodes the first video meanwhile.
        workers = min(options.workers, videos.count or options.workers)
        reads = reader.read(videos, frame_rate=options.frame_rate, num_workers=workers)
        classifier = _load(options, reader)
        printer = _printer(options, classifier, several=videos.count != 1)
        page = begin_classification_page(options.model, classifier) if options.report else None
        with contextlib.closing(classifier.classify_reads(reads)) as results:
            why_not = classifier.why_no_attention
            return _show(results, printer, pictures, page, options.report, why_no_attention=why_not)


def _run_features(options: Options) -> int:
    """The same for .npz files of features."""
    from pipeline.cli.row_answers import check_options, row_answers

    check_options(options)
    classifier = _load(options, None)
    rows = row_answers(classifier, options.videos)
    first = list(itertools.islice(rows, 2))  # one row is shown in detail
    printer = _printer(options, classifier, several=len(first) > 1, unit="row")
    why_not = classifier.why_no_attention
    return _show(
        itertools.chain(first, rows), printer, None, None, None, why_no_attention=why_not, unit="row"
    )


def _load(options: Options, reader: "ClipReader | None") -> "Classifier":
    from pipeline.cli.output import say
    from pipeline.inference.classifier import load
    from pipeline.model.device import choose_device

    classifier = load(
        options.model,
        device=choose_device(options.device),
        runtime=options.runtime,
        threshold=options.threshold,
        reader=reader,
    )
    say(f"classifying on {classifier.runtime_words}")
    return classifier


def _show(
    results: "Iterable[Classification]",
    printer: "Printer",
    pictures: "Pictures | None",
    page: "ClassificationPage | None",
    page_path: Path | None,
    *,
    why_no_attention: str,
    unit: str = "video",
) -> int:
    from pipeline.cli.output import say
    from pipeline.cli.report import finish_classification_page

    failed = total = 0
    for result in results:
        total += 1
        printer.show(result)
        for warning in result.warnings:
            say(f"warning: {result.path}: {warning}")
        if result.status == "failed":
            failed += 1
            say(f"error: {result.path}: {result.error}")
        elif pictures is not None:
            say(f"picture: {pictures.draw(result, why_no_attention=why_no_attention)}")
        if page is not None:
            page.add(result)
    if page is not None and page_path is not None and total:
        finish_classification_page(page, page_path)
    if total == 0:
        say("the list on stdin names no videos")
    elif failed and total > 1:
        say(f"{failed} of {total} {unit}s could not be classified")
    return 1 if failed else 0


def _videos(options: Options) -> "VideoInputs":
    from pipeline.inference.inputs import LIST, VideoInputs

    if not options.videos:
        raise UsageError(
            "no videos were given; name video files or folders of them, or - for a list on stdin."
        )
    reads_list = LIST in options.videos
    if reads_list and sys.stdin is None:
        raise UsageError(f"{LIST} stands for a list on stdin, but stdin is closed.")
    return VideoInputs(
        options.videos,
        frame_rate=options.frame_rate,
        list_descriptor=sys.stdin.fileno() if reads_list else -1,
        null=options.null,
    )


def _printer(options: Options, classifier: "Classifier", *, several: bool, unit: str = "video") -> "Printer":
    from pipeline.cli.answers import CsvRows, Details, JsonLines, Table

    if options.json:
        return JsonLines()
    if options.csv:
        return CsvRows(classifier.labels, top_k=options.top_k)
    if several:
        return Table(classifier.labels, top_k=options.top_k, unit=unit)
    return Details(top_k=options.top_k, why_no_attention=classifier.why_no_attention)
