"""Clips that are one recording: the same bytes, the same pixels, or the same picture told in other bytes.

Two clips are nearly the same when they look alike and move alike (fingerprint.py); the more alike they look,
the less must their motion agree, because little motion drowns in the noise of encoding. On 57 made-up sets
(family `blobs` of scripts/bench_audit.py) a changed copy and its original agreed in motion by .95 or more but
for one of little motion (.90), other clips of the same place and class by .92 at most. On real clips of fixed
cameras four pairs that look alike to .999 and move alike to .7 or more could not be told apart by eye.

That misses copies with hard edges in fast motion that were cropped or sampled a moment later. So each clip is
also aligned with those nearest to it (alignment.py): 36 such copies of `crates` then agreed by .87 or more,
but for two (.70, little motion but for a shaking camera; and one whose bars were lit up), 18 of `blobs` by
.90; the nearest other clips of those families by .62 at most, and of 490 real clips of fixed cameras two
different trains by .79.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pipeline.audit.alignment import agreement
from pipeline.audit.fingerprint import Fingerprint
from pipeline.clips.clip import SPLITS, Clip, Split

Kind = Literal["bytes", "pixels", "near"]

MIN_LOOK, MIN_MOTION = 0.8, 0.93
MIN_LOOK_OF_SLIGHT_MOTION, MIN_SLIGHT_MOTION = 0.999, 0.7
MIN_LOOK_TO_ALIGN, MIN_AGREEMENT = 0.5, 0.83
STILL_MOTION_SHARE = 0.003  # less is the noise of encoding: there is no motion to compare
MIN_STILL_LOOK = 0.9995
_BLOCK_ROWS = 512  # of a matrix product: 512 x 10,000 float32 are 20 MB
_NUM_NEAREST = 3  # in each view, that are aligned
_MAX_LINKS = 20  # kept for each clip, the strongest: enough to hold a set together


@dataclass(frozen=True, kw_only=True)
class DuplicateSet:
    """Clips that are copies of each other.

    Attributes:
        kind: `bytes`: the same file; `pixels`: the same stored frames from files that differ; `near`: nearly
            the same pictures.
        clips: two or more, in the order of the store.
        likeness: of the weakest link that holds the set together, up to 1.
    """

    kind: Kind
    clips: tuple[Clip, ...]
    likeness: float

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits they stand in; more than one is a leak."""
        return tuple(split for split in SPLITS if any(clip.split == split for clip in self.clips))

    @property
    def labels(self) -> tuple[str, ...]:
        """Their labels; more than one: at least one of them is wrong."""
        return tuple(sorted({clip.label for clip in self.clips}))


def find_identical(clips: Sequence[Clip]) -> tuple[DuplicateSet, ...]:
    """Sets of clips with the same bytes, cut at the same place; then those with the same pixels only."""
    by_bytes: dict[tuple[object, ...], list[int]] = defaultdict(list)
    by_pixels: dict[str, list[int]] = defaultdict(list)
    for index, clip in enumerate(clips):
        if clip.sha256:
            by_bytes[clip.sha256, clip.start_seconds, clip.end_seconds].append(index)
        if clip.frames_sha256:
            by_pixels[clip.frames_sha256].append(index)
    copies = [  # not the windows and ranges of one file
        members for members in by_bytes.values() if len({clips[index].path for index in members}) > 1
    ]
    other_bytes = [
        members for members in by_pixels.values() if len({clips[index].sha256 for index in members}) > 1
    ]
    return (
        *_sets("bytes", clips, _chains(copies)),
        *_sets("pixels", clips, _chains(other_bytes)),
    )


def find_near(clips: Sequence[Clip], fingerprints: Sequence[Fingerprint]) -> tuple[DuplicateSet, ...]:
    """Sets of clips of nearly the same pictures, those that `find_identical` finds left out.

    Of clips with the same pixels one stands for all. Parts of one video are no copies of each other.
    """
    first: dict[str, int] = {}
    chosen = [
        index
        for index, clip in enumerate(clips)
        if first.setdefault(clip.frames_sha256 or clip.id, index) == index
    ]
    if len(chosen) < 2:
        return ()
    look, motion = (
        np.stack([getattr(fingerprints[index], name) for index in chosen]) for name in ("look", "motion")
    )
    is_still = np.array([fingerprints[index].motion_share < STILL_MOTION_SHARE for index in chosen])
    moving_rows, still_rows = np.flatnonzero(~is_still), np.flatnonzero(is_still)
    steady = [fingerprints[index].steady for index in chosen]
    links = [
        *_moving_links(moving_rows, look, motion),
        *_aligned_links(moving_rows, (look, motion), steady),
        *_links(still_rows, look, least=MIN_STILL_LOOK),
    ]
    paths = [clips[index].path for index in chosen]
    found = [(chosen[a], chosen[b], likeness) for a, b, likeness in links if paths[a] != paths[b]]
    return _sets("near", clips, found)


