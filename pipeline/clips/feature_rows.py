"""The rows of a file of features as clips: what stands in place of a store's table and description."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.clips.clip import Clip
from pipeline.clips.feature_file import FeatureFile, read_feature_file, spoilt_words
from pipeline.clips.split_rule import SplitRule
from pipeline.clips.splits import Dealt, merge_groups
from pipeline.errors import StoreError
from pipeline.labels import Labels
from pipeline.spec import ClipSpec

_ID_START = "row-"


@dataclass(frozen=True, kw_only=True)
class FeatureRows:
    """A file of features, ready to be a store.

    Attributes:
        manifest: what store.json holds of a store of frames, as far as there is such a thing.
        spec: T frames; what it says of pixels means nothing.
        labels: the classes.
        clips: one for each row, in their order.
        features: (N, T, D) float32, NaN after a clip's last step.
    """

    manifest: dict[str, Any]
    spec: ClipSpec
    labels: Labels
    clips: tuple[Clip, ...]
    features: np.ndarray


def read_rows(path: Path) -> FeatureRows:
    """Reads a file of features, and deals its rows to splits where it names none.

    Raises:
        UsageError: there is no such file.
        StoreError: it is none, or holds values that are not finite; says where.
    """
    file = read_feature_file(path)
    if file.spoilt:
        raise StoreError(f"{path}: X is not finite: {spoilt_words(file)}. Mend or leave out these rows.")
    clips = [_clip(file, row) for row in range(len(file.features))]
    rule = SplitRule(
        origin="made" if None in file.splits else "file",
        makes=SplitRule.makes_of(file.splits),
        grouping="groups" if any(file.groups) else "",
    )
    splits, notes = rule.assign(
        usable=_dealt(clips),
        failed=(),
        given={clip.id: split for clip, split in zip(clips, file.splits, strict=True)},
        kept={},
    )
    spec, labels = ClipSpec(num_frames=file.num_steps), Labels.from_names(file.labels)
    return FeatureRows(
        manifest={
            "format": "clipwise features",
            "spec": spec.to_dict(),
            "labels": list(labels),
            "split": rule.to_dict(),
            "versions": {},
            "notes": notes,
        },
        spec=spec,
        labels=labels,
        clips=tuple(replace(clip, split=splits[clip.id]) for clip in clips),
        features=file.features,
    )


def row_of(clip: Clip) -> int:
    """The row of the file that a clip was made from."""
    return int(clip.id.removeprefix(_ID_START))


def row_path(path: Path | str, row: int) -> str:
    """What a row is called where a video has its path: `features.npz#12`."""
    return f"{path}#{row}"


def unnamed(clips: Sequence[Clip]) -> list[Clip]:
    """Rows without the name of their file, which changes nothing of what they hold."""
    return [replace(clip, path="") for clip in clips]


def _clip(file: FeatureFile, row: int) -> Clip:
    length = int(file.lengths[row])
    sha256 = _hash(file.features[row, :length])
    return Clip(
        id=f"{_ID_START}{row:06d}",
        path=row_path(file.path.name, row),
        label=file.labels[row],
        split="train",  # until it is dealt
        group=file.groups[row] or f"sha256:{sha256[:16]}",
        status="ok",
        num_frames=length,
        sha256=sha256,
        frame_indices=tuple(range(length)),
        frames_sha256=sha256,
    )


def _hash(steps: np.ndarray) -> str:
    """SHA-256 of a clip's valid steps (length, D)."""
    digest = hashlib.sha256(f"{steps.shape}".encode())
    digest.update(np.ascontiguousarray(steps, dtype="<f4").data)
    return digest.hexdigest()


def _dealt(clips: Sequence[Clip]) -> list[Dealt]:
    """Clips as a split sees them: those with the same numbers stay together, whatever their group."""
    groups = merge_groups({clip.id: {clip.group, f"sha256:{clip.sha256[:16]}"} for clip in clips})
    return [Dealt(id=clip.id, label=clip.label, group=groups[clip.id]) for clip in clips]
