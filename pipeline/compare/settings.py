"""What is tried for a head: at most six settings, the same numbers of them for all heads that learn.

The first setting of each head is what `--quick` takes. Which one is kept is for the validation clips of each
fold to say, never for those held back.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.compare.heads import Head
from pipeline.errors import UsageError
from pipeline.training.options import TrainOptions

MAX_SETTINGS = 6
HIDDEN_SIZES = (16, 32, 64, 128)
MAX_HIDDEN, MAX_HIDDEN_SIZES = 512, 4
_USUAL_HIDDEN = 64  # as `train` has it with plain features
_LEARNING_RATE, _DROPOUT = 1e-3, 0.3
_HIGH_RATE, _HIGH_DROPOUT = 3e-3, 0.5
_ATTENTION_RATE, _ATTENTION_RATE_GIVEN = 3e-3, 1e-2
"""Of attention pooling, which has no layer before its weights. On 280 clips of ten numbers a frame, of which
two frames tell, 30 epochs of 64 units at 0.001 left it near an average of the frames (0.42 right of four
classes); at 0.01 it found them (0.83). On the 1,280 numbers of a backbone (two folds of 64 clips) 0.96, 0.96
and 0.95 were right at 0.001, 0.003 and 0.01, and the validation loss was 0.20, 0.06 and 0.14."""
_PENALTIES = (1.0, 0.01, 0.1, 10.0, 100.0, 1000.0)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a head.

    Attributes:
        number: of the head's settings, from 0.
        hidden: units of a recurrent layer, or width of the attention; None: of a linear head.
        learning_rate, dropout: of those that learn in epochs.
        penalty: of a linear head.
    """

    number: int
    hidden: int | None = None
    learning_rate: float | None = None
    dropout: float | None = None
    penalty: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values: those that the head has."""
        values = {
            "hidden": self.hidden,
            "learning_rate": self.learning_rate,
            "dropout": self.dropout,
            "penalty": self.penalty,
        }
        return {name: value for name, value in values.items() if value is not None}

    def options(self, head: Head) -> dict[str, Any]:
        """Training options that make the head with this setting."""
        changes: dict[str, Any] = dict(head.options)
        if self.penalty is not None:
            changes["linear_penalty"] = self.penalty
        if self.hidden is not None:
            changes["attention_dim" if head.tuned == "attention" else "lstm_dim"] = self.hidden
        if self.learning_rate is not None:
            changes["learning_rate"] = self.learning_rate
        if self.dropout is not None:
            changes["dropout"] = self.dropout
        if head.name == "half_bidirectional" and self.hidden is not None:
            changes["bidirectional_dim"] = max(1, self.hidden // 2)
        return changes


def settings_of(
    head: Head, base: TrainOptions, *, quick: bool, hidden_sizes: Sequence[int] = HIDDEN_SIZES
) -> tuple[Setting, ...]:
    """What is tried for a head.

    Args:
        head: which one.
        base: the options that the head's own are changes of: they say what a shipped default is.
        quick: only the first.
        hidden_sizes: to try, 1 to 4 of them.
    """
    if head.tuned == "nothing":
        return (Setting(number=0),)
    if head.is_linear:
        found = [Setting(number=number, penalty=penalty) for number, penalty in enumerate(_PENALTIES)]
        return tuple(found[:1] if quick else found)
    shipped = head.name == "default"
    rate, other_rate = _LEARNING_RATE, _HIGH_RATE
    if head.tuned == "attention":
        rate, other_rate = _ATTENTION_RATE, _LEARNING_RATE
        if base.takes_features:
            rate, other_rate = _ATTENTION_RATE_GIVEN, _ATTENTION_RATE
    rate = base.peak_learning_rate if shipped else rate
    dropout = base.chosen_dropout if shipped else _DROPOUT
    usual = base.chosen_lstm_dim if shipped else _nearest(hidden_sizes)
    if quick:
        return (Setting(number=0, hidden=usual, learning_rate=rate, dropout=dropout),)
    others = sorted(set(hidden_sizes) - {usual}, key=lambda size: (abs(math.log(size / usual)), size))
    others = sorted(others[: MAX_SETTINGS - 3])  # the default may have a size beside them
    tried = [(size, rate, dropout) for size in (usual, *others)]
    # Another dropout and rate (lower for attention pooling, else higher) around the size that is usual; the
    # default has the other dropout.
    tried += [
        (usual, other_rate, dropout),
        (usual, rate, _DROPOUT if dropout >= _HIGH_DROPOUT else _HIGH_DROPOUT),
    ]
    return tuple(
        Setting(number=number, hidden=size, learning_rate=each_rate, dropout=each_dropout)
        for number, (size, each_rate, each_dropout) in enumerate(tried[:MAX_SETTINGS])
    )


def _nearest(hidden_sizes: Sequence[int]) -> int:
    """The size nearest to what is usual, as a ratio; of equals the smaller."""
    return min(sorted(hidden_sizes), key=lambda size: abs(math.log(size / _USUAL_HIDDEN)))


def check_hidden_sizes(sizes: Sequence[int]) -> None:
    """Refuses sizes that cannot be tried (UsageError)."""
    if not 1 <= len(set(sizes)) <= MAX_HIDDEN_SIZES or not all(1 <= size <= MAX_HIDDEN for size in sizes):
        given = " ".join(map(str, sizes)) or "empty"
        raise UsageError(
            f"--hidden-sizes is {given}; allowed: 1 to {MAX_HIDDEN_SIZES} sizes of 1 to {MAX_HIDDEN}. Beside "
            "them another learning rate and another dropout are tried, and a head has at most "
            f"{MAX_SETTINGS} settings."
        )
