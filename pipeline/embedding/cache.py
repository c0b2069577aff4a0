"""Features of stored clips, computed once and kept beside the store.

    CLIPS/features/<how they were computed>/
      about.json      what the folder's name stands for (`Embedder.describe`)
      <random>.npy    shards: the features of some clips, under the hash of their pixels

So a new clip costs one embedding, and nothing stale is ever read: other pixels, weights or runtimes have
other names. Shards are written while the embedding goes on and never changed, only joined: a run that is
killed loses the last seconds, and several runs at once do no harm beyond doing the same work twice.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np

from pipeline.clips.store import Clip, ClipStore, frames_path, hash_frames
from pipeline.embedding.embedder import Embedder
from pipeline.embedding.shard import Shard, open_shards, write_shard
from pipeline.errors import MachineError, StoreError
from pipeline.files import (
    TEMPORARY_PREFIX,
    format_bytes,
    make_folder,
    remove_file,
    require_free_space,
    write_json,
)
from pipeline.model.given import takes_features_words

CACHE_FOLDER = "features"
ABOUT_FILE = "about.json"
MAPPED_FROM_BYTES = 256 * 2**20
"""From this size on features are read from the disk as they are needed, instead of being held in memory."""

_SAID_FROM_BYTES = 100 * 10**6
_SHARD_BYTES = 64 * 2**20
# A kill costs at most a twentieth of what a run has done, and a long run leaves few shards.
_SHORTEST_SECONDS, _LONGEST_SECONDS, _SHARE = 2.0, 60.0, 0.05
_LEFTOVER_SECONDS = 24 * 3600.0
_TRIES = 3  # another run may join shards just while they are looked for

Progress = Callable[[Iterable[int]], Iterable[int]]
Say = Callable[[str], None]
_Place = tuple[Shard, int]


def quiet(_sentence: str) -> None:
    """Says nothing."""


def embed_clips(
    store: ClipStore,
    clips: Sequence[Clip],
    embedder: Embedder,
    *,
    offset: int | None = None,
    keep: bool = True,
    progress: Progress = iter,
    say: Say = quiet,
) -> np.ndarray:
    """Features (N, T, D) float32 of stored clips, from the cache where they are, else computed and kept.

    Where the store is a file of features, they are those; steps after a clip's end are then NaN.

    Args:
        store: where the clips' frames are; the cache stands in its folder.
        clips: which clips, in the order of the result.
        embedder: computes what is missing.
        offset: which of the frames stored for each segment (0 to oversample - 1); None: the middle one.
        keep: whether to use the cache; without, all are computed (the weights will not come back).
        progress: wraps the rows that have to be computed, for a progress bar.
        say: is told how large the cache gets, where it gets large.

    Returns:
        From `MAPPED_FROM_BYTES` on a map of a file, of which memory holds what is looked at; features kept as
        half floats are held in memory as float32 whatever their size.

    Raises:
        StoreError: frames that cannot be read, or features where the embedder takes frames.
        MachineError: the cache cannot be written (full disk, read-only store).
    """
    if not store.has_frames:
        return _given(store, clips, embedder)
    if embedder.takes_features:
        words = takes_features_words("This model", embedder.feature_dim)
        raise StoreError(f"{store.folder} holds frames. {words}")
    offset = None if offset == store.oversample // 2 else offset
    shape = (store.spec.num_frames, embedder.feature_dim)

    def reads(rows: Iterable[int]) -> Iterator[Callable[[], np.ndarray]]:
        return (_reader(store, clips[row], offset) for row in rows)

    if not keep:
        features = np.empty((len(clips), *shape), np.float32)
        rows = range(len(clips))
        with contextlib.closing(embedder.embed_each(reads(rows))) as results:
            for row, computed in zip(progress(rows), results, strict=True):
                features[row] = computed
        return features
    names = [f"{clip.frames_sha256}{'' if offset is None else f'-{offset}'}" for clip in clips]
    cache = FeatureCache(store.folder / CACHE_FOLDER / embedder.key(), shape, embedder.stored_dtype)
    missing = list({name: row for row, name in enumerate(names) if not cache.holds(name)}.values())
    if missing:
        cache.prepare(len(missing), len(names), about=embedder.describe(), say=say)
        with _Keeper(cache) as keeper, contextlib.closing(embedder.embed_each(reads(missing))) as results:
            for row, computed in zip(progress(missing), results, strict=True):
                keeper.add(names[row], computed)
    return cache.gather(names)


def _given(store: ClipStore, clips: Sequence[Clip], embedder: Embedder) -> np.ndarray:
    """The features of a file, for a model that takes such."""
    if not embedder.takes_features:
        store.check_frames("This model takes")
    features = store.features_of(clips)
    if features.shape[2] != embedder.feature_dim:
        raise StoreError(
            f"{store.folder} has {features.shape[2]} numbers a step, and the model takes "
            f"{embedder.feature_dim}: give features like those it was trained on."
        )
    return features


def _reader(store: ClipStore, clip: Clip, offset: int | None) -> Callable[[], np.ndarray]:
    """Reads a clip's frames (T, S, S, 3) from the disk when it is called."""

    def read() -> np.ndarray:
        segments = store.segments(clip)
        if hash_frames(segments) != clip.frames_sha256:  # the features would be kept under a wrong name
            raise StoreError(
                f"the frames of clip {clip.id} in {store.folder} are not those that were written. Delete "
                f"{frames_path(store.folder, clip.id)} and run the same `clipwise preprocess` again."
            )
        return np.ascontiguousarray(segments[:, store.oversample // 2 if offset is None else offset])

    return read


class FeatureCache:
    """The features that are kept in one folder.

    Args:
        folder: need not be there.
        row_shape: (T, D) of a clip's features.
        dtype: of what is stored.
    """

    def __init__(self, folder: Path, row_shape: tuple[int, int], dtype: np.dtype[np.generic]) -> None:
        self._folder = folder
        self._row_shape = row_shape
        self._dtype = dtype
        self._shards: list[Shard] = []
        self._places: dict[str, list[_Place]] = {}  # rows of a name; a damaged one may have been replaced
        self._whole: set[tuple[Path, int]] = set()  # rows whose checksums were right
        self._reopen()

    def holds(self, name: str) -> bool:
        """Whether there are features of this name whose bytes are as they were written."""
        return any(self._is_whole(*place) for place in self._places.get(name, ()))

    def prepare(self, num_missing: int, num_wanted: int, *, about: dict[str, object], say: Say) -> None:
        """Makes the folder and sees to it that there is room for what will be added.

        Raises:
            MachineError: there is none, or the folder cannot be written.
        """
        try:
            make_folder(self._folder)
            if not (self._folder / ABOUT_FILE).exists():
                write_json(self._folder / ABOUT_FILE, about)
        except MachineError as error:
            raise MachineError(
                f"{error}. Features are kept beside the clips: copy the store to where it can be written."
            ) from error
        self._remove_leftovers()
        added = num_missing * self._bytes_of_row
        wanted = num_wanted * self._bytes_of_row
        joined = wanted if self._is_mapped(wanted) else 0  # they are written once more, side by side
        purpose = f"caching the features of {num_missing} clips"
        require_free_space(self._folder, added + joined, purpose=purpose)
        if added >= _SAID_FROM_BYTES:
            say(f"the features of {num_missing} clips take {format_bytes(added)} in {self._folder}")

    def add(self, names: Sequence[str], rows: Sequence[np.ndarray]) -> None:
        """Keeps features (T, D) under these names; `gather` sees them.

        Raises:
            MachineError: they cannot be written.
        """
        write_shard(self._folder, (row.astype(self._dtype) for row in rows), names)

    def gather(self, names: Sequence[str]) -> np.ndarray:
        """The features (N, T, D) float32 of these names, all of which have been added.

        Raises:
            MachineError: some cannot be read back.
        """
        for _ in range(_TRIES):
            self._reopen()
            if all(self.holds(name) for name in names):
                break
        else:
            raise MachineError(
                f"features that were just written to {self._folder} cannot be read back; is its disk failing?"
            )
        if self._is_mapped(len(names) * self._bytes_of_row):
            mapped = self._side_by_side(names)
            if mapped is None:
                with contextlib.suppress(MachineError):  # no room to join them: memory will have to do
                    self._join(names)
                    mapped = self._side_by_side(names)
            if mapped is not None:
                return mapped
        features = np.empty((len(names), *self._row_shape), np.float32)
        for into, name in zip(features, names, strict=True):
            into[:] = self._row(name)
        return features

    def _row(self, name: str) -> np.ndarray:
        shard, row = next(place for place in self._places[name] if self._is_whole(*place))
        return np.asarray(shard.rows[row])

    def _is_whole(self, shard: Shard, row: int) -> bool:
        if (shard.path, row) not in self._whole:
            if not shard.is_whole(row):
                return False
            self._whole.add((shard.path, row))
        return True

    def _side_by_side(self, names: Sequence[str]) -> np.ndarray | None:
        """The features of these names as a slice of one shard, if one has them all in this order."""
        wanted = tuple(names)
        for shard, start in self._places.get(names[0], ()):
            rows = range(start, start + len(wanted))
            if shard.names[rows.start : rows.stop] == wanted and all(
                self._is_whole(shard, row) for row in rows
            ):
                return shard.rows[rows.start : rows.stop]
        return None

    def _join(self, names: Sequence[str]) -> None:
        """Writes these features once more, side by side in one shard; shards with nothing else in them go."""
        write_shard(self._folder, (self._row(name) for name in names), names)
        joined = set(names)
        for shard in self._shards:
            if joined.issuperset(shard.names):
                with contextlib.suppress(MachineError):  # Windows: another run reads it; it does no harm
                    remove_file(shard.path)
        self._reopen()

    def _reopen(self) -> None:
        """Looks at what is in the folder now."""
        self._shards = open_shards(self._folder, row_shape=self._row_shape, dtype=self._dtype)
        self._places = {}
        for shard in self._shards:
            for row, name in enumerate(shard.names):
                self._places.setdefault(name, []).append((shard, row))

    def _remove_leftovers(self) -> None:
        """Removes what killed runs left unfinished; what is young may be another run's, at work now."""
        for path in self._folder.glob(f"{TEMPORARY_PREFIX}*"):
            with contextlib.suppress(OSError, MachineError):
                if time.time() - path.stat().st_mtime > _LEFTOVER_SECONDS:
                    remove_file(path)

    @property
    def _bytes_of_row(self) -> int:
        return self._row_shape[0] * self._row_shape[1] * self._dtype.itemsize

    def _is_mapped(self, num_bytes: int) -> bool:
        return num_bytes >= MAPPED_FROM_BYTES and self._dtype == np.float32


class _Keeper:
    """Collects features and writes them in shards; what was added is kept when the block ends, however."""

    def __init__(self, cache: FeatureCache) -> None:
        self._cache = cache
        self._names: list[str] = []
        self._rows: list[np.ndarray] = []
        self._started = self._written = time.monotonic()

    def __enter__(self) -> "_Keeper":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._write()

    def add(self, name: str, features: np.ndarray) -> None:
        """Keeps the features (T, D) of a clip, soon."""
        self._names.append(name)
        self._rows.append(features)
        now = time.monotonic()
        wait = min(max(_SHORTEST_SECONDS, _SHARE * (now - self._started)), _LONGEST_SECONDS)
        if now - self._written >= wait or len(self._rows) * features.nbytes >= _SHARD_BYTES:
            self._write()

    def _write(self) -> None:
        if self._rows:
            self._cache.add(self._names, self._rows)
        self._names, self._rows = [], []
        self._written = time.monotonic()
