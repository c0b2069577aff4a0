"""Whether probabilities mean what they say: the bins by hand, and chance by simulation."""

import numpy as np
import pytest

from pipeline.evaluation.reliability import reliability


def test_the_bins_by_hand() -> None:
    """40 clips make 4 bins of 10: the least sure come first, and each bin's distance counts by its clips."""
    confidences = np.concatenate([np.full(10, value) for value in (0.9, 0.5, 0.7, 0.6)])
    right = np.concatenate([np.arange(10) < share for share in (10, 5, 5, 6)])
    found = reliability(confidences, right)
    assert [each.num_clips for each in found.bins] == [10, 10, 10, 10]
    assert [each.confidence for each in found.bins] == pytest.approx([0.5, 0.6, 0.7, 0.9])
    assert [each.accuracy for each in found.bins] == pytest.approx([0.5, 0.6, 0.5, 1.0])
    assert found.ece == pytest.approx((0 + 0 + 0.2 + 0.1) / 4)


@pytest.mark.parametrize(("num_clips", "num_bins"), [(1, 1), (9, 1), (25, 2), (99, 9), (5000, 10)])
def test_a_bin_has_ten_clips_or_more_and_ten_bins_are_enough(num_clips: int, num_bins: int) -> None:
    found = reliability(np.linspace(0.3, 1, num_clips), np.ones(num_clips, bool))
    assert len(found.bins) == num_bins
    assert sum(each.num_clips for each in found.bins) == num_clips
    assert max(each.num_clips for each in found.bins) - min(each.num_clips for each in found.bins) <= 1


def test_what_chance_shows_is_what_calibrated_answers_show() -> None:
    """The error of answers that are right as often as they say lies below its quantile 19 times in 20."""
    random = np.random.default_rng(0)
    below, errors, means = 0, [], []
    for seed in range(300):
        confidences = random.uniform(0.3, 1, 120)
        found = reliability(confidences, random.random(120) < confidences, seed=seed)
        below += found.ece <= found.ece_if_calibrated[1]
        errors.append(found.ece)
        means.append(found.ece_if_calibrated[0])
    assert 0.91 <= below / 300 <= 0.99
    assert np.mean(errors) == pytest.approx(np.mean(means), rel=0.05)


def test_too_sure_answers_are_beyond_chance() -> None:
    random = np.random.default_rng(1)
    found = reliability(np.full(200, 0.95), random.random(200) < 0.7)
    assert found.ece == pytest.approx(0.25, abs=0.06)
    assert found.ece > found.ece_if_calibrated[1]
