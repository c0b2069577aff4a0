"""Small clip stores of made-up frames, through the real writer: quick, and no videos needed."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.split_rule import SplitRule
from pipeline.clips.store import Clip, ClipStore, Split, write_frames, write_store
from pipeline.labels import Labels
from pipeline.spec import ClipSpec

SMALL_SPEC = ClipSpec(num_frames=4, image_size=16)


def make_frames(spec: ClipSpec, class_index: int, rng: np.random.Generator) -> np.ndarray:
    """A noisy clip (T, S, S, 3) in which a class is easy to see: a bright bar at a place of its own."""
    frames = rng.integers(0, 96, (spec.num_frames, spec.image_size, spec.image_size, 3), dtype=np.uint8)
    height = max(1, spec.image_size // 8)
    top = (class_index * height * 2) % (spec.image_size - height + 1)
    frames[:, top : top + height, :, class_index % 3] = 250
    return frames


def make_store(
    folder: Path,
    *,
    spec: ClipSpec = SMALL_SPEC,
    classes: Sequence[str] = ("down", "up"),
    clips_per_class: Mapping[Split, int] | None = None,
    failed: int = 0,
    damaged: int = 0,
    seed: int = 0,
) -> ClipStore:
    """Makes a valid store.

    Args:
        folder: where; made if needed.
        spec: what a clip is; 4 frames of 16 x 16 by default.
        classes: labels.
        clips_per_class: how many clips of each class each split gets; default train 6, val 3, test 3.
        failed: so many clips of the test split have no frames.
        damaged: so many clips of the train split are marked damaged (with frames).
        seed: of the frames.
    """
    counts = {"train": 6, "val": 3, "test": 3} if clips_per_class is None else dict(clips_per_class)
    labels = Labels.from_names(classes)
    rng = np.random.default_rng(seed)
    (folder / "frames").mkdir(parents=True, exist_ok=True)
    clips: list[Clip] = []
    for class_index, label in enumerate(labels):
        for split, count in counts.items():
            for number in range(count):
                clip_id = f"clip-{class_index}-{split}-{number:03d}"
                frames = make_frames(spec, class_index, rng)
                sha256 = hashlib.sha256(frames.tobytes()).hexdigest()
                clips.append(
                    Clip(
                        id=clip_id,
                        path=f"{label}/{split}-{number:03d}.avi",
                        label=label,
                        split=split,  # type: ignore[arg-type]
                        group=f"sha256:{sha256[:16]}",
                        status="ok",
                        width=32,
                        height=24,
                        frame_rate=10.0,
                        num_frames=spec.num_frames * 2,
                        duration_seconds=spec.num_frames / 5,
                        sha256=sha256,
                        frame_indices=tuple(range(1, spec.num_frames * 2, 2)),
                        frame_times_seconds=tuple((2 * t + 1) / 10 for t in range(spec.num_frames)),
                        frames_sha256=write_frames(folder, clip_id, frames),
                    )
                )
    tests = [index for index, clip in enumerate(clips) if clip.split == "test"][:failed]
    for index in tests:
        clip = clips[index]
        (folder / "frames" / f"{clip.id}.npy").unlink()
        clips[index] = Clip(
            id=clip.id, path=clip.path, label=clip.label, split=clip.split, group=clip.group,
            status="failed", reason="no frame could be decoded", sha256=clip.sha256,
        )  # fmt: skip
    trains = [index for index, clip in enumerate(clips) if clip.split == "train"][:damaged]
    for index in trains:
        values = {**vars(clips[index]), "status": "damaged", "reason": "1 of 8 frames could not be decoded"}
        clips[index] = Clip(**values)
    write_store(
        folder,
        spec=spec,
        labels=labels,
        clips=clips,
        clip_rule=ClipRule(),
        split_rule=SplitRule(origin="made", makes="all", seed=seed).to_dict(),
        versions={"cv2": "test", "ffmpeg": "test"},
    )
    return ClipStore.open(folder)
