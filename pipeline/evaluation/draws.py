"""Whole groups drawn again: the draws of a bootstrap, the same ones for all that is to be compared."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from scipy.stats import norm, t

from pipeline.evaluation.metrics import scores_of_counts

NUM_RESAMPLES = 2000
_CHUNK_RESAMPLES = 200
_MOST_DENSE = 64  # columns: of few, products of plain arrays are faster than those of sparse ones

Interval = tuple[float, float]


class GroupDraws:
    """How often each group was drawn, with replacement, in each of `NUM_RESAMPLES` resamples.

    Attributes:
        num_groups: G.
    """

    def __init__(self, groups: Sequence[str], *, seed: int = 0) -> None:
        """Draws; `groups` holds the group of each clip, N."""
        names, self._of_clip = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
        self.num_groups, self._seed = len(names), seed
        self._times: list[np.ndarray] | None = None

    def sums(self, columns: csr_array) -> np.ndarray:
        """Sums over the clips of the drawn groups, of each column of (N, C): (R, C)."""
        G, N = self.num_groups, len(self._of_clip)
        members = csr_array((np.ones(N), (self._of_clip, np.arange(N))), shape=(G, N))
        per_group = (members @ columns).T.tocsr()  # (C, G)
        if per_group.shape[0] <= _MOST_DENSE:
            per_group = per_group.toarray()
        return np.concatenate([(per_group @ times.astype(float)).T for times in self._drawn()])

    def intervals(self, values: np.ndarray) -> list[Interval]:
        """The 95 % interval of each column of resampled figures (R, C)."""
        wider = math.sqrt(self.num_groups / (self.num_groups - 1)) * t.ppf(0.975, self.num_groups - 1)
        tail = float(norm.cdf(-wider))
        low, high = np.quantile(values, [tail, 1 - tail], axis=0)
        return [(float(below), float(above)) for below, above in zip(low, high, strict=True)]

    def standard_errors(self, values: np.ndarray) -> np.ndarray:
        """The standard error (C,) of each column of resampled figures (R, C)."""
        return np.asarray(values.std(axis=0) * math.sqrt(self.num_groups / (self.num_groups - 1)))

    def _drawn(self) -> list[np.ndarray]:
        """Counts (G, R), in chunks of resamples."""
        if self._times is None:
            G, random = self.num_groups, np.random.default_rng(self._seed)
            self._times = [
                random.multinomial(G, np.full(G, 1 / G), size=_CHUNK_RESAMPLES).T.astype(np.uint16)
                for _ in range(NUM_RESAMPLES // _CHUNK_RESAMPLES)
            ]
        return self._times


def class_counts(true: np.ndarray, predicted: np.ndarray, num_classes: int) -> csr_array:
    """(N, 3 K): what each clip adds to hits, true counts and predicted counts."""
    rows = np.arange(len(true))
    right = true == predicted
    columns = np.concatenate([true[right], num_classes + true, 2 * num_classes + predicted])
    return csr_array(
        (np.ones(len(columns)), (np.concatenate([rows[right], rows, rows]), columns)),
        shape=(len(true), 3 * num_classes),
    )


def scores_of_sums(counts: np.ndarray) -> np.ndarray:
    """`intervals.SCORE_KEYS` (R, 3) of sums (R, 3 K) of `class_counts`."""
    return np.stack(scores_of_counts(*np.split(counts, 3, axis=1)), axis=1)
