"""The head against an independent composition of torch's layers; padding, gradients, configurations."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pipeline.errors import UsageError
from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.model.temporal import BidirectionalLSTM

T, D, K = 6, 5, 3
NAN = float("nan")

GRID: list[dict[str, Any]] = [
    {"pooling": pooling, "normalise": normalise, "differences": differences, "projection_dim": projection}
    for pooling, (normalise, differences, projection) in itertools.product(
        ("attention", "dot", "mean"),
        (("none", False, None), ("standardise", True, 4), ("layer", True, None), ("layer", False, 4)),
    )
] + [
    {"lstm_layers": 0, "bidirectional": False},
    {"lstm_layers": 1, "bidirectional": False},
    {"bidirectional": False, "pooling": "last"},
    {"bidirectional": False, "pooling": "last", "time_dense": False},
    {"lstm_layers": 0},
    {"time_dense": False},
    {"bidirectional_dim": 4, "time_dense": False, "pooling": "mean"},
    {"lstm_layers": 0, "bidirectional": False, "time_dense": False, "pooling": "centre"},
    {"lstm_layers": 0, "bidirectional": False, "time_dense": False, "pooling": "statistics"},
    {"pooling": "centre"},
    {"pooling": "statistics"},
    {"recurrence": "gru"},
    {"recurrence": "gru", "bidirectional_dim": 5, "pooling": "statistics", "time_dense": False},
    {"recurrence": "gru", "bidirectional": False, "pooling": "last"},
    {"recurrence": "convolution"},
    {"recurrence": "convolution", "lstm_layers": 1, "bidirectional": False, "time_dense": False},
    {"recurrence": "convolution", "pooling": "last"},
]


def make_head(**changes: Any) -> SequenceHead:
    values: dict[str, Any] = {
        "feature_dim": D,
        "num_classes": K,
        "normalise": "standardise",
        "differences": True,
        "lstm_dim": 8,
        "attention_dim": 3,
        **changes,
    }
    head = SequenceHead(HeadConfig(**values))
    head.fit_normalisation(torch.randn(20, T, values["feature_dim"]) * 3 + 1)
    return head.eval()


def copy_lstm(target: nn.LSTM, source: nn.LSTM, suffix: str = "") -> None:
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        getattr(target, name + suffix).data.copy_(getattr(source, name))


def composed(head: SequenceHead, features: Tensor) -> tuple[Tensor, Tensor]:
    """The design written down from contract 5 with torch's own layers, for sequences without padding."""
    config, state = head.config, head.state_dict()
    values = (features - state["input.feature_norm.mean"]) / state["input.feature_norm.std"]
    differences = torch.zeros_like(features)
    for t in range(1, features.shape[1]):
        step = features[:, t] - features[:, t - 1]
        differences[:, t] = (step - state["input.difference_norm.mean"]) / state["input.difference_norm.std"]
    values = torch.cat([values, differences], dim=2)
    for layer in head.encoder.layers:
        assert isinstance(layer, nn.LSTM)
        lstm = nn.LSTM(values.shape[2], config.lstm_dim, batch_first=True)
        copy_lstm(lstm, layer)
        values, _ = lstm(values)
    assert isinstance(head.encoder.bidirectional, BidirectionalLSTM)
    both = nn.LSTM(config.lstm_dim, config.lstm_dim, batch_first=True, bidirectional=True)
    copy_lstm(both, head.encoder.bidirectional.forward_lstm)
    copy_lstm(both, head.encoder.bidirectional.backward_lstm, "_reverse")
    states, _ = both(values)
    states = torch.relu(states @ state["time_dense.weight"].T + state["time_dense.bias"])
    hidden = torch.tanh(states @ state["pooling.hidden.weight"].T + state["pooling.hidden.bias"])
    scores = hidden @ state["pooling.score.weight"][0]
    weights = scores.exp() / scores.exp().sum(dim=1, keepdim=True)
    context = (weights[:, :, None] * states).sum(dim=1)
    return context @ state["output.weight"].T + state["output.bias"], weights


