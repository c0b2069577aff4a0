"""Features are computed once, are never stale, and survive what lies broken in the cache."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.clips.store import ClipStore, frames_path
from pipeline.embedding import cache
from pipeline.embedding.cache import ABOUT_FILE, CACHE_FOLDER, embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.errors import MachineError, StoreError
from pipeline.model.classifier import ClipClassifier, ModelConfig, Precision
from pipeline.model.head import HeadConfig
from tests.helpers.stores import make_store

ROOT = Path(__file__).resolve().parents[2]


def _embedder(seed: int = 0, *, precision: Precision = "float32") -> Embedder:
    torch.manual_seed(seed)
    head = HeadConfig(feature_dim=128, num_classes=2, lstm_dim=8, attention_dim=4)
    config = ModelConfig(backbone="tiny", image_size=16, head=head, precision=precision)
    return Embedder(ClipClassifier(config))


def _files(folder: Path) -> list[Path]:
    return sorted((folder / CACHE_FOLDER).rglob("*.npy"))


def _forbidden(rows: object) -> list[int]:
    raise AssertionError(f"embedded again: {rows}")


class _Count:
    """A progress bar that counts, and can stop like a Ctrl-C."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.rows: list[int] = []
        self._stop_after = stop_after

    def __call__(self, rows: Iterable[int]) -> Iterable[int]:
        for row in rows:
            if len(self.rows) == self._stop_after:
                raise KeyboardInterrupt
            self.rows.append(row)
            yield row


