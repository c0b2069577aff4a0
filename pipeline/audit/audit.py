"""The audit of a clip store: everything that is looked at, and what was found."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pipeline.audit.distributions import Distribution, distribution
from pipeline.audit.duplicates import DuplicateSet, find_identical, find_near
from pipeline.audit.examine import Examined, examine
from pipeline.audit.finding import Finding
from pipeline.audit.first_frames import FirstFrames, look_at_first_frames
from pipeline.audit.groups import Groups, count_groups, is_given
from pipeline.audit.judge import judge
from pipeline.audit.properties import properties
from pipeline.audit.shortcuts import ShortcutCheck, check_shortcuts
from pipeline.clips.clip import Clip
from pipeline.clips.splits import merge_groups
from pipeline.clips.store import ClipStore
from pipeline.clips.summary import Summary
from pipeline.errors import StoreError

Item = TypeVar("Item")
Progress = Callable[[Iterable[Item], str, int], Iterable[Item]]  # (items, what is done, how many there are)
_SPREAD_OF = ("frame rate", "length", "bit rate")


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was found in a store.

    Attributes:
        store: the store.
        clips: the usable clips, all of which were looked at.
        summary: the store, counted.
        distributions: of sizes, rates and lengths.
        duplicates: sets of copies, the worst of each kind first.
        groups: what must not be split.
        first_frames: what the first frames of the videos showed.
        burned_in: ids of the clips that have black bars in the picture itself.
        shortcuts: how well what has nothing to do with the picture predicts the class.
        findings: all of it judged, the worst first.
        samples: by label, clips drawn for a person to look through, in the order of the store.
    """

    store: ClipStore
    clips: tuple[Clip, ...]
    summary: Summary
    distributions: tuple[Distribution, ...]
    duplicates: tuple[DuplicateSet, ...]
    groups: Groups
    first_frames: FirstFrames
    burned_in: tuple[str, ...]
    shortcuts: ShortcutCheck
    findings: tuple[Finding, ...]
    samples: dict[str, tuple[Clip, ...]]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "store": str(self.store.folder),
            "num_clips": len(self.clips),
            "counts": self.summary.counts,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def _silent(items: Iterable[Item], _description: str, _total: int) -> Iterable[Item]:
    return items


def audit(
    store: ClipStore,
    *,
    videos: Path | None = None,
    seed: int = 0,
    samples_per_class: int = 24,
    max_samples: int = 480,
    num_workers: int = 1,
    progress: Progress[Any] = _silent,
) -> Audit:
    """Looks for what is wrong with the data of a store. Reads each stored clip and each first frame once.

    Args:
        store: the store.
        videos: the folder that its paths are relative to; None: first frames are not looked at.
        seed: of shuffles and of the clips drawn for the contact sheets.
        samples_per_class: clips drawn of each class, at most.
        max_samples: clips drawn of all classes together, at most (but one of each class).
        num_workers: processes that read first frames.
        progress: wraps what takes time: (items, what is done, number of items).

    Raises:
        StoreError: no clip has frames, or frames are missing or damaged.
    """
    clips = store.usable()
    if not clips:
        raise StoreError(f"{store.folder} has no clip with frames, so there is nothing to audit.")
    examined = tuple(progress(examine(store, clips), "looking at clips", len(clips)))
    first_frames = FirstFrames(by_clip={}, missing={})
    bars = {it.clip.id: it.bars for it in examined}
    looking = look_at_first_frames(clips, bars, store.spec, videos, num_workers=num_workers)
    for first_frames in progress(looking, "first frames", len(clips)):  # noqa: B007 - the last holds all
        pass
    return conclude(
        store, examined, first_frames, seed=seed, samples_per_class=samples_per_class, max_samples=max_samples
    )


def conclude(
    store: ClipStore,
    examined: tuple[Examined, ...],
    first_frames: FirstFrames,
    *,
    seed: int = 0,
    samples_per_class: int = 24,
    max_samples: int = 480,
) -> Audit:
    """From what was seen to what it means; reads nothing."""
    clips = tuple(it.clip for it in examined)
    labels = [clip.label for clip in clips]
    columns = properties(examined, first_frames.bars)
    identical = find_identical(clips)
    duplicates = (*identical, *find_near(clips, [it.fingerprint for it in examined]))
    groups = count_groups(clips)
    burned_in = tuple(it.clip.id for it in examined if it.bars.are_there)
    shortcuts = check_shortcuts(columns, labels, _independent(clips, duplicates), seed=seed)
    summary = Summary.of(store.labels, store.clips)
    return Audit(
        store=store,
        clips=clips,
        summary=summary,
        distributions=tuple(
            distribution(column, labels, list(store.labels))
            for column in columns
            if column.name in _SPREAD_OF
        ),
        duplicates=duplicates,
        groups=groups,
        first_frames=first_frames,
        burned_in=burned_in,
        shortcuts=shortcuts,
        findings=judge(
            clips=clips,
            summary=summary,
            duplicates=duplicates,
            groups=groups,
            first_frames=first_frames,
            burned_in=burned_in,
            shortcuts=shortcuts,
        ),
        samples=_draw(clips, list(store.labels), seed, samples_per_class, max_samples),
    )


def _independent(clips: tuple[Clip, ...], duplicates: tuple[DuplicateSet, ...]) -> list[str]:
    """For each clip what it is not independent of: its group, or where none was given its copies."""
    keys = {clip.id: {f"group:{clip.group}"} for clip in clips}
    for number, copies in enumerate(duplicates):
        for clip in copies.clips:
            if not is_given(clip):
                keys[clip.id].add(f"copies:{number}")
    merged = merge_groups(keys)
    return [merged[clip.id] for clip in clips]


def _draw(
    clips: tuple[Clip, ...], classes: list[str], seed: int, per_class: int, at_most: int
) -> dict[str, tuple[Clip, ...]]:
    rng = np.random.default_rng(seed)
    share = max(1, min(per_class, at_most // max(1, len(classes))))
    drawn = {}
    for label in classes:
        of_class = [clip for clip in clips if clip.label == label]
        chosen = sorted(rng.permutation(len(of_class))[:share])
        drawn[label] = tuple(of_class[index] for index in chosen)
    return drawn
