"""One fit of one head on some clips, and what it says of those held back: a plain function of plain data."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from scipy.special import softmax

from pipeline.evaluation.importance import leave_one_out
from pipeline.evaluation.metrics import log_losses, score
from pipeline.evaluation.temperature import choose_temperature
from pipeline.model.head import HeadOutput, SequenceHead
from pipeline.model.lengths import given_lengths, valid_steps
from pipeline.model.threads import one_thread
from pipeline.training.assembly import head_config
from pipeline.training.batches import FeatureBatches
from pipeline.training.fit import fit
from pipeline.training.fixed_input import logits_of_features, logits_of_values, read_once
from pipeline.training.input_fit import fit_input
from pipeline.training.linear_fit import fit_regression
from pipeline.training.losses import class_weights, validation_losses
from pipeline.training.options import TrainOptions
from pipeline.training.task import FitResult, Task

STEPS_AN_EPOCH = 8
"""About so many at least: where the training clips are fewer batches, an epoch is several passes over them.
A fit on few clips has steps enough then, and is not judged on the validation clips after each."""
OTHERS_LEFT_OUT = 4
"""Frames of each clip, drawn at random, that are left out beside the one with most attention."""
NUM_SHUFFLES = 3
"""Random orders of the frames of each clip held back."""
_SHUFFLE_SEED, _LEFT_OUT_SEED = 20_206, 20_207
_CLIPS_AT_ONCE = 64


@dataclass(frozen=True, kw_only=True)
class FitData:
    """The clips of a fit.

    Attributes:
        features: (N, T, D) float32 of all clips; steps after a clip's end are NaN.
        class_indices: (N,) int64.
        groups: N names of what must not be split.
        num_classes: K.
        train, val, test: rows of those that are learned from, that say when to stop, that are held back.
    """

    features: np.ndarray = field(repr=False)
    class_indices: np.ndarray = field(repr=False)
    groups: Sequence[str] = field(repr=False)
    num_classes: int
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, kw_only=True)
class FitAnswers:
    """What came of a fit.

    Attributes:
        predicted: (n,) class indices of the clips held back.
        losses: (n,) -log p of their true classes, at the temperature of the validation clips.
        shuffled: (S, n) class indices on random orders of their frames; None: the order is not read.
        attention: (n, T) weights; None: it has none.
        falls: (n, T) how much the probability of the answer falls without a frame; NaN where that was not
            tried; None: it was for none.
        figures: numbers of the fit: val_loss (at its best temperature), train_loss, train_accuracy,
            train_macro_f1, best_epoch, epochs (0 where nothing is learned in epochs), parameters, num_train.
        cpu_seconds: that it took, without the answers.
    """

    predicted: np.ndarray
    losses: np.ndarray
    shuffled: np.ndarray | None
    attention: np.ndarray | None
    falls: np.ndarray | None
    figures: dict[str, float]
    cpu_seconds: float

    @property
    def seconds_to_best(self) -> float:
        """CPU seconds until its best epoch was over."""
        epochs = self.figures["epochs"]
        return self.cpu_seconds * (self.figures["best_epoch"] / epochs if epochs else 1.0)


def fit_majority(data: FitData) -> FitAnswers:
    """The class shares of the training clips, as an answer to everything."""
    counts = np.bincount(data.class_indices[data.train], minlength=data.num_classes)
    # One clip more of each class (Laplace): a class that was not seen is not impossible.
    shares = (counts + 1) / (counts.sum() + data.num_classes)
    loss = -np.log(shares)
    answer = int(counts.argmax())

    def figures_of(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(rows), answer), loss[data.class_indices[rows]]

    train_answers, train_losses = figures_of(data.train)
    scores = score(data.class_indices[data.train], train_answers, data.num_classes)
    weights = class_weights(data.class_indices[data.train], data.num_classes)[data.class_indices[data.val]]
    predicted, losses = figures_of(data.test)
    return FitAnswers(
        predicted=predicted,
        losses=losses,
        shuffled=None,
        attention=None,
        falls=None,
        figures={
            "val_loss": float(np.average(figures_of(data.val)[1], weights=weights)),
            "train_loss": float(train_losses.mean()),
            "train_accuracy": scores.accuracy,
            "train_macro_f1": scores.macro_f1,
            "best_epoch": 0,
            "epochs": 0,
            "parameters": data.num_classes,
            "num_train": len(data.train),
        },
        cpu_seconds=0.0,
    )


def passes_an_epoch(num_train: int, options: TrainOptions) -> int:
    """How often the training clips are gone over in an epoch, see `STEPS_AN_EPOCH`."""
    return max(1, round(STEPS_AN_EPOCH / math.ceil(num_train / options.chosen_batch_size)))


def fit_head(
    data: FitData, options: TrainOptions, *, reads_order: bool, others_left_out: int | None = OTHERS_LEFT_OUT
) -> FitAnswers:
    """Fits a head on features, on one thread: the same arguments give the same answers.

    Args:
        data: the clips.
        options: of the head and its training.
        reads_order: whether to ask it about shuffled frames.
        others_left_out: frames of each clip that are left out, one by one, beside the one with most
            attention; None: all; 0: no frame is, not even that one.

    Raises:
        TrainingError: the loss is not a number.
    """
    with one_thread():
        start = time.process_time()
        head, result = _fitted(data, options)
        seconds = time.process_time() - start
        head.eval()
        val, train, test = (_logits(head, data.features[rows]) for rows in (data.val, data.train, data.test))
        true = data.class_indices
        temperature, _ = choose_temperature(val, true[data.val], [data.groups[row] for row in data.val])
        weights = class_weights(true[data.train], data.num_classes)
        if not options.class_weights:
            weights = np.ones(data.num_classes)
        predicted = test.argmax(axis=1)
        shuffled = attention = falls = None
        if reads_order:
            shuffled = _shuffled(head, data.features[data.test])
        if head.config.has_attention:
            attention = _attention(head, data.features[data.test])
            if others_left_out != 0:
                falls = _falls(
                    head,
                    data.features[data.test],
                    predicted,
                    temperature,
                    attention=attention,
                    others=others_left_out,
                )
    trained = score(true[data.train], train.argmax(axis=1), data.num_classes)
    return FitAnswers(
        predicted=predicted,
        losses=_losses(test, true[data.test], temperature),
        shuffled=shuffled,
        attention=attention,
        falls=falls,
        figures={
            "val_loss": validation_losses(val, true[data.val], weights)[1],
            "train_loss": float(_losses(train, true[data.train], temperature).mean()),
            "train_accuracy": trained.accuracy,
            "train_macro_f1": trained.macro_f1,
            "best_epoch": 0 if head.config.is_linear else result.best_epoch,
            "epochs": 0 if head.config.is_linear else len(result.history),
            "parameters": sum(weight.numel() for weight in head.parameters()),
            "num_train": len(data.train),
        },
        cpu_seconds=seconds,
    )


def _fitted(data: FitData, options: TrainOptions) -> tuple[SequenceHead, FitResult]:
    torch.manual_seed(options.seed)
    feature_dim = data.features.shape[2]
    head = SequenceHead(head_config(options, feature_dim=feature_dim, num_classes=data.num_classes))
    of_train, of_val = (np.ascontiguousarray(data.features[rows]) for rows in (data.train, data.val))
    features = torch.from_numpy(of_train)
    class_indices = data.class_indices[data.train]
    lengths = given_lengths(features)
    fit_input(
        head,
        features,
        class_indices,
        [data.groups[row] for row in data.train],
        lengths=lengths,
        class_directions=options.class_directions,
        seed=options.seed,
    )
    logits = partial(logits_of_features, head)
    if head.has_fixed_input:
        of_train, of_val = read_once(head, of_train), read_once(head, of_val)
        logits = partial(logits_of_values, head)
    passes = 1 if head.config.is_linear else passes_an_epoch(len(data.train), options)
    if passes > 1:  # there are few of them
        of_train, class_indices = np.tile(of_train, (passes, 1, 1)), np.tile(class_indices, passes)
    train = FeatureBatches(of_train, class_indices)
    val = FeatureBatches(of_val, data.class_indices[data.val])
    task = Task(
        model=head,
        logits=logits,
        parameter_groups=[{"params": list(head.parameters()), "rate": 1.0}],
        train=train,
        val=val,
        num_classes=data.num_classes,
        device=torch.device("cpu"),
    )
    if head.config.is_linear:
        return head, fit_regression(head, task, options)
    return head, fit(task, options)


def _logits(head: SequenceHead, features: np.ndarray) -> np.ndarray:
    """Logits (n, K) float64 of clips (n, T, D)."""
    return np.concatenate([output.logits.double().numpy() for output in _outputs(head, features)])


def _outputs(head: SequenceHead, features: np.ndarray) -> Iterator[HeadOutput]:
    """What the head gives for clips (n, T, D), some at once."""
    with torch.inference_mode():
        for start in range(0, len(features), _CLIPS_AT_ONCE):
            batch = torch.from_numpy(np.ascontiguousarray(features[start : start + _CLIPS_AT_ONCE]))
            yield head(batch, given_lengths(batch))


def _losses(logits: np.ndarray, true: np.ndarray, temperature: float) -> np.ndarray:
    return log_losses(true, softmax(logits / temperature, axis=1))


def _shuffled(head: SequenceHead, features: np.ndarray) -> np.ndarray:
    """Class indices (S, n) on random orders of each clip's frames, padding left where it is."""
    random = np.random.default_rng(_SHUFFLE_SEED)
    lengths = given_lengths(torch.from_numpy(features)).numpy()
    rounds = []
    for _ in range(NUM_SHUFFLES):
        mixed = features.copy()
        for clip, length in zip(mixed, lengths, strict=True):
            clip[:length] = clip[random.permutation(length)]
        rounds.append(_logits(head, mixed).argmax(axis=1))
    return np.stack(rounds)


