"""Which head does this data support? Fits a ladder of heads on the same folds of a clip store's features.

Each rung of the ladder has one part more than the one below, from the majority class over logistic
regressions to the full design; variants stand beside it. All get the same folds, seeds and budget; settings
are chosen by validation loss inside each fold. DIR/report.html says what came of it, with intervals;
DIR/best.json goes into `clipwise train --config`. The test split is not looked at, but with --all-clips.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

from pipeline.compare.options import CompareOptions
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from tqdm import tqdm


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise compare`."""

    clips: tyro.conf.Positional[Path]
    """The clip store that `clipwise preprocess` made, or an .npz of features."""
    out: Path
    """Folder of the comparison: made, or gone on with, or found finished."""
    comparison: CompareOptions = field(default_factory=CompareOptions)
    workers: int | None = None
    """Processes that fit heads. Default: as many as this machine has processors."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where backbones embed; heads are fitted on the CPU."""
    runtime: Literal["auto", "torch", "onnx"] = "auto"
    """What runs the backbones. auto: ONNX Runtime on a CPU where it is installed, else torch."""
    json: bool = False
    """Print the result as one JSON object."""

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers is {self.workers}; allowed: 1 or more.")


def run(options: Options) -> int:
    """Compares, writes the page, prints the tables and the verdict."""
    from pipeline.cli.command_line import command_line
    from pipeline.cli.output import print_json, say
    from pipeline.cli.progress import progress
    from pipeline.cli.stopwatch import Stopwatch
    from pipeline.compare.comparison import Watch, compare
    from pipeline.compare.folder import BEST_FILE, REPORT_FILE
    from pipeline.model.device import choose_device
    from pipeline.model.threads import processors
    from pipeline.report.compare_page import write_compare_page

    stopwatch = Stopwatch()

    def embedding(rows: Iterable[int]) -> Iterable[int]:
        return progress(rows, "embedding", unit="clip")

    with _FitBar() as bar:
        comparison = compare(
            options.clips,
            options.out,
            options.comparison,
            device=choose_device(options.device),
            runtime=options.runtime,
            num_workers=options.workers or processors(),
            watch=Watch(embedding=embedding, on_fit=bar.show, say=say),
        )
    result = {
        **comparison.result,
        "commands": [["This comparison:", command_line("compare", options, several_at_once=True)]],
    }
    page = options.out / REPORT_FILE
    write_compare_page(page, result)
    if options.json:
        print_json(result)
    else:
        _print(result)
    if comparison.was_finished:
        say(f"{options.out} was finished before, with these options; nothing was fitted")
    else:
        say(f"{stopwatch}; the comparison is in {options.out}, its report is {page}")
    if (options.out / BEST_FILE).exists():
        say(f"next: clipwise train {options.clips} --out RUN --config {options.out / BEST_FILE}")
    return 0


def _print(result: dict[str, Any]) -> None:
    from pipeline.cli.output import print_table
    from pipeline.report.compare_text import compare_sentences, compare_tables

    for title, header, rows in compare_tables(result):
        print(f"{title}\n")
        print_table(rows, header=header)
        print()
    for sentence in compare_sentences(result):
        print(sentence)


class _FitBar:
    """A progress bar over the fits, with the time left as it was measured so far."""

    def __init__(self) -> None:
        self._bar: tqdm[None] | None = None  # made by the first fit: embedding has a bar of its own

    def __enter__(self) -> "_FitBar":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done: int, total: int, seconds_left: float | None) -> None:
        """Moves the bar there."""
        from pipeline.cli.progress import fit_bar

        self._bar = self._bar or fit_bar(total)
        self._bar.total = total
        self._bar.set_postfix_str(_time_left(seconds_left), refresh=False)
        self._bar.update(done - self._bar.n)


def _time_left(seconds: float | None) -> str:
    """In words; nothing where it is not known, or where all is done."""
    return f"about {_words(seconds)} left" if seconds else ""


def _words(seconds: float) -> str:
    if seconds < 60:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
