"""Groups: what must not be split, and where it is split, or cannot be."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.clips.clip import SPLITS, Clip, Split

_NOT_GIVEN = ("sha256:", "path:")  # begin the group of a clip to which none was given


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group that was given: one camera, one person, one source.

    Attributes:
        name: as given.
        counts: its clips in each split.
        labels: its clips of each class.
    """

    name: str
    counts: dict[Split, int]
    labels: dict[str, int]

    @property
    def splits(self) -> tuple[Split, ...]:
        """Where it stands; more than one: the test has seen it in training."""
        return tuple(split for split in SPLITS if self.counts[split])


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The groups of a store.

    Attributes:
        given: those that were given, by name.
        parted_videos: videos without a group whose parts stand on more than one side.
        num_ungrouped: clips to which none was given.
        groups_per_label: number of groups, given or not, that each class comes from.
    """

    given: tuple[Group, ...]
    parted_videos: tuple[Group, ...]
    num_ungrouped: int
    groups_per_label: dict[str, int]

    @property
    def shared(self) -> tuple[Group, ...]:
        """Groups on more than one side."""
        return tuple(group for group in self.given if len(group.splits) > 1)

    @property
    def single_source_labels(self) -> tuple[str, ...]:
        """Classes all of whose clips come from one given group."""
        only = {label for group in self.given for label in group.labels}
        return tuple(
            label for label, number in self.groups_per_label.items() if number == 1 and label in only
        )


def is_given(clip: Clip) -> bool:
    """Whether the clip's group was given; otherwise it is the clip's own bytes or path."""
    return not clip.group.startswith(_NOT_GIVEN)


def count_groups(clips: Sequence[Clip]) -> Groups:
    """Counts the groups of usable clips."""
    members: dict[str, list[Clip]] = defaultdict(list)
    parts: dict[str, list[Clip]] = defaultdict(list)
    of_label: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        of_label[clip.label].add(clip.group)
        if is_given(clip):
            members[clip.group].append(clip)
        else:
            parts[clip.path].append(clip)
    videos = [_group(path, of_path) for path, of_path in sorted(parts.items())]
    return Groups(
        given=tuple(_group(name, of_group) for name, of_group in sorted(members.items())),
        parted_videos=tuple(video for video in videos if len(video.splits) > 1),
        num_ungrouped=len(clips) - sum(map(len, members.values())),
        groups_per_label={label: len(names) for label, names in sorted(of_label.items())},
    )


def _group(name: str, clips: Sequence[Clip]) -> Group:
    labels = Counter(clip.label for clip in clips)
    splits = Counter(clip.split for clip in clips)
    return Group(name=name, counts={split: splits[split] for split in SPLITS}, labels=dict(labels))