def test_cached_features_equal_computed_ones_to_the_bit(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    computed = embed_clips(store, clips, embedder, keep=False)
    assert not _files(store.folder)
    kept = embed_clips(store, clips, embedder)
    assert len(_files(store.folder)) == 1
    assert f'"weights": "{embedder.describe()["weights"]}"' in next(
        store.folder.glob(f"{CACHE_FOLDER}/*/{ABOUT_FILE}")
    ).read_text("utf-8")
    cached = embed_clips(store, clips, embedder, progress=_forbidden)
    for features in (kept, cached):
        assert features.dtype == np.float32
        assert np.array_equal(features, computed)
    assert np.array_equal(computed[3], embedder.embed(store.frames(clips[3])))


def test_only_what_is_missing_is_embedded(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    expected = embed_clips(store, clips, embedder, keep=False)
    embed_clips(store, clips[4:9], embedder)
    count = _Count()
    assert np.array_equal(embed_clips(store, clips, embedder, progress=count), expected)
    assert sorted(count.rows) == [*range(4), *range(9, len(clips))]
    backwards = embed_clips(store, clips[::-1], embedder, progress=_forbidden)
    assert np.array_equal(backwards, expected[::-1])


def test_equal_clips_are_embedded_once(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    count = _Count()
    features = embed_clips(store, (clips[0], clips[1], clips[0]), embedder, progress=count)
    assert len(count.rows) == 2
    assert np.array_equal(features[0], features[2])


def test_what_was_embedded_before_a_stop_is_kept(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    with pytest.raises(KeyboardInterrupt):
        embed_clips(store, clips, embedder, progress=_Count(stop_after=7))
    count = _Count()
    embed_clips(store, clips, embedder, progress=count)
    assert count.rows == list(range(7, len(clips)))


def test_a_kill_costs_the_last_seconds_only(tmp_path: Path) -> None:
    """The process says when it has embedded ten clips of .1 s, which is when some of them are on the disk."""
    store, embedder = make_store(tmp_path / "s"), _embedder()
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\n"
        "from pipeline.clips.store import ClipStore\nfrom pipeline.embedding import cache\n"
        "from tests.embedding.test_cache import _embedder\n"
        "cache._SHORTEST_SECONDS = 0.3\n"
        "def slowly(rows):\n"
        "    for done, row in enumerate(rows):\n"
        "        if done == 10: print('ten', flush=True)\n"
        "        time.sleep(0.1)\n"
        "        yield row\n"
        "store = ClipStore.open(sys.argv[1])\n"
        "cache.embed_clips(store, store.usable(), _embedder(), progress=slowly)\n"
    )
    process = subprocess.Popen(
        [sys.executable, str(script), str(store.folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ten\n"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    count = _Count()
    features = embed_clips(store, store.usable(), embedder, progress=count)
    assert 10 <= len(count.rows) < len(store.usable())
    assert np.array_equal(features, embed_clips(store, store.usable(), embedder, keep=False))


def test_several_runs_at_once_end_the_same(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", clips_per_class={"train": 60, "val": 3, "test": 3})
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom pipeline.clips.store import ClipStore\nfrom pipeline.embedding import cache\n"
        "from tests.embedding.test_cache import _embedder\n"
        "cache.MAPPED_FROM_BYTES, cache._SHARD_BYTES = 0, 5000\n"  # shards come and go all the time
        "store, embedder = ClipStore.open(sys.argv[1]), _embedder()\n"
        "clips = store.usable()\n"
        "for part in (clips[::2], clips[::-1], clips[1::3]):\n"
        "    cache.embed_clips(store, part, embedder)\n"
    )
    command = [sys.executable, str(script), str(store.folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate(timeout=120)[1].decode() for process in processes] == ["", ""]
    cached = embed_clips(store, store.usable(), _embedder(), progress=_forbidden)
    assert np.array_equal(cached, embed_clips(store, store.usable(), _embedder(), keep=False))


@pytest.mark.parametrize("damage", ["cut", "cut in the list", "a bit", "emptied", "noise"])
def test_damaged_features_are_computed_again(tmp_path: Path, damage: str) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    expected = embed_clips(store, clips, embedder)
    (path,) = _files(store.folder)
    content = bytearray(path.read_bytes())
    content[1000] ^= 4  # in the first row
    path.write_bytes(
        {
            "cut": content[:3000],
            "cut in the list": content[:-5],
            "a bit": content,
            "emptied": bytearray(),
            "noise": bytearray(os.urandom(5000)),
        }[damage]
    )
    count = _Count()
    assert np.array_equal(embed_clips(store, clips, embedder, progress=count), expected)
    assert count.rows == ([0] if damage == "a bit" else list(range(len(clips))))
    assert np.array_equal(embed_clips(store, clips, embedder, progress=_forbidden), expected)


def test_large_features_are_mapped_and_stored_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    expected = embed_clips(store, clips, embedder, keep=False)
    monkeypatch.setattr(cache, "MAPPED_FROM_BYTES", 1)
    embed_clips(store, clips[1::2], embedder)
    features = embed_clips(store, clips, embedder)
    assert isinstance(features, np.memmap)
    assert np.array_equal(features, expected)
    (joined,) = _files(store.folder)  # what was in two shards is in one
    features[0] = 0  # a caller may change what it got, but not what is kept
    again = embed_clips(store, clips[2:7], embedder, progress=_forbidden)
    assert isinstance(again, np.memmap)
    assert np.array_equal(again, expected[2:7])
    assert np.array_equal(embed_clips(store, clips, embedder)[0], expected[0])
    assert _files(store.folder) == [joined]
    twice = embed_clips(store, (*clips, *clips[:2]), embedder, progress=_forbidden)
    assert isinstance(twice, np.memmap)
    assert np.array_equal(twice[-2:], expected[:2])


def test_large_features_without_room_to_map_them_are_read_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clips = store.usable()
    expected = embed_clips(store, clips, embedder)

    def full(*_: object) -> Path:
        raise MachineError("no space left on device")

    monkeypatch.setattr(cache, "MAPPED_FROM_BYTES", 1)
    monkeypatch.setattr(cache, "write_shard", full)
    features = embed_clips(store, clips[::-1], embedder)
    assert not isinstance(features, np.memmap)
    assert np.array_equal(features, expected[::-1])


def test_features_of_float16_take_half_the_disk(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    clips = store.usable()
    whole = embed_clips(store, clips, _embedder())
    (path,) = _files(store.folder)
    embedder = _embedder(precision="float16")
    kept = embed_clips(store, clips, embedder)
    (half_path,) = set(_files(store.folder)) - {path}
    saved = path.stat().st_size - half_path.stat().st_size
    assert saved == pytest.approx(whole.nbytes // 2, abs=200)  # the lists differ by the digits of checksums
    assert kept.dtype == np.float32
    assert np.array_equal(kept, whole.astype(np.float16).astype(np.float32))
    assert np.array_equal(kept[2], embedder.embed(store.frames(clips[2])))
    assert np.array_equal(embed_clips(store, clips, embedder, progress=_forbidden), kept)


def test_a_large_cache_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, said = make_store(tmp_path / "s"), list[str]()
    monkeypatch.setattr(cache, "_SAID_FROM_BYTES", 20_000)
    embed_clips(store, store.usable("val"), _embedder(), say=said.append)
    assert said == []
    embed_clips(store, store.usable(), _embedder(), say=said.append)
    assert len(said) == 1  # 18 clips of 4 frames, 128 numbers of 4 bytes each
    assert said[0].startswith("the features of 18 clips take 36.9 kB in ")


def test_a_full_disk_or_a_store_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    (store.folder / CACHE_FOLDER).write_bytes(b"in the way")
    with pytest.raises(MachineError, match=r"cannot make the folder .*copy the store to where it can be"):
        embed_clips(store, store.usable(), embedder)
    (store.folder / CACHE_FOLDER).unlink()
    monkeypatch.setattr("pipeline.files.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(MachineError, match=r"caching the features of 24 clips needs about 49\.2 kB"):
        embed_clips(store, store.usable(), embedder)


def test_what_a_killed_run_left_is_removed_when_it_is_old(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    folder = store.folder / CACHE_FOLDER / embedder.key()
    folder.mkdir(parents=True)
    for name, age_seconds in (("old", 2 * 24 * 3600), ("young", 60)):
        path = folder / f".unfinished-{name}"
        path.write_bytes(b"half a shard")
        os.utime(path, (time.time() - age_seconds,) * 2)
    embed_clips(store, store.usable(), embedder)
    assert [path.name for path in folder.glob(".unfinished-*")] == [".unfinished-young"]


def test_other_frames_than_those_listed_are_refused(tmp_path: Path) -> None:
    store, embedder = make_store(tmp_path / "s"), _embedder()
    clip = store.usable()[3]
    path = frames_path(store.folder, clip.id)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=f"the frames of clip {clip.id} .*are not those that were written"):
        embed_clips(store, store.usable(), embedder)


def test_other_pixels_weights_precision_or_threads_have_other_names(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", seed=1)
    embed_clips(store, store.usable(), _embedder())
    other = make_store(tmp_path / "t", seed=2)
    (tmp_path / "s" / CACHE_FOLDER).rename(tmp_path / "t" / CACHE_FOLDER)
    count = _Count()
    embed_clips(other, other.usable(), _embedder(), progress=count)
    assert len(count.rows) == len(other.usable())
    assert _embedder(0).key() == _embedder(0).key() != _embedder(1).key()
    keys = {_embedder().key(), _embedder(precision="float16").key()}
    before = torch.get_num_threads()
    torch.set_num_threads(before + 1)
    try:
        keys.add(_embedder().key())
    finally:
        torch.set_num_threads(before)
    assert len(keys) == 3


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


def test_a_store_opened_again_finds_its_features(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    embed_clips(store, store.usable(), _embedder())
    again = ClipStore.open(store.folder)
    embed_clips(again, again.usable(), _embedder(), progress=_forbidden)
