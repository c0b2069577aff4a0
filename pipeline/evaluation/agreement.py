"""Do models that were trained alike, with other seeds, find the same frames important?

A frame that counts for the clip should count for each of them; what each finds on its own is a matter of its
weights rather than of the video. Models may also agree on a place in the clip, whatever is seen there (always
the middle, say): how alike they are on different clips shows that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import rankdata

from pipeline.evaluation.draws import Interval
from pipeline.evaluation.intervals import mean_interval

OfClips = np.ndarray | Sequence[np.ndarray]
"""A value for each frame of each clip: (N, T), or N of (T,) where clips have several lengths."""

_SEED = 20_204


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How alike several models rank the frames of a clip, on average over clips and pairs of models.

    Attributes:
        rank_correlation: Spearman's; 1 the same order, 0 chance.
        top_overlap: how often two models put the same frame first; `chance` if they know nothing.
        other_clips_correlation: of one model's ranks on a clip and another's on another clip, of another
            group where there is one: what is owed to the places in the clip alone. None: there is one clip,
            or clips have several lengths.
        other_clips_overlap: likewise, how often these two have the same place first.
        chance: 1 / T, on average over clips of several lengths.
        rank_interval, top_interval: 95 % intervals; None with too few groups.
    """

    rank_correlation: float
    top_overlap: float
    other_clips_correlation: float | None
    other_clips_overlap: float | None
    chance: float
    rank_interval: Interval | None
    top_interval: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "rank_correlation": self.rank_correlation,
            "rank_interval": list(self.rank_interval) if self.rank_interval else None,
            "top_overlap": self.top_overlap,
            "top_interval": list(self.top_interval) if self.top_interval else None,
            "other_clips_correlation": self.other_clips_correlation,
            "other_clips_overlap": self.other_clips_overlap,
            "chance": self.chance,
        }


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Likeness of both explanations, over some models.

    Attributes:
        num_models: that were compared, the judged one among them.
        attention: of the attention weights; None: the judged model or one of the others has no attention.
        leave_one_out: of the leave-one-out importances for the class that the judged model predicts.
    """

    num_models: int
    attention: Likeness | None
    leave_one_out: Likeness

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "num_models": self.num_models,
            "attention": self.attention.to_dict() if self.attention else None,
            "leave_one_out": self.leave_one_out.to_dict(),
        }


def likeness(of_models: Sequence[OfClips], groups: Sequence[str]) -> Likeness:
    """How alike models rank frames.

    Args:
        of_models: for each of at least 2 models and each of N clips, a value for each of its frames (T,), at
            least 2. Where clips have other numbers of frames, their places are not compared with each other.
        groups: the group of each clip.
    """
    lengths = {len(values) for values in of_models[0]}
    if len(lengths) > 1:
        return _likeness_of_uneven(of_models, groups)
    pairs = list(combinations([np.stack(list(values)) for values in of_models], 2))
    correlations = np.mean([_rank_correlations(first, second) for first, second in pairs], axis=0)
    overlaps = np.mean([_top_overlaps(first, second) for first, second in pairs], axis=0)
    other = _other_clips(groups)
    return Likeness(
        rank_correlation=float(correlations.mean()),
        top_overlap=float(overlaps.mean()),
        other_clips_correlation=None
        if other is None
        else float(np.mean([_rank_correlations(first, second[other]) for first, second in pairs])),
        other_clips_overlap=None
        if other is None
        else float(np.mean([_top_overlaps(first, second[other]) for first, second in pairs])),
        chance=1 / lengths.pop(),
        rank_interval=mean_interval(correlations, groups),
        top_interval=mean_interval(overlaps, groups),
    )


def _likeness_of_uneven(of_models: Sequence[OfClips], groups: Sequence[str]) -> Likeness:
    """The same for clips of several lengths, clip by clip; a place is another one in another clip."""
    pairs = list(combinations(of_models, 2))
    correlations, overlaps = (
        np.array(
            [
                np.mean([float(measure(first[row][None], second[row][None])[0]) for first, second in pairs])
                for row in range(len(groups))
            ]
        )
        for measure in (_rank_correlations, _top_overlaps)
    )
    return Likeness(
        rank_correlation=float(correlations.mean()),
        top_overlap=float(overlaps.mean()),
        other_clips_correlation=None,
        other_clips_overlap=None,
        chance=float(np.mean([1 / len(values) for values in of_models[0]])),
        rank_interval=mean_interval(correlations, groups),
        top_interval=mean_interval(overlaps, groups),
    )


def _other_clips(groups: Sequence[str]) -> np.ndarray | None:
    """For each clip the number of another one, drawn from those of other groups, or of the only group."""
    total = len(groups)
    if total < 2:
        return None
    _, group_of, sizes = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    if len(sizes) == 1:
        group_of, sizes = np.arange(total), np.ones(total, np.int64)  # each clip by itself
    order = np.argsort(group_of, kind="stable")  # group by group; those behind a group are not of it
    behind = np.cumsum(sizes)[group_of]
    drawn = np.random.default_rng(_SEED).integers(total - sizes[group_of])
    return np.asarray(order[(behind + drawn) % total])


def _rank_correlations(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Spearman's correlation (N,) of each row; 0 where one of them ranks all frames alike."""
    ranks = [rankdata(values, axis=1) for values in (first, second)]
    centred = [each - each.mean(axis=1, keepdims=True) for each in ranks]
    norms = np.prod([np.sqrt((each**2).sum(axis=1)) for each in centred], axis=0)
    products = (centred[0] * centred[1]).sum(axis=1)
    return np.where(norms > 0, products / np.maximum(norms, 1e-12), 0.0)


def _top_overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How likely (N,) each row's first frame is the same in both, if ties are broken at random."""
    tops = [values == values.max(axis=1, keepdims=True) for values in (first, second)]
    both = (tops[0] & tops[1]).sum(axis=1)
    return np.asarray(both / (tops[0].sum(axis=1) * tops[1].sum(axis=1)))
