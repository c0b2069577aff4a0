import io
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.clips import npz_arrays
from pipeline.clips.feature_file import read_feature_file
from pipeline.clips.store import ClipStore
from pipeline.errors import StoreError, UsageError
from pipeline.files import sha256_of_file
from tests.helpers.features import LABELS, make_lengths, make_sequences, write_features

X, Y = make_sequences(12)


def with_value(row: int, step: int, column: int, value: float) -> np.ndarray:
    features = X.astype(np.float64)
    features[row, step, column] = value
    return features


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"X": None}, r"has no X, but y"),
        ({"y": None}, r"has no y, but X"),
        ({"X": X[0]}, r"X has shape \(6, 5\); allowed: \(N, T, D\)"),
        ({"X": X[:0], "y": Y[:0]}, r"X has shape \(0, 6, 5\)"),
        ({"X": X[:, :0]}, r"X has shape \(12, 0, 5\)"),
        ({"X": X.astype(complex)}, r"X holds complex128; allowed: real numbers"),
        ({"X": X.astype(str)}, r"X holds <U\d+; allowed: real numbers"),
        ({"X": np.zeros((12, 1025, 1), np.float32)}, r"with T 1025; allowed: 1 to 1024"),
        ({"X": np.zeros((12, 1, 65537), np.float32)}, r"with D 65537; allowed: 1 to 65536"),
        ({"y": Y[:11]}, r"y has shape \(11,\); allowed: \(12,\)"),
        ({"y": np.arange(12.0)}, r"y holds float64; allowed: texts, or whole numbers"),
        ({"y": np.array(Y, dtype=object)}, r"y holds Python objects"),
        ({"X": np.array(X, dtype=object)}, r"X holds Python objects"),
        ({"y": np.array(["a", " ", *"bbbbbbbbbb"])}, r"row 1 has an empty label"),
        ({"y": np.full(12, "a")}, r"all 12 rows have the label 'a'; there must be 2 classes"),
        ({"lengths": np.full(12, 7)}, r"row 0 has length 7; allowed: 1 to 6, .*12 rows of 12"),
        ({"lengths": np.arange(12) % 6}, r"row 0 has length 0; allowed: 1 to 6"),
        ({"lengths": np.full(12, 2.0)}, r"lengths holds float64; allowed: whole numbers"),
        ({"lengths": np.full((12, 1), 2)}, r"lengths has shape \(12, 1\)"),
        ({"groups": np.full(12, np.nan)}, r"row 0 has the group nan"),
        ({"groups": np.zeros(11)}, r"groups has shape \(11,\)"),
        ({"split": np.array(["train"] * 11 + ["dev"])}, r"row 11 has the split 'dev'; allowed: train, val"),
        ({"X": with_value(3, 4, 2, np.nan)}, r"row 3: step 4 \(of 0 to 5\), column 2 is nan"),
        ({"X": with_value(3, 0, 1, np.inf)}, r"row 3: step 0 .* column 1 is inf"),
        ({"X": with_value(3, 0, 1, 1e300)}, r"row 3: .* is 1e\+300, which is more than float32 holds"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    path = write_features(tmp_path / "f.npz", num_clips=12, **given)
    with pytest.raises(StoreError, match=said) as caught:
        ClipStore.open(path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist") as caught:
        ClipStore.open(tmp_path / "nothing.npz")
    assert caught.value.exit_code == 2
    for name, content in (("empty", b""), ("text", b"X,y\n1,2\n"), ("cut", b"PK\x03\x04" + bytes(40))):
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        with pytest.raises(StoreError, match=r"is not an \.npz file"):
            ClipStore.open(path)
    array = tmp_path / "array.npz"
    with array.open("wb") as file:
        np.save(file, X)
    with pytest.raises(StoreError, match=r"is not an \.npz file"):
        ClipStore.open(array)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.npz")
        with pytest.raises(StoreError, match="is no regular file"):
            ClipStore.open(tmp_path / "pipe.npz")


def test_a_folder_of_that_name_is_a_store(tmp_path: Path) -> None:
    (tmp_path / "store.npz").mkdir()
    with pytest.raises(StoreError, match="is not a clip store"):
        ClipStore.open(tmp_path / "store.npz")


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_file_that_was_cut_or_spoilt(tmp_path: Path, place: float) -> None:
    path = write_features(tmp_path / "f.npz")
    content = path.read_bytes()
    path.write_bytes(content[: int(place * len(content))])
    with pytest.raises(StoreError, match="is not"):
        ClipStore.open(path)
    middle = content.index(b"NUMPY") + 2000
    path.write_bytes(content[:middle] + bytes(40) + content[middle + 40 :])
    with pytest.raises(StoreError, match=r"is not whole: the array X \(Bad CRC-32"):
        ClipStore.open(path)


def header_of(shape: tuple[int, ...], descr: str = "<f4") -> bytes:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"shape": shape, "fortran_order": False, "descr": descr})
    return out.getvalue()


