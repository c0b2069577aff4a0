"""Linear heads: the logistic regression of scikit-learn, folded into a head that says the same."""

import warnings
from typing import Any

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from pipeline.evaluation.baselines import ClipInputs, fit_baselines, predict_baselines
from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.training import linear_fit
from pipeline.training.batches import FeatureBatches
from pipeline.training.linear_fit import fit_regression, regression
from pipeline.training.losses import class_weights, validation_losses
from pipeline.training.options import TrainOptions
from pipeline.training.task import Task
from tests.helpers.linear import fit_linear

T, D, K = 7, 24, 4
LENGTHS = torch.arange(60) % T + 1


def make_head(pooling: Any = "statistics", **changes: Any) -> SequenceHead:
    torch.manual_seed(0)
    values: dict[str, Any] = {"feature_dim": D, "num_classes": K, "normalise": "none", **changes}
    values |= {"lstm_layers": 0, "bidirectional": False, "time_dense": False}
    return SequenceHead(HeadConfig(**values, pooling=pooling))


def make_clips(num_clips: int = 60, *, width: int = D, num_classes: int = K) -> tuple[Tensor, np.ndarray]:
    """Classes that differ in mean, spread and the way they go; columns of very different sizes."""
    rng = np.random.default_rng(0)
    classes = np.arange(num_clips) % num_classes
    features = rng.normal(size=(num_clips, T, width))
    features[:, :, 0] += classes[:, None] * 0.7
    features[:, :, 1] *= 1 + classes[:, None]
    features[:, :, 2] += (classes[:, None] % 2) * np.linspace(-1, 1, T)
    features = (features + np.linspace(-2, 5, width)) * np.logspace(-3, 2, width)
    return torch.from_numpy(features.astype(np.float32)), classes.astype(np.int64)


