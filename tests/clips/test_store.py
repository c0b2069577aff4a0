import csv
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.store import Clip, ClipStore, hash_frames, write_frames, write_store
from pipeline.errors import StoreError
from pipeline.labels import Labels
from pipeline.spec import ClipSpec
from tests.helpers.stores import SMALL_SPEC, make_store

ODD_NAMES = [
    "한글 이름.mp4",
    "emoji 🎬.mkv",
    "new\nline.avi",
    "lone\rreturn.avi",
    'quo"te,comma.mp4',
    " blank .mp4",
]


def test_round_trip(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", classes=("b", "가"), failed=1, damaged=2)
    again = ClipStore.open(tmp_path / "s")
    assert again.clips == store.clips
    assert again.labels.names == ("b", "가")
    assert again.spec == SMALL_SPEC
    assert len(again.clips) == 24
    assert len(again.usable()) == 23
    assert [len(again.usable(split)) for split in ("train", "val", "test")] == [12, 6, 5]
    assert sum(clip.status == "damaged" for clip in again.usable("train")) == 2
    clip = again.usable("val")[0]
    frames = again.frames(clip)
    assert isinstance(frames, np.memmap)
    assert frames.shape == (4, 16, 16, 3)
    assert hash_frames(frames) == clip.frames_sha256


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = make_store(tmp_path / "a"), make_store(tmp_path / "b")
    names = [path.relative_to(first.folder) for path in sorted(first.folder.rglob("*")) if path.is_file()]
    assert len(names) == 26
    for name in names:
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()
    assert first.digest == second.digest


def test_digest_tells_data_apart(tmp_path: Path) -> None:
    digests = {
        make_store(tmp_path / "a").digest,
        make_store(tmp_path / "b", seed=1).digest,
        make_store(tmp_path / "c", classes=("down", "left")).digest,
        make_store(tmp_path / "d", spec=replace(SMALL_SPEC, fill_rgb=(1, 2, 3))).digest,
    }
    assert len(digests) == 4


@pytest.mark.parametrize("name", [*ODD_NAMES, os.fsdecode(b"not utf-8 \xff\xfe.mp4")])
def test_every_name_round_trips(tmp_path: Path, name: str) -> None:
    clip = Clip(id="x", path=f"a/{name}", label="a", split="train", group="g,1", status="failed", reason=name)
    write_store(
        tmp_path,
        spec=ClipSpec(),
        labels=Labels(("a", "b")),
        clips=[clip],
        clip_rule=ClipRule(),
        split_rule={},
        versions={},
    )
    assert ClipStore.open(tmp_path).clips == (clip,)
    if os.fsencode(name).isascii():  # Python's own reader agrees with ours
        with (tmp_path / "clips.csv").open(newline="") as file:
            assert next(csv.DictReader(file))["path"] == f"a/{name}"


def test_floats_come_back_to_the_bit(tmp_path: Path) -> None:
    times = (0.1 + 0.2, 1 / 3, 1e-9, 12345.678901234567)
    clip = Clip(
        id="x", path="p", label="a", split="val", group="g", status="ok", frame_rate=30000 / 1001,
        frame_times_seconds=times, frame_indices=(0, 1, 2, 3), start_seconds=0.0,
    )  # fmt: skip
    write_store(
        tmp_path,
        spec=SMALL_SPEC,
        labels=Labels(("a",)),
        clips=[clip],
        clip_rule=ClipRule(),
        split_rule={},
        versions={},
    )
    assert ClipStore.open(tmp_path).clips == (clip,)


def test_missing_stores_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"does not exist\. Make one: `clipwise preprocess VIDEOS --out"):
        ClipStore.open(tmp_path / "none")
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="is a file, not a folder"):
        ClipStore.open(tmp_path / "file")
    with pytest.raises(StoreError, match="is not a clip store"):
        ClipStore.open(tmp_path)
    (tmp_path / "frames").mkdir()
    with pytest.raises(StoreError, match="is not finished"):
        ClipStore.open(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 3}, "format version 3; this Clipwise understands 2"),
        ({"format": "other"}, "not the description of a clip store"),
        ({"spec": {**SMALL_SPEC.to_dict(), "version": 9}}, "clip spec version 9 is unknown"),
        ({"labels": ["up"]}, "has the label 'down', which store.json does not list"),
        ({"labels": 3}, "is damaged"),
    ],
)
def test_a_wrong_manifest_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    make_store(tmp_path)
    path = tmp_path / "store.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(StoreError, match=message):
        ClipStore.open(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id,path", "id,file", r"line 1: .*columns.*file, path"),
        ("train,sha256", "training,sha256", r"line \d+: unknown split 'training'"),
        (",ok,", ",fine,", "unknown status 'fine'"),
        (",32,24,", ",wide,24,", "line 2: invalid literal"),
        (",32,24,", ",32,", "line 2: 22 columns, not 23"),
        ("clip-0-train-000", "../../etc", "clip id '../../etc' is not made of"),
        ("clip-0-train-001", "clip-0-train-000", "names one clip twice"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    make_store(tmp_path)
    path = tmp_path / "clips.csv"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(StoreError, match=message):
        ClipStore.open(tmp_path)


def test_damaged_frames_are_refused(tmp_path: Path) -> None:
    store = make_store(tmp_path, failed=1)
    one, two, three = store.usable()[:3]
    path = tmp_path / "frames" / f"{one.id}.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StoreError, match="Run the same `clipwise preprocess` again"):
        store.frames(one)
    write_frames(tmp_path, two.id, np.zeros((2, 16, 16, 3), np.uint8))
    with pytest.raises(StoreError, match=r"uint8 \(2, 16, 16, 3\), not uint8 \(4, 16, 16, 3\)"):
        store.frames(two)
    (tmp_path / "frames" / f"{three.id}.npy").unlink()
    with pytest.raises(StoreError, match="cannot read"):
        store.frames(three)
    failed = next(clip for clip in store.clips if clip.status == "failed")
    with pytest.raises(StoreError, match=r"has no frames: .*no frame could be decoded"):
        store.frames(failed)
