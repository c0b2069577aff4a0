"""Videos in class folders: what their folders say about them."""

import os
from collections import Counter
from pathlib import Path

from pipeline.clips.clip import SPLITS
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.source import Source, SourceList, sorted_sources
from pipeline.clips.walk import Found, walk
from pipeline.errors import UsageError
from pipeline.labels import normalise_label

_LAYOUT = (
    "Put each video into a folder named after its class: VIDEOS/<class>/video.mp4, or "
    "VIDEOS/train/<class>/video.mp4 with val/ and test/ beside train/."
)


def list_folder(folder: Path, options: ListingOptions) -> SourceList:
    """Lists the videos below class folders; the layouts are in `sources`.

    Raises:
        UsageError: no videos, or a layout that can be read in two ways.
        MachineError: a folder cannot be read.
    """
    frame_rate = options.frame_rate
    found = walk(folder, allow_outside=options.allow_outside)
    clips = found.videos + (found.frame_folders if frame_rate is not None else [])
    if not clips:
        if found.frame_folders:
            raise UsageError(
                f"{folder} has no videos but {len(found.frame_folders)} folders of frame images, such as "
                f"{'/'.join(found.frame_folders[0])}. Say how many frames a second they are: --frame-rate 25."
            )
        raise UsageError(f"{folder} has no videos in class folders{_but(found)}. {_LAYOUT}")
    depth = _label_depth(folder, clips)
    _check_no_class_leads_out(folder, found, depth)
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
    if found.outside:
        notes.append(found.outside_note)
    tops = [split for split in SPLITS if any(source.split == split for source in sources)]
    return SourceList(
        sources=sorted_sources(sources),
        input_format="folders",
        read_as=f"class folders in {', '.join(tops)}" if depth else "class folders",
        root=folder,
        split_origin="folders" if depth else "made",
        notes=tuple(notes),
    )


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


def _check_no_class_leads_out(folder: Path, found: Found, depth: int) -> None:
    """A video that leads out is left out; a class or a split that does is asked about."""
    for name, target in found.outside:
        if name.count("/") <= depth and os.path.isdir(target):  # noqa: PTH112 - may not be UTF-8
            raise UsageError(
                f"{name} in {folder} is a link to {target}, outside of it: without it the classes would be "
                "others. Take what lies outside too with --allow-outside, or remove the link."
            )


def _label(folder: Path, name: str) -> str:
    label = normalise_label(name)
    try:
        label.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"{folder} has a class folder whose name is not UTF-8 text: {name!r}. Rename it."
        ) from None
    return label


def _but(found: Found) -> str:
    if found.outside:
        name, target = found.outside[0]
        return (
            f" (it has {len(found.outside)} links that lead out of it, such as {name} to {target}; "
            "--allow-outside takes them)"
        )
    return f" (it has {_counts(found.ignored)})" if found.ignored.total() else ""


def _counts(ignored: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in ignored.items() if count)
