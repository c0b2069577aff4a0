"""What a fitted input gives is computed once: the head says the same of it, padding and all."""

import numpy as np
import pytest
import torch

from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.training.fixed_input import logits_of_features, logits_of_values, read_once
from pipeline.training.input_fit import fit_input


def test_the_head_says_of_the_values_what_it_says_of_the_features() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(90, 6, 20)).astype(np.float32)
    class_indices = np.arange(90) % 3
    for row in range(0, 90, 7):
        features[row, 1 + row % 5 :] = np.nan
    torch.manual_seed(0)
    config = HeadConfig(
        feature_dim=20, num_classes=3, input="fitted", normalise="none", projection_dim=4, lstm_dim=8
    )
    head = SequenceHead(config)
    lengths = torch.from_numpy((~np.isnan(features[:, :, 0])).sum(axis=1))
    fit_input(
        head, torch.from_numpy(features), class_indices, [str(row) for row in range(90)], lengths=lengths
    )
    head.eval()
    values = read_once(head, features)
    assert values.shape == (90, 6, head.input.output_dim)
    np.testing.assert_array_equal(np.isnan(values[:, :, 0]), np.isnan(features[:, :, 0]))
    with torch.inference_mode():
        expected = logits_of_features(head, torch.from_numpy(features))
        found = logits_of_values(head, torch.from_numpy(values))
    assert float(expected.std()) > 0.01
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_an_input_that_learns_is_not_computed_once() -> None:
    head = SequenceHead(HeadConfig(feature_dim=5, num_classes=2))
    with pytest.raises(ValueError, match="learns"):
        read_once(head, np.zeros((2, 3, 5), np.float32))
