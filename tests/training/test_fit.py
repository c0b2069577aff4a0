"""The training loop: it learns, stops, keeps the best weights, resumes to the bit, says when it cannot."""

import copy
import errno
import itertools
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.errors import CheckpointError, MachineError, TrainingError
from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.training.batches import FeatureBatches
from pipeline.training.fit import fit, learning_rate
from pipeline.training.fit_state import FitState
from pipeline.training.options import TrainOptions
from pipeline.training.task import Epoch, FitResult, Task


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


def _task(*, seed: int = 0, train_indices: np.ndarray | None = None, dropout: float = 0.1) -> Task:
    torch.manual_seed(seed)
    head = SequenceHead(
        HeadConfig(
            feature_dim=3,
            num_classes=2,
            normalise="standardise",
            differences=True,
            lstm_dim=16,
            attention_dim=8,
            dropout=dropout,
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
    return TrainOptions(
        **{"epochs": 12, "batch_size": 16, "learning_rate": 1e-2, "warmup_steps": 10, **values}
    )


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


def test_it_stops_when_validation_no_longer_improves(tmp_path: Path) -> None:
    noise = np.random.default_rng(5).integers(0, 2, 160)
    result = fit(_task(train_indices=noise), _options(epochs=60, patience=4), resume_file=tmp_path / "r")
    assert len(result.history) == result.best_epoch + 4 < 60


class _KilledError(BaseException):
    """Stands for a kill."""


def _killed_at(task: Task, call: int, act: Callable[[], None]) -> Task:
    """The task, in which `act` happens when a training batch goes through the model for the call-th time."""
    calls = 0

    def logits(inputs: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += task.model.training
        if calls == call and task.model.training:
            act()
        return task.logits(inputs)

    return replace(task, logits=logits)


def _kill() -> None:
    raise _KilledError


def _assert_same_weights(one: Task, other: Task) -> None:
    for name, weights in one.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], weights), name


@pytest.fixture(scope="module")
def undisturbed() -> tuple[Task, FitResult]:
    task = _task()
    return task, fit(task, _options(epochs=5))


@pytest.mark.parametrize("killed_at", [3, 17, 20, 21, 44])  # 10 steps an epoch; a save after each 4th step
def test_a_killed_run_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: tuple[Task, FitResult], killed_at: int
) -> None:
    expected_task, expected = undisturbed
    steps = itertools.count(1)
    monkeypatch.setattr(FitState, "is_due", lambda self: next(steps) % 4 == 0)
    with pytest.raises(_KilledError):
        fit(_killed_at(_task(), killed_at, _kill), _options(epochs=5), resume_file=tmp_path / "r")
    # Other starting weights: all must come from the file, but for the run that was killed before any save.
    resumed = _task(seed=0 if killed_at == 3 else 99)
    seen: list[Epoch] = []
    result = fit(resumed, _options(epochs=5), resume_file=tmp_path / "r", on_epoch=seen.append)
    assert result == expected == FitResult(history=tuple(seen), best_epoch=expected.best_epoch)
    _assert_same_weights(expected_task, resumed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_saves_and_then_acts(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    undisturbed: tuple[Task, FitResult],
    number: signal.Signals,
) -> None:
    """Not a step is lost: the state is that of the step in which the signal came, in mid-epoch."""
    expected_task, expected = undisturbed
    monkeypatch.setattr(FitState, "is_due", lambda self: False)
    acted: list[int] = []
    before = signal.signal(number, lambda number, frame: acted.append(number))
    said: list[str] = []
    saved: list[int] = []
    try:
        task = _killed_at(_task(), 27, lambda: signal.raise_signal(number))
        fit(
            task,
            _options(epochs=5),
            resume_file=tmp_path / "r",
            say=said.append,
            on_save=lambda history: saved.append(len(history)),
        )
        assert signal.getsignal(number) is not before
    finally:
        signal.signal(number, before)
    assert acted == [number]
    assert said == ["saving after this step, then stopping; once more to stop at once"]
    assert saved == [2]
    state = FitState(_task(), _options(epochs=5))
    state.restore(tmp_path / "r")
    assert (len(state.history), state.steps_done) == (2, 7)
    resumed = _task(seed=99)
    assert fit(resumed, _options(epochs=5), resume_file=tmp_path / "r") == expected
    _assert_same_weights(expected_task, resumed)


def test_a_second_signal_acts_at_once(tmp_path: Path) -> None:
    def twice() -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second one was held")

    with pytest.raises(KeyboardInterrupt):
        fit(_killed_at(_task(), 27, twice), _options(epochs=5), resume_file=tmp_path / "r")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_a_file_signals_act_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        fit(_killed_at(_task(), 5, lambda: signal.raise_signal(signal.SIGINT)), _options(epochs=5))


def test_it_runs_outside_the_main_thread_too(tmp_path: Path, undisturbed: tuple[Task, FitResult]) -> None:
    with ThreadPoolExecutor(1) as pool:
        threads = torch.get_num_threads()
        result = pool.submit(fit, _task(), _options(epochs=5), resume_file=tmp_path / "r").result()
        assert torch.get_num_threads() == threads
    assert result == undisturbed[1]


def test_a_full_disk_stops_it_and_the_former_state_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: tuple[Task, FitResult]
) -> None:
    steps = itertools.count(1)
    monkeypatch.setattr(FitState, "is_due", lambda self: next(steps) % 10 == 0)
    resume_file = tmp_path / "r"
    full = itertools.count(1)

    def fsync(handle: int) -> None:
        if next(full) > 2:  # the file and its folder, once
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("pipeline.files.os.fsync", fsync)
    with pytest.raises(
        MachineError,
        match=r"cannot write .*No space left.* saved before stays.*run the same command",
    ):
        fit(_task(), _options(epochs=5), resume_file=resume_file)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["r"]
    state = FitState(_task(), _options(epochs=5))
    state.restore(resume_file)
    assert (len(state.history), state.steps_done) == (0, 10)
    resumed = _task(seed=99)
    assert fit(resumed, _options(epochs=5), resume_file=resume_file) == undisturbed[1]
    _assert_same_weights(undisturbed[0], resumed)


