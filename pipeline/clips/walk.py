"""A walk through a folder of videos: what is a video, a folder of frames, or none of them."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.clips.location import Fence
from pipeline.clips.source import is_frame_image, is_video
from pipeline.errors import MachineError

LIST_SUFFIXES = frozenset({".csv", ".txt", ".list", ".lst"})


@dataclass
class Found:
    """What a walk meets: videos as tuples of folder names, and counts of the rest.

    Attributes:
        videos: files with the name of a video.
        frame_folders: folders of frame images without videos.
        ignored: how many files of other kinds.
        outside: links that lead out of the folder and were not followed, with where they lead.
    """

    videos: list[tuple[str, ...]] = field(default_factory=list)
    frame_folders: list[tuple[str, ...]] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    outside: list[tuple[str, str]] = field(default_factory=list)

    @property
    def outside_note(self) -> str:
        """What to say of links that were not followed."""
        name, target = self.outside[0]
        return (
            f"left out: {len(self.outside)} links that lead out of the folder, such as {name} (to {target}): "
            "they need --allow-outside."
        )


def walk(folder: Path, *, allow_outside: bool, min_depth: int = 2) -> Found:
    """Walks through a folder, in order of names; a link back to a folder we are in ends there.

    Args:
        folder: where to begin.
        allow_outside: follow links that lead out of it.
        min_depth: how many folders down (class, video) images are the frames of a video.

    Raises:
        MachineError: a folder cannot be read.
    """
    found = Found()
    for parts, names in _walk(str(folder), (), (), found, Fence(folder, allow_outside)):
        _sort_out(parts, names, found, min_depth=min_depth)
    # The reader lists a folder of frames by itself: one image from elsewhere and the folder is left out.
    opened = {tuple(name.split("/")[:-1]) for name, _ in found.outside if is_frame_image(name.split("/")[-1])}
    found.frame_folders = [parts for parts in found.frame_folders if parts not in opened]
    return found


def list_files(folder: Path) -> list[Path]:
    """Files that may list videos (.csv, .txt, .list), in a folder and in the folders in it, sorted by name.

    What is hidden is left out, and what a link brings in from outside.

    Raises:
        MachineError: a folder cannot be read.
    """
    fence, found = Fence(folder), []
    top = _visible(folder, fence)
    for level in (top, *(_visible(Path(it.path), fence) for it in top if _is_folder(it))):
        found += [
            Path(it.path) for it in level if _is_file(it) and Path(it.name).suffix.lower() in LIST_SUFFIXES
        ]
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or leads to one; a link to itself is taken for a file, which fails when read."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _visible(folder: Path, fence: Fence) -> list[os.DirEntry[str]]:
    try:
        entries = [entry for entry in os.scandir(folder) if not entry.name.startswith(".")]
    except OSError as error:
        raise MachineError(f"cannot read the folder {folder}: {error.strerror or error}.") from error
    inside = [it for it in entries if not it.is_symlink() or fence.target_outside(it.path) is None]
    return sorted(inside, key=lambda entry: os.fsencode(entry.name))


def videos_below(folder: Path, *, frame_folders: bool) -> list[str]:
    """The videos in a folder and the folders below it, sorted by name; with folders of frame images or not.

    For videos that a person names one by one or by their folder: links are followed wherever they lead.

    Raises:
        MachineError: a folder cannot be read.
    """
    found = walk(folder, allow_outside=True, min_depth=0)
    parts_of_all = found.videos + (found.frame_folders if frame_folders else [])
    paths = [os.path.join(folder, *parts) for parts in parts_of_all]  # noqa: PTH118 - may not be UTF-8
    return sorted(paths, key=os.fsencode)


def _walk(
    folder: str,
    parts: tuple[str, ...],
    ancestors: tuple[tuple[int, int], ...],
    found: Found,
    fence: Fence,
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yields each folder's files; links that lead out of the fence go to `found`."""
    try:
        status = os.stat(folder)  # noqa: PTH116
        entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise MachineError(f"cannot read the folder {folder}: {error.strerror or error}.") from error
    identity = (status.st_dev, status.st_ino)
    if identity in ancestors:
        return
    entries = [entry for entry in entries if not _leads_out(entry, parts, found, fence)]
    yield parts, [entry.name for entry in entries if not _is_folder(entry)]
    for entry in entries:
        if _is_folder(entry) and not entry.name.startswith("."):
            yield from _walk(entry.path, (*parts, entry.name), (*ancestors, identity), found, fence)


def _leads_out(entry: os.DirEntry[str], parts: tuple[str, ...], found: Found, fence: Fence) -> bool:
    if entry.name.startswith(".") or not entry.is_symlink():
        return False
    target = fence.target_outside(entry.path)
    if target is not None:
        found.outside.append(("/".join((*parts, entry.name)), target))
    return target is not None


def _sort_out(parts: tuple[str, ...], names: list[str], found: Found, *, min_depth: int) -> None:
    """Counts a folder's files."""
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
