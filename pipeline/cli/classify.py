"""Classify videos, and show which frames counted.

One line a video: its most probable labels with their probabilities, `unsure` if the first is below the
model's threshold, then for each frame its time and its share of the attention; with --json one object a line.
A video that cannot be read does not stop the others.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.inference.classification import Classification


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise classify`."""

    videos: tyro.conf.Positional[tuple[Path, ...]]
    """Video files, and folders of them."""
    model: Path
    """Run folder, or a .safetensors file."""
    top_k: int = 1
    """How many labels to show for each video, most probable first."""
    picture: Path | None = None
    """Draw the film strip with the attention under it: a PNG file, or a folder for several videos."""
    threshold: float | None = None
    """Call an answer unsure if its probability is below this. Default: the threshold that training chose, if
    the validation clips showed one."""
    frame_rate: float | None = None
    """Take folders of frame images as videos, at this many frames a second."""
    workers: int = 1
    """Processes that read videos ahead."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the model runs."""
    runtime: Literal["auto", "torch", "onnx"] = "auto"
    """What runs the backbone. auto: ONNX Runtime on a CPU where it is installed, else torch."""
    json: bool = False
    """Print one JSON object for each video."""

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise UsageError(f"--top-k is {self.top_k}; allowed: 1 or more.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"--threshold is {self.threshold}; allowed: 0 to 1.")
        if self.workers < 1:
            raise UsageError(f"--workers is {self.workers}; allowed: 1 or more.")
        if self.frame_rate is not None and not 0 < self.frame_rate < float("inf"):
            raise UsageError(f"--frame-rate is {self.frame_rate}; allowed: more than 0.")


def run(options: Options) -> int:
    """Classifies, prints; 1 if a video failed."""
    from pipeline.cli.output import print_json, say
    from pipeline.inference.classifier import load
    from pipeline.model.device import choose_device

    videos = _videos(options)
    pictures = _Pictures(options.picture, several=len(videos) > 1) if options.picture else None
    classifier = load(
        options.model,
        device=choose_device(options.device),
        runtime=options.runtime,
        threshold=options.threshold,
    )
    say(f"classifying on {classifier.runtime_words}")
    failed = 0
    results = classifier.classify_many(
        videos, frame_rate=options.frame_rate, num_workers=min(options.workers, len(videos))
    )
    for result in results:
        if options.json:
            print_json(result.to_dict())
        else:
            _print(result, options, detailed=len(videos) == 1)
        for warning in result.warnings:
            say(f"warning: {result.path}: {warning}")
        if result.status == "failed":
            failed += 1
            say(f"error: {result.path}: {result.error}")
        elif pictures is not None:
            say(f"picture: {pictures.draw(result)}")
    if failed and len(videos) > 1:
        say(f"{failed} of {len(videos)} videos could not be classified")
    return 1 if failed else 0


def _videos(options: Options) -> list[str]:
    from pipeline.inference.inputs import list_videos

    if not options.videos:
        raise UsageError("no videos were given; name video files or folders of them.")
    return list_videos(options.videos, frame_rate=options.frame_rate)


def _print(result: "Classification", options: Options, *, detailed: bool) -> None:
    from pipeline.report.terminal import terminal_bars
    from pipeline.report.words import one_line

    name = one_line(result.path)
    if result.status == "failed":
        print(f"{name}\tfailed\t{one_line(result.error or '')}")
        return
    shown = "\t".join(f"{label}\t{probability:.3f}" for label, probability in result.top(options.top_k))
    shown += "\tunsure" if result.unsure else ""
    if not detailed:
        frames = " ".join(
            f"{frame.time_seconds:.2f}s:{100 * frame.attention_weight:.0f}%" for frame in result.frames
        )
        print(f"{name}\t{shown}\tattention {frames}")
    else:
        print(f"{name}\t{shown}")
        bars = terminal_bars(
            probabilities=result.probabilities,
            times_seconds=[frame.time_seconds for frame in result.frames],
            attention_weights=[frame.attention_weight for frame in result.frames],
        )
        print(bars, end="")


class _Pictures:
    """Film strips of classified videos: one file, or a file for each video in a folder."""

    def __init__(self, path: Path, *, several: bool) -> None:
        from pipeline.files import make_folder

        self._path = path
        self._is_folder = several or path.is_dir()
        self._taken: set[str] = set()
        if self._is_folder and path.suffix.lower() == ".png" and not path.is_dir():
            raise UsageError(f"--picture {path} is one file, but there are several videos: give a folder.")
        if not self._is_folder and path.suffix.lower() != ".png":
            raise UsageError(f"--picture {path}: pictures are PNG files; give a name that ends in .png.")
        make_folder(path if self._is_folder else path.parent)

    def draw(self, result: "Classification") -> Path:
        """Draws one result; returns where."""
        from pipeline.report.film_strip import write_film_strip

        assert result.images is not None  # noqa: S101 - only failed results have none
        path = self._path / self._name(result.path) if self._is_folder else self._path
        write_film_strip(
            path,
            frames=result.images,
            times_seconds=[frame.time_seconds for frame in result.frames],
            attention_weights=[frame.attention_weight for frame in result.frames],
            title=os.path.basename(result.path),  # noqa: PTH119 - may not be UTF-8
            probabilities=result.probabilities,
            note="; ".join(result.warnings),
        )
        return path

    def _name(self, video: str) -> str:
        """A file name of its own: that of the video, with a number where two are named alike."""
        from pipeline.report.words import one_line

        stem = one_line(Path(video).name)  # no line feed, no terminal code in the picture's name
        name, number = f"{stem}.png", 2
        while name in self._taken:
            name, number = f"{stem}-{number}.png", number + 1
        self._taken.add(name)
        return name
