"""The head: a sequence of frame features becomes logits, and says which frames counted."""

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, NamedTuple, Self, get_args

import torch
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.model.attention import Pooling, StatisticsPooling, build_pooling
from pipeline.model.convolution import TemporalConvolution, channels_like_lstm
from pipeline.model.features import FeatureInput, Normalise
from pipeline.model.fitted_input import FittedInput
from pipeline.model.lengths import resolve_lengths, valid_mask, zero_pads
from pipeline.model.temporal import TemporalEncoder

InputKind = Literal["plain", "fitted"]
Recurrence = Literal["lstm", "gru", "convolution"]

LINEAR_POOLINGS = ("centre", "mean", "statistics")

_ADDED_LATER = ("recurrence", "bidirectional_dim")  # model files that were written before have their defaults


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """What a head is made of; every part can be changed or taken away.

    Attributes:
        feature_dim: D, width of the frame features.
        num_classes: K, number of logits.
        input: what the recurrent part reads: `plain` features as the next three fields say, or a `fitted`
            projection of them (see `FittedInput`), which takes its statistics from training clips.
        normalise: how plain features are put on one scale: `standardise` by statistics of the training
            features (see `SequenceHead.fit_normalisation`), `layer` by LayerNorm, or `none`.
        differences: put x_t - x_(t-1), normalised likewise, beside plain features.
        projection_dim: width of a linear projection of plain features before the recurrent part, None: no
            projection; or the principal components of a fitted input.
        recurrence: what the layers of the recurrent part are: `lstm`, `gru`, or in its place as many layers
            of `convolution` over 3 steps, with channels that make the head as large as with LSTMs.
        lstm_layers: one-way layers, 0 to 8.
        lstm_dim: U, units of a layer in one direction.
        bidirectional: a bidirectional layer on top of the one-way layers. Without it and with 0 layers
            nothing is recurrent and the order of the frames has no part in the result.
        bidirectional_dim: its units in one direction, None: U. Half of U makes hidden states as wide as those
            of a one-way layer.
        time_dense: a dense layer (U, ReLU), the same at every step, after the recurrent part.
        pooling: how frames become one vector: weighed by additive `attention`, by `dot` product, all alike
            (`mean`), the `last` one (not with a bidirectional layer, whose backward half has read nothing
            else there), the `centre` one, or the `statistics` mean, standard deviation and mean difference.
        attention_dim: A, width of additive attention.
        dropout: after each recurrent layer and before the output layer, 0 to below 1.
        input_dropout: on what the recurrent part reads, 0 to below 1.
    """

    feature_dim: int
    num_classes: int
    input: InputKind = "plain"
    normalise: Normalise = "layer"
    differences: bool = False
    projection_dim: int | None = None
    recurrence: Recurrence = "lstm"
    lstm_layers: int = 2
    lstm_dim: int = 64
    bidirectional: bool = True
    bidirectional_dim: int | None = None
    time_dense: bool = True
    pooling: Pooling = "attention"
    attention_dim: int = 32
    dropout: float = 0.3
    input_dropout: float = 0.0

    def __post_init__(self) -> None:
        for name, low, high in (
            ("feature_dim", 1, 65536),
            ("num_classes", 1, 65536),
            ("lstm_layers", 0, 8),
            ("lstm_dim", 1, 4096),
            ("attention_dim", 1, 4096),
        ):
            check_int(name, getattr(self, name), low, high)
        for name in ("projection_dim", "bidirectional_dim"):
            if getattr(self, name) is not None:
                check_int(name, getattr(self, name), 1, 4096)
        for name in ("differences", "bidirectional", "time_dense"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} is {getattr(self, name)!r}; allowed: true or false.")
        for name, allowed in (
            ("input", get_args(InputKind)),
            ("normalise", get_args(Normalise)),
            ("recurrence", get_args(Recurrence)),
            ("pooling", get_args(Pooling)),
        ):
            if getattr(self, name) not in allowed:
                raise UsageError(f"{name} is {getattr(self, name)!r}; allowed: {', '.join(allowed)}.")
        for name in ("dropout", "input_dropout"):
            _check_share(name, getattr(self, name))
        if self.input == "fitted" and self.projection_dim is None:
            raise UsageError("input is 'fitted' without a projection_dim; allowed: 1 to 4096.")
        if self.input == "fitted" and (self.normalise != "none" or self.differences):
            raise UsageError(
                "input is 'fitted', which has a normalisation of its own; allowed: normalise 'none' and no "
                "differences, or input 'plain'."
            )
        self._check_recurrence()

    def _check_recurrence(self) -> None:
        if self.recurrence != "lstm" and not self.num_layers:
            raise UsageError(
                f"recurrence is {self.recurrence!r} without a layer to be it; allowed: lstm_layers of 1 or "
                "more, or bidirectional."
            )
        if self.bidirectional_dim is not None and (
            not self.bidirectional or self.recurrence == "convolution"
        ):
            raise UsageError(
                f"bidirectional_dim is {self.bidirectional_dim} without a bidirectional layer; allowed: with "
                "bidirectional and recurrence 'lstm' or 'gru'."
            )
        if self.pooling == "last" and self.bidirectional and self.recurrence != "convolution":
            raise UsageError(
                "pooling is 'last' with a bidirectional layer, whose backward half has read only that frame "
                "and would learn nothing of time; allowed: 'last' with bidirectional off, or another pooling."
            )

    @property
    def num_layers(self) -> int:
        """Layers of the recurrent part, or of the convolutions in its place."""
        return self.lstm_layers + self.bidirectional

    @property
    def is_linear(self) -> bool:
        """Whether logits are linear in what is measured of the clip's frames: nothing before them learns."""
        return (
            self.num_layers == 0
            and not self.time_dense
            and self.pooling in LINEAR_POOLINGS
            and self.input == "plain"
            and self.projection_dim is None
        )

    @property
    def has_attention(self) -> bool:
        """Whether the frames are weighed by what they hold, and not by a fixed rule."""
        return self.pooling in ("attention", "dot")

    def to_dict(self) -> dict[str, Any]:
        """The configuration as JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuilds a configuration from `to_dict`; a missing or unknown field is refused (UsageError).

        Fields that older versions did not know may be missing: they had what is now the default.
        """
        if not isinstance(values, dict):
            raise UsageError(f"a head configuration is a JSON object, not {type(values).__name__}.")
        known = {field.name for field in fields(cls)}
        wrong = sorted((known - set(values) - set(_ADDED_LATER)) | (set(values) - known))
        if wrong:
            raise UsageError(f"head configuration with missing or unknown fields: {', '.join(wrong)}.")
        return cls(**values)


