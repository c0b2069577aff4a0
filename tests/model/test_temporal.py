"""Recurrence on padded sequences, against torch's own layers on each sequence alone."""

import pytest
import torch
from torch import Tensor, nn

from pipeline.model.lengths import resolve_lengths, valid_mask, zero_pads
from pipeline.model.temporal import BidirectionalLSTM, TemporalEncoder, reverse_valid


def reference(layer: BidirectionalLSTM) -> nn.LSTM:
    """torch's bidirectional LSTM with the same weights."""
    width, units = layer.forward_lstm.input_size, layer.forward_lstm.hidden_size
    lstm = nn.LSTM(width, units, batch_first=True, bidirectional=True)
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        getattr(lstm, name).data.copy_(getattr(layer.forward_lstm, name))
        getattr(lstm, f"{name}_reverse").data.copy_(getattr(layer.backward_lstm, name))
    return lstm


def test_reverses_valid_steps_and_leaves_padding() -> None:
    steps = torch.arange(1.0, 5.0).expand(3, 4)[:, :, None].clone()  # 1 2 3 4
    lengths = torch.tensor([4, 3, 1])
    reversed_steps = reverse_valid(steps, lengths)
    assert reversed_steps[:, :, 0].tolist() == [[4, 3, 2, 1], [3, 2, 1, 4], [1, 2, 3, 4]]
    assert torch.equal(reverse_valid(reversed_steps, lengths), steps)


def test_bidirectional_layer_is_torchs_own_without_padding() -> None:
    layer = BidirectionalLSTM(5, 7)
    sequence = torch.randn(3, 6, 5)
    expected, _ = reference(layer)(sequence)
    torch.testing.assert_close(layer(sequence, torch.full((3,), 6)), expected, rtol=0, atol=1e-6)


def test_each_padded_item_is_as_if_it_stood_alone() -> None:
    layer = BidirectionalLSTM(5, 7)
    lstm = reference(layer)
    lengths = torch.arange(1, 7)
    sequence = torch.randn(6, 6, 5)
    states = layer(sequence, lengths)
    for item, length in enumerate(lengths.tolist()):
        alone, _ = lstm(sequence[item : item + 1, :length])
        torch.testing.assert_close(states[item, :length], alone[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "bidirectional", "width"), [(0, False, 5), (1, False, 4), (0, True, 8), (2, True, 8)]
)
def test_encoder_width_and_zero_padding(layers: int, bidirectional: bool, width: int) -> None:
    encoder = TemporalEncoder(
        input_dim=5, units=4, lstm_layers=layers, bidirectional=bidirectional, dropout=0.0
    )
    states = encoder(torch.randn(2, 3, 5), torch.tensor([3, 1]))
    assert encoder.output_dim == width
    assert states.shape == (2, 3, width)
    assert not states[1, 1:].any()


def test_dropout_acts_in_training_only() -> None:
    encoder = TemporalEncoder(input_dim=5, units=4, lstm_layers=2, bidirectional=True, dropout=0.5)
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
