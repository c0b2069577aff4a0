"""Options: contradictions are refused, configurations round-trip."""

import json
import math
from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.training.assembly import head_config
from pipeline.training.options import TrainOptions

LINEAR: dict[str, Any] = {
    "lstm_layers": 0,
    "bidirectional": False,
    "time_dense": False,
    "pooling": "statistics",
}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "--epochs is 0; allowed: 1 or more"),
        ({"batch_size": -1}, "--batch-size is -1"),
        ({"dropout": 1.0}, "--dropout is 1.0; allowed: 0 to below 1"),
        ({"learning_rate": 0.0}, "--learning-rate is 0.0; allowed: more than 0"),
        ({"abstain_precision": 1.0}, "--abstain-precision is 1.0; allowed: more than 0 and less than 1, or"),
        ({"flip": True}, "--flip changes pixels"),
        ({"weights": "none", "flip": True, "augment": False}, "--flip is an .* cannot go with --no-augment"),
        ({"flip_labels": ("a=b",)}, "--flip-labels changes pixels"),
        ({"weights": "none", "flip_labels": ("a=b",), "augment": False}, "--flip-labels is an augmentation"),
        ({"learning_rate": math.nan}, "--learning-rate is nan; allowed: more than 0"),
        ({"learning_rate": math.inf}, "--learning-rate is inf; allowed: more than 0"),
        ({"backbone_rate": math.nan}, "--backbone-rate is nan; allowed: more than 0"),
        ({"weight_decay": math.nan}, "--weight-decay is nan; allowed: 0 or more"),
        ({"gradient_clip": math.inf}, "--gradient-clip is inf; allowed: 0 or more"),
        ({"seed": 2**31}, "--seed is 2147483648; allowed: 0 to 2147483647"),
        ({"accumulate": 0}, "--accumulate is 0; allowed: 1 or more"),
        ({"head_epochs": -1}, "--head-epochs is -1; allowed: 0 or more"),
        ({"backbone_rate": 0.0}, "--backbone-rate is 0.0; allowed: more than 0"),
        ({"input": "fitted", "differences": True}, "--input fitted has a normalisation of its own"),
        ({"weights": "none", "class_directions": False}, "--no-class-directions is about a fitted input"),
        ({"compile": True}, "--compile is for a backbone that is trained: add --finetune"),
        ({"bidirectional_dim": 0}, "--bidirectional-dim is 0; allowed: 1 or more"),
        ({**LINEAR, "linear_penalty": 0.0}, "--linear-penalty is 0.0; allowed: more than 0"),
        ({**LINEAR, "linear_penalty": math.inf}, "--linear-penalty is inf; allowed: more than 0"),
        ({"linear_penalty": 2.0}, "--linear-penalty is for a linear head on a frozen backbone: --lstm-lay"),
        ({**LINEAR, "linear_penalty": 2.0, "finetune": True}, "--linear-penalty is for .* without --finetu"),
    ],
)
def test_what_cannot_be_right_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainOptions(**values)


def test_a_configuration_round_trips() -> None:
    for options in (
        TrainOptions(
            backbone="tiny",
            weights="none",
            lstm_dim=32,
            learning_rate=1e-4,
            pooling="mean",
            flip_labels=("a=b",),
        ),
        TrainOptions(recurrence="gru", bidirectional_dim=16, pooling="centre"),
        TrainOptions(**LINEAR, linear_penalty=0.5),
    ):
        assert TrainOptions.from_dict(json.loads(json.dumps(options.to_dict())), source="test") == options