@pytest.mark.parametrize(("steps", "width", "classes"), [(12, 10, 4), (5, 32, 2), (1, 3, 7)])
def test_is_the_composition_of_torchs_layers(steps: int, width: int, classes: int) -> None:
    head = make_head(feature_dim=width, num_classes=classes, lstm_dim=16)
    features = torch.randn(3, steps, width)
    logits, weights = head(features)
    expected_logits, expected_weights = composed(head, features)
    assert logits.shape == (3, classes)
    assert weights.shape == (3, steps)
    torch.testing.assert_close(logits, expected_logits, rtol=0, atol=1e-6)
    torch.testing.assert_close(weights, expected_weights, rtol=0, atol=1e-6)


@pytest.mark.parametrize("changes", GRID, ids=str)
def test_padding_changes_nothing(changes: dict[str, Any]) -> None:
    """All lengths, pads of 0, 1e3 and NaN: outputs and gradients are the same to the bit, and as if alone."""
    head = make_head(**changes)
    features, lengths = torch.randn(T, T, D), torch.arange(1, T + 1)
    pads = torch.arange(T)[None, :] >= lengths[:, None]
    targets = torch.randn(T, K)

    def run(inputs: Tensor, counts: Tensor | None, wanted: Tensor) -> tuple[Tensor, Tensor, list[Tensor]]:
        head.zero_grad()
        inputs = inputs.clone().requires_grad_()
        logits, weights = head(inputs, counts)
        (logits * wanted).sum().backward()
        assert inputs.grad is not None
        gradients = [parameter.grad.clone() for parameter in head.parameters() if parameter.grad is not None]
        return logits.detach(), weights.detach(), [inputs.grad, *gradients]

    logits, weights, gradients = run(features.masked_fill(pads[:, :, None], 0.0), lengths, targets)
    assert not weights[pads].any()
    assert not gradients[0][pads].any()
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(T), rtol=0, atol=1e-6)
    for filler in (1e3, NAN):
        other = run(features.masked_fill(pads[:, :, None], filler), lengths, targets)
        assert torch.equal(other[0], logits)
        assert torch.equal(other[1], weights)
        assert all(torch.equal(a, b) for a, b in zip(other[2], gradients, strict=True))

    total = [torch.zeros_like(gradient) for gradient in gradients[1:]]
    for item, length in enumerate(lengths.tolist()):
        alone = run(features[item : item + 1, :length], None, targets[item : item + 1])
        torch.testing.assert_close(alone[0][0], logits[item], rtol=0, atol=1e-6)
        torch.testing.assert_close(alone[1][0], weights[item, :length], rtol=0, atol=1e-6)
        torch.testing.assert_close(alone[2][0][0], gradients[0][item, :length], rtol=0, atol=1e-6)
        total = [summed + gradient for summed, gradient in zip(total, alone[2][1:], strict=True)]
    for summed, gradient in zip(total, gradients[1:], strict=True):
        torch.testing.assert_close(summed, gradient, rtol=1e-5, atol=1e-5)


def test_batch_of_one_is_the_same_item_in_four() -> None:
    head, features = make_head(), torch.randn(4, T, D)
    together = head(features)
    for item in range(4):
        alone = head(features[item : item + 1])
        torch.testing.assert_close(alone.logits[0], together.logits[item], rtol=0, atol=1e-6)
        torch.testing.assert_close(
            alone.attention_weights[0], together.attention_weights[item], rtol=0, atol=1e-6
        )


@pytest.mark.parametrize("changes", GRID, ids=str)
def test_each_parameter_takes_part_in_learning(changes: dict[str, Any]) -> None:
    head = make_head(**changes).train()
    loss = nn.functional.cross_entropy(head(torch.randn(8, T, D)).logits, torch.arange(8) % K)
    torch.autograd.backward(loss)
    silent = [name for name, p in head.named_parameters() if p.grad is None or not p.grad.any()]
    assert not silent
    assert sum(1 for _ in head.parameters()) > 0


@pytest.mark.parametrize("changes", GRID, ids=str)
def test_no_path_avoids_the_recurrent_part(changes: dict[str, Any]) -> None:
    head = make_head(**changes)
    one, other = torch.randn(2, T, D), torch.randn(2, T, D)
    assert not torch.equal(head(one).logits, head(other).logits)
    head.encoder.register_forward_hook(lambda _module, _inputs, states: torch.zeros_like(states))
    assert torch.equal(head(one).logits, head(other).logits)
    assert torch.equal(head(one).attention_weights, head(other).attention_weights)


