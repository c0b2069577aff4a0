"""The time left: honest from the first fit on, whatever was made first."""

import numpy as np
import pytest

from pipeline.compare.forecast import Forecast
from pipeline.compare.jobs import FitKey, Job
from pipeline.compare.settings import Setting
from pipeline.training.options import TrainOptions


def job(head: str, *, clips: int = 100, hidden: int | None = 64, fold: int = 0) -> Job:
    return Job(
        key=FitKey("v", head, 1.0, 0, 0, fold),
        setting=Setting(number=0, hidden=hidden),
        options=TrainOptions(),
        train=np.arange(clips),
        val=np.arange(5),
        test=np.arange(5),
    )


def test_nothing_is_known_before_something_was_learned() -> None:
    forecast = Forecast(2)
    assert forecast.seconds_left([job("full")]) is None
    forecast.add(job("majority"), 0.0)
    assert forecast.seconds_left([job("full")]) is None


def test_the_time_of_fits_like_those_seen_is_theirs() -> None:
    forecast = Forecast(2)
    forecast.add(job("full"), 10.0)
    forecast.add(job("mean", hidden=None), 1.0)
    left = [job("full", fold=1), job("full", fold=2, clips=50), job("mean", hidden=None, fold=1)]
    assert forecast.seconds_left(left) == pytest.approx((10 + 5 + 1) / 2)
    assert forecast.seconds_left([], later={"full": 200.0}) == pytest.approx(20 / 2)
    assert forecast.seconds_left([]) == 0


def test_heads_that_were_not_seen_cost_as_their_kind() -> None:
    forecast = Forecast(1)
    forecast.add(job("mean", hidden=None), 1.0)
    unseen = forecast.seconds_left([job("full")])
    assert unseen is not None
    assert unseen > 5.0  # not as quick as a linear head
    forecast.add(job("full", hidden=16), 4.0)
    assert forecast.seconds_left([job("full", hidden=128)]) == pytest.approx(4.0)  # the nearest that is known
