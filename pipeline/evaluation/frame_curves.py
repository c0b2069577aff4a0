"""Deletion and insertion curves over the frames of a clip: does an order put those first that count?

Deletion takes frames out of the clip in that order, insertion puts them in, and both watch the probability of
the predicted class (Petsiuk et al., RISE: Randomized Input Sampling for Explanation of Black-box Models,
2018, arXiv:1806.07421, who do so with pixels). Here a frame that is out is gone, as in `leave_one_out`; one
frame always stays. A good order makes deletion fall early and insertion rise early.

Deletion in one order passes the same sets of frames as insertion in the reversed one. So over random orders
both have the same expected area, and (insertion area - deletion area) / 2 is what an order is better by than
random ones, on average of the two curves: its advantage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.evaluation.importance import class_probabilities
from pipeline.model.head import SequenceHead


@dataclass(frozen=True, kw_only=True)
class FrameCurves:
    """The curves of one order, of one clip or on average.

    Attributes:
        deletion: (T,) probability after 0, 1, ... T - 1 frames were taken out, the most important first.
        insertion: (T,) probability with the 1, 2, ... T most important frames.
    """

    deletion: np.ndarray
    insertion: np.ndarray

    @property
    def deletion_area(self) -> float:
        """Under the deletion curve, the axis being 0 to 1 long: lower is better."""
        return area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Under the insertion curve: higher is better."""
        return area(self.insertion)

    @property
    def advantage(self) -> float:
        """Over random orders, as a difference of areas; 0 is none."""
        return (self.insertion_area - self.deletion_area) / 2


def frame_curves(
    head: SequenceHead,
    features: np.ndarray,
    class_index: int,
    orders: Sequence[np.ndarray],
    *,
    temperature: float = 1.0,
) -> list[FrameCurves]:
    """The curves of a clip in each of some orders.

    Args:
        head: in eval mode.
        features: (T, D) float32, T at least 2.
        class_index: whose probability is watched.
        orders: each (T,), the places of the frames, the most important first.
        temperature: divides the logits.
    """
    both = [each for order in orders for each in (order, order[::-1])]
    # Many sets are the same: that of all frames, and those of an order that is another one reversed.
    kept, row_of = np.unique(np.concatenate([_kept(order) for order in both]), axis=0, return_inverse=True)
    found = class_probabilities(head, features, kept, class_index, temperature=temperature)
    curves = found[row_of].reshape(len(orders), 2, len(features))
    return [FrameCurves(deletion=deletion, insertion=reverse[::-1]) for deletion, reverse in curves]


def order_of(values: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Places in the order of values (T,), the highest first; equal ones at random, to favour none."""
    return np.lexsort((random.random(len(values)), -values))


def area(curve: np.ndarray) -> float:
    """Under a curve (T,) of evenly spaced points, by trapezoids, the axis being 0 to 1 long."""
    return float(np.trapezoid(curve, dx=1 / (len(curve) - 1)))


def mean_curves(curves: Sequence[FrameCurves]) -> FrameCurves:
    """The mean of curves, point by point; shorter ones are drawn out to the length of the longest."""
    longest = max(len(each.deletion) for each in curves)
    return FrameCurves(
        deletion=np.mean([_drawn_out(each.deletion, longest) for each in curves], axis=0),
        insertion=np.mean([_drawn_out(each.insertion, longest) for each in curves], axis=0),
    )


def _drawn_out(curve: np.ndarray, num_points: int) -> np.ndarray:
    """A curve over the same axis with more points, which lie on its straight lines."""
    if len(curve) == num_points:
        return curve
    places, own = np.linspace(0, 1, num_points), np.linspace(0, 1, len(curve))
    return np.asarray(np.interp(places, own, curve))


def _kept(order: np.ndarray) -> np.ndarray:
    """(T, T) bool: the frames that are left after 0, 1, ... T - 1 were taken out in an order."""
    taken_at = np.empty(len(order), dtype=np.int64)
    taken_at[order] = np.arange(len(order))
    return np.asarray(taken_at[None, :] >= np.arange(len(order))[:, None])
