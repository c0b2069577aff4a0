"""Videos listed as UCF101 does it: classInd.txt, trainlist01.txt, testlist01.txt, with v_<class>_g08_c01.avi.

    classInd.txt       1 ApplyEyeMakeup
    trainlist01.txt    ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1
    testlist01.txt     ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi

The clips of one group (g08) of a class are cut from one video: they are one group here too.
"""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from pipeline.clips.class_names import ClassNames
from pipeline.clips.clip import Split
from pipeline.clips.csv_rows import read_text, require_text
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.location import Fence, find_prefix, place, require_path
from pipeline.clips.source import Source, SourceList, sorted_sources
from pipeline.clips.walk import list_files
from pipeline.errors import UsageError
from pipeline.labels import normalise_label

_LIST_NAME = re.compile(r"(train|test)list([0-9]{1,9})\.txt")
_GROUP = re.compile(r"_(g\d+)_c\d+\.")
_SPLITS: tuple[Split, ...] = ("train", "test")


def find_ucf101(files: Iterable[Path]) -> list[Path]:
    """The folders that hold such lists, from the files that may be lists."""
    names: dict[Path, set[str]] = defaultdict(set)
    for path in files:
        names[path.parent].add(path.name)
    return [
        folder
        for folder, inside in names.items()
        if "classInd.txt" in inside and any(_LIST_NAME.fullmatch(name) for name in inside)
    ]


def list_ucf101(videos: Path, options: ListingOptions) -> SourceList:
    """Lists the videos of one train list and the test list of the same number.

    They are looked for in the folder, in the folders below it, and in those beside it.

    Args:
        videos: the folder that holds the lists, or the folder that holds that folder.
        options: `list_number`, `root` and `allow_outside` count here.

    Raises:
        UsageError: a list is missing or contradicts classInd.txt; names the file and the line.
    """
    files = list_files(videos) if videos.is_dir() else []
    folders = find_ucf101(files)
    if len(folders) != 1:
        what = f"{' and '.join(map(str, folders[:3]))} hold such lists" if folders else "no folder does"
        raise UsageError(
            f"{videos} is not a folder with UCF101 lists: it, or one folder in it, must hold classInd.txt, "
            f"trainlist01.txt and testlist01.txt; {what}."
        )
    folder = folders[0]
    numbers = {
        int(match[2])
        for path in files
        if path.parent == folder and (match := _LIST_NAME.fullmatch(path.name)) is not None
    }
    number = options.list_number if options.list_number is not None else min(numbers)
    lists = {split: folder / f"{split}list{number:02d}.txt" for split in _SPLITS}
    for path in lists.values():
        if path not in files:
            raise UsageError(
                f"{path} is missing; {folder} has lists with the numbers "
                f"{', '.join(map(str, sorted(numbers)))}. Choose one with --list-number, train and test."
            )
    classes = ClassNames.read(folder / "classInd.txt")
    entries = [(split, path, *entry) for split, path in lists.items() for entry in _read(path)]
    if not entries:
        raise UsageError(f"{lists['train']} and {lists['test'].name} list no videos.")
    root, prefix = _find_videos(videos, [(entry[3],) for entry in entries], options)
    fence = Fence(root, options.allow_outside)
    seen: dict[str, str] = {}
    sources: list[Source] = []
    for split, path, line, listed, index in entries:
        where = f"{path}, line {line}"
        require_path(where, listed)
        label = _label(where, listed, index, classes)
        name, location = place(root, listed, prefix=prefix)
        fence.check(where, listed, location)
        match = _GROUP.search(listed)
        group = f"{label}_{match[1]}" if match else ""
        source = Source(path=name, location=location, label=label, split=split, group=group)
        clip_id = source.id
        if clip_id in seen:
            raise UsageError(f"{where}: {listed!r} is listed already in {seen[clip_id]}. Keep one.")
        seen[clip_id] = where
        sources.append(source)
    others = f" of {', '.join(map(str, sorted(numbers)))} (--list-number)" if len(numbers) > 1 else ""
    return SourceList(
        sources=sorted_sources(sources),
        input_format="ucf101",
        read_as=f"UCF101 lists, number {number}{others}, videos in {root / prefix}",
        root=root,
        split_origin="lists",
        list_number=number,
        grouping="UCF101 class and gNN" if any(source.group for source in sources) else "",
    )


def _read(path: Path) -> list[tuple[int, str, int | None]]:
    """Line number, path and class number (test lists have none) of each line."""
    entries: list[tuple[int, str, int | None]] = []
    for line, text in enumerate(read_text(path).split("\n"), 1):
        words = text.strip().rsplit(None, 1)
        if len(words) == 2 and re.fullmatch("[0-9]{1,9}", words[1]):
            entries.append((line, words[0], int(words[1])))
        elif words:
            entries.append((line, text.strip(), None))
    return entries


def _label(where: str, listed: str, index: int | None, classes: ClassNames) -> str:
    """The class by its folder; its number, where there is one, must say the same."""
    require_text(where, **{"the class": listed.rpartition("/")[0]})
    folder = normalise_label(listed.split("/")[-2]) if "/" in listed else None
    if folder is None:
        if index not in classes.names:
            raise UsageError(
                f"{where}: {listed!r} names neither the folder of its class nor a number of classInd.txt "
                f"({classes.numbers}), so its class is not known. A line is <class>/<video> <number>."
            )
        return classes.names[index]
    expected = {name: number for number, name in classes.names.items()}.get(folder)
    if expected is None:
        close = difflib.get_close_matches(folder, classes.names.values(), n=1)
        hint = f" Is {close[0]} meant?" if close else ""
        raise UsageError(f"{where}: classInd.txt has no class {folder!r}.{hint} Correct one of them.")
    if index is not None and index != expected:
        first = min(classes.names)
        from_others = {(0, -1): " The list counts from 1, classInd.txt from 0."}
        from_others[1, 1] = " The list counts from 0, classInd.txt from 1."
        raise UsageError(
            f"{where}: {folder} has the number {index}, but classInd.txt says {expected}."
            f"{from_others.get((first, expected - index), '')} Correct one of them: the class is not sure."
        )
    return folder


def _find_videos(videos: Path, paths: list[tuple[str, ...]], options: ListingOptions) -> tuple[Path, str]:
    if options.root is not None:
        return options.root, find_prefix(options.root, paths)[0]
    prefix, count = find_prefix(videos, paths, depth=2)
    if count:
        return videos, prefix
    parent = Path(videos.absolute().parent)
    prefix, count = find_prefix(parent, paths)
    return (parent, prefix) if count else (videos, "")
