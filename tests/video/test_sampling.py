"""Contract 2 as arithmetic: constant and variable rate, few frames, ranges."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.video.sampling import (
    frame_times,
    frames_in_range,
    inferred_tick_seconds,
    is_constant_rate,
    median_gap,
    plan_frames,
    segment_centres,
)


def constant(count: int, rate: float = 25.0) -> tuple[float, ...]:
    return tuple(i / rate for i in range(count))


@pytest.mark.parametrize(
    ("count", "num_frames", "expected"),
    [
        (40, 5, (4, 12, 20, 28, 36)),
        (12, 12, tuple(range(12))),
        (24, 12, tuple(range(1, 24, 2))),
        (7, 3, (1, 3, 5)),  # 1.17, 3.5, 5.83
        (10, 4, (1, 3, 6, 8)),  # 1.25, 3.75, 6.25, 8.75
        (3, 6, (0, 0, 1, 1, 2, 2)),  # fewer frames than segments: the nearest is repeated
        (2, 3, (0, 1, 1)),  # 0.33, 1, 1.67
        (1, 4, (0, 0, 0, 0)),
        (5, 1, (2,)),
    ],
)
def test_constant_rate_table(count: int, num_frames: int, expected: tuple[int, ...]) -> None:
    assert segment_centres(constant(count), num_frames=num_frames) == expected


@given(
    count=st.integers(1, 3000), num_frames=st.integers(1, 64), rate=st.sampled_from([1, 24, 25, 29.97, 60])
)
def test_constant_rate_is_the_formula(count: int, num_frames: int, rate: float) -> None:
    chosen = segment_centres(constant(count, rate), num_frames=num_frames)
    assert chosen == tuple(int((2 * i + 1) * count / (2 * num_frames)) for i in range(num_frames))
    assert list(chosen) == sorted(chosen)


def test_variable_rate_takes_the_frame_shown_at_the_centre() -> None:
    # Gaps .04 .04 .42 .5 .04 .04 1.92; the last frame lasts the median gap, .04: 3.04 s in all.
    times = (0.0, 0.04, 0.08, 0.5, 1.0, 1.04, 1.08, 3.0)
    # Centres of 5 segments of .608 s: .304 .912 1.52 2.128 2.736
    assert segment_centres(times, num_frames=5) == (2, 3, 6, 6, 6)


def test_variable_rate_allows_half_a_tick() -> None:
    # Gaps .3 .299 .299 .3 .102: the smallest difference is the tick, 1 ms. The last frame lasts .299 s.
    times = (0.0, 0.3, 0.599, 0.898, 1.198, 1.3)
    assert inferred_tick_seconds(times) == pytest.approx(0.001)
    duration = 1.3 + median_gap(times)
    assert duration == pytest.approx(1.599)
    centre = duration / 2  # .7995 shows the frame of .599
    assert segment_centres(times, num_frames=1) == (2,)
    late = (0.0, 0.3, 0.599, centre + 0.0004, 1.198, 1.3)  # rounded up by less than half a tick
    early = (0.0, 0.3, 0.599, centre + 0.0010, 1.198, 1.3)
    assert not is_constant_rate(late)
    assert segment_centres(late, num_frames=1) == (3,)
    assert segment_centres(early, num_frames=1) == (2,)


def test_frames_with_equal_times_are_told_apart_by_order() -> None:
    times = (0.0, 0.1, 0.1, 0.2, 0.4)
    assert not is_constant_rate(times)
    assert segment_centres(times, num_frames=2) == (2, 3)  # duration .5: centres .125, .375


@given(
    gaps=st.lists(st.sampled_from([0.02, 0.04, 0.1, 0.5]), min_size=1, max_size=60),
    num_frames=st.integers(1, 20),
)
def test_variable_rate_by_walking(gaps: list[float], num_frames: int) -> None:
    times = [0.0]
    for gap in gaps:
        times.append(times[-1] + gap)
    chosen = segment_centres(times, num_frames=num_frames)
    if is_constant_rate(times):
        return
    duration = times[-1] + sorted(gaps)[len(gaps) // 2] if len(gaps) % 2 else times[-1] + median_gap(times)
    for i, index in enumerate(chosen):
        centre = (i + 0.5) * duration / num_frames
        assert times[index] <= centre + 0.001
        assert index == len(times) - 1 or times[index + 1] > centre


@pytest.mark.parametrize(
    ("gaps_ms", "expected"),
    [
        ([40] * 9, True),
        ([33, 33, 34] * 4, True),  # 30 a second rounded to milliseconds
        ([33.333, 33.334, 33.333], True),
        ([41, 42, 42, 41], True),
        ([1000, 2000, 1000], False),  # AVI with a dropped frame: one tick, but a whole frame
        ([33, 34, 35], False),  # three lengths are no rounding
        ([40, 40, 80], False),
        ([40, 0, 40], False),
        ([], True),
        ([500], True),
        ([41.667] * 50 + [40] * 50, False),  # the rate changes: two lengths, but no rounding
    ],
)
def test_constant_rate_is_told_from_variable(gaps_ms: list[float], expected: bool) -> None:
    times = [0.0]
    for gap in gaps_ms:
        times.append(times[-1] + gap / 1000)
    assert is_constant_rate(times) is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ([], []),
        ([0.25], [0.0]),
        ([5.0, 5.04, 5.08], [0.0, 0.04, 0.08]),  # starts late
        ([0.04, 0.08, 0.12, 0.0], [0.0, 0.04, 0.08, 0.12]),  # the last frame lost its time
        ([0.07, 0.1, 0.13, 0.0, 0.0], [0.0, 0.03, 0.06, 0.09, 0.12]),
        ([0.0, 0.1, 0.0, 0.0, 0.4], [0.0, 0.1, 0.2, 0.3, 0.4]),  # lost between two known ones
        ([0.0, 0.1, 0.2, 0.05, 0.15], [0.0, 0.1, 0.2, 0.3, 0.4]),  # a jump back
        ([0.0, 0.1, 0.1, 0.2], [0.0, 0.1, 0.1, 0.2]),  # equal times stay
        ([0.0, 0.0, 0.0], [0.0, 0.0, 0.0]),
    ],
)
def test_times_start_at_zero_and_never_fall(raw: list[float], expected: list[float]) -> None:
    assert frame_times(raw) == pytest.approx(expected)


def test_a_raw_stream_without_times_goes_by_its_rate() -> None:
    assert frame_times([0.0] * 4, claimed_rate=25) == pytest.approx((0, 0.04, 0.08, 0.12))
    assert frame_times([0.0, 0.5], claimed_rate=25) == (0.0, 0.5)


def test_a_known_tick_decides_what_is_rounding() -> None:
    times = tuple(i / 25 + 0.0008 * (i % 2) for i in range(40))  # .8 ms to and fro
    assert is_constant_rate(times)
    assert not is_constant_rate(times, tick_seconds=1 / 12800)
    late = (0.0, 0.1, 0.3336, 0.5)  # lasts .6664: the centre is .4 ms before the third frame
    assert segment_centres(late, num_frames=1, tick_seconds=1 / 1000) == (2,)
    assert segment_centres(late, num_frames=1, tick_seconds=1 / 12800) == (1,)


@given(st.lists(st.floats(-10, 1e5), max_size=40))
def test_times_of_any_kind_never_fall(raw: list[float]) -> None:
    times = frame_times(raw)
    assert len(times) == len(raw)
    assert list(times) == sorted(times)
    assert not times or times[0] == 0


def test_range_is_half_open_and_survives_rounding() -> None:
    times = constant(100)
    assert frames_in_range(times, start_seconds=1.2, end_seconds=1.6) == range(30, 40)
    assert frames_in_range(times, start_seconds=None, end_seconds=0.04) == range(1)
    assert frames_in_range(times, start_seconds=3.96, end_seconds=None) == range(99, 100)
    assert not frames_in_range(times, start_seconds=4.0, end_seconds=None)
    assert not frames_in_range(times, start_seconds=2.0, end_seconds=1.0)


def test_a_range_is_sampled_like_a_video_of_its_own() -> None:
    times = constant(100)
    assert plan_frames(times, num_frames=5, start_seconds=1.2, end_seconds=1.6) == (31, 33, 35, 37, 39)
    assert plan_frames(times, num_frames=5, start_seconds=9.0) == ()


def test_a_single_frame_lasts_as_the_rate_says() -> None:
    assert median_gap((0.0,), single_seconds=0.04) == 0.04
    assert median_gap((0.0, 0.1, 0.2, 0.6)) == pytest.approx(0.1)
