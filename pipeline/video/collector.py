"""Frames come in order, clips go out as soon as they are whole: one pass serves many clips of one video."""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

HandOver = Callable[[int, NDArray[np.uint8]], None]
"""Takes the number of a clip and its frames (F, S, S, 3) uint8 RGB."""
Fit = Callable[[NDArray[np.uint8]], object]
"""Writes a frame into its place (S, S, 3)."""


class Collector:
    """Puts frames in their places in the clips that want them.

    Memory holds the clips that are begun and not yet whole: as many as overlap, however long the video is.

    Args:
        image_size: S.
        plans: for each clip the indices of its frames, which never fall.
        hand_over: is called with each clip when its last frame is there, in the order of their last frames.
    """

    def __init__(self, image_size: int, plans: Sequence[tuple[int, ...]], hand_over: HandOver) -> None:
        self._image_size = image_size
        self._plans = plans
        self._hand_over = hand_over
        self._begun: dict[int, NDArray[np.uint8]] = {}
        self._places: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for number, plan in enumerate(plans):
            places: dict[int, list[int]] = defaultdict(list)
            for place, index in enumerate(plan):
                places[index].append(place)
            for index, of_index in places.items():
                self._places[index].append((number, of_index))
        self._num_whole = 0

    @property
    def wanted(self) -> list[int]:
        """Indices of all frames that some clip wants, each once, in order."""
        return sorted(self._places)

    @property
    def is_complete(self) -> bool:
        """Whether all clips were handed over."""
        return self._num_whole == len(self._plans)

    def wants(self, index: int) -> bool:
        """Whether some clip wants the frame."""
        return index in self._places

    def put(self, index: int, fit: Fit) -> None:
        """Takes a wanted frame; those before it were put already."""
        first: NDArray[np.uint8] | None = None
        for number, places in self._places[index]:
            plan, S = self._plans[number], self._image_size
            if number not in self._begun:
                self._begun[number] = np.empty((len(plan), S, S, 3), np.uint8)
            clip = self._begun[number]
            for place in places:
                if first is None:
                    first = clip[place]
                    fit(first)
                else:
                    clip[place] = first
            if index == plan[-1]:
                self._hand_over(number, self._begun.pop(number))
                self._num_whole += 1
