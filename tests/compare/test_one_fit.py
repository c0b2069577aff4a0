"""One fit: how long an epoch is, and what is asked of the head afterwards."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.compare import one_fit
from pipeline.compare.evidence import top_frame_gains
from pipeline.compare.figure import Figure
from pipeline.compare.heads import HEADS
from pipeline.compare.one_fit import FitData, fit_head, passes_an_epoch
from pipeline.training.options import TrainOptions

OPTIONS = replace(
    TrainOptions(backbone="given", weights="none", epochs=3, patience=3, learning_rate=0.05),
    **HEADS["attention"].options,
    lstm_dim=4,
)


@pytest.fixture
def data() -> FitData:
    """48 clips of two classes, 5 numbers a frame: some end before the 6th frame, and one is a frame."""
    random = np.random.default_rng(0)
    class_indices = np.arange(48) % 2
    features = random.normal(0, 1, (48, 6, 5)).astype(np.float32)
    features[:, :, 0] += 2 * class_indices[:, None]
    for row in range(40, 48):
        features[row, 1 + (row - 40) % 5 :] = np.nan
    rows = np.arange(48)
    return FitData(
        features=features,
        class_indices=class_indices,
        groups=[str(row) for row in rows],
        num_classes=2,
        train=rows[:20],
        val=rows[20:30],
        test=rows[30:],
    )


@pytest.mark.parametrize(("num_train", "passes"), [(20, 8), (32, 8), (33, 4), (110, 2), (218, 1), (5000, 1)])
def test_few_clips_are_gone_over_several_times_in_an_epoch(num_train: int, passes: int) -> None:
    assert passes_an_epoch(num_train, OPTIONS) == passes


def test_a_fit_on_few_clips_has_steps_enough(data: FitData, monkeypatch: pytest.MonkeyPatch) -> None:
    """One step in each of three epochs teaches nothing; eight do."""
    of_many = fit_head(data, OPTIONS, reads_order=True)
    assert of_many.figures["epochs"] <= 3
    assert of_many.figures["num_train"] == 20
    monkeypatch.setattr(one_fit, "STEPS_AN_EPOCH", 1)
    of_few = fit_head(data, OPTIONS, reads_order=True)
    assert of_many.figures["train_loss"] < of_few.figures["train_loss"] - 0.1


def test_frames_left_out_are_the_one_with_most_attention_and_some_others(data: FitData) -> None:
    lengths = np.isfinite(data.features[data.test, :, 0]).sum(axis=1)
    everything = fit_head(data, OPTIONS, reads_order=True, others_left_out=None)
    some = fit_head(data, OPTIONS, reads_order=True, others_left_out=2)
    none = fit_head(data, OPTIONS, reads_order=True, others_left_out=0)
    assert none.falls is None
    assert none.attention is not None
    assert everything.falls is not None
    assert some.falls is not None
    assert some.attention is not None
    assert np.array_equal(none.attention, some.attention)
    assert some.attention.sum(axis=1) == pytest.approx(1.0)
    assert np.array_equal(np.isfinite(everything.falls).sum(axis=1), lengths)
    tried = np.isfinite(some.falls)
    assert np.array_equal(tried.sum(axis=1), np.minimum(lengths, 3))
    assert tried[np.arange(len(tried)), some.attention.argmax(axis=1)].all()
    assert some.falls[tried] == pytest.approx(everything.falls[tried], abs=1e-6)
    assert not tried.all(axis=0).any()  # the others are not the same in all clips


def test_what_the_frame_with_most_attention_is_worth_by_hand() -> None:
    falls = np.array([[0.5, np.nan, 0.1, 0.3], [np.nan, 0.2, np.nan, np.nan], [0.1, 0.4, 0.0, 0.0]])
    attention = np.array([[0.7, 0.1, 0.1, 0.1], [0.0, 1.0, 0.0, 0.0], [0.9, 0.1, 0.0, 0.0]])
    assert top_frame_gains(falls, attention) == pytest.approx([0.5 - 0.2, 0.0, 0.1 - 0.4 / 3])


def test_figures_that_are_measured_apart() -> None:
    trained = Figure(mean=0.99, interval=(0.96, 0.999), se=0.01)
    held = Figure(mean=0.8, interval=(0.76, 0.83), se=0.02)
    gap = trained.minus(held)
    assert gap.mean == pytest.approx(0.19)
    assert gap.interval is not None
    assert gap.interval == pytest.approx((0.19 - np.hypot(0.03, 0.03), 0.19 + np.hypot(0.009, 0.04)))
    assert gap.se == pytest.approx(np.hypot(0.01, 0.02))
    assert Figure(mean=1.0).minus(held).interval == pytest.approx((1 - 0.83, 1 - 0.76))
    assert Figure(mean=1.0).minus(Figure(mean=0.5)) == Figure(mean=0.5)
