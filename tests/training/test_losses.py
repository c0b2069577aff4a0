"""The loss against torch's and scipy's own."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from torch.nn import functional as F

from pipeline.training.losses import class_weights, part_of_step, validation_losses


def test_the_rescaled_loss_does_not_count_confidence() -> None:
    random = np.random.default_rng(3)
    logits, class_indices = random.normal(size=(50, 3)), random.integers(0, 3, 50)
    logits[np.arange(50), class_indices] += 1
    weights = np.array([1.0, 2.0, 0.5])
    plain, rescaled = validation_losses(logits, class_indices, weights)
    clip_weights = weights[class_indices]
    scores = -log_softmax(logits, axis=1)[np.arange(50), class_indices]
    assert plain == pytest.approx(float((clip_weights * scores).sum() / clip_weights.sum()))
    assert rescaled <= plain
    louder, same = validation_losses(7 * logits, class_indices, weights)
    assert louder > plain
    assert same == pytest.approx(rescaled, abs=1e-5)


def test_rare_classes_weigh_as_much_as_frequent_ones() -> None:
    rare = np.array([0] * 120 + [1] * 40)
    assert class_weights(rare, 2).tolist() == pytest.approx([160 / 240, 160 / 80])
    assert class_weights(rare, 3).tolist() == pytest.approx([160 / 240, 160 / 80, 0])


def test_parts_of_a_step_add_up_to_the_loss_of_all_its_clips() -> None:
    torch.manual_seed(0)
    logits, targets = torch.randn(11, 3), torch.randint(0, 3, (11,))
    weights = torch.tensor([1.0, 2.0, 0.5])
    parts = [
        part_of_step(logits[rows], targets[rows], weights, step_weight=float(weights[targets].sum()))
        for rows in (slice(0, 4), slice(4, 8), slice(8, 11))
    ]
    expected = F.cross_entropy(logits, targets, weight=weights)
    assert sum(part.item() for part in parts) == pytest.approx(expected.item(), rel=1e-6)
