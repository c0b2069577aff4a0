"""Poolings against their formulas, written out in numpy."""

from typing import get_args

import numpy as np
import pytest
import torch

from pipeline.model.attention import (
    AdditiveAttention,
    DotAttention,
    Pooling,
    StatisticsPooling,
    build_pooling,
)

LENGTHS = torch.tensor([4, 2, 1])
STATES = torch.randn(3, 4, 6, generator=torch.Generator().manual_seed(1))


def softmax(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max())
    return np.asarray(exponentials / exponentials.sum())


@pytest.mark.parametrize("pooling", get_args(Pooling))
def test_weights_sum_to_one_and_are_zero_on_padding(pooling: Pooling) -> None:
    _, weights = build_pooling(pooling, dim=6, attention_dim=3)(STATES, LENGTHS)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3), rtol=0, atol=1e-6)
    assert (weights >= 0).all()
    assert not weights[1, 2:].any()
    assert not weights[2, 1:].any()


@pytest.mark.parametrize("pooling", [name for name in get_args(Pooling) if name != "statistics"])
def test_clip_features_are_the_weighted_sum(pooling: Pooling) -> None:
    clip_features, weights = build_pooling(pooling, dim=6, attention_dim=3)(STATES, LENGTHS)
    assert clip_features.shape == (3, 6)
    for item in range(3):
        expected = sum(weights[item, t] * STATES[item, t] for t in range(4))
        torch.testing.assert_close(clip_features[item], expected, rtol=0, atol=1e-6)


def test_additive_attention_is_its_formula() -> None:
    layer = AdditiveAttention(6, 3)
    _, weights = layer(STATES, LENGTHS)
    W, b = layer.hidden.weight.detach().numpy(), layer.hidden.bias.detach().numpy()
    v = layer.score.weight.detach().numpy()[0]
    for item, length in enumerate(LENGTHS.tolist()):
        scores = np.array([v @ np.tanh(W @ state.numpy() + b) for state in STATES[item, :length]])
        np.testing.assert_allclose(weights[item, :length].detach().numpy(), softmax(scores), atol=1e-6)


def test_dot_attention_is_its_formula() -> None:
    layer = DotAttention(6)
    _, weights = layer(STATES, LENGTHS)
    q = layer.query.weight.detach().numpy()[0]
    scores = STATES[0].numpy() @ q / np.sqrt(6)
    np.testing.assert_allclose(weights[0].detach().numpy(), softmax(scores), atol=1e-6)


def test_mean_last_and_centre() -> None:
    _, mean = build_pooling("mean", dim=6, attention_dim=3)(STATES, LENGTHS)
    _, last = build_pooling("last", dim=6, attention_dim=3)(STATES, LENGTHS)
    assert mean.tolist() == [[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0], [1, 0, 0, 0]]
    assert last.tolist() == [[0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]]
    _, centre = build_pooling("centre", dim=6, attention_dim=3)(STATES, LENGTHS)
    assert centre.tolist() == [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]]


def test_statistics_are_those_of_numpy_over_the_valid_frames() -> None:
    clip_features, weights = StatisticsPooling()(STATES + 100, LENGTHS)
    assert weights.tolist() == [[0.25, 0.25, 0.25, 0.25], [0.5, 0.5, 0, 0], [1, 0, 0, 0]]
    for item, length in enumerate(LENGTHS.tolist()):
        frames = (STATES + 100)[item, :length].double().numpy()
        steps = np.diff(frames, axis=0).mean(axis=0) if length > 1 else np.zeros(6)
        expected = np.concatenate([frames.mean(axis=0), frames.std(axis=0), steps])
        np.testing.assert_allclose(clip_features[item].numpy(), expected, rtol=1e-6, atol=1e-5)


def test_what_does_not_change_has_a_deviation_of_exactly_0_and_a_gradient_that_is_a_number() -> None:
    states = torch.full((2, 3, 6), 0.7)  # three times a third of it is not 0.7
    states[1] += torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    states.requires_grad_()
    clip_features, _ = StatisticsPooling()(states, torch.tensor([3, 3]))
    assert not clip_features[0, 6:].any()
    torch.autograd.backward(clip_features.sum())
    assert states.grad is not None
    assert torch.isfinite(states.grad).all()
    assert states.grad.any()


def test_extreme_scores_stay_finite() -> None:
    _, weights = DotAttention(6)(STATES * 1e4, LENGTHS)
    assert torch.isfinite(weights).all()
