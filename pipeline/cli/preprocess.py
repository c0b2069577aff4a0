"""Turn labelled videos into a store of clips, ready to train on.

VIDEOS is a folder with one folder for each class (or train/, val/ and test/ above them); a CSV with the
columns path,label and, if you like, split,group,start_seconds,end_seconds; or lists made for other tools: a
folder with those of UCF101 or Kinetics, or with train.txt and val.txt of a path and a label in each line.
Stop it whenever you like: the same command goes on where it stopped, and reads only what is new or changed.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pipeline.cli.output import print_json, print_table, say
from pipeline.clips.clip_rule import ClipRule
from pipeline.spec import ClipSpec, Fit
from pipeline.video.parts import DamagedPolicy

if TYPE_CHECKING:
    from pipeline.clips.preprocess import PreprocessResult
    from pipeline.clips.summary import Shared


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise preprocess`."""

    videos: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="VIDEOS")]
    """Folder of class folders or with lists, a CSV with the columns path,label, or a list."""
    out: Annotated[Path, tyro.conf.arg(metavar="CLIPS")]
    """Folder of the clip store: new, empty, or a store to bring up to date."""
    num_frames: int = ClipSpec.num_frames
    """Frames in a clip, taken at the centres of as many equal parts of the video."""
    image_size: int = ClipSpec.image_size
    """Side of the square frames in pixels."""
    fit: Fit = ClipSpec.fit
    """How a frame is made square: letterbox pads, stretch distorts, crop cuts the longer side."""
    fill_rgb: tuple[int, int, int] = ClipSpec.fill_rgb
    """Colour of the padding, three numbers from 0 to 255."""
    window_seconds: Annotated[float | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Cut each video into clips of this length; what is left at its end is in none. Default: one a video."""
    stride_seconds: Annotated[float | None, tyro.conf.arg(metavar="FLOAT")] = None
    """From the start of one window to the start of the next; default: a window's length."""
    oversample: Annotated[int, tyro.conf.arg(metavar="INT")] = ClipRule.oversample
    """Frames stored for each part, odd: training picks one of them at random, all else takes the middle."""
    damaged: DamagedPolicy = ClipRule.damaged
    """Of damaged videos: auto takes a clip if its frames are shown to be clean, keep takes all, fail none."""
    input_format: Literal["auto", "folders", "csv", "ucf101", "kinetics", "list"] = "auto"
    """How VIDEOS is to be read; auto finds out from what is there and says it."""
    list_number: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Which of numbered lists (trainlist01, trainlist02) to take; default: the first."""
    class_names: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Names of the classes, one a line, for lists with numbers as labels; default: a file beside the list."""
    root: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Folder that the paths in a CSV or list are relative to; default: the CSV's, or where they exist."""
    allow_outside: bool = False
    """Take videos too that lie outside of VIDEOS (or --root), by their path or through a link."""
    frame_rate: Annotated[float | None, tyro.conf.arg(metavar="FLOAT")] = None
    """Frames a second of folders of frame images; without it such folders are left out."""
    groups: Literal["auto", "parent-folder", "none"] = "auto"
    """What stays on one side of the split: auto: the groups that VIDEOS names; parent-folder: same folder."""
    group_column: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """Column of the CSV that says what must stay on one side (camera, person, source); default: group."""
    group_regex: Annotated[str | None, tyro.conf.arg(metavar="PATTERN")] = None
    r"""Regular expression searched in each path; its brackets name the group: (person\d+) or (.+)_part\d+."""
    regroup: bool = False
    """Set a given split aside and make one in which no group stands on two sides."""
    val_fraction: float = 0.15
    """Part of the clips that goes to val (of train, where a given split has no val)."""
    test_fraction: float = 0.15
    """Part of the clips that goes to test, where no split is given."""
    seed: int = 0
    """Draws the split, where none is given."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="INT")] = None
    """Processes that read videos; default: one for each processor."""
    retry: bool = False
    """Read the videos again that could not be read before."""
    json: bool = False
    """Print one JSON object a line for each clip, then one with the summary."""


def run(options: Options) -> int:
    """Preprocesses, prints what became of the videos; 1 when some could not be read."""
    from pipeline.clips.listing_options import ListingOptions
    from pipeline.clips.preprocess import preprocess

    started = time.monotonic()
    result = preprocess(
        options.videos,
        options.out,
        spec=ClipSpec(
            num_frames=options.num_frames,
            image_size=options.image_size,
            fit=options.fit,
            fill_rgb=options.fill_rgb,
        ),
        clip_rule=ClipRule(
            oversample=options.oversample,
            damaged=options.damaged,
            window_seconds=options.window_seconds,
            stride_seconds=options.stride_seconds,
        ),
        listing=ListingOptions(
            input_format=options.input_format,
            list_number=options.list_number,
            class_names=options.class_names,
            root=options.root,
            allow_outside=options.allow_outside,
            frame_rate=options.frame_rate,
            groups=options.groups,
            group_column=options.group_column,
            group_regex=options.group_regex,
        ),
        regroup=options.regroup,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
        seed=options.seed,
        num_workers=options.workers,
        retry=options.retry,
        say=say,
        show_progress=sys.stderr.isatty() or not options.json,
    )
    seconds = time.monotonic() - started
    for note in result.notes:
        say(f"note: {note}")
    if options.json:
        _print_json(result, seconds)
    else:
        _print_human(result, seconds)
    failed = result.summary.failed
    if failed:
        what = (
            "videos gave no clip"
            if result.store.manifest["clip_rule"]["window_seconds"] is None
            else "clips failed"
        )
        say(
            f"{len(failed)} of {len(result.store.clips) - len(result.summary.skipped)} {what}: "
            "they are listed as unreadable, each with its reason. After mending them run the same command "
            "again (with --retry where the file itself did not change)."
        )
    return 1 if failed else 0


def _print_human(result: "PreprocessResult", seconds: float) -> None:
    store, summary = result.store, result.summary
    spec = store.spec
    print(f"{spec.num_frames} frames of {spec.image_size}x{spec.image_size}, {spec.fit}")
    print()
    rows: list[list[object]] = [
        [label, *counts.values(), sum(counts.values())] for label, counts in summary.counts.items()
    ]
    columns = zip(*(counts.values() for counts in summary.counts.values()), strict=True)
    totals = [sum(column) for column in columns]
    rows.append(["all classes", *totals, sum(totals)])
    print_table(rows, header=["clips", "train", "val", "test", "all"])
    print()
    print(f"read as     {result.listed.read_as}")
    print(f"split       {_split(result)}")
    print(f"groups      {_groups(result)}")
    print(f"damaged     {len(summary.damaged)} (their clips are used)")
    print_table([[clip.path, clip.reason] for clip in summary.damaged], indent="  ")
    print(f"unreadable  {len(summary.failed)}")
    print_table([[clip.path, clip.reason] for clip in summary.failed], indent="  ")
    if summary.skipped:
        print(f"skipped     {len(summary.skipped)} (no longer listed; kept, not used)")
    print(f"identical   {len(summary.identical)} sets of files with the same bytes")
    print_table([_shared_row(shared) for shared in summary.identical], indent="  ")
    if summary.shared_groups:
        named = [shared for shared in summary.shared_groups if not shared.what.startswith("sha256:")]
        across = len(summary.shared_groups) - len(named)
        is_given = store.manifest["split"]["origin"] != "made"
        remedy = " (--regroup makes another split, without them)" if is_given else ""
        print(
            f"shared      {len(named)} groups and {across} identical files stand on more than one side"
            f"{remedy}"
        )
        shown = [[shared.what, f"{len(shared.clips)} clips", " + ".join(shared.splits)] for shared in named]
        print_table(shown, indent="  ")
    print(f"time        {seconds:.1f} s ({result.num_read} read, {result.num_unchanged} unchanged)")
    print(f"store       {store.folder}")


def _split(result: "PreprocessResult") -> str:
    rule = result.store.manifest["split"]
    if rule["regroup"]:
        return "made here; the given one is set aside (--regroup)"
    by = {"csv": "the CSV", "folders": "the folders", "lists": "the lists"}
    return f"given by {by[rule['origin']]}" if rule["origin"] in by else "made here"


def _groups(result: "PreprocessResult") -> str:
    grouping = result.store.manifest["split"]["grouping"]
    if not grouping:
        return "none given: files are taken to be independent unless their bytes are identical"
    given = {source.group for source in result.listed.sources if source.group}
    alone = sum(not source.group for source in result.listed.sources)
    others = f", and {alone} videos that stand alone" if alone else ""
    return f"{len(given)} by {grouping}{others}"


def _shared_row(shared: "Shared") -> list[object]:
    loud = [f"ON BOTH SIDES: {' + '.join(shared.splits)}"] if len(shared.splits) > 1 else []
    labels = sorted({clip.label for clip in shared.clips})
    loud += [f"DIFFERENT LABELS: {', '.join(labels)}"] if len(labels) > 1 else []
    return [" = ".join(clip.path for clip in shared.clips), "; ".join(loud)]


def _print_json(result: "PreprocessResult", seconds: float) -> None:
    for clip in result.store.clips:
        names = ("id", "path", "label", "split", "group", "status", "reason")
        print_json({"kind": "clip"} | {name: getattr(clip, name) for name in names})
    summary = result.summary
    print_json(
        {
            "kind": "summary",
            "store": str(result.store.folder),
            "input_format": result.listed.input_format,
            "read_as": result.listed.read_as,
            "split": result.store.manifest["split"],
            "counts": summary.counts,
            "damaged": len(summary.damaged),
            "failed": len(summary.failed),
            "skipped": len(summary.skipped),
            "identical": [[clip.path for clip in shared.clips] for shared in summary.identical],
            "shared_groups": {shared.what: list(shared.splits) for shared in summary.shared_groups},
            "notes": list(result.notes),
            "read": result.num_read,
            "unchanged": result.num_unchanged,
            "seconds": round(seconds, 3),
        }
    )
