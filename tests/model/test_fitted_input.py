"""The fitted door of the head: views against numpy, padding, and what it may not see."""

import numpy as np
import pytest
import torch
from torch import Tensor

from pipeline.errors import UsageError
from pipeline.model.fitted_input import FittedInput
from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.model.lengths import valid_mask

N, T, D, K, P = 40, 6, 5, 3, 4


def make(seed: int = 0) -> tuple[FittedInput, Tensor, Tensor]:
    torch.manual_seed(seed)
    module = FittedInput(feature_dim=D, num_classes=K, projection_dim=P)
    features = torch.randn(N, T, D) * torch.tensor([1.0, 5.0, 0.1, 2.0, 0.0]) + 3
    lengths = torch.randint(1, T + 1, (N,))
    module.fit_views(features, lengths)
    return module, features, lengths


def test_views_are_those_written_down_with_numpy() -> None:
    module, features, lengths = make()
    frames, centred, magnitudes = (view.numpy() for view in module.views(features, valid_mask(lengths, T)))
    clips = [features[row, :count].double().numpy() for row, count in enumerate(lengths)]
    every = np.concatenate(clips)
    mean, std = every.mean(0), every.std(0)
    std[std < 1e-6] = 1  # the constant feature is only centred
    standard = [(clip - mean) / std for clip in clips]
    moving = [clip - clip.mean(0) for clip in standard]
    size = np.sqrt((np.concatenate(moving) ** 2).mean(0))
    size[size < 1e-6] = 1
    mean_size = np.abs(np.concatenate(moving) / size).mean(0)
    for row, count in enumerate(lengths):
        assert np.allclose(frames[row, :count], standard[row], atol=1e-5)
        assert np.allclose(centred[row, :count], moving[row] / size, atol=1e-5)
        assert np.allclose(magnitudes[row, :count], np.abs(moving[row] / size) - mean_size, atol=1e-5)
        assert not frames[row, count:].any()
        assert not centred[row, count:].any()
        assert not magnitudes[row, count:].any()


def test_padding_changes_nothing_whatever_it_holds() -> None:
    module, features, _ = make()
    padded = torch.cat([features, torch.full((N, 3, D), torch.nan)], dim=1)
    lengths = torch.full((N,), T)
    alone = module(features, valid_mask(lengths, T))
    assert alone.shape == (N, T, module.output_dim)
    assert torch.allclose(module(padded, valid_mask(lengths, T + 3))[:, :T], alone, atol=1e-6)


def test_nothing_in_it_is_trained() -> None:
    head = SequenceHead(
        HeadConfig(feature_dim=D, num_classes=K, input="fitted", normalise="none", projection_dim=P)
    )
    assert not [name for name, _ in head.named_parameters() if name.startswith("input.")]
    assert "input.centred_projection" in head.state_dict()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"projection_dim": None}, "without a projection_dim"),
        ({"normalise": "layer"}, "normalisation of its own"),
        ({"differences": True}, "normalisation of its own"),
        ({"input": "other"}, "input is 'other'; allowed: plain, fitted"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, object], message: str) -> None:
    values = {"input": "fitted", "normalise": "none", "projection_dim": P, **changes}
    with pytest.raises(UsageError, match=message):
        HeadConfig(feature_dim=D, num_classes=K, **values)  # type: ignore[arg-type]
