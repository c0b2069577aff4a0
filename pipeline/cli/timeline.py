"""Find out what happens when in a recording, however long.

The video is cut into windows as long as the training clips; each frame is decoded and embedded once, however
many windows share it. What the windows say becomes segments with start, end, label and confidence, printed as
soon as they are certain. Stretches that cannot be read are named; the rest goes on.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.inference.classifier import Classifier
    from pipeline.inference.segment import Segment
    from pipeline.inference.timeline import Timeline
    from pipeline.report.timeline_windows import WindowSeries

_ENDINGS = {"webvtt": ".vtt", "picture": ".png", "render": ".mp4"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise timeline`."""

    video: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="VIDEO")]
    """The recording: one video file."""
    model: Path
    """Run folder, or a .safetensors file."""
    window_seconds: float | None = None
    """Length of a window. Default: the median of the training clips, changed by up to 5 % so that windows
    share their frames."""
    stride_seconds: float | None = None
    """From the start of one window to the start of the next, at most a window. Default: half a window."""
    min_seconds: float = 0.0
    """No segment shorter than this (but the first and the last, which the recording may have cut)."""
    change_cost: float | None = None
    """What a change of the label costs, in log-probability of one window's length: more makes fewer, longer
    segments; 0 takes each window by itself. Default: what did best on recordings of known content."""
    threshold: float | None = None
    """Call a stretch unsure where the best label's probability is below this. Default: the threshold that
    training chose, if the validation clips showed one."""
    webvtt: Annotated[Path | None, tyro.conf.arg(metavar="FILE.vtt")] = None
    """Write the segments as WebVTT too: subtitles or chapters for players."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE.png")] = None
    """Draw the whole recording at a glance."""
    render: Annotated[Path | None, tyro.conf.arg(metavar="FILE.mp4")] = None
    """Write the video again, with the label and a timeline bar under the picture (without sound)."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the model runs."""
    runtime: Literal["auto", "torch", "onnx"] = "auto"
    """What runs the backbone. auto: ONNX Runtime on a CPU where it is installed, else torch."""
    csv: bool = False
    """Print CSV: a row for each segment, with the probabilities of all labels."""
    json: bool = False
    """Print one JSON object for each segment."""

    def __post_init__(self) -> None:
        if self.csv and self.json:
            raise UsageError("--csv and --json are both given; choose one.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"--threshold is {self.threshold}; allowed: 0 to 1.")
        for name, ending in _ENDINGS.items():
            path: Path | None = getattr(self, name)
            if path is not None and path.suffix.lower() != ending:
                raise UsageError(f"--{name} {path}: give a name that ends in {ending}.")


def run(options: Options) -> int:
    """Reads, prints, draws; 1 if a part of the recording could not be read."""
    from pipeline.cli.progress import video_bar
    from pipeline.inference.segments import CHANGE_COST, SegmentRule
    from pipeline.report.timeline_windows import WindowSeries
    from pipeline.video.parts import check_windows

    check_windows(options.window_seconds, options.stride_seconds)
    cost = CHANGE_COST if options.change_cost is None else options.change_cost
    rule = SegmentRule(change_cost=cost, min_seconds=options.min_seconds)
    _check_video(options.video)
    _check_outputs(options)
    classifier = _load(options)
    labels, series = list(classifier.labels), WindowSeries(len(classifier.labels))
    segments: list[Segment] = []
    with video_bar() as bar:
        timeline = classifier.timeline(
            options.video,
            window_seconds=options.window_seconds,
            stride_seconds=options.stride_seconds,
            rule=rule,
            on_window=lambda answer: series.add(answer.centre_seconds, answer.probabilities),
            on_progress=lambda: bar.show(
                timeline.position_seconds, timeline.expected_seconds, waits=timeline.waits
            ),
        )
        with timeline:
            for segment in timeline:
                with bar.hidden():
                    _print(segment, options, labels, timeline.path, is_first=not segments)
                segments.append(segment)
        bar.show(timeline.position_seconds, timeline.expected_seconds, waits=False)
    _say_what_was_read(timeline)
    _write(options, timeline, segments, labels, series)
    return 1 if timeline.num_failed or timeline.num_missing or timeline.error else 0


def _check_video(path: Path) -> None:
    """A slip of the finger is told of before torch is loaded; whether it is a video shows when it is read."""
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder; a timeline is of one recording. Name one video file, or let `clipwise "
            "classify` give each video of the folder one answer."
        )
    if not os.path.lexists(path):
        raise UsageError(f"{path} does not exist; name one video file.")


