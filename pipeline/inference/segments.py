"""Windows become segments, each told as soon as it is certain.

window       |-------------|         looks at all of this
stands for       |--|                the stride around its centre; the first and the last to the ends

The labels are those of the likeliest path (`LabelPath`). A window counts as much as the share of it that is
new: each second of the recording is evidence once, however many windows share it.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.inference.label_path import LabelPath
from pipeline.inference.segment import Segment, WindowAnswer
from pipeline.labels import Labels

CHANGE_COST = 2.5
"""What a change costs, in log-probability of one window's length.

On three drawn recordings of 10 min (scripts/bench_timeline.py --tune) segment F1 was best from 2 (strides of
a quarter of a window) or 2.5 (half a window) on; with 1 it was .83 and .73, without smoothing .16."""
_WRONG_SHARE = 0.05
"""A window may be wrong whatever it says, so often: one that is sure of nonsense does not outweigh others."""
_MOST_MARGIN = 4.0  # likewise, for and against being unsure
_MARGIN_FACTOR = 2.0  # two windows' length of even odds among three labels are unsure for a threshold of .7


@dataclass(frozen=True, kw_only=True)
class SegmentRule:
    """How windows become segments.

    Attributes:
        change_cost: what a change of the label costs, in log-probability of a window; 0: each window for
            itself; more: fewer, longer segments.
        min_seconds: no segment is shorter than this, but the first and the last, and those beside a stretch
            that could not be read.
    """

    change_cost: float = CHANGE_COST
    min_seconds: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.change_cost < math.inf:
            raise UsageError(f"--change-cost is {self.change_cost}; allowed: 0 or more.")
        if not 0 <= self.min_seconds < math.inf:
            raise UsageError(f"--min-seconds is {self.min_seconds}; allowed: 0 or more.")


@dataclass(kw_only=True)
class _Stretch:
    """A segment that may still grow."""

    state: int
    start_seconds: float
    end_seconds: float
    sums: NDArray[np.float64]
    num_windows: int = 0
    errors: list[str] = field(default_factory=list)


class SegmentMaker:
    """Takes the windows of one recording in order and tells its segments in order.

    Args:
        labels: in the order of the probabilities.
        threshold: below this probability an answer is unsure; None: there is no such thing.
        window_seconds: length of a window.
        stride_seconds: from the start of one to the start of the next.
        rule: how windows become segments.

    Attributes:
        reached_seconds: where the last segment ends that was told.
    """

    def __init__(
        self,
        labels: Labels,
        *,
        threshold: float | None,
        window_seconds: float,
        stride_seconds: float,
        rule: SegmentRule,
    ) -> None:
        self._labels = labels
        self._threshold = threshold
        self._stride_seconds = stride_seconds
        self._weight = min(1.0, stride_seconds / window_seconds)
        self._path = LabelPath(
            len(labels) + (threshold is not None),
            change_cost=rule.change_cost,
            min_windows=max(1, math.ceil(rule.min_seconds / stride_seconds - 1e-9)),
        )
        self.reached_seconds = 0.0
        self._waiting: deque[WindowAnswer] = deque()
        self._stretch: _Stretch | None = None

    @property
    def _failed(self) -> int:
        """The state of windows that could not be read."""
        return len(self._labels) + 1

    def add(self, answer: WindowAnswer) -> Iterator[Segment]:
        """Takes the next window; yields the segments that are certain now."""
        if answer.probabilities is None:
            yield from self._advance(self._path.finish())
            yield from self._grow(self._failed, answer)
            return
        self._waiting.append(answer)
        yield from self._advance(self._path.add(self._scores(answer.probabilities)))

    def finish(self, end_seconds: float | None) -> Iterator[Segment]:
        """The segments that are left; the last one reaches to the end of the recording, if that is known."""
        yield from self._advance(self._path.finish())
        if self._stretch is not None:
            if end_seconds is not None:
                self._stretch.end_seconds = max(end_seconds, self._stretch.start_seconds)
            yield self._segment(self._stretch)
            self._stretch = None

    def _scores(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """What speaks for each state, in log-probability.

        For `unsure`, the last one, speaks how far the odds of the best label are below those of the threshold
        (to reject below it is Chow's rule, 1970).
        """
        guarded = (1 - _WRONG_SHARE) * probabilities + _WRONG_SHARE / len(probabilities)
        scores = np.log(guarded)
        if self._threshold is not None:
            best = float(probabilities.max())
            margin = 0.0
            if best != self._threshold:
                margin = _MARGIN_FACTOR * (_log_odds(self._threshold) - _log_odds(best))
            scores = np.append(scores, scores.max() + np.clip(margin, -_MOST_MARGIN, _MOST_MARGIN))
        return np.asarray(self._weight * scores)

    def _advance(self, states: list[int]) -> Iterator[Segment]:
        for state in states:
            yield from self._grow(state, self._waiting.popleft())

    def _grow(self, state: int, answer: WindowAnswer) -> Iterator[Segment]:
        until = answer.centre_seconds + self._stride_seconds / 2
        stretch = self._stretch
        if stretch is None or stretch.state != state:
            if stretch is not None:
                yield self._segment(stretch)
            begins = 0.0 if stretch is None else stretch.end_seconds
            zeros = np.zeros(len(self._labels))
            stretch = self._stretch = _Stretch(
                state=state, start_seconds=begins, end_seconds=until, sums=zeros
            )
        stretch.end_seconds = until
        stretch.num_windows += 1
        if answer.probabilities is None:
            stretch.errors.append(answer.error)
        else:
            stretch.sums += answer.probabilities

    def _segment(self, stretch: _Stretch) -> Segment:
        self.reached_seconds = stretch.end_seconds
        count = stretch.num_windows
        if stretch.state == self._failed:
            more = f" (and so on in {count} windows)" if count > 1 else ""
            return Segment(
                start_seconds=stretch.start_seconds,
                end_seconds=stretch.end_seconds,
                status="failed",
                num_windows=count,
                error=stretch.errors[0] + more,
            )
        means = stretch.sums / count
        is_unsure = stretch.state == len(self._labels)
        index = int(means.argmax()) if is_unsure else stretch.state
        return Segment(
            start_seconds=stretch.start_seconds,
            end_seconds=stretch.end_seconds,
            label=self._labels[index],
            class_index=index,
            confidence=float(means[index]),
            probabilities=dict(zip(self._labels, means.tolist(), strict=True)),
            unsure=is_unsure,
            num_windows=count,
        )


def _log_odds(probability: float) -> float:
    if not 0 < probability < 1:
        return math.inf if probability >= 1 else -math.inf
    return math.log(probability / (1 - probability))
