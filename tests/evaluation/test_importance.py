"""Leave-one-out: the fall in probability without a frame, computed at once as if one by one."""

import numpy as np
import pytest
import torch

from pipeline.evaluation import importance
from pipeline.evaluation.importance import class_probabilities, leave_one_out
from pipeline.evaluation.predict import predict
from pipeline.model.head import HeadConfig, SequenceHead
from tests.helpers.heads import linear_head


@pytest.fixture(scope="module")
def full_head() -> SequenceHead:
    torch.manual_seed(0)
    return SequenceHead(HeadConfig(feature_dim=10, num_classes=3, lstm_dim=8, attention_dim=4)).eval()


def test_importance_is_the_fall_in_probability_without_the_frame(full_head: SequenceHead) -> None:
    features = np.random.default_rng(0).normal(0, 3, (6, 10)).astype(np.float32)
    found = leave_one_out(full_head, features, 1, temperature=0.7)
    whole = predict(full_head, features, temperature=0.7).probabilities[1]
    for frame in range(6):
        without = predict(full_head, np.delete(features, frame, axis=0), temperature=0.7).probabilities[1]
        assert found[frame] == pytest.approx(whole - without, abs=1e-6)
    assert np.ptp(found) > 1e-3
    assert leave_one_out(full_head, features[:1], 1).tolist() == [0.0]


def test_some_frames_have_the_importances_that_they_have_among_all(full_head: SequenceHead) -> None:
    features = np.random.default_rng(0).normal(0, 3, (6, 10)).astype(np.float32)
    places = np.array([4, 0, 5])
    some = leave_one_out(full_head, features, 1, frames=places)
    assert some == pytest.approx(leave_one_out(full_head, features, 1)[places], abs=1e-6)
    assert leave_one_out(full_head, features[:1], 1, frames=np.array([0])).tolist() == [0.0]


@pytest.mark.parametrize("max_values", [1, 130, 2**20])
def test_sets_of_any_size_at_once_are_as_one_by_one(
    full_head: SequenceHead, monkeypatch: pytest.MonkeyPatch, max_values: int
) -> None:
    monkeypatch.setattr(importance, "_MAX_VALUES", max_values)
    random = np.random.default_rng(1)
    features = random.normal(0, 3, (6, 10)).astype(np.float32)
    kept = random.random((20, 6)) < 0.5
    kept[:, 2] |= ~kept.any(axis=1)
    found = class_probabilities(full_head, features, kept, 2)
    assert found == pytest.approx(
        [predict(full_head, features[rows]).probabilities[2] for rows in kept], abs=1e-6
    )


def test_by_hand() -> None:
    """Class 0 has the logit +mean, class 1 -mean: the probability is sigmoid(2 mean)."""
    head = linear_head(np.array([[1.0], [-1.0]]))
    features = np.array([[0.0], [3.0], [-1.5]], np.float32)
    whole, without = 1 / (1 + np.exp(-1.0)), 1 / (1 + np.exp(-2 * np.array([0.75, -0.75, 1.5])))
    assert leave_one_out(head, features, 0) == pytest.approx(whole - without, abs=1e-6)