def test_what_promises_too_much_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("X.npy", header_of((10**6, 1024, 65536)) + bytes(64))
        archive.writestr("y.npy", header_of((10**6,), "<i8"))
    with pytest.raises(
        StoreError, match=r"is not whole: X should be \(1000000, 1024, 65536\) float32, 268\."
    ):
        ClipStore.open(path)

    monkeypatch.setattr(np.lib.format, "read_array", lambda *_, **__: pytest.fail("it was read"))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:  # 64 MB of zeros in 64 kB
        archive.writestr("X.npy", header_of((16, 1024, 1024)) + bytes(2**26))
        archive.writestr("y.npy", header_of((16,), "<i8") + bytes(128))
    assert path.stat().st_size < 2**17
    monkeypatch.setattr(npz_arrays, "available_memory_bytes", lambda: 2**27)
    with pytest.raises(StoreError, match=r"take 167\.8 MB of memory, and 134\.2 MB are free"):
        ClipStore.open(path)

    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:  # a header of 100 MB
        archive.writestr("X.npy", b"\x93NUMPY\x02\x00" + (10**8).to_bytes(4, "little") + bytes(10**8))
        archive.writestr("y.npy", header_of((16,), "<i8") + bytes(128))
    with pytest.raises(StoreError, match="is not whole: the array X"):
        ClipStore.open(path)


def test_memory_is_known_here() -> None:
    available = npz_arrays.available_memory_bytes()
    assert available is None or 2**20 < available < 2**50


def test_rows_become_clips(tmp_path: Path) -> None:
    lengths = make_lengths(60, 6)
    path = write_features(tmp_path / "f.npz", lengths=lengths)
    store = ClipStore.open(path)
    assert not store.has_frames
    assert store.labels.names == tuple(sorted(LABELS))
    assert store.spec.num_frames == 6
    assert [clip.id for clip in store.clips] == [f"row-{row:06d}" for row in range(60)]
    assert [clip.path for clip in store.clips] == [f"f.npz#{row}" for row in range(60)]
    assert [clip.label for clip in store.clips] == make_sequences()[1].tolist()
    assert [clip.num_frames for clip in store.clips] == lengths.tolist()
    assert [len(store.usable(split)) for split in ("train", "val", "test")] == [42, 9, 9]
    for clip in (store.clips[17], store.clips[3]):
        row = int(clip.id[4:])
        given = store.features_of([clip])[0]
        assert np.array_equal(given[: lengths[row]], make_sequences()[0][row, : lengths[row]])
        assert np.isnan(given[lengths[row] :]).all()
    with pytest.raises(StoreError, match="holds features and no frames"):
        store.frames(store.clips[0])


