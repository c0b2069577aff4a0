"""Which setting each fold keeps: that of the lowest validation loss, not of the best test result."""

from collections.abc import Mapping

from pipeline.compare.jobs import FitKey
from pipeline.compare.one_fit import FitAnswers

LEAST_LOSS = 0.01
"""Where every validation clip is right, the best temperature sharpens their loss to next to nothing: 1e-9 and
1e-12 say no more than that. One clip of fifty that is wrong makes it about .05."""

Chosen = dict[tuple[str, str, int, int], int]
"""Number of the setting kept, by variant, head, repeat and fold."""


def choose(answers: Mapping[FitKey, FitAnswers]) -> Chosen:
    """The setting of the lowest validation loss in each fold, of the fits on all its training clips.

    Of equals the first, which is nearest to what is usual; losses below `LEAST_LOSS` are equal.
    """
    best: dict[tuple[str, str, int, int], tuple[float, int]] = {}
    for key in sorted(answers):
        if key.fraction == 1.0:
            place = (key.variant, key.head, key.repeat, key.fold)
            candidate = (max(answers[key].figures["val_loss"], LEAST_LOSS), key.setting)
            best[place] = min(best.get(place, candidate), candidate)
    return {place: setting for place, (_, setting) in best.items()}
