"""Windows become segments: where they begin and end, what is smoothed away, what is unsure, what failed."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.inference.segment import Segment, WindowAnswer
from pipeline.inference.segments import SegmentMaker, SegmentRule
from pipeline.labels import Labels

LABELS = Labels(("걷기", "run", "wait"))
A, B, C = (0.96, 0.02, 0.02), (0.02, 0.96, 0.02), (0.02, 0.02, 0.96)
EVEN = (0.34, 0.33, 0.33)


def answer(number: int, probabilities: Sequence[float] | None, error: str = "") -> WindowAnswer:
    """Windows of 4 s, 1 s apart."""
    return WindowAnswer(
        number=number,
        start_seconds=float(number),
        end_seconds=number + 4.0,
        probabilities=None if probabilities is None else np.array(probabilities),
        frame_indices=(),
        error=error,
    )


def segments(
    said: Sequence[Sequence[float] | None], *, threshold: float | None = None, **rule: float
) -> list[Segment]:
    maker = SegmentMaker(
        LABELS, threshold=threshold, window_seconds=4, stride_seconds=1, rule=SegmentRule(**rule)
    )
    told = [each for n, p in enumerate(said) for each in maker.add(answer(n, p, "" if p else "damaged"))]
    return told + list(maker.finish(len(said) + 3.5))


def said(found: list[Segment]) -> list[tuple[float, float, str | None]]:
    return [(each.start_seconds, each.end_seconds, each.label) for each in found]


def test_a_boundary_lies_between_the_centres_of_two_windows() -> None:
    found = segments([A] * 8 + [B] * 8)
    # The centre of window 7 is at 9 s, that of window 8 at 10 s.
    assert said(found) == [(0, 9.5, "걷기"), (9.5, 19.5, "run")]
    assert [each.num_windows for each in found] == [8, 8]
    assert found[0].confidence == pytest.approx(0.96)
    assert list(found[1].probabilities) == list(LABELS)
    assert found[1].class_index == 1


def test_what_lasts_too_short_for_its_evidence_is_smoothed_away() -> None:
    """A window counts a quarter here: it must outweigh two changes together with those beside it."""
    blip = [A] * 8 + [C] + [A] * 8
    assert said(segments(blip)) == [(0, 20.5, "걷기")]
    assert said(segments(blip, change_cost=0)) == [
        (0, 9.5, "걷기"),
        (9.5, 10.5, "wait"),
        (10.5, 20.5, "걷기"),
    ]
    assert len(segments([A] * 8 + [C] * 4 + [A] * 8)) == 1
    assert len(segments([A] * 8 + [C] * 8 + [A] * 8)) == 3
    assert len(segments([A] * 8 + [C] * 8 + [A] * 8, change_cost=5)) == 1
    # What stands for a change from A to B is not taken for C on the way.
    assert [each.label for each in segments([A] * 8 + [C] + [B] * 8)] == ["걷기", "run"]


def test_no_inner_segment_is_shorter_than_allowed() -> None:
    long = [A] * 2 + [C] * 4 + [A] * 8 + [B] * 2
    assert [each.label for each in segments(long, change_cost=0)] == ["걷기", "wait", "걷기", "run"]
    found = segments(long, change_cost=0, min_seconds=6)
    assert all(each.duration_seconds >= 6 for each in found[1:-1])
    assert (found[0].start_seconds, found[-1].end_seconds) == (0, 19.5)


def test_unsure_is_a_stretch_of_its_own() -> None:
    found = segments([A] * 8 + [EVEN] * 8 + [A] * 8, threshold=0.7)
    assert [(each.label, each.unsure) for each in found] == [("걷기", False), ("걷기", True), ("걷기", False)]
    assert said(found)[1][:2] == (9.5, 17.5)
    assert found[1].confidence == pytest.approx(0.34)
    assert not any(each.unsure for each in segments([A] * 8 + [EVEN] * 8))
    assert all(each.unsure for each in segments([A] * 8, threshold=1.0))
    assert not any(each.unsure for each in segments([EVEN] * 8, threshold=0.0))
    assert not any(each.unsure for each in segments([EVEN] * 8, threshold=0.34))  # not below it


def test_a_strict_threshold_is_not_smoothed_into_nothing() -> None:
    almost = (0.98, 0.01, 0.01)
    assert [each.unsure for each in segments([almost] * 12, threshold=0.999)] == [True]


def test_a_stretch_that_could_not_be_read_says_so_and_the_rest_goes_on() -> None:
    found = segments([A] * 6 + [None] * 3 + [A] * 6)
    assert [each.status for each in found] == ["ok", "failed", "ok"]
    assert said(found) == [(0, 7.5, "걷기"), (7.5, 10.5, None), (10.5, 18.5, "걷기")]
    assert found[1].error == "damaged (and so on in 3 windows)"
    assert (found[1].confidence, found[1].probabilities, found[1].num_windows) == (0, {}, 3)
    assert said(segments([None, None])) == [(0, 5.5, None)]


def test_segments_come_when_they_are_certain() -> None:
    maker = SegmentMaker(LABELS, threshold=None, window_seconds=4, stride_seconds=1, rule=SegmentRule())
    told = [len(list(maker.add(answer(n, p)))) for n, p in enumerate([A] * 20 + [B] * 20)]
    assert sum(told) == 1
    assert 20 < told.index(1) <= 30  # windows after the boundary, not at the end
    assert maker.reached_seconds == 21.5


def test_segments_as_values() -> None:
    (found,) = segments([A] * 3)
    values = found.to_dict()
    assert Segment(**values) == found
    assert set(values) == {
        "start_seconds", "end_seconds", "status", "label", "class_index", "confidence", "probabilities",
        "unsure", "num_windows", "error",
    }  # fmt: skip
    assert repr(found) == "Segment(0.0 to 6.5 s, 걷기 0.960)"


@pytest.mark.parametrize("rule", [{"change_cost": -1}, {"min_seconds": -1}, {"change_cost": float("nan")}])
def test_rules_that_cannot_be(rule: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="allowed: 0 or more"):
        SegmentRule(**rule)
