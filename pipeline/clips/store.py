"""The clip store: a folder of fixed-size clips, ready to train on, and the table that describes them.

    CLIPS/
      store.json         format, spec, labels, how the splits came about, versions of the decoder
      clips.csv          one row a clip (`Clip`), sorted by path
      frames/<id>.npy    uint8 (T, S, S, 3), RGB; with oversampling (T * m, S, S, 3)

No clock time is written: the same videos give the same bytes. `store.json` is written last, so a folder
without it is a store that is not finished.

An .npz file of features (`feature_file`) opens as a store too, whose clips have features and no frames.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from pipeline import files
from pipeline.clips.clip import SPLITS, Clip, Split, Status, clips_csv, parse_clips_csv
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.feature_rows import read_rows, row_of, unnamed
from pipeline.clips.npz_arrays import is_npz
from pipeline.errors import StoreError, UsageError
from pipeline.labels import Labels
from pipeline.spec import ClipSpec

FORMAT = "clipwise clip store"
FORMAT_VERSION = 2

__all__ = ["SPLITS", "Clip", "ClipStore", "Split", "Status", "write_frames", "write_store"]

_AGAIN = "Make it again with `clipwise preprocess VIDEOS --out {folder}` in a new folder."


@dataclass(frozen=True)
class ClipStore:
    """A clip store that was opened and checked.

    Attributes:
        folder: where it lies; or the file of features.
        manifest: the content of store.json.
        spec: what a clip is.
        labels: the classes, in the order of class_index.
        clips: all rows, failed and skipped ones too, sorted by path.
        oversample: frames stored for each of the T segments.
        features: (N, T, D) float32 of all rows of a file of features; None: a store of frames.
    """

    folder: Path
    manifest: Mapping[str, Any]
    spec: ClipSpec
    labels: Labels
    clips: tuple[Clip, ...]
    oversample: int = 1
    features: np.ndarray | None = field(default=None, repr=False, compare=False)

    @classmethod
    def open(cls, folder: Path | str) -> "ClipStore":
        """Opens a store, or an .npz file of features as one.

        Raises:
            StoreError: there is none, it is unfinished, damaged, or of an unknown version.
            UsageError: there is no such .npz file.
        """
        folder = Path(folder)
        if is_npz(folder):
            rows = read_rows(folder)
            return cls(folder, rows.manifest, rows.spec, rows.labels, rows.clips, features=rows.features)
        manifest = read_manifest(folder)
        try:
            spec, labels = ClipSpec.from_dict(manifest["spec"]), Labels(tuple(manifest["labels"]))
            oversample = ClipRule.from_dict(manifest["clip_rule"]).oversample
        except UsageError as error:
            raise StoreError(f"{folder / 'store.json'}: {error}") from None
        except (KeyError, TypeError) as error:
            raise StoreError(
                f"{folder / 'store.json'} is damaged ({error}). {_AGAIN.format(folder=folder)}"
            ) from None
        clips = _read_clips(folder)
        for clip in clips:
            if clip.status != "skipped" and clip.label not in labels.names:
                raise StoreError(
                    f"{folder}: clips.csv has the label {clip.label!r}, which store.json does not list: the "
                    "last preprocess did not finish. Run it again with the same options."
                )
        return cls(folder, manifest, spec, labels, clips, oversample)

    def usable(self, split: Split | None = None) -> tuple[Clip, ...]:
        """The clips with frames (status ok or damaged), of one split or of all."""
        return tuple(clip for clip in self.clips if clip.is_usable and split in (None, clip.split))

    @property
    def has_frames(self) -> bool:
        """Whether its clips have frames; otherwise they have features, given directly."""
        return self.features is None

    @property
    def unit(self) -> str:
        """What a clip without a group is taken as independent of others by: its file, or its row."""
        return "file" if self.has_frames else "row"

    def check_frames(self, wanted_for: str) -> None:
        """Refuses a file of features where frames are needed (StoreError).

        Args:
            wanted_for: what needs them, as the beginning of a sentence.
        """
        if not self.has_frames:
            raise StoreError(
                f"{self.folder} holds features and no frames. {wanted_for} frames: give a clip store that "
                "`clipwise preprocess` made."
            )

    def features_of(self, clips: Sequence[Clip]) -> np.ndarray:
        """The given features (n, T, D) float32 of some clips; NaN after a clip's last step."""
        assert self.features is not None  # noqa: S101 - asked for where `has_frames` is false
        return self.features[[row_of(clip) for clip in clips]]

    def frames(self, clip: Clip) -> np.ndarray:
        """The frames of a clip, uint8 (T, S, S, 3) RGB, memory-mapped and read-only.

        Raises:
            StoreError: the file is missing or damaged, or the clip has no frames.
        """
        return self.segments(clip)[:, self.oversample // 2]

    def segments(self, clip: Clip) -> np.ndarray:
        """All stored frames of a clip, uint8 (T, oversample, S, S, 3) RGB; the middle ones are `frames`.

        Raises:
            StoreError: the file is missing or damaged, or the clip has no frames.
        """
        self.check_frames("This needs")
        if clip.status == "failed":
            raise StoreError(f"clip {clip.id} has no frames: {clip.path}: {clip.reason}")
        path = frames_path(self.folder, clip.id)
        T, S = self.spec.num_frames, self.spec.image_size
        shape = (T * self.oversample, S, S, 3)
        try:
            frames: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise StoreError(f"cannot read {path}: {error}. {_mend(self.folder)}") from None
        if frames.dtype != np.uint8 or frames.shape != shape:
            raise StoreError(
                f"{path} holds {frames.dtype} {frames.shape}, not uint8 {shape}. {_mend(self.folder)}"
            )
        return frames.reshape(T, self.oversample, S, S, 3)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over spec, labels and all rows: two stores with the same digest hold the same data."""
        content = files.json_text({"spec": self.spec.to_dict(), "labels": list(self.labels)})
        clips = self.clips if self.has_frames else unnamed(self.clips)
        return hashlib.sha256(content.encode() + b"\n" + clips_csv(clips)).hexdigest()


def frames_path(folder: Path, clip_id: str) -> Path:
    """Where a clip's frames lie."""
    return folder / "frames" / f"{clip_id}.npy"


def write_frames(folder: Path, clip_id: str, frames: np.ndarray) -> str:
    """Writes a clip's frames (F, S, S, 3) whole or not at all; returns the SHA-256 of the array's bytes."""
    frames = np.ascontiguousarray(frames, dtype=np.uint8)
    with files.whole_file(frames_path(folder, clip_id)) as file:
        # As np.save does, which on a full disk loses the system's reason.
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(frames))
        file.write(frames.data)
    return hash_frames(frames)


