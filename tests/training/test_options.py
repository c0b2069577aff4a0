"""Options: contradictions are refused, configurations round-trip."""

from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.training.options import TrainOptions


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "--epochs is 0; allowed: 1 or more"),
        ({"batch_size": -1}, "--batch-size is -1"),
        ({"dropout": 1.0}, "--dropout is 1.0; allowed: 0 to below 1"),
        ({"learning_rate": 0.0}, "--learning-rate is 0.0; allowed: more than 0"),
        ({"abstain_precision": 1.0}, "--abstain-precision is 1.0; allowed: more than 0 and less than 1, or"),
        ({"flip": True}, "--flip changes pixels"),
        ({"weights": "none", "flip": True, "augment": False}, "cannot go with --no-augment"),
    ],
)
def test_what_cannot_be_right_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        TrainOptions(**values)


def test_a_configuration_round_trips() -> None:
    options = TrainOptions(backbone="tiny", weights="none", lstm_dim=32, learning_rate=1e-4, pooling="mean")
    assert TrainOptions.from_dict(options.to_dict(), source="test") == options


def test_fields_left_out_keep_their_defaults() -> None:
    assert TrainOptions.from_dict({"epochs": 3}, source="test") == TrainOptions(epochs=3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "a configuration is a JSON object, not list"),
        ({"epoch": 3}, "unknown options epoch"),
        ({"epochs": "3"}, "epochs is '3'"),
        ({"epochs": True}, "epochs is True"),
        ({"pooling": "max"}, "pooling is 'max'; allowed: one of attention, dot, mean, last"),
        ({"bidirectional": 1}, "bidirectional is 1"),
        ({"learning_rate": "fast"}, "learning_rate is 'fast'"),
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
