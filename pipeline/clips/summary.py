"""What a store holds, counted: clips per class and split, failures, what stands on two sides."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.clips.clip import SPLITS, Clip, Split


@dataclass(frozen=True, kw_only=True)
class Shared:
    """Clips that have something in common.

    Attributes:
        what: the group's name, or the SHA-256 of the bytes.
        clips: two or more.
    """

    what: str
    clips: tuple[Clip, ...]

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits they stand in; more than one: the test has seen something of the training."""
        return tuple(split for split in SPLITS if any(clip.split == split for clip in self.clips))


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A store, counted.

    Attributes:
        counts: usable clips of each class (in the order of class_index) in each split.
        damaged: clips with frames of videos that could not be read wholly.
        failed: clips without frames.
        skipped: clips of earlier runs whose source is no longer listed.
        identical: usable clips of different files with the same bytes, cut at the same place.
        shared_groups: groups that stand on more than one side; only a given split can have them.
    """

    counts: dict[str, dict[Split, int]]
    damaged: tuple[Clip, ...]
    failed: tuple[Clip, ...]
    skipped: tuple[Clip, ...]
    identical: tuple[Shared, ...]
    shared_groups: tuple[Shared, ...]

    @classmethod
    def of(cls, labels: Iterable[str], clips: Iterable[Clip]) -> "Summary":
        """Counts the clips of a store."""
        clips = tuple(clips)
        usable = [clip for clip in clips if clip.is_usable]
        numbers = Counter((clip.label, clip.split) for clip in usable)
        by_bytes: dict[tuple[object, ...], list[Clip]] = defaultdict(list)
        by_group: dict[str, list[Clip]] = defaultdict(list)
        for clip in usable:
            by_bytes[clip.sha256, clip.start_seconds, clip.end_seconds].append(clip)
            by_group[clip.group].append(clip)
        shared = [Shared(what=name, clips=tuple(members)) for name, members in sorted(by_group.items())]
        return cls(
            counts={label: {split: numbers[label, split] for split in SPLITS} for label in labels},
            damaged=tuple(clip for clip in clips if clip.status == "damaged"),
            failed=tuple(clip for clip in clips if clip.status == "failed"),
            skipped=tuple(clip for clip in clips if clip.status == "skipped"),
            identical=tuple(
                {  # windows of the same files are told once
                    tuple(clip.path for clip in members): Shared(what=members[0].sha256, clips=tuple(members))
                    for members in reversed(by_bytes.values())
                    if len({clip.path for clip in members}) > 1
                }.values()
            )[::-1],
            shared_groups=tuple(group for group in shared if len(group.splits) > 1),
        )