def hash_frames(frames: np.ndarray) -> str:
    """SHA-256 of an array's bytes, as in `frames_sha256`."""
    return hashlib.sha256(np.ascontiguousarray(frames).data).hexdigest()


def write_store(
    folder: Path,
    *,
    spec: ClipSpec,
    labels: Labels,
    clips: Iterable[Clip],
    clip_rule: ClipRule,
    split_rule: Mapping[str, Any],
    versions: Mapping[str, str],
) -> None:
    """Writes clips.csv, then store.json, each whole or not at all; the frames are there already.

    Args:
        folder: the store.
        spec: what a clip is.
        labels: the classes.
        clips: all rows, in any order.
        clip_rule: how videos became clips.
        split_rule: how the splits came about, JSON-ready: source, fractions, seed.
        versions: of cv2 and FFmpeg.
    """
    ordered = sorted(clips, key=lambda clip: (os.fsencode(clip.path), clip.start_seconds or 0.0, clip.id))
    files.write_bytes(folder / "clips.csv", clips_csv(ordered))
    files.write_json(
        folder / "store.json",
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "spec": spec.to_dict(),
            "clip_rule": clip_rule.to_dict(),
            "labels": list(labels),
            "split": dict(split_rule),
            "versions": dict(versions),
        },
    )


def read_manifest(folder: Path) -> dict[str, Any]:
    """The content of store.json.

    Raises:
        StoreError: there is none, or it is of an unknown version.
    """
    path = folder / "store.json"
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise StoreError(
            f"the clip store {folder} {what}. Make one: `clipwise preprocess VIDEOS --out {folder}`."
        )
    if not path.exists():
        if (folder / "frames").is_dir():
            raise StoreError(
                f"the clip store {folder} is not finished (it has no store.json). Run the same "
                "`clipwise preprocess` again: it goes on where it stopped."
            )
        raise StoreError(
            f"{folder} is not a clip store (it has no store.json). Give the folder that "
            "`clipwise preprocess VIDEOS --out CLIPS` made."
        )
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}.") from None
    except ValueError as error:
        raise StoreError(f"{path} is damaged: {error}. {_AGAIN.format(folder=folder)}") from None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise StoreError(f"{path} is not the description of a clip store. {_AGAIN.format(folder=folder)}")
    if manifest.get("format_version") != FORMAT_VERSION:
        raise StoreError(
            f"{path} has format version {manifest.get('format_version')!r}; this Clipwise understands "
            f"{FORMAT_VERSION}. Install a newer Clipwise, or preprocess the videos again into a new folder."
        )
    return manifest


def _mend(folder: Path) -> str:
    return f"Run the same `clipwise preprocess` again on {folder}: it makes missing clips anew."


def _read_clips(folder: Path) -> tuple[Clip, ...]:
    path = folder / "clips.csv"
    try:
        return parse_clips_csv(path.read_bytes())
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}. {_AGAIN.format(folder=folder)}") from None
    except ValueError as error:
        raise StoreError(f"{path} is damaged: {error}. {_AGAIN.format(folder=folder)}") from None
