"""The names behind class numbers: classInd.txt, classes.txt and their like."""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipeline.clips.csv_rows import read_text, require_text
from pipeline.clips.walk import list_files
from pipeline.errors import UsageError
from pipeline.labels import normalise_label

_FILE_NAMES = re.compile(r"(classind|class_?names|classes|labels|label_?map[^.]*)\.txt", re.IGNORECASE)
_NUMBER_FIRST = re.compile(r"([0-9]{1,9})[\s,;:]+(\S.*)")
_NUMBER_LAST = re.compile(r"(\S.*?)[\s,;:]+([0-9]{1,9})")


@dataclass(frozen=True, kw_only=True)
class ClassNames:
    """Class names by number.

    Attributes:
        file: where they were read.
        names: number -> name; counted from 0 in a file of names alone.
    """

    file: Path
    names: dict[int, str]

    @classmethod
    def read(cls, file: Path) -> "ClassNames":
        """Reads `number name` lines (as classInd.txt has), `name number` lines, or one name a line.

        Raises:
            UsageError: an empty file, a name twice, a number twice.
        """
        lines = [line.strip() for line in read_text(file).splitlines()]
        lines = [line for line in lines if line]
        if lines and lines[0].lower() in ("id,name", "name,id"):
            lines = lines[1:]
        if not lines:
            raise UsageError(f"{file} is empty; it must name the classes, one a line.")
        pairs = _pairs(lines)
        for _, name in pairs:
            require_text(str(file), **{"a class name": name})
        for what, values in (
            ("number", [number for number, _ in pairs]),
            ("name", [name for _, name in pairs]),
        ):
            value, count = Counter[int | str](values).most_common(1)[0]
            if count > 1:
                raise UsageError(f"{file} has the {what} {value!r} {count} times. Each class needs its own.")
        return cls(file=file, names=dict(pairs))

    @property
    def numbers(self) -> str:
        """The numbers in words: `1 to 101`."""
        return f"{min(self.names)} to {max(self.names)}"

    def shift(self, used: Collection[int]) -> int | None:
        """What to add to the numbers of a list: 0, or 1 or -1 where only that makes all of them known."""
        for shift in (0, 1, -1):
            if all(number + shift in self.names for number in used):
                return shift
        return None


def beside(folder: Path) -> list[Path]:
    """Files in a folder whose name says that they name classes."""
    return [it for it in list_files(folder) if it.parent == folder and _FILE_NAMES.fullmatch(it.name)]


def _pairs(lines: list[str]) -> list[tuple[int, str]]:
    first = [_NUMBER_FIRST.fullmatch(line) for line in lines]
    if all(first):
        return [(int(match[1]), normalise_label(match[2])) for match in first if match]
    last = [_NUMBER_LAST.fullmatch(line) for line in lines]
    pairs = [(int(match[2]), normalise_label(match[1])) for match in last if match]
    numbers = {number for number, _ in pairs}
    is_count = numbers in (set(range(len(lines))), set(range(1, len(lines) + 1)))
    if len(pairs) == len(lines) and is_count and len({name for _, name in pairs}) == len(lines):
        return pairs
    return [(number, normalise_label(line)) for number, line in enumerate(lines)]
