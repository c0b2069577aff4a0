import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.video.parts import Part, Windows, fitted_windows


def ranges(windows: Windows, part: Part, seconds: float) -> list[tuple[float | None, float | None]]:
    return [(it.start_seconds, it.end_seconds) for it in windows.cut(part, seconds)]


def test_windows_follow_each_other() -> None:
    windows = Windows(window_seconds=4, stride_seconds=2)
    assert ranges(windows, Part(), 10) == [(0, 4), (2, 6), (4, 8), (6, 10)]
    assert ranges(windows, Part(), 9.9) == [(0, 4), (2, 6), (4, 8)]
    assert ranges(windows, Part(start_seconds=3, end_seconds=9), 100) == [(3, 7), (5, 9)]
    assert ranges(windows, Part(start_seconds=3), 8) == [(3, 7)]
    apart = Windows(window_seconds=1, stride_seconds=5)
    assert ranges(apart, Part(), 11) == [(0, 1), (5, 6), (10, 11)]


def test_a_shorter_part_is_its_own_window() -> None:
    windows = Windows(window_seconds=4, stride_seconds=4)
    assert windows.cut(Part(), 3) == (Part(),)
    part = Part(start_seconds=2, end_seconds=3)
    assert windows.cut(part, 60) == (part,)
    beyond = Part(start_seconds=70)
    assert windows.cut(beyond, 60) == (beyond,)  # holds no frame, and will say so


def test_rounding_loses_no_window() -> None:
    windows = Windows(window_seconds=0.1, stride_seconds=0.1)
    assert len(windows.cut(Part(), 0.3)) == 3  # 0.1 + 0.2 is more than 0.3 in binary
    assert ranges(windows, Part(), 0.3)[2] == (0.2, 0.3)


LENGTHS = st.floats(0.5, 100)


@settings(deadline=None, max_examples=50)
@given(window=LENGTHS, stride=LENGTHS, start=st.floats(0, 100), seconds=st.floats(0, 300))
def test_every_window_is_whole_and_inside(window: float, stride: float, start: float, seconds: float) -> None:
    windows, part = Windows(window_seconds=window, stride_seconds=stride), Part(start_seconds=start)
    cut = windows.cut(part, seconds)
    if cut == (part,):
        return
    for number, it in enumerate(cut):
        assert it.start_seconds == pytest.approx(start + number * stride, abs=1e-5)
        assert it.end_seconds is not None
        assert it.end_seconds <= seconds + 1e-5
        assert it.end_seconds - (it.start_seconds or 0) == pytest.approx(window, abs=1e-5)
    assert start + len(cut) * stride + window > seconds - 1e-5  # one more would not fit


@pytest.mark.parametrize(("window", "stride"), [(0, 1), (-1, 1), (1, 0), (float("nan"), 1), (1, 1e9)])
def test_nonsense_is_refused(window: float, stride: float) -> None:
    with pytest.raises(UsageError, match=r"--(window|stride)-seconds is .*; allowed: seconds from 0\.1"):
        Windows(window_seconds=window, stride_seconds=stride)


@pytest.mark.parametrize(
    ("clip_seconds", "rate", "num_frames", "window", "stride"),
    [
        (10.16, 25, 12, 10.08, 5.04),  # 21 frames a step, 6 steps a stride
        (10, 30000 / 1001, 12, 300 * 1001 / 30000, 150 * 1001 / 30000),
        (1.0, 25, 12, 0.96, 0.48),
        (1.5, 10, 12, 1.5, 0.75),  # 15 frames: 12 or 24 would be another length
        (3.0, 0, 12, 3.0, 1.5),  # the header says no rate
        (3.0, 25, 10, 3.0, 1.5),  # 7 frames a step are 2.8 s, 8 are 3.2 s: too much
        (3.0, 25, 1, 3.0, 3.0),
        (0.0, 25, 12, 0.1, 0.1),
    ],
)
def test_windows_are_fitted_to_share_frames(
    clip_seconds: float, rate: float, num_frames: int, window: float, stride: float
) -> None:
    windows = fitted_windows(clip_seconds, rate, num_frames)
    assert windows.window_seconds == pytest.approx(window)
    assert windows.stride_seconds == pytest.approx(stride)


def test_what_was_asked_for_is_not_fitted() -> None:
    windows = fitted_windows(10, 25, 12, window_seconds=3.33)
    assert windows.window_seconds == 3.33
    assert windows.stride_seconds == pytest.approx(3.33 / 2)
    windows = fitted_windows(10, 25, 12, window_seconds=3.33, stride_seconds=1.7)
    assert (windows.window_seconds, windows.stride_seconds) == (3.33, 1.7)
    assert fitted_windows(10, 25, 12, stride_seconds=1.7).window_seconds == pytest.approx(10.08)