def test_saving_takes_a_small_share_of_the_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = 0.0
    monkeypatch.setattr("pipeline.training.fit_state.time.monotonic", lambda: now)
    monkeypatch.setattr("pipeline.training.fit_state.write_bytes", lambda path, content: advance(3.0))

    def advance(seconds: float) -> None:
        nonlocal now
        now += seconds

    state = FitState(_task(), _options())
    assert not state.is_due()
    advance(1.1)
    assert state.is_due()
    state.save(tmp_path / "r")
    advance(59)
    assert not state.is_due()
    advance(2)
    assert state.is_due()


def test_accumulated_batches_act_like_one_large_batch() -> None:
    """Without dropout, whose draws differ; 160 clips in steps of 64: the last step of an epoch is smaller."""
    large, parts = _task(dropout=0.0), _task(dropout=0.0)
    expected = fit(large, _options(batch_size=64, epochs=3))
    found = fit(parts, _options(batch_size=16, accumulate=4, epochs=3))
    for one, other in zip(expected.history, found.history, strict=True):
        assert other.train_loss == pytest.approx(one.train_loss, rel=1e-5)
        assert other.val_loss == pytest.approx(one.val_loss, rel=1e-5)
    for name, weights in large.model.state_dict().items():
        # AdamW makes full steps of 1e-2 of gradients that are 0 but for rounding.
        assert torch.allclose(parts.model.state_dict()[name], weights, atol=1e-3), name
    # The same in parts of 6 of these batches, where memory is short.
    small_parts = fit(
        replace(_task(dropout=0.0), most_at_once=6), _options(batch_size=16, accumulate=4, epochs=3)
    )
    for one, other in zip(expected.history, small_parts.history, strict=True):
        assert other.train_loss == pytest.approx(one.train_loss, rel=1e-5)
        assert other.val_loss == pytest.approx(one.val_loss, rel=1e-5)
    # And it does matter how many clips a step has.
    small = fit(_task(dropout=0.0), _options(batch_size=16, epochs=3))
    assert abs(small.history[-1].train_loss - expected.history[-1].train_loss) > 1e-3


