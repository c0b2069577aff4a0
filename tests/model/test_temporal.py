"""Recurrence on padded sequences, against torch's own layers on each sequence alone."""

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from pipeline.model.lengths import resolve_lengths, valid_mask, zero_pads
from pipeline.model.temporal import (
    BidirectionalGRU,
    BidirectionalLSTM,
    TemporalEncoder,
    initialise_recurrent,
    reverse_valid,
)

BOTH_WAYS = pytest.mark.parametrize("kind", [BidirectionalLSTM, BidirectionalGRU])


def reference(layer: BidirectionalLSTM | BidirectionalGRU) -> nn.LSTM | nn.GRU:
    """torch's bidirectional layer with the same weights."""
    ahead: nn.LSTM | nn.GRU
    back: nn.LSTM | nn.GRU
    if isinstance(layer, BidirectionalLSTM):
        ahead, back = layer.forward_lstm, layer.backward_lstm
    else:
        ahead, back = layer.forward_gru, layer.backward_gru
    both = type(ahead)(ahead.input_size, ahead.hidden_size, batch_first=True, bidirectional=True)
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        getattr(both, name).data.copy_(getattr(ahead, name))
        getattr(both, f"{name}_reverse").data.copy_(getattr(back, name))
    return both


def test_reverses_valid_steps_and_leaves_padding() -> None:
    steps = torch.arange(1.0, 5.0).expand(3, 4)[:, :, None].clone()  # 1 2 3 4
    lengths = torch.tensor([4, 3, 1])
    reversed_steps = reverse_valid(steps, lengths)
    assert reversed_steps[:, :, 0].tolist() == [[4, 3, 2, 1], [3, 2, 1, 4], [1, 2, 3, 4]]
    assert torch.equal(reverse_valid(reversed_steps, lengths), steps)


@BOTH_WAYS
def test_bidirectional_layer_is_torchs_own_without_padding(
    kind: type[BidirectionalLSTM | BidirectionalGRU],
) -> None:
    layer = kind(5, 7)
    sequence = torch.randn(3, 6, 5)
    expected, _ = reference(layer)(sequence)
    torch.testing.assert_close(layer(sequence, torch.full((3,), 6)), expected, rtol=0, atol=1e-6)


@BOTH_WAYS
def test_each_padded_item_is_as_if_it_stood_alone(kind: type[BidirectionalLSTM | BidirectionalGRU]) -> None:
    layer = kind(5, 7)
    both = reference(layer)
    lengths = torch.arange(1, 7)
    sequence = torch.randn(6, 6, 5)
    states = layer(sequence, lengths)
    for item, length in enumerate(lengths.tolist()):
        alone, _ = both(sequence[item : item + 1, :length])
        torch.testing.assert_close(states[item, :length], alone[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_a_new_layer_keeps_what_it_has_read(kind: type[nn.LSTM | nn.GRU]) -> None:
    """With weights of 0, sigmoid(1) of a state is left after a step; without the bias it were sigmoid(0)."""
    layer = kind(3, 4)
    initialise_recurrent(layer)
    for name, weight in layer.named_parameters():
        if name.startswith("weight_hh"):
            for gate in weight.detach().view(-1, 4, 4):
                torch.testing.assert_close(gate @ gate.T, torch.eye(4), rtol=0, atol=1e-5)
        if name.startswith("weight"):
            weight.data.zero_()
    start, nothing = torch.ones(1, 1, 4), torch.zeros(1, 1, 3)
    kept = layer(nothing, (start, start))[1][1] if isinstance(layer, nn.LSTM) else layer(nothing, start)[1]
    torch.testing.assert_close(kept, torch.sigmoid(start))


@pytest.mark.parametrize("kind", ["lstm", "gru"])
@pytest.mark.parametrize(
    ("layers", "bidirectional_dim", "width"), [(0, None, 5), (1, None, 4), (0, 4, 8), (2, 4, 8), (2, 2, 4)]
)
def test_encoder_width_and_zero_padding(
    layers: int, bidirectional_dim: int | None, width: int, kind: Literal["lstm", "gru"]
) -> None:
    encoder = TemporalEncoder(
        input_dim=5,
        units=4,
        lstm_layers=layers,
        bidirectional_dim=bidirectional_dim,
        dropout=0.0,
        kind=kind,
    )
    states = encoder(torch.randn(2, 3, 5), torch.tensor([3, 1]))
    assert encoder.output_dim == width
    assert states.shape == (2, 3, width)
    assert not states[1, 1:].any()


def test_dropout_acts_in_training_only() -> None:
    encoder = TemporalEncoder(
        input_dim=5, units=4, lstm_layers=2, bidirectional_dim=4, dropout=0.5, kind="lstm"
    )
    sequence, lengths = torch.randn(2, 3, 5), torch.tensor([3, 3])
    assert not torch.equal(encoder(sequence, lengths), encoder(sequence, lengths))
    encoder.eval()
    assert torch.equal(encoder(sequence, lengths), encoder(sequence, lengths))
    assert not any(lstm.dropout for lstm in encoder.modules() if isinstance(lstm, nn.LSTM))


def test_pads_become_zero_whatever_they_hold() -> None:
    sequence = torch.full((1, 3, 2), float("nan"))
    sequence[0, 0] = 1.0
    zeroed = zero_pads(sequence, valid_mask(torch.tensor([1]), 3))
    assert zeroed.tolist() == [[[1, 1], [0, 0], [0, 0]]]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([0, 3]), r"lengths are \[0, 3\]; allowed: 1 to 3"),
        (torch.tensor([1, 4]), r"lengths are \[1, 4\]; allowed: 1 to 3"),
        (torch.tensor([1]), r"shape \(1,\); allowed: \(2,\)"),
        (torch.tensor([1.0, 2.0]), "dtype torch.float32"),
    ],
)
def test_impossible_lengths_are_refused(lengths: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        resolve_lengths(lengths, batch_size=2, num_frames=3, device=torch.device("cpu"))