def test_fields_left_out_keep_their_defaults() -> None:
    assert TrainOptions.from_dict({"epochs": 3}, source="test") == TrainOptions(epochs=3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "a configuration is a JSON object, not list"),
        ({"epoch": 3}, "unknown options epoch"),
        ({"epochs": "3"}, "epochs is '3'"),
        ({"epochs": True}, "epochs is True"),
        ({"pooling": "max"}, "pooling is 'max'; allowed: one of attention, dot, mean, last, centre, stat"),
        ({"recurrence": "rnn"}, "recurrence is 'rnn'; allowed: one of lstm, gru, convolution"),
        ({"bidirectional_dim": 1.5}, "bidirectional_dim is 1.5"),
        ({"linear_penalty": "1"}, "linear_penalty is '1'"),
        ({"bidirectional": 1}, "bidirectional is 1"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
        ({"flip_labels": "a=b"}, "flip_labels is 'a=b'; allowed: a list of texts"),
        ({"flip_labels": [1]}, "flip_labels is [1]; allowed: a list of texts"),
        ({"amp": "fp16"}, "amp is 'fp16'; allowed: one of auto, off"),
        ({"compile": "yes"}, "compile is 'yes'"),
        ({"weight_decay": None}, "weight_decay is None"),
    ],
)
def test_a_wrong_configuration_is_refused_by_name(values: object, message: str) -> None:
    with pytest.raises(UsageError, match="here: " + message.replace("[", r"\[")) as caught:
        TrainOptions.from_dict(values, source="here")
    assert caught.value.exit_code == 2


def test_random_weights_are_trained_and_pretrained_ones_kept() -> None:
    assert TrainOptions(backbone="tiny", weights="none").trains_backbone
    assert TrainOptions(finetune=True).trains_backbone
    assert not TrainOptions().trains_backbone


def test_the_head_learns_first_where_a_backbone_knows_something() -> None:
    tuned = TrainOptions(finetune=True, head_epochs=7, epochs=5, batch_size=4, accumulate=3)
    assert tuned.head_first
    assert tuned.most_epochs == 12
    head = tuned.of_head_stage
    assert (head.epochs, head.batch_size, head.accumulate) == (7, 12, 1)
    for options in (
        TrainOptions(epochs=5),
        TrainOptions(finetune=True, head_epochs=0, epochs=5),
        TrainOptions(backbone="tiny", weights="none", epochs=5),
    ):
        assert not options.head_first
        assert options.most_epochs == 5


@pytest.mark.parametrize(
    ("values", "head_input"),
    [
        ({}, "fitted"),
        ({"finetune": True}, "fitted"),
        ({"weights": "none"}, "plain"),
        ({"backbone": "tiny"}, "plain"),
        ({"normalise": "layer"}, "plain"),
        ({"differences": True}, "plain"),
        ({"backbone": "tiny", "weights": "none", "input": "fitted"}, "fitted"),
        ({**LINEAR}, "plain"),
        ({**LINEAR, "pooling": "attention"}, "fitted"),
        ({**LINEAR, "input": "fitted"}, "fitted"),
    ],
)
def test_what_the_head_reads_goes_by_what_the_backbone_knows(values: dict[str, Any], head_input: str) -> None:
    options = TrainOptions(**values)
    assert options.head_input == head_input
    assert (options.projected_to == 64) == (head_input == "fitted")
    assert options.chosen_lstm_dim == (128 if head_input == "fitted" else 64)


@pytest.mark.parametrize("pooling", ["attention", "dot", "mean", "centre", "statistics"])
@pytest.mark.parametrize(
    "values",
    [
        {},
        {"lstm_layers": 1},
        {"bidirectional": True},
        {"time_dense": True},
        {"input": "plain", "projection_dim": 8},
        {"input": "fitted"},
        {"normalise": "layer"},
        {"differences": True},
    ],
    ids=str,
)
def test_options_and_head_agree_on_what_is_linear(values: dict[str, Any], pooling: str) -> None:
    options = TrainOptions(**{**LINEAR, "pooling": pooling, **values})
    head = head_config(options, feature_dim=16, num_classes=3)
    assert options.is_linear == options.fits_regression == head.is_linear


def test_a_linear_head_is_fitted_in_one_step_on_plain_features_as_they_are() -> None:
    options = TrainOptions(**LINEAR)
    assert options.fits_regression
    assert options.most_epochs == 1
    assert options.feature_normalisation == "none"
    tuned = TrainOptions(**LINEAR, finetune=True, epochs=5, head_epochs=2)
    assert tuned.is_linear
    assert not tuned.fits_regression
    assert tuned.most_epochs == 7
    assert tuned.feature_normalisation == "layer"
    assert not tuned.of_head_stage.fits_regression
