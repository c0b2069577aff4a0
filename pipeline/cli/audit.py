"""Look for what is wrong with the data of a clip store, before a model learns it.

Classes and splits; copies, the same to the byte or nearly; groups on both sides of a split; properties that
give the class away (size, rate, length, bit rate, bars); first frames that differ from the rest. Findings are
results, not failures: the exit code is 0 whatever is found, and --json says how bad it is.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.audit.audit import Audit

_MARKS = {"ok": "ok", "note": "-", "warning": "!", "problem": "X"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise audit`."""

    clips: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="CLIPS")]
    """The clip store."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="audit.html")] = None
    """Also write a page with pictures: one HTML file that needs no other and no network."""
    videos: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Where the videos lie now, to look at their first frames; default: where preprocess found them."""
    samples: int = 24
    """Clips of each class on the page's contact sheets, at most."""
    seed: int = 0
    """Draws the clips of the contact sheets and the shuffles of the shortcut check."""
    workers: int = 1
    """Processes that read first frames."""
    json: bool = False
    """Print one JSON object instead of tables."""

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise UsageError(f"--samples is {self.samples}; allowed: 0 or more.")
        if self.workers < 1:
            raise UsageError(f"--workers is {self.workers}; allowed: 1 or more.")
        if self.seed < 0:
            raise UsageError(f"--seed is {self.seed}; allowed: 0 or more.")
        if self.videos is not None and not self.videos.is_dir():
            raise UsageError(
                f"--videos {self.videos} is no folder. Give the one that the paths in clips.csv start from."
            )
        if self.out is not None and self.out.suffix.lower() not in (".html", ".htm"):
            raise UsageError(f"--out {self.out}: the page is HTML; give a name that ends in .html.")
        if self.out is not None and not self.out.parent.is_dir():
            raise UsageError(f"--out {self.out}: there is no folder {self.out.parent}. Make it first.")


def run(options: Options) -> int:
    """Audits, prints; writes the page where one is wanted."""
    from pipeline.audit.audit import audit
    from pipeline.cli.output import print_json, say
    from pipeline.cli.stopwatch import Stopwatch
    from pipeline.clips.origin import read_origin
    from pipeline.clips.store import ClipStore

    stopwatch = Stopwatch()
    store = ClipStore.open(options.clips)
    store.check_frames("An audit looks at")
    result = audit(
        store,
        videos=options.videos or read_origin(store.folder),
        seed=options.seed,
        samples_per_class=options.samples,
        num_workers=options.workers,
        progress=_progress,
    )
    if options.json:
        print_json(result.to_dict())
    else:
        print_audit(result)
    if options.out is not None:
        from pipeline.files import format_bytes
        from pipeline.report.audit_page import write_audit_page

        write_audit_page(options.out, result)
        say(f"the page is {options.out} ({format_bytes(options.out.stat().st_size)})")
    say(str(stopwatch))
    return 0


def print_audit(result: "Audit") -> None:
    """The terminal's summary: the classes, then each finding with what to do about it."""
    from pipeline.audit.finding import SEVERITIES
    from pipeline.cli.output import print_table
    from pipeline.report.words import one_line

    counts = result.summary.counts
    rows: list[list[object]] = [[label, *of.values(), sum(of.values())] for label, of in counts.items()]
    print_table(rows, header=["clips", "train", "val", "test", "all"])
    print()
    width = max(len(finding.name) for finding in result.findings)
    for finding in result.findings:
        print(f"{_MARKS[finding.severity]:<2}  {finding.name:<{width}}  {one_line(finding.text)}")
        if finding.remedy:
            print(f"{'':<{width + 6}}-> {one_line(finding.remedy)}")
    print()
    numbers = dict.fromkeys(SEVERITIES, 0)
    for finding in result.findings:
        numbers[finding.severity] += 1
    print(", ".join(f"{numbers[severity]} {severity}" for severity in reversed(SEVERITIES)))


def _progress(items: Iterable[Any], description: str, total: int) -> Iterable[Any]:
    from tqdm import tqdm

    is_terminal = sys.stderr.isatty()
    bar: Iterable[Any] = tqdm(
        items, desc=description, unit=" clip", total=total, dynamic_ncols=is_terminal,
        mininterval=0.1 if is_terminal else 10.0,
    )  # fmt: skip
    return bar