def _load(options: Options) -> "Classifier":
    from pipeline.cli.output import say
    from pipeline.inference.classifier import load
    from pipeline.model.device import choose_device

    classifier = load(
        options.model,
        device=choose_device(options.device),
        runtime=options.runtime,
        threshold=options.threshold,
    )
    say(f"classifying on {classifier.runtime_words}")
    return classifier


def _check_outputs(options: Options) -> None:
    """Folders that cannot be made are told of before an hour of video is read."""
    from pipeline.files import make_folder

    if options.render is not None and options.render.resolve() == options.video.resolve():
        raise UsageError(f"--render {options.render} is the video itself; give another name.")
    for name in _ENDINGS:
        path: Path | None = getattr(options, name)
        if path is not None:
            make_folder(path.parent)


def _print(segment: "Segment", options: Options, labels: Sequence[str], path: str, *, is_first: bool) -> None:
    from pipeline.cli.output import print_json
    from pipeline.report.timeline_text import clock, csv_header, csv_row, shown_label

    values = segment.to_dict()
    if options.json:
        print_json({"path": path, **values})
    elif options.csv:
        print((csv_header(labels) if is_first else "") + csv_row(values, labels), end="")
    else:
        if is_first:
            print(f"{'start':>10}  {'end':>10}  {'confidence':>10}  label")
        times = f"{clock(segment.start_seconds):>10}  {clock(segment.end_seconds):>10}"
        confidence = f"{segment.confidence:.3f}" if segment.status == "ok" else ""
        print(f"{times}  {confidence:>10}  {shown_label(values)}{'  unsure' if segment.unsure else ''}")
    sys.stdout.flush()  # whoever reads on has it now, not in an hour


def _say_what_was_read(timeline: "Timeline") -> None:
    from pipeline.cli.output import say
    from pipeline.report.timeline_text import clock

    read = f"{timeline.path}: {clock(timeline.expected_seconds)} of video"
    windows = f"{timeline.window_seconds:g} s long, {timeline.stride_seconds:g} s apart"
    say(f"{read} in {_windows(timeline.num_windows)}, {windows}")
    if timeline.num_windows == 1 and not timeline.error:
        say(
            "warning: the whole video is one window; for segments it must be longer, or --window-seconds less"
        )
    if timeline.damage:
        say(f"warning: {timeline.path}: the video is damaged: {timeline.damage}")
    if timeline.num_failed:
        count = f"{timeline.num_failed} of {_windows(timeline.num_windows)}"
        say(f"error: {timeline.path}: {count} could not be read; the table says when and why")
    if timeline.error:
        say(f"error: {timeline.path}: {timeline.error}")


def _windows(number: int) -> str:
    return f"{number} window{'s' * (number != 1)}"


def _write(
    options: Options,
    timeline: "Timeline",
    segments: "Sequence[Segment]",
    labels: Sequence[str],
    series: "WindowSeries",
) -> None:
    """The files that were asked for."""
    from pipeline.cli.output import say
    from pipeline.files import write_text
    from pipeline.report.words import one_line

    title = one_line(os.path.basename(timeline.path))  # noqa: PTH119 - may not be UTF-8
    values = [segment.to_dict() for segment in segments]
    if options.webvtt is not None:
        from pipeline.report.timeline_text import webvtt

        write_text(options.webvtt, webvtt(values, title=title))
        say(f"WebVTT: {options.webvtt}")
    if options.picture is not None:
        from pipeline.report.timeline_picture import write_timeline_picture

        write_timeline_picture(
            options.picture, segments=values, labels=labels, windows=series, title=title, note=timeline.damage
        )
        say(f"picture: {options.picture}")
    if options.render is not None and timeline.error:
        say(f"error: {options.render} was not written: the video cannot be read to its end")
    elif options.render is not None:
        from pipeline.cli.progress import video_bar
        from pipeline.report.timeline_video import render_timeline

        with video_bar("rendering") as bar:
            render_timeline(
                options.render,
                timeline.path,
                segments=values,
                labels=labels,
                size_wh=timeline.size_wh,
                frame_rate=timeline.frame_rate,
                on_progress=lambda seconds: bar.show(seconds, timeline.expected_seconds, waits=False),
            )
        say(f"video: {options.render}")
