"""The labels of a list: words as they stand, numbers by the names of the classes."""

import re
from dataclasses import dataclass
from pathlib import Path

from pipeline.clips.class_names import ClassNames, beside
from pipeline.clips.clip import Split
from pipeline.clips.listing_options import ListingOptions
from pipeline.errors import UsageError
from pipeline.labels import normalise_label

_NUMBER = re.compile("-?[0-9]{1,9}")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """A video of a list, with its label as it stands there.

    Attributes:
        where: the list and the line, for messages.
        path: as the store names it.
        location: where the video lies on this machine.
        label: as it stands in the list.
        split: of the list; None: to be made.
        is_folder: it is a folder of frame images.
    """

    where: str
    path: str
    location: str
    label: str
    split: Split | None
    is_folder: bool


def name_labels(
    entries: list[Listed], lists: list[Path], options: ListingOptions
) -> tuple[ClassNames | None, list[str], list[str]]:
    """The file of class names where there is one, the label of each entry, and what to say about them."""
    labels = [normalise_label(entry.label) for entry in entries]
    are_numbers = all(_NUMBER.fullmatch(label) for label in labels)
    if not are_numbers:
        if options.class_names is not None:
            _check_words(entries, labels, ClassNames.read(options.class_names))
        return None, labels, []
    negative = next((entry for entry in entries if int(entry.label) < 0), None)
    if negative is not None:
        raise UsageError(
            f"{negative.where}: the label is {negative.label}, which stands for none. Leave such videos out: "
            "they cannot train or judge anything."
        )
    names = _class_names(lists, options)
    if names is None:
        note = "the labels are numbers; a file with the names of the classes gives them: --class-names FILE."
        return None, [str(int(label)) for label in labels], [note]
    used = {int(label) for label in labels}
    shift = names.shift(used)
    if shift is None:
        bad = next(entry for entry in entries if int(entry.label) not in names.names)
        raise UsageError(
            f"{bad.where}: the label is {bad.label}, but {names.file} names the classes {names.numbers} (the "
            f"lists use {min(used)} to {max(used)}). Give the right file with --class-names."
        )
    named = [names.names[int(label) + shift] for label in labels]
    _check_folders(entries, named, names)
    note = (
        f"the lists count classes from {min(used)}, {names.file.name} from {min(names.names)}: {min(used)} "
        f"is taken as {names.names[min(used) + shift]!r}."
    )
    return names, named, [note] if shift else []


def _class_names(lists: list[Path], options: ListingOptions) -> ClassNames | None:
    if options.class_names is not None:
        return ClassNames.read(options.class_names)
    files = sorted({file for path in lists for file in beside(path.parent)} - set(lists))
    if len(files) > 1:
        raise UsageError(
            f"{' and '.join(map(str, files[:3]))} could both name the classes. Choose one with --class-names."
        )
    return ClassNames.read(files[0]) if files else None


def _check_words(entries: list[Listed], labels: list[str], names: ClassNames) -> None:
    known = set(names.names.values())
    for entry, label in zip(entries, labels, strict=True):
        if label not in known:
            raise UsageError(f"{entry.where}: the label is {label!r}, which {names.file} does not name.")


def _check_folders(entries: list[Listed], labels: list[str], names: ClassNames) -> None:
    """Refuses names that no video's folder agrees with, where folders are named after classes."""
    known = set(names.names.values())
    pairs = [
        (entry, label, folder)
        for entry, label in zip(entries, labels, strict=True)
        if (folder := normalise_label(entry.path.rpartition("/")[0].rpartition("/")[2])) in known
    ]
    if pairs and all(label != folder for _, label, folder in pairs):
        entry, label, folder = pairs[0]
        raise UsageError(
            f"{entry.where}: the label {entry.label} is {label!r} in {names.file}, but the video lies in the "
            f"folder {folder!r}, and so it is with all of them: the numbers do not fit the names. Give the "
            "right file with --class-names."
        )