def _moving_links(
    rows: NDArray[np.intp], look: NDArray[np.float32], motion: NDArray[np.float32]
) -> Iterable[tuple[int, int, float]]:
    for a, b, moves_alike in _links(rows, motion, least=MIN_SLIGHT_MOTION):
        looks_alike = float(look[a] @ look[b])
        if looks_alike >= (MIN_LOOK if moves_alike >= MIN_MOTION else MIN_LOOK_OF_SLIGHT_MOTION):
            yield a, b, moves_alike


def _aligned_links(
    rows: NDArray[np.intp], views: Sequence[NDArray[np.float32]], steady: Sequence[NDArray[np.uint8]]
) -> Iterable[tuple[int, int, float]]:
    """Pairs that agree once they are aligned: of each clip those nearest in a view are tried."""
    pairs = {pair for view in views for pair in _nearest(rows, view)}
    look = views[0]
    for a, b in sorted(pairs):
        if float(look[a] @ look[b]) >= MIN_LOOK_TO_ALIGN:
            agrees = agreement(steady[a], steady[b])
            if agrees >= MIN_AGREEMENT:
                yield a, b, agrees


def _nearest(rows: NDArray[np.intp], view: NDArray[np.float32]) -> Iterable[tuple[int, int]]:
    """Each row and the rows nearest to it: a block against all at a time."""
    own = view[rows]
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = own[start : start + _BLOCK_ROWS] @ own.T  # (block, all)
        block[np.arange(len(block)), start + np.arange(len(block))] = -2  # itself
        kept = min(_NUM_NEAREST, len(rows) - 1)
        for line, others in enumerate(np.argpartition(-block, kept - 1, axis=1)[:, :kept]):
            one = int(rows[start + line])
            for other in others:
                two = int(rows[other])
                yield min(one, two), max(one, two)


def _links(
    rows: NDArray[np.intp], view: NDArray[np.float32], *, least: float
) -> Iterable[tuple[int, int, float]]:
    """Pairs of rows that are alike in a view: a block against all at a time."""
    own = view[rows]
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = own[start : start + _BLOCK_ROWS] @ own[start:].T  # (block, rest)
        block[np.tril_indices(len(block), m=block.shape[1])] = -1  # itself, and pairs already seen
        for line in np.flatnonzero((block >= least).any(axis=1)):
            others = np.flatnonzero(block[line] >= least)
            others = others[np.argsort(-block[line, others], kind="stable")][:_MAX_LINKS]
            for other in others:
                yield int(rows[start + line]), int(rows[start + other]), min(1.0, float(block[line, other]))


def _chains(sets: Iterable[Sequence[int]]) -> list[tuple[int, int, float]]:
    return [(members[0], other, 1.0) for members in sets for other in members[1:]]


def _sets(
    kind: Kind, clips: Sequence[Clip], links: Sequence[tuple[int, int, float]]
) -> tuple[DuplicateSet, ...]:
    """Joins links into sets; those that cross a split or a class first, then the largest."""
    if not links:
        return ()
    ones, others, likeness = zip(*links, strict=True)
    graph = coo_matrix((np.ones(len(links)), (ones, others)), shape=(len(clips), len(clips)))
    _, numbers = connected_components(graph, directed=False)
    members: dict[int, list[Clip]] = defaultdict(list)
    weakest: dict[int, float] = {}
    for index in sorted({*ones, *others}):
        members[numbers[index]].append(clips[index])
    for one, value in zip(ones, likeness, strict=True):
        weakest[numbers[one]] = min(value, weakest.get(numbers[one], 1.0))
    found = [
        DuplicateSet(kind=kind, clips=tuple(of_set), likeness=weakest[number])
        for number, of_set in members.items()
    ]
    return tuple(
        sorted(found, key=lambda it: (-len(it.labels), -len(it.splits), -len(it.clips), it.clips[0].id))
    )
