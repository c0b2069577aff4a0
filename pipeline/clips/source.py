"""One labelled video, or a part of it, that is to become a clip; and the list of all of them."""

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.clips.clip import Split
from pipeline.labels import Labels
from pipeline.video.parts import Part

# fmt: off
VIDEO_EXTENSIONS = frozenset({
    ".mp4", ".m4v", ".mov", ".qt", ".mkv", ".webm", ".avi", ".divx", ".mpg", ".mpeg", ".m2v", ".ts", ".mts",
    ".m2ts", ".vob", ".flv", ".f4v", ".wmv", ".asf", ".3gp", ".3g2", ".ogv", ".ogg", ".h264", ".264", ".h265",
    ".265", ".hevc", ".mjpeg", ".mjpg", ".gif",
})
IMAGE_EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
# fmt: on

InputFormat = Literal["folders", "csv", "ucf101", "kinetics", "list"]
SplitOrigin = Literal["made", "csv", "folders", "lists", "file"]


def is_video(name: str) -> bool:
    """Whether a file's name says that it is a video, in any case of its extension; hidden files are none."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in VIDEO_EXTENSIONS  # noqa: PTH122


def is_frame_image(name: str) -> bool:
    """Whether a file's name says that it is an image that can be a frame."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in IMAGE_EXTENSIONS  # noqa: PTH122


@dataclass(frozen=True, kw_only=True)
class Source:
    """One clip to make: which video, which part of it, and what its owner says about it.

    Attributes:
        path: as the table names it: with forward slashes, relative to the folder or CSV where it can be.
        location: where the video lies on this machine.
        label: the class.
        split: as given; None: to be made.
        group: as given; "": none.
        start_seconds: start of the range; None: the beginning.
        end_seconds: end of the range; None: the end.
        frame_rate: of a folder of frame images; None for a video file.
    """

    path: str
    location: str
    label: str
    split: Split | None = None
    group: str = ""
    start_seconds: float | None = None
    end_seconds: float | None = None
    frame_rate: float | None = None

    @property
    def id(self) -> str:
        """A readable name that only this path and range have, and that every file system takes."""
        return clip_id(self, Part(start_seconds=self.start_seconds, end_seconds=self.end_seconds))


def clip_id(source: Source, part: Part) -> str:
    """The id of a clip: of the source itself, or of a window of it."""
    identity = os.fsencode(source.path)
    ranges = [(source.start_seconds, source.end_seconds), (part.start_seconds, part.end_seconds)]
    if ranges[0] == ranges[1]:
        ranges.pop()
    for start_seconds, end_seconds in ranges:
        if len(ranges) > 1 or start_seconds is not None or end_seconds is not None:
            identity += f"\0{start_seconds!r}\0{end_seconds!r}".encode()
    parts = source.path.rsplit("/", 2)[-2:]
    stem = "-".join([*parts[:-1], parts[-1].rsplit(".", 1)[0]]).lower()
    readable = re.sub(r"[^a-z0-9_]+", "-", stem).strip("-")[-40:].strip("-") or "clip"
    return f"{readable}-{hashlib.sha256(identity).hexdigest()[:12]}"


@dataclass(frozen=True, kw_only=True)
class SourceList:
    """All clips to make.

    Attributes:
        sources: sorted by path, no two alike.
        input_format: how the input was read.
        read_as: the same in words, with what was found.
        root: the folder that the paths are relative to.
        split_origin: who said which clip is on which side: the CSV, the folders, lists, or nobody ("made").
        list_number: which of numbered lists was taken; None: there are none.
        grouping: what the groups come from, such as "column camera"; "": there are none.
        notes: what was left out and why, for people.
    """

    sources: tuple[Source, ...]
    input_format: InputFormat
    read_as: str
    root: Path
    split_origin: SplitOrigin
    list_number: int | None = None
    grouping: str = ""
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> Labels:
        """The classes, in the order of class_index."""
        return Labels.from_names(source.label for source in self.sources)


def sorted_sources(sources: Iterable[Source]) -> tuple[Source, ...]:
    """In the order of the table: by path, and the ranges of one video by their start."""
    return tuple(sorted(sources, key=lambda it: (os.fsencode(it.path), it.start_seconds or 0.0, it.id)))
