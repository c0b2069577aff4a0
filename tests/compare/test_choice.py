"""Which setting a fold keeps."""

from dataclasses import replace

import numpy as np

from pipeline.compare.choice import choose
from pipeline.compare.jobs import FitKey
from pipeline.compare.one_fit import FitAnswers


def answers(val_loss: float) -> FitAnswers:
    return FitAnswers(
        predicted=np.zeros(1, dtype=np.int64),
        losses=np.zeros(1),
        shuffled=None,
        attention=None,
        falls=None,
        figures={"val_loss": val_loss, "best_epoch": 1, "epochs": 1},
        cpu_seconds=1.0,
    )


def kept(*losses: float) -> int:
    """The setting that is kept of some with these losses."""
    key = FitKey("v", "full", 1.0, 0, 0, 0)
    fits = {replace(key, setting=number): answers(loss) for number, loss in enumerate(losses)}
    parts = {replace(key, setting=number, fraction=0.5): answers(-loss) for number, loss in enumerate(losses)}
    return choose(fits | parts)["v", "full", 0, 0]


def test_the_lowest_loss_on_all_clips_decides() -> None:
    assert kept(0.5, 0.3, 0.4) == 1
    assert kept(0.5, 0.3, 0.3) == 1


def test_where_every_validation_clip_is_right_the_usual_setting_is_kept() -> None:
    assert kept(1e-9, 1e-15, 1e-12) == 0
    assert kept(0.2, 1e-9, 1e-15) == 1
    assert kept(0.012, 0.009) == 1
