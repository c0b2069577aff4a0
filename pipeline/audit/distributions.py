"""Sizes, rates, lengths: how a number is spread over the clips of each class."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.audit.properties import Property

_NUM_BINS = 24


@dataclass(frozen=True, kw_only=True)
class Spread:
    """The values of one class: the least, the quartiles, the most; None where no clip has any."""

    num_known: int
    quantiles: tuple[float, float, float, float, float] | None


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """One property over the classes.

    Attributes:
        name: of the property.
        spreads: by label.
        edges: of the bins of `counts`, rising; empty where no value is known.
        counts: by label, clips in each bin; the bins are the same for all classes.
    """

    name: str
    spreads: dict[str, Spread]
    edges: tuple[float, ...]
    counts: dict[str, tuple[int, ...]]


def distribution(column: Property, labels: Sequence[str], classes: Sequence[str]) -> Distribution:
    """How a property is spread.

    Args:
        column: values of N clips.
        labels: N class names.
        classes: the classes, in the order of the report.
    """
    known = np.isfinite(column.values)
    edges = _edges(column.values[known])
    of_class = {label: column.values[known & (np.asarray(labels) == label)] for label in classes}
    return Distribution(
        name=column.name,
        spreads={label: _spread(values) for label, values in of_class.items()},
        edges=tuple(edges),
        counts={
            label: tuple(int(n) for n in np.histogram(values, edges)[0]) if len(edges) else ()
            for label, values in of_class.items()
        },
    )


def sizes_of(pairs: Sequence[tuple[int, int] | None]) -> tuple[tuple[tuple[int, int] | None, int], ...]:
    """Sizes (width, height) with the number of clips that have them, the most frequent first."""
    counts = Counter(pairs)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0] or (0, 0))))


def _edges(values: "np.ndarray") -> list[float]:
    """Equal bins between the extremes: of the logarithm where the largest is many times the smallest."""
    if not len(values):
        return []
    low, high = float(values.min()), float(values.max())
    if low == high:
        return [low - 0.5, low + 0.5]
    if low > 0 and high / low > 50:
        edges = np.geomspace(low, high, _NUM_BINS + 1)
    else:
        edges = np.linspace(low, high, _NUM_BINS + 1)
    edges[0], edges[-1] = low, high  # exactly: rounding must not push the extremes out
    return [float(edge) for edge in edges]


def _spread(values: "np.ndarray") -> Spread:
    if not len(values):
        return Spread(num_known=0, quantiles=None)
    low, first, middle, third, high = (float(value) for value in np.quantile(values, (0, 0.25, 0.5, 0.75, 1)))
    return Spread(num_known=len(values), quantiles=(low, first, middle, third, high))
