"""A figure and how sure it is."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.draws import Interval
from pipeline.evaluation.intervals import corrected_t_interval


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure, its 95 % interval and its standard error.

    Attributes:
        mean: the figure itself.
        interval: None where nothing tells how sure it is: too few groups, or not one mistake.
        se: None in the same cases.
    """

    mean: float
    interval: Interval | None = None
    se: float | None = None

    @property
    def surely_above(self) -> bool:
        """Whether the interval lies above 0."""
        return self.interval is not None and self.interval[0] > 0

    @property
    def surely_below(self) -> bool:
        """Whether the interval lies below 0."""
        return self.interval is not None and self.interval[1] < 0

    def minus(self, other: "Figure") -> "Figure":
        """The difference of two figures that are measured apart, on clips learned from and held back say.

        Its interval is as far from it as both ends are from theirs, squared and added. A figure without an
        interval counts as exact beside one that has one.
        """
        mean = self.mean - other.mean
        if self.interval is None and other.interval is None:
            return Figure(mean=mean)
        low, high = self.interval or (self.mean, self.mean)
        other_low, other_high = other.interval or (other.mean, other.mean)
        return Figure(
            mean=mean,
            interval=(
                mean - math.hypot(self.mean - low, other_high - other.mean),
                mean + math.hypot(high - self.mean, other.mean - other_low),
            ),
            se=math.hypot(self.se or 0.0, other.se or 0.0),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"mean": self.mean, "interval": list(self.interval) if self.interval else None, "se": self.se}

    def words(self, *, signed: bool = True, digits: int = 3) -> str:
        """`+0.031 (95 % interval +0.010 to +0.052)`; without a sign where it is not a difference."""

        def told(number: float) -> str:
            return f"{round(number, digits) + 0.0:{'+' if signed else ''}.{digits}f}"  # no minus before 0

        if self.interval is None:
            return f"{told(self.mean)} (no interval)"
        low, high = self.interval
        return f"{told(self.mean)} (95 % interval {told(low)} to {told(high)})"


def fold_figure(values: np.ndarray, *, test_share: float, enough_groups: bool = True) -> Figure:
    """The mean of what is known of each fold only, such as epochs (`corrected_t_interval`).

    Args:
        values: one for each fold of each repeat (n,).
        test_share: clips judged by clips trained on, in a fold.
        enough_groups: False: no interval.
    """
    values = np.asarray(values, dtype=float)
    mean = float(values.mean())
    if not enough_groups or len(values) < 2 or np.ptp(values) == 0:
        return Figure(mean=mean)  # a spread of 0 would make certainty of a coincidence
    error = ((1 / len(values) + test_share) * values.var(ddof=1)) ** 0.5
    return Figure(mean=mean, interval=corrected_t_interval(values, test_share=test_share), se=float(error))
