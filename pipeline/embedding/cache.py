"""Features of stored clips, computed once and kept beside the store.

A folder for each way to compute features (`Embedder.key`), in it one file a clip, named by the hash of the
clip's pixels. So a new clip costs one embedding, a killed run keeps what it had, and nothing stale is ever
read: other pixels, weights or runtimes have other names.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from pipeline.clips.store import Clip, ClipStore
from pipeline.embedding.embedder import Embedder
from pipeline.files import make_folder, require_free_space, whole_file

CACHE_FOLDER = "features"

Progress = Callable[[Iterable[int]], Iterable[int]]


def embed_clips(
    store: ClipStore,
    clips: Sequence[Clip],
    embedder: Embedder,
    *,
    offset: int | None = None,
    keep: bool = True,
    progress: Progress = iter,
) -> np.ndarray:
    """Features (N, T, D) float32 of stored clips, from the cache where they are, else computed and kept.

    Args:
        store: where the clips' frames are; the cache stands in its folder.
        clips: which clips, in the order of the result.
        embedder: computes what is missing.
        offset: which of the frames stored for each segment (0 to oversample - 1); None: the middle one.
        keep: whether to use the cache; without, all are computed (the weights will not come back).
        progress: wraps the rows that have to be computed, for a progress bar.

    Raises:
        MachineError: the cache cannot be written (full disk, read-only store).
    """
    folder = store.folder / CACHE_FOLDER / embedder.key()
    features = np.empty((len(clips), store.spec.num_frames, embedder.feature_dim), np.float32)
    offset = None if offset == store.oversample // 2 else offset
    paths = [_path(folder, clip, offset) for clip in clips]
    missing = [row for row, path in enumerate(paths) if not (keep and _read(path, features[row]))]
    if not missing:
        return features
    if keep:
        make_folder(folder)
        needed_bytes = len(missing) * features[0].nbytes
        require_free_space(folder, needed_bytes, purpose=f"caching the features of {len(missing)} clips")
    for row in progress(missing):
        clip = clips[row]
        frames = store.frames(clip) if offset is None else store.segments(clip)[:, offset]
        features[row] = embedder.embed(frames)
        if keep:
            with whole_file(paths[row]) as file:
                np.save(file, features[row])
    return features


def _path(folder: Path, clip: Clip, offset: int | None) -> Path:
    return folder / f"{clip.frames_sha256}{'' if offset is None else f'-{offset}'}.npy"


def _read(path: Path, into: np.ndarray) -> bool:
    """Fills (T, D) from the cache; False where it has nothing that can be used."""
    try:
        cached = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    if cached.shape != into.shape or cached.dtype != into.dtype:
        return False
    into[:] = cached
    return True
