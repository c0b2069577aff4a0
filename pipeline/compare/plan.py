"""Which clips a fit learns from, stops by and is judged on: the same for each head, no group on two sides."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.clips.splits import Dealt, deal
from pipeline.clips.store import Clip, ClipStore, Split
from pipeline.errors import UsageError
from pipeline.training.fold_plan import plan_folds

FRACTIONS = (0.1, 0.25, 0.5, 1.0)
_LEAST_CLIPS_A_CLASS = 2


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One fold of one repeat. All rows are places in `Plan.clips`.

    Attributes:
        repeat, fold: which one, from 0.
        seed: of what is random in its fits.
        train: rows learned from, by share of the clips: (0.1, 0.25, 0.5,) 1.0, each within the next.
        val: rows that tell when to stop and which setting is kept, the same for all shares.
        test: rows held back.
    """

    repeat: int
    fold: int
    seed: int
    train: dict[float, np.ndarray]
    val: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A comparison before anything is fitted.

    Attributes:
        clips: all that have a part in it.
        labels: the classes.
        class_indices: (N,) of the clips.
        folds: of all repeats.
        held: rows that are held back once a repeat.
        fractions: shares of the training clips, ending in 1.
        notes: what is left out, and why.
    """

    clips: tuple[Clip, ...]
    labels: tuple[str, ...]
    class_indices: np.ndarray
    folds: tuple[Fold, ...]
    held: np.ndarray
    fractions: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def groups(self) -> list[str]:
        """The group of each clip."""
        return [clip.group for clip in self.clips]

    @property
    def num_repeats(self) -> int:
        """How often all clips are dealt."""
        return 1 + max(fold.repeat for fold in self.folds)

    @property
    def test_share(self) -> float:
        """Clips judged by clips learned from, in a fold."""
        return float(np.mean([len(fold.test) / len(fold.train[1.0]) for fold in self.folds]))


def make_plan(
    store: ClipStore, *, num_folds: int, num_repeats: int, seed: int, all_clips: bool, curve: bool
) -> Plan:
    """Deals the clips of a store.

    Args:
        store: of clips, or of features that were given.
        num_folds: of each repeat.
        num_repeats: how often all clips are dealt anew.
        seed: of the deal.
        all_clips: use the clips of the test split too, which is left alone otherwise.
        curve: whether to plan smaller shares of the training clips.

    Raises:
        UsageError: numbers of folds or repeats that cannot be.
        StoreError: too few classes or groups to learn from in some fold.
    """
    if num_repeats < 1:
        raise UsageError(f"--repeats is {num_repeats}; allowed: 1 or more.")
    if all_clips:
        store = replace(
            store,
            clips=tuple(
                replace(clip, split="train") if clip.split == "test" else clip for clip in store.clips
            ),
        )
    dealt = plan_folds(store, num_folds=num_folds, num_repeats=num_repeats, seed=seed)
    clips = dealt.stores[0][0].clips
    row_of = {clip.id: row for row, clip in enumerate(clips)}
    class_indices = np.array([store.labels.index(clip.label) for clip in clips], np.int64)
    folds = []
    for repeat, stores in enumerate(dealt.stores):
        for number, of_fold in enumerate(stores):
            rows = {
                split: np.array([row_of[clip.id] for clip in of_fold.usable(split)], np.int64)
                for split in ("train", "val", "test")
            }
            fold_seed = seed + repeat * len(stores) + number
            fold = Fold(
                repeat=repeat,
                fold=number,
                seed=fold_seed,
                train={1.0: rows["train"]},
                val=rows["val"],
                test=rows["test"],
            )
            folds.append(
                replace(fold, train=_shares(clips, rows["train"], seed=fold_seed)) if curve else fold
            )
    kept = [
        share
        for share in FRACTIONS
        if all(share in fold.train and _is_enough(class_indices[fold.train[share]]) for fold in folds)
        or share == 1.0
    ]
    left_out = [share for share in FRACTIONS if share not in kept]
    notes = list(dealt.notes)
    if curve and left_out:
        notes.append(
            f"No learning curve at {', '.join(f'{share:.0%}' for share in left_out)} of the clips: there "
            f"would be fewer than {_LEAST_CLIPS_A_CLASS} clips a class to learn from."
        )
    held = np.array(sorted({int(row) for fold in folds if fold.repeat == 0 for row in fold.test}), np.int64)
    return Plan(
        clips=clips,
        labels=tuple(store.labels),
        class_indices=class_indices,
        folds=tuple(replace(fold, train={share: fold.train[share] for share in kept}) for fold in folds),
        held=held,
        fractions=tuple(kept),
        notes=tuple(notes),
    )


def _shares(clips: Sequence[Clip], train: np.ndarray, *, seed: int) -> dict[float, np.ndarray]:
    """The training rows of each share, each dealt from those of the next larger one: whole groups."""
    found = {1.0: train}
    larger = 1.0
    for share in sorted(FRACTIONS, reverse=True)[1:]:
        rows = found[larger]
        if len({clips[row].group for row in rows}) < 2:
            break
        dealt = [Dealt(id=str(row), label=clips[row].label, group=clips[row].group) for row in rows]
        part = share / larger
        splits: dict[str, Split] = deal(
            dealt, shares={"train": part, "val": 1 - part, "test": 0.0}, seed=seed
        )
        found[share] = np.array([row for row in rows if splits[str(row)] == "train"], np.int64)
        larger = share
    return found


def _is_enough(class_indices: np.ndarray) -> bool:
    """Whether there is something to learn from: a few clips of each of its classes, on average."""
    classes = len(np.unique(class_indices))
    return classes >= 2 and len(class_indices) >= _LEAST_CLIPS_A_CLASS * classes
