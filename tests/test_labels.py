"""Labels: the same names give the same indices, in any spelling of Unicode."""

import unicodedata

import pytest

from pipeline.errors import UsageError
from pipeline.labels import Labels


def test_order_depends_on_the_names_alone() -> None:
    assert (
        Labels.from_names(["b", "a", "b", "c"])
        == Labels.from_names(["c", "b", "a"])
        == Labels(("a", "b", "c"))
    )


def test_decomposed_names_are_the_same_label() -> None:
    decomposed = unicodedata.normalize("NFD", "걷기")
    assert decomposed != "걷기"
    labels = Labels.from_names([decomposed, "달리기", "걷기"])
    assert len(labels) == 2
    assert labels.index(decomposed) == labels.index("걷기")
    assert labels[labels.index("걷기")] == "걷기"


def test_an_unknown_label_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="unknown label 'c'; known: a, b"):
        Labels(("a", "b")).index("c")


@pytest.mark.parametrize("names", [("a", "a"), ("", "a"), (" a", "b")])
def test_names_are_distinct_and_clean(names: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        Labels(names)