def test_order_counts_only_with_recurrence() -> None:
    features = torch.randn(2, T, D)
    backwards = features.flip(1)
    plain = make_head(lstm_layers=0, bidirectional=False, differences=False)
    torch.testing.assert_close(plain(features).logits, plain(backwards).logits, rtol=0, atol=1e-6)
    recurrent = make_head(differences=False)
    assert (recurrent(features).logits - recurrent(backwards).logits).abs().max() > 1e-4


def test_standardise_measures_valid_frames_only() -> None:
    head = make_head(normalise="standardise", differences=True)
    features, lengths = torch.randn(4, T, D) * 5 + 2, torch.tensor([6, 3, 1, 2])
    features[:, :, 4] = 7.0  # a constant feature must not be divided by 0
    frames = torch.cat([features[i, :n] for i, n in enumerate(lengths.tolist())])
    steps = torch.cat([features[i, 1:n] - features[i, : n - 1] for i, n in enumerate(lengths.tolist())])
    padded = features.clone()
    for item, length in enumerate(lengths.tolist()):
        padded[item, length:] = NAN
    head.fit_normalisation(padded, lengths)
    state = head.state_dict()
    for name, values in (("feature_norm", frames), ("difference_norm", steps)):
        torch.testing.assert_close(state[f"input.{name}.mean"], values.mean(dim=0))
        torch.testing.assert_close(state[f"input.{name}.std"][:4], values.std(dim=0, correction=0)[:4])
        assert state[f"input.{name}.std"][4] == 1
    assert torch.isfinite(head(padded, lengths).logits).all()


def test_dropout_acts_in_training_only() -> None:
    features = torch.randn(2, T, D)
    for name in ("dropout", "input_dropout"):
        head = make_head(**{"dropout": 0.0, "input_dropout": 0.0, name: 0.5})
        assert torch.equal(head(features).logits, head(features).logits)
        head.train()
        assert not torch.equal(head(features).logits, head(features).logits)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (torch.zeros(2, D), rf"shape \(2, {D}\); allowed: \(B, T, {D}\)"),
        (torch.zeros(2, T, D + 1), rf"allowed: \(B, T, {D}\)"),
        (torch.zeros(2, 0, D), "at least 1"),
        (torch.zeros(2, T, D, dtype=torch.int64), "dtype torch.int64"),
    ],
)
def test_unfit_features_are_refused(features: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_head()(features)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("feature_dim", 0),
        ("num_classes", 2.0),
        ("lstm_layers", 9),
        ("lstm_layers", True),
        ("lstm_dim", -1),
        ("attention_dim", "32"),
        ("projection_dim", 0),
        ("bidirectional", 1),
        ("differences", "yes"),
        ("time_dense", None),
        ("pooling", "max"),
        ("recurrence", "rnn"),
        ("bidirectional_dim", 0),
        ("normalise", "batch"),
        ("dropout", 1.0),
        ("dropout", NAN),
        ("input_dropout", -0.1),
    ],
)
def test_config_refuses_naming_the_field(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"^{name} is .*allowed"):
        HeadConfig(**{"feature_dim": D, "num_classes": K, name: value})  # type: ignore[arg-type]


def test_last_frame_of_a_backward_layer_is_refused() -> None:
    with pytest.raises(UsageError, match="pooling is 'last' with a bidirectional layer"):
        HeadConfig(feature_dim=D, num_classes=K, pooling="last")
    HeadConfig(feature_dim=D, num_classes=K, pooling="last", bidirectional=False)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"recurrence": "gru"}, "recurrence is 'gru' without a layer to be it; allowed: lstm_layers of 1"),
        ({"recurrence": "convolution"}, "recurrence is 'convolution' without a layer"),
        ({"bidirectional_dim": 3}, "bidirectional_dim is 3 without a bidirectional layer"),
        ({"lstm_layers": 1, "bidirectional_dim": 3}, "bidirectional_dim is 3 without a bidirectional layer"),
        (
            {"recurrence": "convolution", "bidirectional": True, "bidirectional_dim": 3},
            "allowed: with bidirectional and recurrence 'lstm' or 'gru'",
        ),
        ({"recurrence": "gru", "bidirectional": True, "pooling": "last"}, "pooling is 'last' with a bidir"),
    ],
)
def test_what_makes_no_sense_together_is_refused(values: dict[str, Any], message: str) -> None:
    none = {"lstm_layers": 0, "bidirectional": False}
    with pytest.raises(UsageError, match=message):
        HeadConfig(feature_dim=D, num_classes=K, **{**none, **values})


