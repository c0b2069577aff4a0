"""Letterbox against stretch, where it is known which clips each way gets right."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.clips.store import Clip
from pipeline.compare.evidence import Evidence
from pipeline.compare.fit_effects import fit_effects
from pipeline.compare.jobs import FitKey
from pipeline.compare.one_fit import FitAnswers
from pipeline.compare.options import CompareOptions
from pipeline.compare.plan import Fold, Plan
from pipeline.compare.settings import Setting
from pipeline.compare.variants import Variant
from pipeline.training.options import TrainOptions

N = 200
CLASSES = np.arange(N) % 2
IS_WIDE = np.arange(N) >= N // 2
ROWS = np.arange(N)


def answers(wrong: np.ndarray) -> FitAnswers:
    predicted = np.where(wrong, 1 - CLASSES, CLASSES)
    return FitAnswers(
        predicted=predicted,
        losses=np.where(wrong, 1.6, 0.2),
        shuffled=None,
        attention=None,
        falls=None,
        figures={"val_loss": 0.5, "train_macro_f1": 1.0, "best_epoch": 0, "epochs": 0, "parameters": 4},
        cpu_seconds=0.1,
    )


@pytest.fixture
def evidence() -> Evidence:
    """Stretched, 40 of the 100 wide clips are wrong and none of the square ones; letterboxed 10 of each."""
    clips = tuple(
        Clip(
            id=f"c{row}", path=f"{row}.mp4", label="ab"[CLASSES[row]], split="train", group=f"g{row}",
            status="ok", width=1680 if IS_WIDE[row] else 480, height=720 if IS_WIDE[row] else 480,
        )
        for row in ROWS
    )  # fmt: skip
    fold = Fold(repeat=0, fold=0, seed=0, train={1.0: ROWS}, val=ROWS[:2], test=ROWS)
    names = {"letterbox": "net", "stretch": "net, stretch"}
    wrong = {
        "letterbox": ROWS % 100 < 10,
        "stretch": IS_WIDE & (ROWS % 100 >= 50) & (ROWS % 100 < 90),
    }
    fits = {FitKey(name, "mean", 1.0, 0, 0, 0): answers(wrong[fit]) for fit, name in names.items()}
    return Evidence(
        name="made up",
        plan=Plan(
            clips=clips, labels=("a", "b"), class_indices=CLASSES, folds=(fold,), held=ROWS,
            fractions=(1.0,), notes=(),
        ),
        options=CompareOptions(heads=("mean",)),
        num_frames=12,
        variants=tuple(
            Variant(name=name, options=TrainOptions(), fit=fit, is_reference=fit == "letterbox")
            for fit, name in names.items()
        ),
        feature_dims=dict.fromkeys(names.values(), 8),
        answers=fits,
        settings=dict.fromkeys(fits, Setting(number=0, penalty=1.0)),
        chosen=dict.fromkeys(((name, "mean", 0, 0) for name in names.values()), 0),
    )  # fmt: skip


def test_ways_to_fit_are_compared_on_the_same_clips_in_all_and_by_shape(evidence: Evidence) -> None:
    found = fit_effects(evidence)
    assert found is not None
    (pair,) = found["pairs"]
    assert (pair["head"], pair["first"], pair["second"]) == ("mean", "letterbox", "stretch")
    assert pair["accuracy"]["mean"] == pytest.approx(0.9 - 0.8)
    square, wide = found["by_aspect"]
    assert (square["aspect"], square["num_clips"]) == ("nearly square", 100)
    assert (wide["aspect"], wide["num_clips"]) == ("very wide", 100)
    assert square["accuracy"]["letterbox"]["mean"] == pytest.approx(0.9)
    assert wide["accuracy"]["stretch"]["mean"] == pytest.approx(0.6)
    assert square["differences"]["stretch"]["mean"] == pytest.approx(-0.1)
    assert square["differences"]["stretch"]["interval"][1] < 0.01  # ten clips
    assert wide["differences"]["stretch"]["mean"] == pytest.approx(0.3)
    low, high = wide["differences"]["stretch"]["interval"]
    # Paired, not the difference of two: 10 wrong one way and 40 the other of 100, no clip in both.
    error = np.sqrt((0.5 - 0.3**2) / 100)
    assert low < 0.3 < high
    assert high - low > 2 * 1.96 * error


def test_one_way_alone_is_no_comparison(evidence: Evidence) -> None:
    assert fit_effects(replace(evidence, variants=evidence.variants[:1])) is None
