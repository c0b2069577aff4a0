"""What all windows of a recording said, in little room: a day has tens of thousands."""

from array import array

import numpy as np
from numpy.typing import NDArray


class WindowSeries:
    """Collects the windows of one recording, 4 bytes a number.

    Args:
        num_labels: K.
    """

    def __init__(self, num_labels: int) -> None:
        self._num_labels = num_labels
        self._centres = array("d")
        self._probabilities = array("f")

    def __len__(self) -> int:
        return len(self._centres)

    def add(self, centre_seconds: float, probabilities: NDArray[np.float64] | None) -> None:
        """Takes the next window: the moment it stands for, and (K,) or, where it could not be read, None."""
        self._centres.append(centre_seconds)
        values = [float("nan")] * self._num_labels if probabilities is None else probabilities.tolist()
        self._probabilities.extend(values)

    @property
    def centres_seconds(self) -> NDArray[np.float64]:
        """(N,)."""
        return np.array(self._centres)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(N, K); NaN where a window could not be read."""
        return np.array(self._probabilities, np.float32).reshape(-1, self._num_labels)