def test_labels_and_groups_may_be_numbers_or_bytes(tmp_path: Path) -> None:
    path = write_features(
        tmp_path / "f.npz", y=np.arange(60, dtype=np.uint8) % 3, groups=np.arange(60) // 4 / 2
    )
    store = ClipStore.open(path)
    assert store.labels.names == ("0", "1", "2")
    assert [store.clips[row].group for row in (0, 4, 59)] == ["0.0", "0.5", "7.0"]
    of_split = [{clip.group for clip in store.usable(split)} for split in ("train", "val", "test")]
    assert all(of_split)
    assert sum(map(len, of_split)) == 15  # none on two sides
    path = write_features(tmp_path / "b.npz", y=np.array([b"a", "é".encode()] * 30), groups=["g", ""] * 30)
    store = ClipStore.open(path)
    assert store.labels.names == ("a", "é")
    assert store.clips[0].group == "g"
    assert store.clips[1].group.startswith("sha256:")


def test_identical_rows_stay_together(tmp_path: Path) -> None:
    features, labels = make_sequences(60)
    features[1::2] = features[::2]
    labels[1::2] = labels[::2]
    store = ClipStore.open(write_features(tmp_path / "f.npz", X=features, y=labels))
    assert len({clip.group for clip in store.clips}) == 30
    store = ClipStore.open(
        write_features(tmp_path / "g.npz", X=features, y=labels, groups=[f"g{row}" for row in range(60)])
    )
    for split in ("train", "val", "test"):
        rows = {int(clip.id[4:]) // 2 for clip in store.usable(split)}
        assert len(rows) * 2 == len(store.usable(split))


def test_a_given_split_is_kept(tmp_path: Path) -> None:
    split = np.array((["train"] * 3 + ["val"] + ["test"] * 2) * 10)
    store = ClipStore.open(write_features(tmp_path / "f.npz", split=split))
    assert [clip.split for clip in store.clips] == split.tolist()
    assert store.manifest["split"]["origin"] == "file"
    split[split == "val"] = "train"
    store = ClipStore.open(write_features(tmp_path / "g.npz", split=split))
    assert [clip.split == "test" for clip in store.clips] == (split == "test").tolist()
    assert len(store.usable("val")) == 6  # 15 % of train
    assert "val" in store.manifest["notes"][0]


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    features, labels = make_sequences(60)
    lengths = make_lengths(60, 6)
    digest = ClipStore.open(write_features(tmp_path / "a.npz", lengths=lengths)).digest
    garbage = features.copy()
    for row, length in enumerate(lengths):
        garbage[row, length:] = 7 if row % 2 else np.nan
    same = write_features(tmp_path / "b.npz", X=garbage.astype(np.float64), lengths=lengths.astype(np.int32))
    assert sha256_of_file(same) != sha256_of_file(tmp_path / "a.npz")
    assert ClipStore.open(same).digest == digest
    changed = features.copy()
    changed[59, 0, 0] += 1
    labels_too = labels.copy()
    labels_too[0] = LABELS[1]
    others = [
        write_features(tmp_path / "c.npz", X=changed, lengths=lengths),
        write_features(tmp_path / "d.npz", y=labels_too, lengths=lengths),
        write_features(tmp_path / "e.npz"),
        write_features(tmp_path / "f.npz", lengths=lengths, groups=np.arange(60)),
    ]
    assert len({digest, *(ClipStore.open(path).digest for path in others)}) == 5


def test_without_labels_and_with_spoilt_rows(tmp_path: Path) -> None:
    path = write_features(tmp_path / "f.npz", num_clips=12, X=with_value(3, 4, 2, np.nan), y=None)
    file = read_feature_file(path, needs_labels=False)
    assert file.labels == ()
    assert list(file.spoilt) == [3]
    lengths = np.full(12, 6)
    lengths[3] = 4  # what is spoilt is padding now
    path = write_features(tmp_path / "g.npz", num_clips=12, X=with_value(3, 4, 2, np.nan), lengths=lengths)
    assert ClipStore.open(path).clips[3].num_frames == 4
