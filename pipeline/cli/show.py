"""Draw one clip of a store as it is: its frames in order with their times, its label and split.

ID is the clip's id, an unambiguous beginning of it, or the path of its video as in clips.csv.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.clips.clip import Clip


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise show`."""

    clips: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="CLIPS")]
    """The clip store."""
    id: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ID")]
    """Which clip: its id, the beginning of its id, or the path of its video."""
    out: Annotated[Path, tyro.conf.arg(metavar="clip.png")]
    """The picture to write."""

    def __post_init__(self) -> None:
        if self.out.suffix.lower() != ".png":
            raise UsageError(f"--out {self.out}: pictures are PNG files; give a name that ends in .png.")


def run(options: Options) -> int:
    """Draws, says where."""
    from pipeline.cli.output import say
    from pipeline.clips.lookup import find_clip
    from pipeline.clips.store import ClipStore
    from pipeline.report.film_strip import write_clip_strip

    store = ClipStore.open(options.clips)
    store.check_frames("A picture shows")
    clip = find_clip(store, options.id)
    write_clip_strip(
        options.out,
        frames=store.frames(clip),
        times_seconds=clip.frame_times_seconds,
        label=clip.label,
        lines=_lines(clip),
        note="" if clip.status == "ok" else f"{clip.status}: {clip.reason}",
    )
    say(f"{clip.path} ({clip.id}) is drawn in {options.out}")
    return 0


def _lines(clip: "Clip") -> list[str]:
    """What is known of the clip: where it came from, where it stands, what its video is like."""
    known = [
        clip.split,
        "" if clip.width is None or clip.height is None else f"{clip.width}x{clip.height}",
        "" if clip.frame_rate is None else f"{clip.frame_rate:.2f} frames/s",
        "" if clip.num_frames is None else f"{clip.num_frames} frames",
        "" if clip.duration_seconds is None else f"{clip.duration_seconds:.2f} s",
        _range(clip),
        f"group {clip.group}" if not clip.group.startswith(("sha256:", "path:")) else "",
        clip.id,
    ]
    return [clip.path, "   ".join(filter(None, known))]


def _range(clip: "Clip") -> str:
    if clip.start_seconds is None and clip.end_seconds is None:
        return ""
    start = "the start" if clip.start_seconds is None else f"{clip.start_seconds:g} s"
    end = "the end" if clip.end_seconds is None else f"{clip.end_seconds:g} s"
    return f"from {start} to {end}"