def test_what_it_started_from_stays_where_no_epoch_is_better() -> None:
    noise = np.random.default_rng(5).integers(0, 2, 160)
    trained = _task()
    fit(trained, _options())
    start = copy.deepcopy(trained.model.state_dict())
    spoilt = replace(trained, train=FeatureBatches(_series(160, 1)[0], noise))
    result = fit(spoilt, _options(epochs=3), keep_start=True)
    assert result.best_epoch == 0
    assert len(result.history) == 3
    for name, weights in start.items():
        assert torch.equal(trained.model.state_dict()[name], weights), name
    assert fit(trained, _options(epochs=3)).best_epoch > 0


def test_a_damaged_resume_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "r").write_bytes(b"not a state")
    with pytest.raises(CheckpointError, match=r"cannot be resumed from.*Delete it"):
        fit(_task(), _options(), resume_file=tmp_path / "r")


def _spoil_inputs(task: Task) -> None:
    task.train.features[5, 2, 1] = float("inf")  # type: ignore[attr-defined]


def _spoil_validation(task: Task) -> None:
    task.val.features[7, 0, 0] = float("nan")  # type: ignore[attr-defined]


def _spoil_weights(task: Task) -> None:
    with torch.no_grad():
        task.model.get_parameter("time_dense.weight")[3, 3] = float("nan")


@pytest.mark.parametrize(
    ("spoil", "options", "message"),
    [
        (_spoil_inputs, {}, r"in epoch 1, step \d+: the inputs hold values .* of clip number 5\. Look at"),
        (_spoil_validation, {}, r"in validation after epoch 1: the inputs hold values .* of clip number 7\."),
        (_spoil_weights, {}, r"in epoch 1, step 1: the weights time_dense\.weight are not numbers"),
        (
            lambda task: None,
            {"learning_rate": 1e30, "warmup_steps": 0},
            r"in epoch 1, step 2: the learning rate 1e\+30 is too high: the weights .* grew to 1e\+30\.",
        ),
    ],
)
def test_a_loss_that_is_not_a_number_stops_with_its_cause(
    spoil: Callable[[Task], None], options: dict[str, Any], message: str
) -> None:
    task = _task()
    spoil(task)
    saved: list[int] = []
    with pytest.raises(TrainingError, match="the loss is not a number " + message) as caught:
        fit(task, _options(**options), on_save=lambda history: saved.append(len(history)))
    assert caught.value.exit_code == 1
    assert saved == [0]


def test_logits_that_overflow_name_the_clip() -> None:
    task = _task()

    def overflow(inputs: torch.Tensor) -> torch.Tensor:
        return task.logits(inputs) * torch.where(inputs[:, 0, 0] > 9, torch.inf, 1.0)[:, None]

    spoilt = replace(task, logits=overflow)
    spoilt.train.features[5, 0, 0] = 10  # type: ignore[attr-defined]
    message = r"the logits of clip number 5 are not numbers, though its inputs \(.* to 10\)"
    with pytest.raises(TrainingError, match=message):
        fit(spoilt, _options())


def test_a_gradient_that_is_not_a_number_is_named() -> None:
    task = _task()

    def steep(inputs: torch.Tensor) -> torch.Tensor:
        logits = task.logits(inputs)
        return logits + (logits - logits.detach()).abs().sqrt()  # 0, with a gradient of 0 / 0

    message = r"the gradient became nan in epoch 1, step 1, though the loss was 0"
    with pytest.raises(TrainingError, match=message):
        fit(replace(task, logits=steep), _options())


def test_the_rate_rises_then_falls_to_nothing() -> None:
    options = _options(learning_rate=1.0, warmup_steps=10)
    rates = [learning_rate(options, step, 110) for step in range(110)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == pytest.approx(1.0)
    assert rates[60] == pytest.approx(0.5)
    assert rates[109] < 0.001
    assert rates[:10] == sorted(rates[:10])
    assert rates[10:] == sorted(rates[10:], reverse=True)
