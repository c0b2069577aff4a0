"""Cross-validation on a small store: what is held back is not learned from, and a stopped run goes on."""

import csv
import json
import shutil
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.clips.store import ClipStore
from pipeline.errors import CheckpointError, ConflictError, StoreError, UsageError
from pipeline.model.checkpoint import load_checkpoint
from pipeline.training.fold_plan import plan_folds
from pipeline.training.folds import FoldsResult, cross_validate
from pipeline.training.run import fit_model, train
from tests.helpers.runs import QUICK
from tests.helpers.stores import make_store

_CPU = torch.device("cpu")
_OPTIONS = replace(QUICK, epochs=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ClipStore:
    """24 clips to learn from and 6 test clips whose frames are gone: nothing may look at them."""
    made = make_store(
        tmp_path_factory.mktemp("folds") / "clips",
        classes=("걷기", "b", "c"),
        clips_per_class={"train": 6, "val": 2, "test": 2},
    )
    for clip in made.usable("test"):
        (made.folder / "frames" / f"{clip.id}.npy").unlink()
    return made


@pytest.fixture(scope="module")
def finished(store: ClipStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-validation of 3 folds, twice."""
    out = tmp_path_factory.mktemp("cv") / "run"
    cross_validate(store.folder, out, _OPTIONS, num_folds=3, num_repeats=2, device=_CPU)
    return out


def _grouped(store: ClipStore, groups: list[str]) -> ClipStore:
    clips = [replace(clip, group=group) for clip, group in zip(store.clips, groups, strict=True)]
    return replace(store, clips=tuple(clips))


def test_every_clip_is_held_back_once_and_its_group_is_not_learned_from(store: ClipStore) -> None:
    grouped = _grouped(store, [f"g{row // 2}" for row in range(len(store.clips))])
    plan = plan_folds(grouped, num_folds=4, num_repeats=2, seed=0)
    assert (plan.num_used, plan.num_total) == (24, 30)
    assert any("6 clips of the test split have no part" in note for note in plan.notes)
    expected = sorted(clip.id for clip in (*grouped.usable("train"), *grouped.usable("val")))
    for stores in plan.stores:
        held = [clip.id for fold in stores for clip in fold.usable("test")]
        assert sorted(held) == expected
        for fold in stores:
            sides = [{clip.group for clip in fold.usable(split)} for split in ("train", "val", "test")]
            assert not sides[0] & sides[1]
            assert not sides[0] & sides[2]
            assert not sides[1] & sides[2]
            assert {clip.label for clip in fold.usable("train")} == set(store.labels)
    assert plan.stores[0][0].clips != plan.stores[1][0].clips


def test_a_class_of_one_group_is_learned_from_and_not_judged(store: ClipStore) -> None:
    groups = ["all of it" if clip.label == "b" else clip.group for clip in store.clips]
    plan = plan_folds(_grouped(store, groups), num_folds=3, num_repeats=1, seed=0)
    assert plan.num_used == 16
    for fold in plan.stores[0]:
        assert sum(clip.label == "b" for clip in fold.usable("train")) == 8
    assert any("8 clips of 1 groups are learned from in every fold" in note for note in plan.notes)
    assert any("no figures of: b" in note for note in plan.notes)


def test_too_few_classes_or_groups_are_refused(store: ClipStore, tmp_path: Path) -> None:
    one_group = _grouped(store, ["one"] * len(store.clips))
    with pytest.raises(StoreError, match="has 0 classes with clips of two groups or more"):
        plan_folds(one_group, num_folds=2, num_repeats=1, seed=0)
    one_class = make_store(tmp_path / "one-class", classes=("only",))
    with pytest.raises(StoreError, match="has 1 classes with clips of two groups or more"):
        plan_folds(one_class, num_folds=2, num_repeats=1, seed=0)
    two_each = _grouped(store, [f"{clip.label} {row % 2}" for row, clip in enumerate(store.clips)])
    with pytest.raises(UsageError, match="--folds is 7; allowed: 2 to 6"):
        plan_folds(two_each, num_folds=7, num_repeats=1, seed=0)
    with pytest.raises(StoreError, match="of the 3 that a fold leaves, some have to teach"):
        plan_folds(two_each, num_folds=2, num_repeats=1, seed=0)
    with pytest.raises(UsageError, match="--repeats is 0; allowed: 1 or more"):
        cross_validate(store.folder, tmp_path / "r", _OPTIONS, num_folds=3, num_repeats=0, device=_CPU)
    assert not (tmp_path / "r").exists()


def test_figures_are_those_of_the_answers(store: ClipStore, finished: Path) -> None:
    metrics = json.loads((finished / "metrics.json").read_bytes())
    assert (metrics["folds"], metrics["repeats"], metrics["num_used"], metrics["num_total"]) == (3, 2, 24, 30)
    assert len(metrics["per_fold"]) == 6
    assert sum(row["num_test"] for row in metrics["per_fold"]) == 48
    assert metrics["accuracy"] == pytest.approx(np.mean([row["accuracy"] for row in metrics["per_fold"]]))
    assert np.array(metrics["confusion_matrix"]).sum() == 48
    assert [row["support"] for row in metrics["per_class"]] == [8, 8, 8]
    label_of = {clip.id: clip.label for clip in store.clips}
    with np.load(finished / "repeat-2-fold-3" / "answers.npz") as saved:
        said = [store.labels[index] for index in saved["logits"].argmax(axis=1)]
        right = np.mean([label_of[name] == label for name, label in zip(saved["ids"], said, strict=True)])
    assert metrics["per_fold"][5]["accuracy"] == pytest.approx(right)
    with (finished / "folds.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["macro_f1"]) for row in rows] == [row["macro_f1"] for row in metrics["per_fold"]]
    baselines = {"majority", "single_frame", "mean", "mean_std_difference", "shuffled"}
    assert set(metrics["baselines"]) == baselines == set(metrics["per_fold"][0]["baselines"])
    assert float(rows[0]["mean_accuracy"]) == metrics["per_fold"][0]["baselines"]["mean"]["accuracy"]
    assert not (finished / "repeat-1-fold-1" / "resume.pt").exists()


def test_the_table_of_held_back_clips_has_each_clip_once_a_repeat(store: ClipStore, finished: Path) -> None:
    with (finished / "held_back.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ids = sorted(clip.id for clip in (*store.usable("train"), *store.usable("val")))
    for repeat in ("1", "2"):
        assert sorted(row["id"] for row in rows if row["repeat"] == repeat) == ids
    labels = {clip.id: clip.label for clip in store.clips}
    folds = json.loads((finished / "metrics.json").read_bytes())["per_fold"]
    of_fold = [row for row in rows if (row["repeat"], row["fold"]) == ("2", "3")]
    assert np.mean([row["predicted"] == labels[row["id"]] for row in of_fold]) == pytest.approx(
        folds[5]["accuracy"]
    )
    for row in rows:
        shares = {label: float(row[f"probability: {label}"]) for label in store.labels}
        assert sum(shares.values()) == pytest.approx(1)
        assert max(shares, key=shares.__getitem__) == row["predicted"]


def test_a_stopped_run_goes_on_to_the_same_figures(
    store: ClipStore, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def stopping(*arguments: Any, **options: Any) -> Any:
        begun.append(arguments[1].name)
        if len(begun) == 4:
            raise KeyboardInterrupt
        return fit_model(*arguments, **options)

    monkeypatch.setattr("pipeline.training.folds.fit_model", stopping)
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        cross_validate(store.folder, out, _OPTIONS, num_folds=3, num_repeats=2, device=_CPU)
    assert not (out / "metrics.json").exists()
    result = cross_validate(store.folder, out, _OPTIONS, num_folds=3, num_repeats=2, device=_CPU)
    assert not result.was_finished
    assert begun[3:] == ["repeat-2-fold-1", "repeat-2-fold-1", "repeat-2-fold-2", "repeat-2-fold-3"]
    for name in ("metrics.json", "folds.csv", "held_back.csv", "run.json", "repeat-2-fold-1/answers.npz"):
        assert (out / name).read_bytes() == (finished / name).read_bytes(), name


def test_a_finished_run_says_so_and_other_folds_or_options_are_refused(
    store: ClipStore, finished: Path, tmp_path: Path
) -> None:
    def again(**changes: Any) -> FoldsResult:
        options = replace(_OPTIONS, **{key: value for key, value in changes.items() if key == "seed"})
        numbers = {"num_folds": changes.get("num_folds", 3), "num_repeats": changes.get("num_repeats", 2)}
        return cross_validate(store.folder, finished, options, device=_CPU, **numbers)

    assert again().was_finished
    with pytest.raises(ConflictError, match="folds was 3 and is now 4"):
        again(num_folds=4)
    with pytest.raises(ConflictError, match="repeats was 2 and is now 1"):
        again(num_repeats=1)
    with pytest.raises(ConflictError, match=r"options\.seed was 0 and is now 1"):
        again(seed=1)
    with pytest.raises(ConflictError, match="folds was 3 and is now None"):
        train(store.folder, finished, _OPTIONS, device=_CPU)
    copied = shutil.copytree(finished, tmp_path / "copied")
    (copied / "metrics.json").unlink()
    (copied / "repeat-1-fold-2" / "answers.npz").write_bytes(b"PK no archive")
    with pytest.raises(CheckpointError, match=r"answers\.npz cannot be read .* Delete it"):
        cross_validate(store.folder, copied, _OPTIONS, num_folds=3, num_repeats=2, device=_CPU)


def test_it_is_no_model(finished: Path) -> None:
    with pytest.raises(CheckpointError, match="holds a cross-validation, which makes figures and no model"):
        load_checkpoint(finished)


def test_a_frozen_backbone_embeds_each_clip_once(
    store: ClipStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import save_file

    from pipeline.embedding.embedder import Embedder
    from pipeline.embedding.runtime import Read
    from pipeline.model.tiny import TinyBackbone

    torch.manual_seed(0)
    save_file(TinyBackbone().state_dict(), tmp_path / "tiny.safetensors")
    num_embedded: list[int] = []
    real = Embedder.embed_each

    def counting(self: Embedder, reads: Iterable[Read]) -> Generator[np.ndarray, None, None]:
        for features in real(self, reads):
            num_embedded.append(1)
            yield features

    monkeypatch.setattr(Embedder, "embed_each", counting)
    copied = shutil.copytree(store.folder, tmp_path / "clips")
    options = replace(_OPTIONS, weights=str(tmp_path / "tiny.safetensors"))
    cross_validate(copied, tmp_path / "run", options, num_folds=3, device=_CPU)
    assert len(num_embedded) == 24
