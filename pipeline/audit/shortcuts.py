"""Does what has nothing to do with the picture give the class away? Each property alone must predict it.

model       naive Bayes on the binned property, every class as likely as any other: it needs no straight line
            between property and class (320 and 640 wide against 480), has nothing to tune, and a table of
            counts is its whole training, so that hundreds of shuffles of the labels take a second or so
strength    balanced accuracy on held-out folds; groups stay whole
certainty   how often shuffled labels hang together with the property as much (G, the likelihood ratio of the
            table of bins and classes): all clips count at once. Held-out accuracy as the measure missed 7 of
            40 made-up shortcuts; by this one all 7 have p below .01. Labels move in whole groups: where the
            clips of a camera or a person are of one class, there are as many independent labels as groups.
            Where groups are few, and hold clips of several classes, labels move within their group instead:
            then only what goes with the class beyond the group counts
many looks  a property's G is compared with the best that ANY property reaches under each shuffle
            (Westfall and Young, Resampling-Based Multiple Testing, 1993), so ten looks give no more false
            alarms than one
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from pipeline.audit.properties import Property

MAX_P_VALUE = 0.02  # two false alarms in a hundred sets without shortcuts
MIN_GAIN = 0.02  # of balanced accuracy over chance: less is of no use to a model, however sure it is
NUM_SHUFFLES = 499
_FIRST_SHUFFLES = 199  # where luck does as well in a tenth of these, the rest would tell nothing new
_HOPELESS_P_VALUE = 0.1
_NUM_FOLDS = 5
_NUM_DEALS = 4  # ways of dealing the groups to folds, averaged; of many clips one says as much
_MANY_CLIPS = 2000
_FEW_GROUPS = 20
_MAX_BINS = 8
_MIN_BIN = 10  # clips
_NUM_FOR_CHANCE = 49  # shuffles whose accuracy is averaged


@dataclass(frozen=True, kw_only=True)
class Shortcut:
    """How well one property predicts the class.

    Attributes:
        name: of the property.
        accuracy: balanced accuracy on clips that were not counted from, averaged over ways of dealing folds.
        chance: its mean with shuffled labels.
        p_value: share of the shuffles in which any property hung together with the labels as much.
    """

    name: str
    accuracy: float
    chance: float
    p_value: float

    @property
    def is_found(self) -> bool:
        """Whether the property gives the class away: surely, and by enough to matter."""
        return self.p_value <= MAX_P_VALUE and self.accuracy - self.chance >= MIN_GAIN


@dataclass(frozen=True, kw_only=True)
class ShortcutCheck:
    """The check of all properties.

    Attributes:
        shortcuts: one for each property that varies; empty where nothing was checked.
        constant: names of the properties that are the same in all clips.
        num_clips: clips counted.
        num_groups: groups that they are of.
        num_shuffles: shuffles of the labels.
        reason: why nothing was checked; "" otherwise.
    """

    shortcuts: tuple[Shortcut, ...]
    constant: tuple[str, ...]
    num_clips: int
    num_groups: int
    num_shuffles: int
    reason: str = ""

    @property
    def found(self) -> tuple[Shortcut, ...]:
        """Those that give the class away, the strongest first."""
        return tuple(sorted((it for it in self.shortcuts if it.is_found), key=lambda it: -it.accuracy))


def check_shortcuts(
    columns: Sequence[Property],
    labels: Sequence[str],
    groups: Sequence[str],
    *,
    seed: int = 0,
    num_shuffles: int = NUM_SHUFFLES,
) -> ShortcutCheck:
    """Sets each property to predict the class of N clips.

    Args:
        columns: the properties.
        labels: N class names.
        groups: N names of what must not be split.
        seed: deals the folds and shuffles.
        num_shuffles: of the labels, at most.
    """
    _, classes = np.unique(np.asarray(labels), return_inverse=True)
    _, group_numbers = np.unique(np.asarray(groups), return_inverse=True)
    num_groups = int(group_numbers.max(initial=-1)) + 1
    reason = "" if len(set(labels)) > 1 else "there are clips of fewer than two classes"
    binned = {column.name: bins(column.values) for column in columns}
    varying = {name: values for name, values in binned.items() if values.max(initial=0) > 0}
    constant = tuple(column.name for column in columns if len(np.unique(column.values)) < 2)
    if not reason and not varying:
        reason = "all properties are the same in all clips, or in all but a few"
    if reason:
        return ShortcutCheck(
            shortcuts=(), constant=constant, num_clips=len(classes), num_groups=num_groups,
            num_shuffles=0, reason=reason,
        )  # fmt: skip
    rng = np.random.default_rng(seed)
    dealt = np.arange(len(classes)) if num_groups < _NUM_FOLDS else group_numbers
    deals = [_deal_folds(dealt, rng) for _ in range(_NUM_DEALS if len(classes) < _MANY_CLIPS else 1)]
    is_within = num_groups < _NUM_FOLDS or (
        num_groups < _FEW_GROUPS and _share_mixed(classes, group_numbers) >= 0.5
    )
    shuffle = _shuffle_within if is_within else _shuffle_whole
    by_luck: list[NDArray[np.float64]] = []  # G of each property under each shuffle
    accuracies: list[NDArray[np.float64]] = []
    found = _associations(varying, classes)
    for wanted in (min(_FIRST_SHUFFLES, num_shuffles), num_shuffles):
        while len(by_luck) < wanted:
            other = shuffle(classes, group_numbers, rng)
            by_luck.append(_associations(varying, other))
            if len(accuracies) < _NUM_FOR_CHANCE:
                accuracies.append(_accuracies(varying, other, deals))
        p_values = _p_values(found, np.stack(by_luck))
        if p_values.min() > _HOPELESS_P_VALUE:
            break
    scores = _accuracies(varying, classes, deals), np.mean(accuracies, axis=0), p_values
    return ShortcutCheck(
        shortcuts=tuple(
            Shortcut(name=name, accuracy=float(accuracy), chance=float(chance), p_value=float(p_value))
            for name, accuracy, chance, p_value in zip(varying, *scores, strict=True)
        ),
        constant=constant,
        num_clips=len(classes),
        num_groups=num_groups,
        num_shuffles=len(by_luck),
    )


def _p_values(found: NDArray[np.float64], by_luck: NDArray[np.float64]) -> NDArray[np.float64]:
    """How often any property's luck is as great as a property's G, each against its own: (properties,)."""
    usual, spread = by_luck.mean(axis=0), np.maximum(by_luck.std(axis=0), 1e-9)
    best_by_luck = ((by_luck - usual) / spread).max(axis=1)
    above = (found - usual) / spread - 1e-9  # equal but for rounding counts as equal
    p_values: NDArray[np.float64] = (1 + (best_by_luck[:, None] >= above).sum(axis=0)) / (len(by_luck) + 1)
    return p_values


def bins(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Numbers (N,) -> bins 0 .. b-1 (N,), made without a look at the labels; what is not known has a bin.

    Few distinct values stay apart; many are cut at quantiles. Bins of a few clips join their neighbour.
    """
    known = values[np.isfinite(values)]
    distinct, counts = np.unique(known, return_counts=True)
    if len(distinct) > _MAX_BINS:
        wanted = max(2, min(_MAX_BINS, len(known) // (2 * _MIN_BIN)))
        cuts = np.unique(np.quantile(known, np.arange(1, wanted) / wanted, method="lower"))
        edges = cuts[cuts < distinct[-1]]
    else:
        edges = distinct[:-1]
    numbers = np.searchsorted(edges, values, side="left")  # bin i: up to edge i
    numbers[~np.isfinite(values)] = len(edges) + 1
    counts = np.bincount(numbers, minlength=len(edges) + 2)
    return _joined(counts, len(edges) + 1)[numbers]


def _joined(counts: NDArray[np.intp], num_known: int) -> NDArray[np.intp]:
    """The new number of each bin after small ones joined the one before them (the first: the one after)."""
    numbers, current, filled = np.zeros(len(counts), np.intp), -1, _MIN_BIN
    for index in range(num_known):
        if filled >= _MIN_BIN and counts[index:num_known].sum() >= _MIN_BIN:
            current, filled = current + 1, 0
        numbers[index] = current = max(current, 0)
        filled += counts[index]
    if counts[num_known] >= _MIN_BIN:  # a few unknown ones are no bin of their own
        numbers[num_known] = current + 1 if num_known and counts[:num_known].sum() else 0
    return numbers


def _deal_folds(groups: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    """A fold for each clip: groups stay whole, the largest are dealt first, labels are not looked at."""
    sizes = np.bincount(groups)
    order = rng.permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold_of_group, loads = np.zeros(len(sizes), np.intp), np.zeros(_NUM_FOLDS)
    for group in order:
        lightest = int(loads.argmin())
        fold_of_group[group] = lightest
        loads[lightest] += sizes[group]
    return fold_of_group[groups]


def _share_mixed(classes: NDArray[np.intp], groups: NDArray[np.intp]) -> float:
    """Share of the clips whose group holds another class too."""
    table = np.zeros((groups.max() + 1, classes.max() + 1))
    np.add.at(table, (groups, classes), 1)
    is_mixed = (table > 0).sum(axis=1) > 1
    return float(is_mixed[groups].mean())


def _shuffle_whole(
    classes: NDArray[np.intp], groups: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Other labels, moved in whole groups.

    Where every group is of one class, groups change labels, and stay of one class: cut in two they would
    hang together with a property of the group less than whole ones do by luck. Otherwise the groups' labels,
    laid end to end in one random order, are dealt out along another; where each clip is a group both are a
    plain shuffle.
    """
    _, firsts = np.unique(groups, return_index=True)
    if np.array_equal(classes[firsts][groups], classes):
        return np.asarray(rng.permutation(classes[firsts])[groups], np.intp)
    ties = rng.permutation(len(groups))  # within a group the order is random too
    one, other = (rng.permutation(int(groups.max()) + 1)[groups] for _ in range(2))
    shuffled = np.empty_like(classes)
    shuffled[np.lexsort((ties, other))] = classes[np.lexsort((ties, one))]
    return shuffled


def _shuffle_within(
    classes: NDArray[np.intp], groups: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Other labels: each group keeps its own, on other clips of it."""
    shuffled = np.empty_like(classes)
    one, other = (rng.permutation(len(groups)) for _ in range(2))
    shuffled[np.lexsort((one, groups))] = classes[np.lexsort((other, groups))]
    return shuffled


def _associations(varying: dict[str, NDArray[np.intp]], classes: NDArray[np.intp]) -> NDArray[np.float64]:
    """G of each property's table: 2 n times the information, in nats, that it has on the class."""
    num_classes = int(classes.max()) + 1
    found = []
    for values in varying.values():
        table = np.bincount(values * num_classes + classes, minlength=(int(values.max()) + 1) * num_classes)
        table = table.reshape(-1, num_classes)
        entropies = [xlogy(it, it).sum() for it in (table, table.sum(axis=0), table.sum(axis=1))]
        found.append(2 * (entropies[0] - entropies[1] - entropies[2] + xlogy(len(values), len(values))))
    return np.array(found)


def _accuracies(
    varying: dict[str, NDArray[np.intp]], classes: NDArray[np.intp], deals: list[NDArray[np.intp]]
) -> NDArray[np.float64]:
    """Balanced accuracy of each property on clips that were not counted from: (properties,)."""
    num_classes = int(classes.max()) + 1
    sizes = np.bincount(classes, minlength=num_classes)
    totals = np.zeros(len(varying))
    for folds in deals:
        for position, values in enumerate(varying.values()):
            counts = _counts(values, classes, folds, num_classes)
            said = _held_out_log_odds(counts).argmax(axis=2)  # (folds, bins)
            right = np.take_along_axis(counts, said[..., None], axis=2)[..., 0]
            per_class = np.bincount(said.ravel(), right.ravel(), minlength=num_classes)
            totals[position] += (per_class / sizes).mean()
    return totals / len(deals)


def _counts(
    values: NDArray[np.intp], classes: NDArray[np.intp], folds: NDArray[np.intp], num_classes: int
) -> NDArray[np.intp]:
    """(folds, bins, K): clips."""
    num_bins = int(values.max()) + 1
    cells = (folds * num_bins + values) * num_classes + classes
    counts = np.bincount(cells, minlength=_NUM_FOLDS * num_bins * num_classes)
    return counts.reshape(_NUM_FOLDS, num_bins, num_classes)


def _held_out_log_odds(counts: NDArray[np.intp]) -> NDArray[np.float64]:
    """(folds, bins, K): log p(bin | class), counted from the other folds, one added to each count."""
    others = counts.sum(axis=0) - counts + 1.0
    log_odds: NDArray[np.float64] = np.log(others / others.sum(axis=1, keepdims=True))
    return log_odds