class HeadOutput(NamedTuple):
    """What a head says of a batch of clips.

    Attributes:
        logits: (B, K); softmax makes them probabilities, outside the model.
        attention_weights: (B, T), sum 1 over the valid frames, exactly 0 on padding.
    """

    logits: Tensor
    attention_weights: Tensor


class SequenceHead(nn.Module):
    """Classifies any sequence (B, T, D): frame features, or numeric series such as (12, 10) -> 4.

    input -> one-way LSTMs -> bidirectional LSTM -> dense at each step -> attention -> output, or as the
    configuration says. All of it runs through the recurrent part: there is no path around. Padding never
    changes a result, whatever it holds.

    Attributes:
        config: what it is made of.
    """

    def __init__(self, config: HeadConfig) -> None:
        super().__init__()
        self.config = config
        self.input = _build_input(config)
        self.input_dropout = nn.Dropout(config.input_dropout)
        self.encoder: TemporalEncoder | TemporalConvolution = _build_encoder(config, self.input.output_dim)
        width = config.lstm_dim if config.time_dense else self.encoder.output_dim
        self.time_dense = nn.Linear(self.encoder.output_dim, width) if config.time_dense else None
        self.pooling = build_pooling(config.pooling, dim=width, attention_dim=config.attention_dim)
        self.dropout = nn.Dropout(config.dropout)
        self.output = nn.Linear(self.pooling.num_parts * width, config.num_classes)

    def forward(self, frame_features: Tensor, lengths: Tensor | None = None) -> HeadOutput:
        """Logits and attention weights.

        Args:
            frame_features: (B, T, D) floating point.
            lengths: (B,) valid frames of each clip, 1 .. T; None: all T.

        Raises:
            ValueError: another rank, width or dtype, or a length outside 1 .. T.
        """
        self._check(frame_features)
        B, T = frame_features.shape[:2]
        lengths = resolve_lengths(lengths, batch_size=B, num_frames=T, device=frame_features.device)
        values = self.input(frame_features.to(self.output.weight.dtype), valid_mask(lengths, T))
        return self.read(values, lengths)

    @property
    def has_fixed_input(self) -> bool:
        """Whether what the recurrent part reads is a fitted projection, in which nothing is learned."""
        return isinstance(self.input, FittedInput)

    def read(self, values: Tensor, lengths: Tensor) -> HeadOutput:
        """What `forward` makes of the output of the head's input.

        Args:
            values: (B, T, input.output_dim); padding may hold anything.
            lengths: (B,) int64 valid frames of each clip.
        """
        values = zero_pads(values, valid_mask(lengths, values.shape[1]))
        hidden_states = self.encoder(self.input_dropout(values), lengths)  # (B, T, 2U)
        if self.time_dense is not None:
            hidden_states = torch.relu(self.time_dense(hidden_states))  # (B, T, U)
        clip_features, attention_weights = self.pooling(hidden_states, lengths)  # (B, U), (B, T)
        return HeadOutput(self.output(self.dropout(clip_features)), attention_weights)

    def fit_normalisation(self, frame_features: Tensor, lengths: Tensor | None = None) -> None:
        """Measures the statistics that `normalise="standardise"` uses; otherwise changes nothing.

        Args:
            frame_features: (N, T, D) of the training clips, and of them alone.
            lengths: (N,) valid frames of each clip; None: all T.
        """
        self._check(frame_features)
        if isinstance(self.input, FeatureInput):
            self.input.fit(frame_features, lengths)

    def _check(self, frame_features: Tensor) -> None:
        D = self.config.feature_dim
        if frame_features.ndim != 3 or frame_features.shape[2] != D or 0 in frame_features.shape:
            raise ValueError(
                f"frame_features has shape {tuple(frame_features.shape)}; "
                f"allowed: (B, T, {D}) with B and T of at least 1."
            )
        if not frame_features.is_floating_point():
            raise ValueError(f"frame_features has dtype {frame_features.dtype}; it takes float32.")


