"""The training loop: it learns, stops, keeps the best weights, resumes to the bit, says when it cannot."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.errors import CheckpointError, TrainingError
from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.training.batches import FeatureBatches
from pipeline.training.fit import Epoch, FitResult, Task, fit
from pipeline.training.options import TrainOptions


def _series(num_clips: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes told apart by the order of two bumps alone: (N, 8, 3), (N,)."""
    random = np.random.default_rng(seed)
    class_indices = random.integers(0, 2, num_clips)
    series = 0.3 * random.normal(size=(num_clips, 8, 3)).astype(np.float32)
    for clip, class_index in zip(series, class_indices, strict=True):
        first, second = sorted(random.choice(8, 2, replace=False))
        clip[first, class_index] += 3
        clip[second, 1 - class_index] += 3
    return series, class_indices


def _task(*, seed: int = 0, train_indices: np.ndarray | None = None) -> Task:
    torch.manual_seed(seed)
    head = SequenceHead(
        HeadConfig(
            feature_dim=3,
            num_classes=2,
            normalise="standardise",
            differences=True,
            lstm_dim=16,
            attention_dim=8,
            dropout=0.1,
        )
    )
    (train, labels), (val, val_labels) = _series(160, 1), _series(80, 2)
    return Task(
        model=head,
        logits=lambda inputs: head(inputs).logits,
        parameter_groups=[{"params": list(head.parameters()), "rate": 1.0}],
        train=FeatureBatches(train, labels if train_indices is None else train_indices),
        val=FeatureBatches(val, val_labels),
        num_classes=2,
        device=torch.device("cpu"),
    )


def _options(**values: Any) -> TrainOptions:
    return TrainOptions(**{"epochs": 12, "learning_rate": 1e-2, "warmup_steps": 10, **values})


def test_it_learns_an_order(tmp_path: Path) -> None:
    result = fit(_task(), _options(), resume_file=tmp_path / "r")
    assert result.history[0].val_macro_f1 < 0.8
    assert result.history[result.best_epoch - 1].val_macro_f1 > 0.95


def test_the_model_ends_with_the_weights_of_the_lowest_validation_loss(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 2, 160)  # what is learned by heart makes validation worse
    task = _task(train_indices=noise)
    result = fit(task, _options(), resume_file=tmp_path / "r")
    losses = [row.val_loss_rescaled for row in result.history]
    assert result.best_epoch == int(np.argmin(losses)) + 1 < len(losses)
    task.model.eval()
    with torch.inference_mode():
        logits = task.logits(task.val.inputs(range(80), epoch=None))
    weights = 160 / (2 * np.bincount(task.train.class_indices, minlength=2))
    loss = torch.nn.functional.cross_entropy(
        logits, torch.from_numpy(task.val.class_indices), weight=torch.tensor(weights, dtype=torch.float32)
    )
    assert loss.item() == pytest.approx(result.history[result.best_epoch - 1].val_loss, rel=1e-5)


def test_the_rescaled_loss_does_not_count_confidence() -> None:
    from scipy.special import log_softmax

    from pipeline.training.fit import _validation_losses

    random = np.random.default_rng(3)
    logits, class_indices = random.normal(size=(50, 3)), random.integers(0, 3, 50)
    logits[np.arange(50), class_indices] += 1
    weights = torch.tensor([1.0, 2.0, 0.5])
    plain, rescaled = _validation_losses(logits, class_indices, weights)
    clip_weights = weights.numpy()[class_indices]
    scores = -log_softmax(logits, axis=1)[np.arange(50), class_indices]
    assert plain == pytest.approx(float((clip_weights * scores).sum() / clip_weights.sum()))
    assert rescaled <= plain
    louder, same = _validation_losses(7 * logits, class_indices, weights)
    assert louder > plain
    assert same == pytest.approx(rescaled, abs=1e-5)


def test_it_stops_when_validation_no_longer_improves(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 2, 160)
    result = fit(_task(train_indices=noise), _options(epochs=60, patience=4), resume_file=tmp_path / "r")
    assert len(result.history) == result.best_epoch + 4 < 60


class _KilledError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("killed_after", [1, 4, 9])
def test_a_killed_run_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    monkeypatch.setattr("pipeline.training.fit._SECONDS_BETWEEN_SAVES", -1.0)
    undisturbed = _task()
    expected = fit(undisturbed, _options(), resume_file=tmp_path / "a")

    def kill(row: Epoch) -> None:
        if row.epoch == killed_after:
            raise _KilledError

    with pytest.raises(_KilledError):
        fit(_task(), _options(), resume_file=tmp_path / "b", on_epoch=kill)
    resumed = _task(seed=99)  # other starting weights: all must come from the file
    if killed_after == 1:
        resumed = _task()  # nothing was saved yet: it starts anew
    seen: list[Epoch] = []
    result = fit(resumed, _options(), resume_file=tmp_path / "b", on_epoch=seen.append)
    assert result == expected == FitResult(history=tuple(seen), best_epoch=expected.best_epoch)
    for name, weights in undisturbed.model.state_dict().items():
        assert torch.equal(resumed.model.state_dict()[name], weights), name


def test_a_damaged_resume_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(b"not a state")
    with pytest.raises(CheckpointError, match=r"cannot be resumed from.*Delete it"):
        fit(_task(), _options(), resume_file=tmp_path / "r")


def test_a_loss_that_is_not_a_number_stops_with_its_cause(tmp_path: Path) -> None:
    task = _task()
    assert isinstance(task.train, FeatureBatches)
    task.train.features[5, 2, 1] = float("inf")
    with pytest.raises(
        TrainingError, match=r"the loss became nan in epoch 1, step \d+.*lower --learning-rate"
    ):
        fit(task, _options(), resume_file=tmp_path / "r")


def test_rare_classes_weigh_as_much_as_frequent_ones(tmp_path: Path) -> None:
    from pipeline.training.fit import _class_weights

    rare = np.array([0] * 120 + [1] * 40)
    weights = _class_weights(_task(train_indices=rare), _options())
    assert weights is not None
    assert weights.tolist() == pytest.approx([160 / 240, 160 / 80])
    assert _class_weights(_task(train_indices=rare), _options(class_weights=False)) is None


def test_the_rate_rises_then_falls_to_nothing() -> None:
    from pipeline.training.fit import _learning_rate

    options = _options(learning_rate=1.0, warmup_steps=10)
    rates = [_learning_rate(options, step, 110) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.5)
    assert rates[109] < 0.001
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
