"""From what each window says by itself to one label for each moment: the likeliest path, told as decided.

A recording is taken for a chain of stretches. Of all ways to cut it, the one is chosen for which

    sum over windows of log p(its state)   -   change_cost * number of changes

is largest, with no stretch shorter than allowed: the Viterbi path of a hidden Markov model (Viterbi, 1967)
whose states hold or change with equal odds to all others, known in signal processing as the Potts functional.
Smoothing, merging and the minimal length are this one rule; nothing is smeared over a boundary.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

_LONGEST_WAIT_WINDOWS = 512
_OFTEN_WINDOWS = 64


class LabelPath:
    """The likeliest path through states, for windows that come one after the other.

    A window's state is decided when all ways to go on have it in common. What the first and the last stretch
    were before and after is not known, so they may be as short as they like.

    Args:
        num_states: K.
        change_cost: what a change costs, in units of log-probability; 0: each window for itself.
        min_windows: least length of a stretch.
        longest_wait_windows: a window that is still undecided after so many more is decided by the path that
            is best then, so that memory and delay are bounded. Only where two states are equally likely all
            the way does one wait so long.
    """

    def __init__(
        self,
        num_states: int,
        *,
        change_cost: float,
        min_windows: int = 1,
        longest_wait_windows: int = _LONGEST_WAIT_WINDOWS,
    ) -> None:
        if num_states < 1 or min_windows < 1 or not change_cost >= 0:
            raise ValueError(
                f"num_states {num_states}, min_windows {min_windows}, change_cost {change_cost}; "
                "allowed: 1 or more, 1 or more, 0 or more"
            )
        self._change_cost = change_cost
        self._longest_wait = max(longest_wait_windows, 2 * min_windows)
        # A place is (state, age): age a is the a-th window of a stretch, the last one stands for all later.
        self._num_states, self._num_ages = num_states, min_windows
        self._scores: NDArray[np.float64] | None = None
        self._waiting: deque[NDArray[np.int64]] = (
            deque()
        )  # of each undecided window: place -> place before it

    def add(self, scores: NDArray[np.float64]) -> list[int]:
        """Takes the next window's log-probabilities (K,); returns the states decided now, in order."""
        scores = np.asarray(scores, dtype=np.float64)
        if scores.shape != (self._num_states,):
            raise ValueError(f"scores have the shape {scores.shape}; allowed: ({self._num_states},)")
        places = np.arange(self._num_states * self._num_ages).reshape(self._num_states, self._num_ages)
        if self._scores is None:
            self._scores = np.full(places.shape, -np.inf)
            self._scores[:, -1] = scores  # may have begun long before
            self._waiting.append(np.full(places.size, -1))
            return self._decided()
        before = self._scores
        after, came_from = np.full_like(before, -np.inf), np.full_like(places, -1)
        after[:, 1:], came_from[:, 1:] = before[:, :-1], places[:, :-1]
        stays = before[:, -1] >= after[:, -1]
        after[stays, -1], came_from[stays, -1] = before[stays, -1], places[stays, -1]
        if self._num_states > 1:
            changed, source = self._change(before[:, -1])
            better = changed > after[:, 0]
            after[better, 0], came_from[better, 0] = changed[better], places[source[better], -1]
        self._scores = after + scores[:, None]
        self._scores -= self._scores.max()  # only differences count; sums of a day would lose digits
        self._waiting.append(came_from.ravel())
        return self._decided()

    def finish(self) -> list[int]:
        """The states of all windows that are still undecided; the path is at its end and begins anew."""
        if self._scores is None:
            return []
        states = self._traced(int(self._scores.argmax()), len(self._waiting) - 1)
        self._scores = None
        self._waiting.clear()
        return states

    def _change(self, whole: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """For each state the best other one to come from, and what that gives."""
        best = int(whole.argmax())
        others = whole.copy()
        others[best] = -np.inf
        source = np.full(self._num_states, best)
        source[best] = int(others.argmax())
        return whole[source] - self._change_cost, source

    def _decided(self) -> list[int]:
        """Takes from the waiting windows those on which all paths agree."""
        assert self._scores is not None  # noqa: S101 - a window was added
        count = len(self._waiting)
        if count > self._longest_wait:
            return self._take(self._forced(self._scores))
        if count > _OFTEN_WINDOWS and count % 8:  # tracing back far takes time: not at every window
            return []
        alive = np.flatnonzero(np.isfinite(self._scores.ravel()))
        for position in range(count - 1, -1, -1):
            if len(alive) == 1:
                return self._take(self._traced(int(alive[0]), position))
            alive = np.unique(self._waiting[position][alive])
        return []

    def _forced(self, scores: NDArray[np.float64]) -> list[int]:
        """The first state of the path that is best now; paths that begin otherwise are given up."""
        best = self._traced(int(scores.argmax()), len(self._waiting) - 1)[0]
        origin = np.arange(scores.size)
        for position in range(len(self._waiting) - 1, 0, -1):
            origin = self._waiting[position][origin]
        scores.ravel()[origin // self._num_ages != best] = -np.inf
        return [best]

    def _traced(self, place: int, position: int) -> list[int]:
        """States of the waiting windows up to this position, where the path is at this place."""
        states = []
        for each in range(position, -1, -1):
            states.append(place // self._num_ages)
            place = int(self._waiting[each][place])
        return states[::-1]

    def _take(self, states: list[int]) -> list[int]:
        for _ in states:
            self._waiting.popleft()
        return states