def summary(pooling: str, features: Tensor, lengths: Tensor) -> np.ndarray:
    """What the baselines see of clips, clip by clip in float64."""
    rows = []
    for clip, length in zip(features.double().numpy(), lengths.tolist(), strict=True):
        frames = clip[:length]
        if pooling == "centre":
            rows.append(frames[length // 2])
            continue
        steps = (frames[-1] - frames[0]) / max(length - 1, 1)
        parts = [frames.mean(axis=0), frames.std(axis=0), steps]
        rows.append(parts[0] if pooling == "mean" else np.concatenate(parts))
    return np.stack(rows)


def expected_logits(inputs: np.ndarray, classes: np.ndarray, *, penalty: float, balanced: bool) -> np.ndarray:
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(
            C=1 / penalty, class_weight="balanced" if balanced else None, tol=1e-9, max_iter=10_000
        ),
    )
    return np.asarray(model.fit(inputs, classes).decision_function(inputs))


def logits_of(head: SequenceHead, features: Tensor, lengths: Tensor | None = None) -> np.ndarray:
    with torch.inference_mode():
        return np.asarray(head.eval()(features, lengths).logits.double().numpy())


@pytest.mark.parametrize("pooling", ["centre", "mean", "statistics"])
@pytest.mark.parametrize(("penalty", "balanced"), [(1.0, False), (0.05, True), (30.0, True)])
@pytest.mark.parametrize("num_clips", [60, 20])  # more and fewer than columns
def test_logits_are_those_of_scikit_learn(
    pooling: str, penalty: float, balanced: bool, num_clips: int
) -> None:
    features, classes = make_clips()
    features, classes, lengths = (
        features[-num_clips:],
        classes[-num_clips:] // 2 * 2 // 2,
        LENGTHS[-num_clips:],
    )
    classes[:3] = 3
    padded = features.clone()
    for item, length in enumerate(lengths.tolist()):
        padded[item, length:] = torch.nan
    head = make_head(pooling, dropout=0.5)
    fit_linear(head, padded, classes, penalty=penalty, class_weights=balanced)
    expected = expected_logits(
        summary(pooling, features, lengths), classes, penalty=penalty, balanced=balanced
    )
    present = np.unique(classes)
    np.testing.assert_allclose(logits_of(head, padded, lengths)[:, present], expected, rtol=0, atol=1e-4)


def test_two_classes_keep_their_log_odds() -> None:
    features, classes = make_clips(num_classes=2)
    head = make_head(num_classes=2)
    fit_linear(head, features, classes, penalty=1.0, class_weights=False)
    inputs = summary("statistics", features, torch.full((60,), T))
    logits = logits_of(head, features)
    expected = expected_logits(inputs, classes, penalty=1.0, balanced=False)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("normalise", ["standardise", "layer"])
def test_what_the_input_makes_of_features_is_what_is_regressed(normalise: str) -> None:
    features, classes = make_clips()
    head = make_head("mean", normalise=normalise, differences=True)
    head.fit_normalisation(features)
    fit_linear(head, features, classes, penalty=1.0, class_weights=False)
    with torch.inference_mode():
        seen = head.input(features, torch.ones(60, T, dtype=torch.bool))
    expected = expected_logits(seen.double().mean(dim=1).numpy(), classes, penalty=1.0, balanced=False)
    np.testing.assert_allclose(logits_of(head, features), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("num_classes", [2, 4])
def test_fewer_clips_than_columns_give_the_regression_on_all_columns(num_classes: int) -> None:
    """The quick way, in the span of the clips, against scikit-learn on columns as they are."""
    rng = np.random.default_rng(1)
    inputs, classes = rng.normal(size=(30, 200)) * np.logspace(-2, 2, 200) + 3, np.arange(30) % num_classes
    inputs[:, 7] = 0.5
    inputs[:5] = inputs[5:10]  # no clip of its own
    weights, biases = regression(inputs, classes, num_classes=num_classes, penalty=0.3, class_weights=False)
    expected = expected_logits(inputs, classes, penalty=0.3, balanced=False)
    logits = inputs @ weights.T + biases
    found = logits[:, 1] - logits[:, 0] if num_classes == 2 else logits
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    assert abs(weights[:, 7]).max() < 1e-12


@pytest.mark.parametrize("num_clips", [40, 300])  # fewer and more than columns
@pytest.mark.parametrize("penalty", [1e-3, 1.0])
def test_it_ends_at_the_optimum(num_clips: int, penalty: float) -> None:
    """Where the slope of the loss is the penalty's: X' (p - y) + penalty w = 0 on standardised columns."""
    rng = np.random.default_rng(2)
    inputs, classes = rng.normal(size=(num_clips, 100)), np.arange(num_clips) % 3
    inputs[:, 0] += classes
    weights, biases = regression(inputs, classes, num_classes=3, penalty=penalty, class_weights=False)
    wrong = softmax(inputs @ weights.T + biases, axis=1) - np.eye(3)[classes]
    scale = inputs.std(axis=0)
    slope = wrong.T @ ((inputs - inputs.mean(axis=0)) / scale) + penalty * weights * scale
    assert abs(slope).max() < 1e-6
    assert abs(wrong.sum(axis=0)).max() < 1e-6  # the biases bear no penalty


def test_a_class_without_a_clip_never_wins_and_is_finite() -> None:
    features, classes = make_clips()
    classes[classes == 1] = 2
    head = make_head("mean", num_classes=6)
    fit_linear(head, features, classes, penalty=0.01, class_weights=True)
    assert all(torch.isfinite(value).all() for value in head.state_dict().values())
    anything = torch.randn(4000, 1, D, generator=torch.Generator().manual_seed(3)) * 1000
    logits = logits_of(head, anything)
    missing = logits[:, [1, 4, 5]].max(axis=1)
    assert (logits.max(axis=1) - missing > 1).all()
    assert set(logits.argmax(axis=1)) == {0, 2, 3}


def test_one_class_alone_is_always_the_answer() -> None:
    features, classes = make_clips()
    head = make_head("mean")
    fit_linear(head, features, np.full(60, 2), penalty=1.0, class_weights=True)
    assert (logits_of(head, features).argmax(axis=1) == 2).all()
    assert not head.output.weight.any()
    assert len(classes) == 60


def test_a_column_that_varies_by_rounding_only_is_left_alone() -> None:
    features, classes = make_clips()
    features[:, :, 5] = 1000.0 * (1 + 1e-7 * torch.randn(60, T))
    head = make_head("mean")
    fit_linear(head, features, classes, penalty=1.0, class_weights=False)
    assert head.output.weight[:, 5].abs().max() < 1e-3


def test_another_head_is_refused() -> None:
    features, classes = make_clips()
    with pytest.raises(ValueError, match="only a head whose config is_linear"):
        fit_linear(make_head("attention"), features, classes, penalty=1.0, class_weights=False)


def make_task(head: SequenceHead, features: Tensor, classes: np.ndarray, num_val: int = 20) -> Task:
    return Task(
        model=head,
        logits=lambda inputs: head(inputs).logits,
        parameter_groups=[],
        train=FeatureBatches(features[:-num_val].numpy(), classes[:-num_val]),
        val=FeatureBatches(features[-num_val:].numpy(), classes[-num_val:]),
        num_classes=K,
        device=torch.device("cpu"),
    )


@pytest.mark.parametrize("balanced", [True, False])
def test_the_history_has_one_epoch_with_its_figures(balanced: bool) -> None:
    features, classes = make_clips()
    classes[:10] = 0
    head, same = make_head().train(), make_head()
    options = TrainOptions(
        lstm_layers=0,
        bidirectional=False,
        time_dense=False,
        pooling="statistics",
        linear_penalty=0.5,
        class_weights=balanced,
    )
    result = fit_regression(head, make_task(head, features, classes), options)
    fit_linear(same, features[:-20], classes[:-20], penalty=0.5, class_weights=balanced)
    assert torch.equal(head.output.weight, same.output.weight)
    assert result.best_epoch == 1
    (row,) = result.history
    weights = class_weights(classes[:-20], K) if balanced else np.ones(K)
    logits = logits_of(head, features)
    losses = validation_losses(logits[-20:], classes[-20:], weights)
    assert (row.val_loss, row.val_loss_rescaled) == pytest.approx(losses, abs=1e-5)
    assert row.train_loss == pytest.approx(
        validation_losses(logits[:-20], classes[:-20], weights)[0], abs=1e-5
    )
    assert row.val_accuracy == (logits[-20:].argmax(axis=1) == classes[-20:]).mean()
    assert (row.epoch, row.stage, row.learning_rate) == (1, "head", 0.0)


def test_parts_of_many_clips_make_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    features, classes = make_clips()
    whole, parts = make_head(), make_head()
    fit_linear(whole, features, classes, LENGTHS, penalty=1.0, class_weights=True)
    monkeypatch.setattr("pipeline.training.linear_fit._CLIPS_AT_ONCE", 7)
    fit_linear(parts, features, classes, LENGTHS, penalty=1.0, class_weights=True)
    np.testing.assert_allclose(logits_of(whole, features), logits_of(parts, features), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("pooling", "baseline"),
    [("centre", "single_frame"), ("mean", "mean"), ("statistics", "mean_std_difference")],
)
def test_the_three_linear_heads_are_the_three_linear_baselines(pooling: str, baseline: str) -> None:
    features, classes = make_clips(200)
    inputs = ClipInputs(features=features.numpy(), centre=features[:, T // 2].numpy())
    answers = predict_baselines(fit_baselines(inputs, classes, num_classes=K), inputs)[baseline]
    head = make_head(pooling)
    fit_linear(head, features, classes, penalty=1.0, class_weights=False)
    assert (logits_of(head, features).argmax(axis=1) == answers).mean() >= 0.995


@pytest.mark.parametrize("category", [UserWarning, RuntimeWarning])
def test_a_line_search_that_finds_nothing_better_is_not_told(
    monkeypatch: pytest.MonkeyPatch, category: type[Warning]
) -> None:
    """Seen with 200 clips of real features: at the optimum no step is better by more than rounding."""

    class Ending(LogisticRegression):  # type: ignore[misc]
        def fit(self, *arguments: Any, **named: Any) -> "Ending":
            warnings.warn("Line Search failed", category, stacklevel=2)
            super().fit(*arguments, **named)
            return self

    monkeypatch.setattr(linear_fit, "LogisticRegression", Ending)
    inputs, classes = np.random.default_rng(0).normal(size=(30, 5)), np.arange(30) % 2
    weights, _ = regression(inputs, classes, num_classes=2, penalty=1.0, class_weights=False)
    assert np.isfinite(weights).all()