def _attention(head: SequenceHead, features: np.ndarray) -> np.ndarray:
    """Attention (n, T), 0 after a clip's end."""
    return np.concatenate([np.asarray(output.attention_weights) for output in _outputs(head, features)])


def _falls(
    head: SequenceHead,
    features: np.ndarray,
    predicted: np.ndarray,
    temperature: float,
    *,
    attention: np.ndarray,
    others: int | None,
) -> np.ndarray:
    """How much the probability of the answer falls without a frame (n, T), NaN where that is not tried.

    Tried are the frame with most attention and some of the others, at random; None: all.
    """
    random = np.random.default_rng(_LEFT_OUT_SEED)
    falls = np.full(features.shape[:2], np.nan)
    for row, clip in enumerate(features):
        steps = valid_steps(clip)
        top = int(attention[row, : len(steps)].argmax())
        rest = np.delete(np.arange(len(steps)), top)
        tried = np.append(random.permutation(rest)[:others], top)
        falls[row, tried] = leave_one_out(head, steps, predicted[row], temperature=temperature, frames=tried)
    return falls


def arrays_of(answers: FitAnswers) -> dict[str, Any]:
    """What is kept of a fit, as arrays for an .npz file."""
    arrays: dict[str, Any] = {
        "predicted": answers.predicted.astype(np.int32),
        "losses": answers.losses.astype(np.float32),
        "names": np.array(list(answers.figures)),
        "figures": np.array(list(answers.figures.values()), np.float64),
        "cpu_seconds": np.array(answers.cpu_seconds),
    }
    for name in ("shuffled", "attention", "falls"):
        value = getattr(answers, name)
        if value is not None:
            arrays[name] = value.astype(np.int32 if name == "shuffled" else np.float32)
    return arrays


def as_kept(answers: FitAnswers) -> FitAnswers:
    """The answers as they will be read back: a comparison that was stopped ends in the same figures."""
    return answers_from(arrays_of(answers))


def answers_from(arrays: dict[str, Any]) -> FitAnswers:
    """The answers that `arrays_of` kept; KeyError or ValueError where they are not such arrays."""
    names = [str(name) for name in arrays["names"]]
    return FitAnswers(
        predicted=arrays["predicted"].astype(np.int64),
        losses=arrays["losses"].astype(np.float64),
        shuffled=arrays["shuffled"].astype(np.int64) if "shuffled" in arrays else None,
        attention=arrays.get("attention"),
        falls=arrays.get("falls"),
        figures=dict(zip(names, arrays["figures"].tolist(), strict=True)),
        cpu_seconds=float(arrays["cpu_seconds"]),
    )
