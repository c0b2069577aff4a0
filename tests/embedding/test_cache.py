"""Features are computed once, are never stale, and survive what lies broken in the cache."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.embedding.cache import CACHE_FOLDER, embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig
from tests.helpers.stores import make_store


def _embedder(seed: int = 0) -> Embedder:
    torch.manual_seed(seed)
    head = HeadConfig(feature_dim=128, num_classes=2, lstm_dim=8, attention_dim=4)
    return Embedder(ClipClassifier(ModelConfig(backbone="tiny", image_size=16, head=head)))


def _files(folder: Path) -> list[Path]:
    return sorted((folder / CACHE_FOLDER).rglob("*.npy"))


def test_cached_features_equal_computed_ones_to_the_bit(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    computed = embed_clips(store, clips, embedder, keep=False)
    assert not _files(store.folder)
    kept = embed_clips(store, clips, embedder)
    assert len(_files(store.folder)) == len(clips)
    cached = embed_clips(store, clips, embedder, progress=_forbidden)
    for features in (kept, cached):
        assert np.array_equal(features, computed)
    assert np.array_equal(computed[3], embedder.embed(store.frames(clips[3])))


def _forbidden(rows: object) -> list[int]:
    raise AssertionError(f"embedded again: {rows}")


def test_only_what_is_missing_is_embedded(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    expected = embed_clips(store, clips, embedder)
    for path in _files(store.folder)[:2]:
        path.unlink()
    broken = _files(store.folder)[0]
    broken.write_bytes(broken.read_bytes()[:40])
    embedded: list[int] = []

    def count(rows: object) -> list[int]:
        embedded.extend(rows)  # type: ignore[arg-type]
        return embedded

    assert np.array_equal(embed_clips(store, clips, embedder, progress=count), expected)
    assert len(embedded) == 3


def test_other_pixels_weights_or_threads_have_other_names(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", seed=1)
    embed_clips(store, store.usable(), _embedder())
    first = _files(store.folder)
    other_pixels = make_store(tmp_path / "t", seed=2)
    embed_clips(other_pixels, other_pixels.usable(), _embedder())
    assert not {path.name for path in first} & {path.name for path in _files(other_pixels.folder)}
    assert _embedder(0).key() == _embedder(0).key() != _embedder(1).key()
    keys = {_embedder().key()}
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        keys.add(_embedder().key())
    finally:
        torch.set_num_threads(before)
    assert len(keys) == 2


def test_features_do_not_depend_on_the_other_clips(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable("train")
    together = embed_clips(store, clips, embedder, keep=False)
    alone = embed_clips(store, clips[5:6], embedder, keep=False)
    assert np.array_equal(together[5:6], alone)


@pytest.mark.parametrize("num_frames", [1, 3])
def test_any_number_of_frames_can_be_embedded(num_frames: int) -> None:
    frames = np.zeros((num_frames, 16, 16, 3), np.uint8)
    assert _embedder().embed(frames).shape == (num_frames, 128)
