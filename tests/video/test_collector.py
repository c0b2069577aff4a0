from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.video.collector import Collector


def collect(
    plans: Sequence[tuple[int, ...]], given: range
) -> tuple[dict[int, list[int]], list[int], Collector]:
    """The clips that came out, with the number in each frame; in which order; after which frame."""
    clips: dict[int, list[int]] = {}
    order: list[int] = []

    def hand_over(number: int, frames: NDArray[np.uint8]) -> None:
        clips[number] = [int(frame[0, 0, 0]) for frame in frames]
        assert (frames == frames[:, :1, :1, :1]).all()
        order.append(number)

    collector = Collector(2, plans, hand_over)
    for index in given:
        if collector.wants(index):
            collector.put(index, lambda out, value=index: out.fill(value))  # type: ignore[misc]
    return clips, order, collector


def test_one_pass_serves_clips_that_overlap() -> None:
    plans = [(0, 2, 4), (2, 4, 6), (1, 1, 1), (6, 8, 8)]
    clips, order, collector = collect(plans, range(10))
    assert clips == {number: list(plan) for number, plan in enumerate(plans)}
    assert order == [2, 0, 1, 3]  # as soon as they are whole
    assert collector.wanted == [0, 1, 2, 4, 6, 8]
    assert collector.is_complete


def test_a_clip_that_lacks_a_frame_never_comes_out() -> None:
    clips, _, collector = collect([(0, 1), (1, 5)], range(3))
    assert clips == {0: [0, 1]}
    assert not collector.is_complete


def test_memory_holds_what_overlaps_only() -> None:
    held = []
    collector = Collector(2, [(i, i + 3) for i in range(100)], lambda *_: None)
    for index in range(103):
        collector.put(index, lambda out: out.fill(0))
        held.append(len(collector._begun))
    assert max(held) == 3
    assert collector.is_complete