def num_parameters(**values: Any) -> int:
    return sum(parameter.numel() for parameter in SequenceHead(HeadConfig(**values)).parameters())


@pytest.mark.parametrize(("width", "units"), list(itertools.product((16, 108, 1280), (16, 64, 128))))
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lstm_layers": 1, "bidirectional": False},
        {"lstm_layers": 0, "time_dense": False},
        {"time_dense": False, "pooling": "mean", "num_classes": 100},
        {"lstm_layers": 1, "time_dense": False, "pooling": "statistics"},
        {"lstm_layers": 2, "bidirectional": False, "pooling": "dot"},
    ],
    ids=str,
)
def test_convolutions_are_as_large_as_lstms(width: int, units: int, changes: dict[str, Any]) -> None:
    values = {"feature_dim": width, "num_classes": 4, "lstm_dim": units, **changes}
    ratio = num_parameters(**values, recurrence="convolution") / num_parameters(**values)
    assert 0.95 < ratio < 1.05


def test_half_the_units_in_each_direction_make_states_as_wide_as_one_layers() -> None:
    whole, half = make_head(lstm_dim=8), make_head(lstm_dim=8, bidirectional_dim=4)
    assert whole.encoder.output_dim == 16
    assert half.encoder.output_dim == 8
    assert make_head(lstm_dim=8, bidirectional_dim=8).state_dict().keys() == whole.state_dict().keys()


def test_convolutions_see_as_many_steps_to_either_side_as_there_are_layers() -> None:
    head = make_head(
        recurrence="convolution", pooling="centre", normalise="none", differences=False, lstm_layers=1
    )
    features = torch.randn(1, 9, D, requires_grad=True)  # 2 layers: 2 steps to either side of step 4
    torch.autograd.backward(head(features).logits.sum())
    assert features.grad is not None
    assert features.grad[0].any(dim=1).tolist() == [2 <= step <= 6 for step in range(9)]


@pytest.mark.parametrize(
    ("values", "is_linear"),
    [
        ({}, True),
        ({"pooling": "centre"}, True),
        ({"pooling": "statistics", "normalise": "none"}, True),
        ({"differences": True}, True),
        ({"pooling": "attention"}, False),
        ({"pooling": "last"}, False),
        ({"lstm_layers": 1}, False),
        ({"bidirectional": True}, False),
        ({"time_dense": True}, False),
        ({"projection_dim": 4}, False),
        ({"input": "fitted", "normalise": "none", "projection_dim": 4}, False),
    ],
)
def test_which_heads_are_linear(values: dict[str, Any], is_linear: bool) -> None:
    plain = {"lstm_layers": 0, "bidirectional": False, "time_dense": False, "pooling": "mean"}
    assert HeadConfig(feature_dim=D, num_classes=K, **{**plain, **values}).is_linear == is_linear


def test_fields_that_older_files_lack_have_what_is_now_the_default() -> None:
    config = HeadConfig(feature_dim=D, num_classes=K, projection_dim=7, pooling="dot")
    older = {
        name: value
        for name, value in config.to_dict().items()
        if name not in ("recurrence", "bidirectional_dim")
    }
    assert HeadConfig.from_dict(older) == config
    newer = HeadConfig(feature_dim=D, num_classes=K, recurrence="gru", bidirectional_dim=3)
    assert HeadConfig.from_dict(newer.to_dict()) == newer


def test_config_round_trip_is_strict() -> None:
    config = HeadConfig(feature_dim=D, num_classes=K, projection_dim=7, pooling="dot", dropout=0.1)
    assert HeadConfig.from_dict(config.to_dict()) == config
    values = config.to_dict()
    with pytest.raises(UsageError, match="unknown fields: heads"):
        HeadConfig.from_dict({**values, "heads": 4})
    del values["dropout"]
    with pytest.raises(UsageError, match="missing or unknown fields: dropout"):
        HeadConfig.from_dict(values)
