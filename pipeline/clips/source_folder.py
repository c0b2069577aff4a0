"""Videos in class folders: what counts as a video, and what its folders say about it."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.clips.clip import SPLITS
from pipeline.clips.source import Source, SourceList, is_frame_image, is_video
from pipeline.errors import MachineError, UsageError
from pipeline.labels import normalise_label

_LAYOUT = (
    "Put each video into a folder named after its class: VIDEOS/<class>/video.mp4, or "
    "VIDEOS/train/<class>/video.mp4 with val/ and test/ beside train/."
)


@dataclass
class _Found:
    """What a walk meets: videos as tuples of folder names, and counts of the rest."""

    videos: list[tuple[str, ...]] = field(default_factory=list)
    frame_folders: list[tuple[str, ...]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def list_folder(folder: Path, *, frame_rate: float | None) -> SourceList:
    """Lists the videos below class folders; the layouts are in `sources`.

    Raises:
        UsageError: no videos, or a layout that can be read in two ways.
        MachineError: a folder cannot be read.
    """
    found = _Found()
    for parts, names in _walk(str(folder), (), ()):
        _sort_out(parts, names, found)
    clips = found.videos + (found.frame_folders if frame_rate is not None else [])
    if not clips:
        if found.frame_folders:
            raise UsageError(
                f"{folder} has no videos but {len(found.frame_folders)} folders of frame images, such as "
                f"{'/'.join(found.frame_folders[0])}. Say how many frames a second they are: --frame-rate 25."
            )
        raise UsageError(f"{folder} has no videos in class folders{_but(found)}. {_LAYOUT}")
    depth = _label_depth(folder, clips)
    outside = [parts for parts in clips if len(parts) <= depth + 1]
    found.ignored["videos outside class folders"] += len(outside)
    frame_folders = set(found.frame_folders)
    sources = [
        Source(
            path="/".join(parts),
            location=os.path.join(folder, *parts),  # noqa: PTH118 - names may not be UTF-8
            label=_label(folder, parts[depth]),
            split=next((split for split in SPLITS if depth and split == parts[0]), None),
            frame_rate=frame_rate if parts in frame_folders else None,
        )
        for parts in clips
        if len(parts) > depth + 1
    ]
    if not sources:
        raise UsageError(f"{folder} has no videos in class folders{_but(found)}. {_LAYOUT}")
    notes = [f"left out: {_counts(found.ignored)}."] if found.ignored.total() else []
    if found.frame_folders and frame_rate is None:
        notes.append(
            f"left out: {len(found.frame_folders)} folders of frame images, such as "
            f"{'/'.join(found.frame_folders[0])}: they need --frame-rate."
        )
    return SourceList(
        sources=tuple(sorted(sources, key=lambda source: os.fsencode(source.path))),
        split_origin="folders" if depth else "made",
        has_groups=False,
        notes=tuple(notes),
    )


def videos_below(folder: Path, *, frame_folders: bool) -> list[str]:
    """The videos in a folder and the folders below it, sorted by name; with folders of frame images or not.

    Raises:
        MachineError: a folder cannot be read.
    """
    found = _Found()
    for parts, names in _walk(str(folder), (), ()):
        _sort_out(parts, names, found, min_depth=0)
    parts_of_all = found.videos + (found.frame_folders if frame_folders else [])
    paths = [os.path.join(folder, *parts) for parts in parts_of_all]  # noqa: PTH118 - may not be UTF-8
    return sorted(paths, key=os.fsencode)


def _walk(
    folder: str, parts: tuple[str, ...], ancestors: tuple[tuple[int, int], ...]
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yields each folder's files, in order of names; a link back to a folder we are in ends there."""
    try:
        status = os.stat(folder)  # noqa: PTH116
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise MachineError(f"cannot read the folder {folder}: {error.strerror or error}.") from error
    identity = (status.st_dev, status.st_ino)
    if identity in ancestors:
        return
    yield parts, [entry.name for entry in entries if not entry.is_dir()]
    for entry in entries:
        if entry.is_dir() and not entry.name.startswith("."):
            yield from _walk(entry.path, (*parts, entry.name), (*ancestors, identity))


def _sort_out(parts: tuple[str, ...], names: list[str], found: _Found, *, min_depth: int = 2) -> None:
    """Counts a folder's files; frames make a video where they lie `min_depth` folders down (class, video)."""
    visible = [name for name in names if not name.startswith(".")]
    videos = [name for name in visible if is_video(name)]
    images = [name for name in visible if is_frame_image(name)]
    found.videos += [(*parts, name) for name in videos]
    if images and not videos and len(parts) >= min_depth:
        found.frame_folders.append(parts)
    else:
        found.ignored["images"] += len(images)
    found.ignored["hidden files"] += len(names) - len(visible)
    found.ignored["other files"] += len(visible) - len(videos) - len(images)


def _label_depth(folder: Path, clips: list[tuple[str, ...]]) -> int:
    """How many folders stand above the class folders: 1 with train/ val/ test/, otherwise 0."""
    tops = {parts[0] for parts in clips if len(parts) > 1}
    splits, others = tops.intersection(SPLITS), tops.difference(SPLITS)
    if "train" not in splits or len(splits) < 2:
        return 0
    if others:
        raise UsageError(
            f"{folder} has {' and '.join(sorted(splits))} beside {', '.join(sorted(others)[:5])}: are these "
            "splits or classes? Allowed split folders: train, val, test, with nothing else beside them. "
            "Rename or move folders, or list the videos in a CSV."
        )
    return 1


def _label(folder: Path, name: str) -> str:
    label = normalise_label(name)
    try:
        label.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{folder} has a class folder whose name is not UTF-8 text: {name!r}. Rename it."
        ) from None
    return label


def _but(found: _Found) -> str:
    return f" (it has {_counts(found.ignored)})" if found.ignored.total() else ""


def _counts(ignored: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in ignored.items() if count)
