"""Labels of mirrored clips: what turns left becomes what turns right."""

from collections.abc import Sequence

import numpy as np

from pipeline.errors import UsageError
from pipeline.labels import Labels, normalise_label


def mirrored_classes(labels: Labels, pairs: Sequence[str]) -> np.ndarray:
    """The class (K,) that each class becomes when its clips are mirrored: itself, or its partner in a pair.

    Args:
        labels: of the store.
        pairs: `left=right`; each swaps two labels, in both directions.

    Raises:
        UsageError: a pair that is none, an unknown label, or a label in two pairs.
    """
    classes = np.arange(len(labels))
    known, taken = set(labels), set[str]()
    for pair in pairs:
        first, second = _split(pair, known)
        for label in (first, second):
            if label in taken:
                raise UsageError(f"--flip-labels {pair}: {label!r} is in another pair already; name it once.")
        taken |= {first, second}
        one, other = labels.index(first), labels.index(second)
        classes[one], classes[other] = other, one
    return classes


def _split(pair: str, known: set[str]) -> tuple[str, str]:
    """The two labels of a pair; labels may have equals signs in them, so any of the signs may be it."""
    parts = [normalise_label(part) for part in pair.split("=")]
    splits = [("=".join(parts[:i]), "=".join(parts[i:])) for i in range(1, len(parts))]
    good = [(first, second) for first, second in splits if {first, second} <= known]
    if not good:
        names = ", ".join(sorted(known))
        raise UsageError(
            f"--flip-labels {pair}: allowed are two labels of the store with an equals sign between, such as "
            f"left=right; it has {names}. Repeat the option for more pairs."
        )
    first, second = good[0]
    if first == second:
        raise UsageError(f"--flip-labels {pair}: a label without a partner stays as it is; leave this out.")
    return first, second
