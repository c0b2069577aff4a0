"""Bars: found where they were drawn, and not where something is merely dark."""

import numpy as np
import pytest

from pipeline.audit.bars import Bars, common_bars, find_bars, without_bars, without_padding
from pipeline.clips.clip import Clip
from pipeline.spec import ClipSpec
from pipeline.video.letterbox import fit_frame


def picture(*, top: int = 0, bottom: int = 0, left: int = 0, right: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(0).integers(60, 255, (100, 200, 3), np.uint8)
    drawn[:top] = drawn[100 - bottom :] = 0
    drawn[:, :left] = drawn[:, 200 - right :] = 0
    return drawn


@pytest.mark.parametrize(
    ("drawn", "bars"),
    [
        ({}, Bars()),
        ({"left": 40, "right": 40}, Bars(left=0.2, right=0.2)),
        ({"top": 12, "bottom": 13}, Bars(top=0.12, bottom=0.13)),
        ({"left": 20}, Bars(left=0.1)),
        ({"top": 1}, Bars()),
    ],
)
def test_bars_are_found_as_drawn(drawn: dict[str, int], bars: Bars) -> None:
    assert find_bars(picture(**drawn)) == bars


def test_dark_pictures_have_no_bars() -> None:
    night = picture(top=30)
    night[30:] //= 12  # nothing behind the edge is light
    spot = np.zeros((100, 200, 3), np.uint8)
    spot[40:60, 90:110] = 200  # something small before a black ground
    assert not find_bars(night).are_there
    assert not find_bars(spot).are_there
    assert not find_bars(np.zeros((100, 200, 3), np.uint8)).are_there


def test_bars_of_a_clip_are_those_of_all_frames() -> None:
    frames = np.stack([picture(top=20), picture(top=10, left=50), picture(top=15)])
    bars = common_bars(frames)
    assert bars == Bars(top=0.1)
    assert without_bars(frames, bars).shape == (3, 90, 200, 3)
    assert find_bars(frames[1]).beyond(bars) == Bars(left=0.25)


def test_our_own_padding_is_no_bar() -> None:
    spec = ClipSpec(num_frames=1, image_size=64)
    clip = Clip(id="a", path="a.mp4", label="x", split="train", group="g", status="ok", width=200, height=100)
    frames = fit_frame(picture(), spec)[None]
    assert find_bars(frames[0]).across == pytest.approx(0.5)
    shown = without_padding(frames, clip, spec)
    assert shown.shape == (1, 32, 64, 3)
    assert not find_bars(shown[0]).are_there
