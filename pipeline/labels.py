"""Ordered class names and the indices that stand for them."""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pipeline.errors import UsageError


def normalise_label(name: str) -> str:
    """One spelling for each name: Unicode NFC, no blanks around it (folders on macOS come decomposed)."""
    return unicodedata.normalize("NFC", name).strip()


@dataclass(frozen=True)
class Labels:
    """The class names of a classifier, in the order of its logits.

    Attributes:
        names: distinct, non-empty, in order of class_index 0 .. K-1.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if any(not name or name != normalise_label(name) for name in self.names):
            raise UsageError(f"class names must be non-empty, normalised text; got {self.names!r}.")
        if len(set(self.names)) != len(self.names):
            raise UsageError(f"class names must be distinct; got {self.names!r}.")

    @classmethod
    def from_names(cls, names: Iterable[str]) -> "Labels":
        """The distinct names of a data set, sorted by code point: the same set gives the same indices."""
        return cls(tuple(sorted({normalise_label(name) for name in names})))

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def index(self, name: str) -> int:
        """The class_index of a label.

        Raises:
            UsageError: the label is none of `names`.
        """
        try:
            return self.names.index(normalise_label(name))
        except ValueError:
            raise UsageError(f"unknown label {name!r}; known: {', '.join(self.names)}.") from None

    def __getitem__(self, class_index: int) -> str:
        return self.names[class_index]
