"""A comparison from features to files: stopped and gone on with, and the same table from the same command."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.compare.choice import LEAST_LOSS
from pipeline.compare.comparison import Comparison, Watch, compare
from pipeline.compare.jobs import save_answers
from pipeline.compare.options import CompareOptions
from pipeline.errors import CheckpointError, ConflictError, StoreError, UsageError
from pipeline.training.options import TrainOptions
from pipeline.training.run import train

OPTIONS = CompareOptions(
    heads=("mean", "attention_pooling", "lstm", "full"),
    hidden_sizes=(2, 4),
    folds=2,
    repeats=1,
    epochs=2,
    patience=1,
)


def write_features(path: Path, *, num_clips: int = 72, seed: int = 0, signal: float = 1.0) -> Path:
    """Two classes that the mean of the steps tells apart, two clips a group; the last eighth is for tests."""
    rng = np.random.default_rng(seed)
    y = np.arange(num_clips) % 2
    X = rng.normal(size=(num_clips, 4, 3)) + signal * y[:, None, None]
    split = np.where(np.arange(num_clips) >= num_clips * 7 // 8, "test", "train")
    split[np.arange(num_clips) % 6 == 5] = np.where(
        split[np.arange(num_clips) % 6 == 5] == "test", "test", "val"
    )
    np.savez(path, X=X, y=y, groups=np.arange(num_clips) // 2, split=split)
    return path


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_features(tmp_path_factory.mktemp("features") / "made.npz")


@pytest.fixture(scope="module")
def finished(features: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    return compare(features, tmp_path_factory.mktemp("compared") / "out", OPTIONS)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_fit_is_a_row_and_each_fold_keeps_the_setting_of_the_lowest_validation_loss(
    finished: Comparison,
) -> None:
    rows = rows_of(finished.folder / "runs.csv")
    whole = [row for row in rows if row["share_of_clips"] == "1.0"]
    settings = {"majority": 1, "mean": 6, "attention_pooling": 4, "lstm": 4, "full": 4}
    for head, number in settings.items():
        for fold in ("1", "2"):
            tried = [row for row in whole if (row["head"], row["fold"]) == (head, fold)]
            assert len(tried) == number
            (kept,) = [row for row in tried if row["kept"] == "1"]
            # Losses so small that every validation clip is right are equal; of equals the first is kept.
            losses = [max(float(row["val_loss"]), LEAST_LOSS) for row in tried]
            assert int(kept["setting"]) == losses.index(min(losses))
    # The clips of the test split are in no fold.
    assert sum(int(row["num_test"]) for row in whole if row["head"] == "majority") == 63
    assert {row["share_of_clips"] for row in rows} == {"0.1", "0.25", "0.5", "1.0"}


def test_the_setting_is_not_the_one_that_does_best_on_clips_held_back(finished: Comparison) -> None:
    rows = [row for row in rows_of(finished.folder / "runs.csv") if row["share_of_clips"] == "1.0"]
    kept = {(row["head"], row["fold"]): float(row["test_loss"]) for row in rows if row["kept"] == "1"}
    best = {
        place: min(float(r["test_loss"]) for r in rows if (r["head"], r["fold"]) == place) for place in kept
    }
    assert any(kept[place] > best[place] for place in kept)


def test_the_result_has_what_the_report_draws(finished: Comparison) -> None:
    result = finished.result
    assert json.loads((finished.folder / "result.json").read_text()) == result
    assert [head["name"] for head in result["heads"]] == [
        "majority",
        "mean",
        "attention_pooling",
        "lstm",
        "full",
    ]
    by_head = {row["head"]: row for row in result["results"]}
    assert by_head["mean"]["macro_f1"]["mean"] > 0.8
    assert by_head["majority"]["balanced_accuracy"]["mean"] == pytest.approx(0.5)
    assert result["data"] | {"notes": []} == {
        "num_clips": 63, "num_groups": 32, "labels": ["0", "1"], "clips_per_class": {"0": 32, "1": 31},
        "num_frames": 4, "chance": 0.5, "notes": [],
    }  # fmt: skip
    pairs = [(row["first"], row["second"]) for row in result["pairs"]]
    # Rungs that are left out are stepped over.
    assert pairs == [
        ("mean", "majority"),
        ("attention_pooling", "mean"),
        ("lstm", "attention_pooling"),
        ("full", "lstm"),
    ]
    assert {row["head"] for row in result["hidden_sizes"]} == {"attention_pooling", "lstm", "full"}
    assert [point["fraction"] for point in result["curves"][0]["points"]] == [0.1, 0.25, 0.5, 1.0]
    assert by_head["lstm"]["shuffle_cost"] is not None
    assert by_head["mean"]["shuffle_cost"] is None
    assert by_head["full"]["attention"] is not None


def test_the_same_seed_gives_the_same_table_in_one_process_or_two(
    finished: Comparison, features: Path, tmp_path: Path
) -> None:
    again = compare(features, tmp_path / "again", OPTIONS, num_workers=2)
    for name in ("runs.csv", "best.json"):
        assert (again.folder / name).read_bytes() == (finished.folder / name).read_bytes()
    one, other = ({**each.result, "seconds": None} for each in (finished, again))
    for result in (one, other):
        for row in result["results"]:
            row["seconds_to_best"] = None
    assert one == other


def test_a_comparison_that_was_stopped_goes_on_to_the_same_table(
    finished: Comparison, features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    def stop_after(number: int) -> Callable[..., None]:
        def saving(path: Path, answers: Any) -> None:
            if len(made) == number:
                raise KeyboardInterrupt
            made.append(path)
            save_answers(path, answers)

        return saving

    for number in (3, 30, 50):
        monkeypatch.setattr("pipeline.compare.comparison.save_answers", stop_after(number))
        with pytest.raises(KeyboardInterrupt):
            compare(features, tmp_path / "out", OPTIONS)
    monkeypatch.setattr("pipeline.compare.comparison.save_answers", stop_after(10_000))
    # A file that was damaged meanwhile is made anew.
    made[0].write_bytes(made[0].read_bytes()[:40])
    before = len(made)
    gone_on = compare(features, tmp_path / "out", OPTIONS)
    rows = rows_of(gone_on.folder / "runs.csv")
    assert len(made) - before == len(rows) - 49
    assert (gone_on.folder / "runs.csv").read_bytes() == (finished.folder / "runs.csv").read_bytes()
    assert not list((gone_on.folder / "features").glob("*"))  # the shared copy of the features is gone


def test_a_finished_comparison_says_so_and_one_with_other_settings_is_refused(
    finished: Comparison, features: Path, tmp_path: Path
) -> None:
    assert compare(features, finished.folder, OPTIONS).was_finished
    with pytest.raises(ConflictError, match=r"epochs was 2 and is now 3"):
        compare(features, finished.folder, replace(OPTIONS, epochs=3))
    other = write_features(tmp_path / "other.npz", seed=1)
    with pytest.raises(ConflictError, match="data was"):
        compare(other, finished.folder, OPTIONS)
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(ConflictError, match=r"no comparison \(it has letter.txt"):
        compare(features, tmp_path, OPTIONS)
    with pytest.raises(ConflictError, match="is a file"):
        compare(features, features, OPTIONS)


def test_fits_of_another_version_are_not_mixed_with_those_of_this_one(
    finished: Comparison, features: Path, tmp_path: Path
) -> None:
    given = json.loads((finished.folder / "compare.json").read_text())
    (tmp_path / "compare.json").write_text(json.dumps({**given, "version": "0.0.9"}))
    with pytest.raises(ConflictError, match=r"version was '0\.0\.9' and is now"):
        compare(features, tmp_path, OPTIONS)
    (tmp_path / "compare.json").write_text(json.dumps({**given, "fits_format": 1}))
    with pytest.raises(ConflictError, match=r"fits_format was 1 and is now 2"):
        compare(features, tmp_path, OPTIONS)


def test_a_damaged_result_is_named_and_can_be_made_again(features: Path, tmp_path: Path) -> None:
    options = replace(OPTIONS, heads=("mean",), curve=False)
    first = compare(features, tmp_path / "out", options)
    (first.folder / "result.json").write_text("{")
    with pytest.raises(CheckpointError, match="Delete it and run the same command again: the fits are kept"):
        compare(features, tmp_path / "out", options)
    (first.folder / "result.json").unlink()
    again = compare(features, tmp_path / "out", options)
    assert again.result["results"] == first.result["results"]


def test_best_options_go_into_training(finished: Comparison, features: Path, tmp_path: Path) -> None:
    values = json.loads((finished.folder / "best.json").read_text())
    options = TrainOptions.from_dict(values, source="best.json")
    assert finished.result["verdict"]["supported"] == "mean"
    assert options.pooling == "mean"
    assert options.fits_regression
    run = train(features, tmp_path / "run", options, device=torch.device("cpu"))
    assert run.metrics["validation"]["accuracy"] > 0.7


def test_where_nothing_beats_the_majority_there_is_nothing_to_train(tmp_path: Path) -> None:
    features = write_features(tmp_path / "noise.npz", signal=0.0, seed=3)
    made = compare(features, tmp_path / "out", replace(OPTIONS, curve=False))
    assert made.result["verdict"]["supported"] == "majority"
    assert "Nothing here beats the majority" in made.result["verdict"]["sentences"][0]["sentence"]
    assert not (made.folder / "best.json").exists()


def test_few_groups_are_compared_but_not_judged(tmp_path: Path) -> None:
    made = compare(
        write_features(tmp_path / "few.npz", num_clips=24), tmp_path / "out", replace(OPTIONS, curve=False)
    )
    assert made.result["verdict"]["supported"] is None
    assert all(row["macro_f1"]["interval"] is None for row in made.result["results"])
    assert (made.folder / "best.json").exists()  # of the best, which is a hint


def test_progress_tells_how_far_it_is_and_how_long_it_takes(features: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int, float | None]] = []
    compare(
        features,
        tmp_path / "out",
        replace(OPTIONS, quick=True),
        watch=Watch(on_fit=lambda done, total, left: told.append((done, total, left))),
    )
    done, total, left = told[-1]
    assert done == total
    assert left == 0
    assert told[0] == (0, told[0][1], None)
    assert all(left is not None and left >= 0 for _, _, left in told[2:])  # the majority tells nothing


def test_what_cannot_be_compared_is_refused(features: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--fit needs videos"):
        compare(features, tmp_path / "out", replace(OPTIONS, fit=("stretch",)))
    with pytest.raises(UsageError, match="--backbone and --weights are about a network"):
        compare(features, tmp_path / "out", replace(OPTIONS, backbone=("resnet18",)))
    with pytest.raises(UsageError, match="--folds is 40; allowed: 2 to 32"):
        compare(features, tmp_path / "out", replace(OPTIONS, folds=40))
    with pytest.raises(StoreError, match="does not exist"):
        compare(tmp_path / "nowhere", tmp_path / "out", OPTIONS)
    assert not (tmp_path / "out").exists()
