"""How the importance of frames is told: in points of a hundred, and which frame decides, if one does."""

from collections.abc import Sequence

SMALL_FALL = 0.01
"""Where no probability changes by more than this, no single frame decides."""


def most_important(importances: Sequence[float]) -> int | None:
    """The frame without which the probability changes most; None where no single frame decides."""
    if len(importances) < 2:
        return None
    most = max(range(len(importances)), key=lambda index: abs(importances[index]))
    return most if abs(importances[most]) >= SMALL_FALL else None


def fall_points(fall: float) -> str:
    """A fall of a probability in points, with its sign: `+12.3`; `0.0` where nothing changes."""
    text = f"{100 * fall:+.1f}"
    return text.lstrip("+-") if float(text) == 0 else text
