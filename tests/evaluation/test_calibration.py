"""Calibration: a temperature where it helps, none where it does not, and nothing odd is loaded."""

from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from pipeline.errors import CheckpointError
from pipeline.evaluation.calibration import Calibration
from pipeline.evaluation.metrics import log_losses
from pipeline.evaluation.temperature import choose_temperature, fit_calibration


def _answers(seed: int, num_clips: int, *, scale: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Logits whose classes are drawn by their softmax, then stretched: the right temperature is `scale`."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2.5, (num_clips, 4))
    true = (softmax(logits, axis=1).cumsum(axis=1) > random.random((num_clips, 1))).argmax(axis=1)
    return scale * logits, true, [str(row) for row in range(num_clips)]


@pytest.mark.parametrize("scale", [0.4, 3.0])
def test_a_temperature_is_found_and_helps_other_clips(scale: float) -> None:
    temperature, reason = choose_temperature(*_answers(0, 400, scale=scale))
    assert temperature == pytest.approx(scale, rel=0.15)
    assert f"a temperature of {temperature:.2f} changes the log-loss" in reason
    logits, true, _ = _answers(1, 4000, scale=scale)
    before, after = (log_losses(true, softmax(logits / each, axis=1)).mean() for each in (1.0, temperature))
    assert after < before - 0.05


def test_good_probabilities_are_left_alone() -> None:
    for seed in range(40):
        temperature, reason = choose_temperature(*_answers(seed, 100, scale=1.0))
        assert temperature == 1, reason
    assert "no gain that is sure: a temperature of" in reason


def test_few_groups_or_few_mistakes_say_nothing_of_a_temperature() -> None:
    logits, true, _ = _answers(0, 400, scale=3.0)
    temperature, reason = choose_temperature(logits, true, ["a", "b"] * 200)
    assert (temperature, reason[:38]) == (1, "not fitted: 2 independent groups of va")
    right = logits.argmax(axis=1)
    temperature, reason = choose_temperature(logits, right, [str(row) for row in range(400)])
    assert temperature == 1
    assert "0 wrong of 400 validation answers do not show how sure is too sure" in reason


def test_clips_of_one_group_are_not_evidence_twice() -> None:
    """The same 40 clips, ten times each: as clips they would carry the temperature, as groups they do not."""
    logits, true, groups = _answers(0, 40, scale=2.2)
    copies = [np.repeat(logits, 10, axis=0), np.repeat(true, 10)]
    as_clips, _ = choose_temperature(copies[0], copies[1], [str(row) for row in range(400)])
    as_groups, _ = choose_temperature(copies[0], copies[1], [group for group in groups for _ in range(10)])
    assert as_clips != 1
    assert as_groups == 1


def test_the_threshold_is_one_of_calibrated_probabilities() -> None:
    logits, true, groups = _answers(0, 400, scale=3.0)
    fitted = fit_calibration(logits, true, groups, wanted_precision=0.9)
    assert fitted.threshold is not None
    confidences = softmax(logits / fitted.temperature, axis=1).max(axis=1)
    assert np.abs(confidences - fitted.threshold).min() < 2e-6
    assert fitted.is_unsure(fitted.threshold - 1e-9)
    assert not fitted.is_unsure(fitted.threshold)
    without = fit_calibration(logits, true, groups, wanted_precision=None)
    assert (without.threshold, without.threshold_reason) == (None, "no threshold was asked for")
    assert not without.is_unsure(0.0)


def test_a_calibration_round_trips() -> None:
    fitted = fit_calibration(*_answers(0, 400, scale=3.0), wanted_precision=0.9)
    assert Calibration.from_dict(fitted.to_dict()) == fitted
    assert Calibration.from_dict(None) == Calibration()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"temperature": 0}, "temperature is 0; allowed: a number above 0"),
        ({"temperature": "hot"}, "temperature is 'hot'"),
        ({"temperature": True}, "temperature is True"),
        ({"threshold": 1.5}, "threshold is 1.5; allowed: a number from 0 to 1"),
        ({"threshold_reason": 3}, "threshold_reason is 3; it is a text"),
        ({"extra": 1}, "missing or unknown fields: extra"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        Calibration.from_dict({**Calibration().to_dict(), **values})