def _build_input(config: HeadConfig) -> FeatureInput | FittedInput:
    if config.input == "fitted" and config.projection_dim is not None:
        return FittedInput(
            feature_dim=config.feature_dim,
            num_classes=config.num_classes,
            projection_dim=config.projection_dim,
        )
    return FeatureInput(
        feature_dim=config.feature_dim,
        normalise=config.normalise,
        differences=config.differences,
        projection_dim=config.projection_dim,
    )


def _build_encoder(config: HeadConfig, input_dim: int) -> TemporalEncoder | TemporalConvolution:
    if config.recurrence == "convolution":
        channels = channels_like_lstm(
            input_dim=input_dim,
            units=config.lstm_dim,
            lstm_layers=config.lstm_layers,
            bidirectional=config.bidirectional,
            weights_per_state=_weights_per_state(config),
        )
        return TemporalConvolution(
            input_dim=input_dim, channels=channels, num_layers=config.num_layers, dropout=config.dropout
        )
    return TemporalEncoder(
        input_dim=input_dim,
        units=config.lstm_dim,
        lstm_layers=config.lstm_layers,
        bidirectional_dim=(config.bidirectional_dim or config.lstm_dim) if config.bidirectional else None,
        dropout=config.dropout,
        kind=config.recurrence,
    )


def _weights_per_state(config: HeadConfig) -> int:
    """Weights that each dimension of the hidden states takes in the layers behind the recurrent part."""
    if config.time_dense:
        return config.lstm_dim
    of_attention = {"attention": config.attention_dim, "dot": 1}.get(config.pooling, 0)
    parts = StatisticsPooling.num_parts if config.pooling == "statistics" else 1
    return of_attention + parts * config.num_classes


def check_int(name: str, value: object, low: int, high: int) -> None:
    """Refuses a field's value that is no whole number from `low` to `high` (UsageError)."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise UsageError(f"{name} is {value!r}; allowed: whole numbers from {low} to {high}.")


def _check_share(name: str, value: object) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value < 1:  # type: ignore[arg-type,operator]
        raise UsageError(f"{name} is {value!r}; allowed: numbers from 0 to below 1.")
