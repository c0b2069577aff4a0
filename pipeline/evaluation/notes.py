"""Sentences that belong to the figures: what they rest on, and what they leave out."""

from collections.abc import Sequence

import numpy as np

from pipeline.clips.store import Clip, ClipStore, Split
from pipeline.evaluation.intervals import MIN_GROUPS_FOR_INTERVAL
from pipeline.labels import Labels

UNGROUPED = "sha256:"
"""Begins the group of a clip that none was given for: the hash of its file."""


def data_notes(
    store: ClipStore,
    clips: Sequence[Clip],
    split: Split | None,
    total: int,
    *,
    labels: Labels,
    trained_on: str | None,
    fitted_at_once: bool = False,
) -> list[str]:
    """What the judged clips are, and what they have in common with those of the training.

    Args:
        store: where the clips are.
        clips: those that are judged.
        split: they are the usable ones of; None: of all.
        total: clips of the split, unreadable ones included.
        labels: of the model.
        trained_on: digest of the store that the model was trained on; None: this one.
        fitted_at_once: it did not learn in epochs, the best of which was chosen.
    """
    notes = []
    if len(clips) < total:
        notes.append(f"{total - len(clips)} of {total} clips could not be read and are not in the figures.")
    damaged = sum(1 for clip in clips if clip.status == "damaged")
    if damaged:
        notes.append(f"{damaged} of the judged clips come from damaged videos.")
    if all(clip.group.startswith(UNGROUPED) for clip in clips):
        notes.append(f"No groups were given: each {store.unit} was taken as independent of the others.")
    judged = {clip.label for clip in clips}
    absent = [label for label in labels if label not in judged]
    if absent:
        notes.append(f"No clip of {', '.join(absent)} was judged: the means are over the other classes.")
    if trained_on not in (None, store.digest):
        return [
            *notes,
            "The model was not trained on this store as it is now: what the judged clips share with the "
            "training clips is not known.",
        ]
    return notes + _notes_of_training(store, clips, split, fitted_at_once=fitted_at_once)


def _notes_of_training(
    store: ClipStore, clips: Sequence[Clip], split: Split | None, *, fitted_at_once: bool
) -> list[str]:
    if split in (None, "train"):
        seen = sum(1 for clip in clips if clip.split == "train")
        return [f"{seen} of the judged clips are training clips: on new videos the figures are lower."]
    notes = []
    if split == "val":
        stopped = "" if fitted_at_once else "Training stopped where it did best on these clips, and what"
        notes.append(
            f"{stopped or 'What'} there is of temperature and threshold was chosen on "
            f"{'these clips' if fitted_at_once else 'them'}: on new videos the figures are a little lower."
        )
    trained = store.usable("train")
    groups = {clip.group for clip in clips}
    shared_groups = groups & {clip.group for clip in trained}
    if shared_groups:
        notes.append(
            f"{len(shared_groups)} of {len(groups)} groups also have training clips: "
            "the figures may be better than on new videos."
        )
    shared_bytes = {clip.sha256 for clip in clips} & {clip.sha256 for clip in trained}
    if shared_bytes:
        what = "videos" if store.has_frames else "rows"
        notes.append(f"{len(shared_bytes)} of the judged {what} are byte for byte in the training split too.")
    return notes


def interval_notes(true: np.ndarray, predicted: np.ndarray, groups: Sequence[str]) -> list[str]:
    """Why there are no intervals, if there are none."""
    num_groups = len(set(groups))
    if num_groups < MIN_GROUPS_FOR_INTERVAL:
        return [
            f"No intervals: {num_groups} independent groups are too few for them (at "
            f"least {MIN_GROUPS_FOR_INTERVAL}): the next group may differ from all of these. The accuracy "
            "on each group stands in their place."
        ]
    if (true == predicted).all():
        # The exact binomial bound (Clopper and Pearson, 1934) for no mistake in n trials.
        bound = 0.025 ** (1 / num_groups)
        return [
            f"No mistake in {num_groups} independent groups: the true accuracy may be as low as {bound:.3f}."
        ]
    if (true != predicted).all():
        return ["No intervals: every answer is wrong, and a resample says no more."]
    return []


def baseline_notes(*, has_baselines: bool) -> list[str]:
    """What is not compared, if something is not."""
    if has_baselines:
        return []
    return ["No majority and linear baselines: a model file alone has none; give the run folder to see them."]


def named_groups(clips: Sequence[Clip]) -> list[str]:
    """The group of each clip in words a person knows: a file without a group is named by its path."""
    first: dict[str, str] = {}
    for clip in clips:
        first.setdefault(clip.group, clip.path if clip.group.startswith(UNGROUPED) else clip.group)
    return [first[clip.group] for clip in clips]
