"""Convolutions over time in place of recurrent layers, of like size: what does recurrence itself bring?"""

import math

import torch
from torch import Tensor, nn

from pipeline.model.lengths import valid_mask, zero_pads

KERNEL_STEPS = 3


class TemporalConvolution(nn.Module):
    """Convolutions over 3 steps, each with ReLU and dropout; a state sees num_layers steps to either side.

    A step beyond either end counts as zeros, and so does padding: it is made zero before each layer.

    Attributes:
        output_dim: width of the hidden states: the channels.
    """

    def __init__(self, *, input_dim: int, channels: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        widths = [input_dim] + [channels] * num_layers
        layers = [
            nn.Conv1d(width, channels, KERNEL_STEPS, padding=KERNEL_STEPS // 2)
            for width in widths[:num_layers]
        ]
        for layer in layers:
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            assert layer.bias is not None  # noqa: S101 - a Conv1d has one unless told otherwise
            nn.init.zeros_(layer.bias)
        self.layers = nn.ModuleList(layers)
        self.dropout = nn.Dropout(dropout)
        self.output_dim = channels

    def forward(self, sequence: Tensor, lengths: Tensor) -> Tensor:
        """Hidden states (B, T, output_dim) of a sequence (B, T, input_dim), zero on padding.

        Args:
            sequence: finite everywhere.
            lengths: (B,) int64, 1 .. T.
        """
        mask = valid_mask(lengths, sequence.shape[1])
        sequence = zero_pads(sequence, mask)
        for layer in self.layers:
            states = torch.relu(layer(sequence.transpose(1, 2))).transpose(1, 2)
            sequence = zero_pads(self.dropout(states), mask)
        return sequence


def channels_like_lstm(
    *, input_dim: int, units: int, lstm_layers: int, bidirectional: bool, weights_per_state: int
) -> int:
    """Channels that give a head with convolutions as many parameters as one with as many LSTM layers.

    Args:
        input_dim: width of the sequence.
        units: of an LSTM in one direction.
        lstm_layers: one-way layers.
        bidirectional: whether there is a bidirectional layer on top of them.
        weights_per_state: what each dimension of the hidden states costs in the layers behind.
    """
    widths = [input_dim] + [units] * lstm_layers
    of_lstms = sum(4 * units * (width + units + 2) for width in widths[:lstm_layers])
    if bidirectional:
        of_lstms += 2 * 4 * units * (widths[-1] + units + 2)
    wanted = of_lstms + (2 * units if bidirectional else units) * weights_per_state
    num_layers = lstm_layers + bidirectional
    # quadratic * channels^2 + linear * channels = wanted
    quadratic = KERNEL_STEPS * (num_layers - 1)
    linear = KERNEL_STEPS * input_dim + num_layers + weights_per_state
    exact = 2 * wanted / (linear + math.sqrt(linear**2 + 4 * quadratic * wanted))
    return max(1, round(exact))
