"""Which clips each fold learns from, stops by and holds back, as stores that differ in their splits alone."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.clips.folds import deal_folds, groups_that_cannot_be_held_back
from pipeline.clips.splits import Dealt, deal, merge_groups
from pipeline.clips.store import Clip, ClipStore, Split
from pipeline.errors import StoreError

VAL_SHARE = 0.15
"""Of the clips that a fold learns from, to tell when to stop."""


@dataclass(frozen=True, kw_only=True)
class FoldPlan:
    """A cross-validation before anything is trained.

    Attributes:
        stores: for each repeat, for each fold: the store, with the clips held back as its test split and
            everything else of the training and validation splits dealt anew; the rest is left out.
        num_used: clips that are held back once a repeat.
        num_total: clips of the store, unreadable ones included.
        notes: what is left out, and why.
    """

    stores: tuple[tuple[ClipStore, ...], ...]
    num_used: int
    num_total: int
    notes: tuple[str, ...]


def plan_folds(store: ClipStore, *, num_folds: int, num_repeats: int, seed: int) -> FoldPlan:
    """Deals the training and validation clips of a store to folds; its test split is not touched.

    Raises:
        UsageError: more folds than groups.
        StoreError: too few classes or groups to learn from in some fold.
    """
    clips = _joined((*store.usable("train"), *store.usable("val")))
    dealt = [Dealt(id=clip.id, label=clip.label, group=clip.group) for clip in clips]
    kept = groups_that_cannot_be_held_back(dealt)
    held = [clip for clip in dealt if clip.group not in kept]
    classes = {clip.label for clip in held}
    if len(classes) < 2:
        raise StoreError(
            f"{store.folder} has {len(classes)} classes with clips of two groups or more outside its test "
            "split; folds need at least 2 such classes. Add clips of other groups."
        )
    stores = tuple(
        tuple(_fold_store(store, clips, dealt, folds, fold, seed=seed + repeat) for fold in range(num_folds))
        for repeat in range(num_repeats)
        for folds in [deal_folds(held, num_folds=num_folds, seed=seed + repeat)]
    )
    listed = [clip for clip in store.clips if clip.status != "skipped"]
    return FoldPlan(
        stores=stores,
        num_used=len(held),
        num_total=len(listed),
        notes=tuple(_notes(store, listed, clips, dealt, held)),
    )


def _joined(clips: Sequence[Clip]) -> tuple[Clip, ...]:
    """The clips, those of the same bytes in one group: the first by name of the groups that they were given.

    The same video under two names, in two groups, would be learned from and judged on.
    """
    roots = merge_groups({clip.id: {clip.group, f"sha256:{clip.sha256[:16] or clip.id}"} for clip in clips})
    names: dict[str, str] = {}
    for clip in clips:
        names[roots[clip.id]] = min(names.get(roots[clip.id], clip.group), clip.group)
    return tuple(replace(clip, group=names[roots[clip.id]]) for clip in clips)


def _fold_store(
    store: ClipStore,
    clips: Sequence[Clip],
    dealt: Sequence[Dealt],
    folds: dict[str, int],
    fold: int,
    *,
    seed: int,
) -> ClipStore:
    learned = [clip for clip in dealt if folds.get(clip.id) != fold]
    splits: dict[str, Split] = deal(
        learned, shares={"train": 1 - VAL_SHARE, "val": VAL_SHARE, "test": 0.0}, seed=seed
    )
    trained = {clip.label for clip in learned if splits[clip.id] == "train"}
    if len(trained) < 2 or "val" not in splits.values():
        num_groups = len({clip.group for clip in learned})
        raise StoreError(
            f"{store.folder} has too few groups of clips: of the {num_groups} that a fold leaves, some have "
            "to teach 2 classes or more and others have to tell when to stop. Take fewer --folds, or add "
            "videos of other groups."
        )
    return replace(store, clips=tuple(replace(clip, split=splits.get(clip.id, "test")) for clip in clips))


def _notes(
    store: ClipStore,
    listed: Sequence[Clip],
    clips: Sequence[Clip],
    dealt: Sequence[Dealt],
    held: Sequence[Dealt],
) -> list[str]:
    """What of a store's clips no fold holds back."""
    notes = []
    num_test = sum(1 for clip in listed if clip.split == "test")
    if num_test:
        notes.append(f"The {num_test} clips of the test split have no part in this.")
    unreadable = sum(1 for clip in listed if clip.split != "test" and not clip.is_usable)
    if unreadable:
        notes.append(f"{unreadable} clips could not be read and are not in the figures.")
    if len(held) < len(dealt):
        groups = Counter(clip.group for clip in dealt)
        alone = sorted({clip.label for clip in dealt} - {clip.label for clip in held})
        left = len(groups) - len({clip.group for clip in held})
        notes.append(
            f"{len(dealt) - len(held)} clips of {left} groups are learned from in every fold and never held "
            f"back: they are all that is known of some class. There are no figures of: {', '.join(alone)}."
        )
    if all(clip.group.startswith("sha256:") for clip in clips):
        notes.append(f"No groups were given: each {store.unit} was taken as independent of the others.")
    return notes
