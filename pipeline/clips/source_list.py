"""Videos in lists of a path and a label, as MMAction2, SlowFast and PyTorchVideo read them.

The label is a word, or the number of a class whose name stands in a file (`class_names`). The paths are
relative to the list, to the folder that was given, or to a folder in it (`videos/`): where they exist.
"""

import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pipeline.clips.clip import SPLITS, Split
from pipeline.clips.csv_rows import header_of, require_text
from pipeline.clips.list_labels import Listed, name_labels
from pipeline.clips.list_lines import ListLine, looks_like_list, read_lines
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.location import Fence, find_prefix, locate, place, require_path
from pipeline.clips.source import Source, SourceList, sorted_sources
from pipeline.clips.split_names import split_in_name, split_of_word, words
from pipeline.clips.walk import list_files
from pipeline.errors import UsageError

_SNIFF_BYTES = 65536


def is_list(path: Path) -> bool:
    """Whether the beginning of a file reads as paths of videos with labels."""
    try:
        with path.open("rb") as file:
            content = file.read(_SNIFF_BYTES)
    except OSError:
        return False
    if len(content) == _SNIFF_BYTES:
        content = content[: content.rfind(b"\n") + 1]  # the last line may be cut
    return looks_like_list(content.decode("utf-8-sig", "surrogateescape"))


def find_lists(files: Iterable[Path]) -> list[dict[Split, Path]]:
    """Sets of lists named after splits (train.txt, val.txt) in one folder, from files that may be lists."""
    sets: dict[tuple[str, str], dict[Split, Path]] = defaultdict(dict)
    for path in files:
        split = split_in_name(path.stem)
        if split is not None and is_list(path):
            sets[str(path.parent), _without_split(path.name)][split] = path
    return [lists for _, lists in sorted(sets.items()) if "train" in lists and len(lists) > 1]


def list_paths(videos: Path, options: ListingOptions) -> SourceList:
    """Lists the videos of one list, or of those for train, val and test in a folder.

    Args:
        videos: the list, or the folder that holds the lists.
        options: `list_number`, `class_names`, `root`, `frame_rate` and `allow_outside` count here.

    Raises:
        UsageError: a mistake in a list, or a label without a class; names the file and the line.
    """
    lists = _the_set_in(videos, options) if videos.is_dir() else {None: videos}
    train = next((path for split, path in lists.items() if split == "train"), None)
    root = options.root or (videos if videos.is_dir() else videos.parent)
    for path in lists.values():
        if {"path", "label"} <= set(header_of(path)):
            raise UsageError(f"{path} has the columns path,label: it is read with --input-format csv.")
    fence = Fence(root, options.allow_outside)
    entries: list[Listed] = []
    separators, prefixes = set(), set()
    for split, file in lists.items():
        lines, separator = read_lines(file, root)
        prefix = find_prefix(root, [line.paths for line in lines], depth=2)[0]
        separators.add(separator)
        prefixes.add(prefix)
        for line in lines:
            where = f"{file}, line {line.number}"
            entries.append(_entry(where, line, split=split, prefix=prefix, fence=fence, options=options))
    names, labels, notes = name_labels(entries, list(lists.values()), options)
    seen: dict[str, str] = {}
    sources: list[Source] = []
    for entry, label in zip(entries, labels, strict=True):
        source = Source(
            path=entry.path,
            location=entry.location,
            label=label,
            split=entry.split,
            frame_rate=options.frame_rate if entry.is_folder else None,
        )
        clip_id = source.id
        if clip_id in seen:
            raise UsageError(f"{entry.where}: {entry.path!r} is listed already in {seen[clip_id]}. Keep one.")
        seen[clip_id] = entry.where
        sources.append(source)
    where = ", ".join(sorted(str(prefix) for prefix in prefixes if prefix))
    said = [f"separated by {' and '.join(sorted(separators))}"]
    said += [f"class names of {names.file.name}"] if names else []
    said += [f"videos in {where}"] if where else []
    file_names = ", ".join(path.name for path in lists.values())
    the_lists = f"the list{'s' if len(lists) > 1 else ''} {file_names} of paths and labels"
    return SourceList(
        sources=sorted_sources(sources),
        input_format="list",
        read_as=f"{the_lists}, {', '.join(said)}",
        root=root,
        split_origin="made" if None in lists else "lists",
        list_number=next(iter(_numbers_in(train)), None) if train else None,
        notes=tuple(notes),
    )


def _the_set_in(folder: Path, options: ListingOptions) -> dict[Split | None, Path]:
    """The set of lists that is meant: the only one, or the one with `--list-number`."""
    sets = find_lists(list_files(folder))
    if not sets:
        raise UsageError(
            f"{folder} has no lists of paths and labels that are named after splits, such as train.txt and "
            "val.txt. Name the list itself."
        )
    number = options.list_number
    if number is not None:
        chosen = [lists for lists in sets if number in _numbers(lists)]
    elif len({re.sub(r"\d+", "#", lists["train"].name) for lists in sets}) == 1:
        chosen = [min(sets, key=_numbers)]  # split_1, split_2, ...
    else:
        chosen = sets
    if len(chosen) != 1:
        seen = "; ".join(", ".join(path.name for path in lists.values()) for lists in sets)
        raise UsageError(
            f"{folder} has {len(sets)} sets of lists ({seen}) and which is meant is not clear. Choose by "
            "--list-number, or put the lists that you mean into a folder of their own and give the folder of "
            "the videos with --root."
        )
    return {split: chosen[0][split] for split in SPLITS if split in chosen[0]}


def _numbers(lists: dict[Split, Path]) -> list[int]:
    return _numbers_in(lists["train"])


def _numbers_in(path: Path) -> list[int]:
    return [int(text) for text in re.findall(r"\d+", path.name)]


def _without_split(name: str) -> str:
    return "".join("*" if split_of_word(word) else word for word in words(name))


def _entry(
    where: str, line: ListLine, *, split: Split | None, prefix: str, fence: Fence, options: ListingOptions
) -> Listed:
    require_text(where, label=line.label)
    top = os.path.join(fence.root, prefix)  # noqa: PTH118
    listed = next((path for path in line.paths if os.path.lexists(locate(top, path))), line.paths[0])
    require_path(where, listed)
    _check_one_label(where, listed, top)
    path, location = place(fence.root, listed, prefix=prefix)
    fence.check(where, listed, location)
    is_folder = os.path.isdir(location)  # noqa: PTH112 - names may not be UTF-8
    if is_folder and options.frame_rate is None:
        raise UsageError(
            f"{where}: {listed} is a folder. If it holds frame images, say how many a second: --frame-rate "
            "25."
        )
    return Listed(
        where=where, path=path, location=location, label=line.label, split=split, is_folder=is_folder
    )


def _check_one_label(where: str, listed: str, top: str) -> None:
    """Refuses a video with several labels: its path ends in numbers, and without them it exists."""
    video = re.sub(r"([ \t,]+[0-9]+)+$", "", listed)
    if video != listed and not os.path.lexists(locate(top, listed)) and os.path.lexists(locate(top, video)):
        raise UsageError(
            f"{where}: several numbers follow {video!r}. Allowed: path label, or path frames label; a clip "
            "has one label."
        )


def is_headless(table: Path) -> bool:
    """Whether a CSV is such a list: a path where others have the names of columns."""
    return "path" not in header_of(table) and is_list(table)
