"""Contract 4: geometry against a table written by hand, then pixels."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.spec import ClipSpec
from pipeline.video.letterbox import displayed_size, fit_frame, place, sane_pixel_aspect


@pytest.mark.parametrize(
    ("frame", "side", "size_wh", "corner_xy"),  # frame: stored width and height, pixel aspect
    [
        ((320, 240, 1), 224, (224, 168), (0, 28)),
        ((240, 320, 1), 224, (168, 224), (28, 0)),
        ((224, 224, 1), 224, (224, 224), (0, 0)),
        ((1920, 1080, 1), 224, (224, 126), (0, 49)),
        ((321, 241, 1), 224, (224, 168), (0, 28)),  # 168.17
        ((100, 99, 1), 224, (224, 222), (0, 1)),  # 221.76; padding 1 and 1
        ((100, 101, 1), 224, (222, 224), (1, 0)),
        ((64, 37, 1), 224, (224, 130), (0, 47)),  # 129.5 rounds up
        ((7, 5, 1), 8, (8, 6), (0, 1)),  # 5.71
        ((8, 5, 1), 8, (8, 5), (0, 1)),  # padding 3: 1 above, 2 below
        ((5, 8, 1), 8, (5, 8), (1, 0)),  # 1 left, 2 right
        ((1, 1, 1), 224, (224, 224), (0, 0)),
        ((1000, 1, 1), 224, (224, 1), (0, 111)),  # .224 of a pixel is one pixel
        ((1, 1000, 1), 224, (1, 224), (111, 0)),
        ((2, 1000, 1), 16, (1, 16), (7, 0)),
        ((64, 48, 2), 64, (64, 24), (0, 20)),  # shown as 128x48
        ((64, 48, 0.5), 64, (43, 64), (10, 0)),  # shown as 32x48: 42.67; padding 21: 10 and 11
        ((720, 576, 16 / 15), 224, (224, 168), (0, 28)),  # PAL: shown as 768x576
        ((720, 480, 8 / 9), 224, (224, 168), (0, 28)),  # NTSC: shown as 640x480
    ],
)
def test_letterbox_table(
    frame: tuple[int, int, float], side: int, size_wh: tuple[int, int], corner_xy: tuple[int, int]
) -> None:
    width, height, aspect = frame
    placement = place(width, height, image_size=side, fit="letterbox", pixel_aspect=aspect)
    assert placement.source_xywh_px == (0, 0, width, height)
    assert placement.size_wh_px == size_wh
    assert placement.corner_xy_px == corner_xy


@given(
    width=st.integers(1, 5000),
    height=st.integers(1, 5000),
    side=st.integers(8, 512),
    aspect=st.sampled_from([1.0, 0.5, 4 / 3, 2.0]),
)
def test_letterbox_properties(width: int, height: int, side: int, aspect: float) -> None:
    placement = place(width, height, image_size=side, fit="letterbox", pixel_aspect=aspect)
    (new_width, new_height), (left, top) = placement.size_wh_px, placement.corner_xy_px
    assert max(new_width, new_height) == side
    assert min(new_width, new_height) >= 1
    assert 0 <= (side - new_width - left) - left <= 1
    assert 0 <= (side - new_height - top) - top <= 1
    shown_width, shown_height = displayed_size(width, height, pixel_aspect=aspect)
    scale = side / max(shown_width, shown_height)
    assert abs(new_width - max(1.0, shown_width * scale)) <= 0.5 + 1e-9
    assert abs(new_height - max(1.0, shown_height * scale)) <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("width", "height", "aspect", "source"),
    [
        (320, 240, 1.0, (40, 0, 240, 240)),
        (240, 321, 1.0, (0, 40, 240, 240)),
        (64, 48, 2.0, (20, 0, 24, 48)),  # shown 128x48: the middle 48 shown pixels are 24 stored ones
        (1000, 1, 1.0, (499, 0, 1, 1)),
        (50, 50, 1.0, (0, 0, 50, 50)),
    ],
)
def test_crop_takes_the_centred_square(
    width: int, height: int, aspect: float, source: tuple[int, int, int, int]
) -> None:
    placement = place(width, height, image_size=32, fit="crop", pixel_aspect=aspect)
    assert placement.source_xywh_px == source
    assert placement.size_wh_px == (32, 32)
    assert placement.corner_xy_px == (0, 0)


def test_stretch_fills_the_square() -> None:
    placement = place(320, 240, image_size=32, fit="stretch")
    assert placement.source_xywh_px == (0, 0, 320, 240)
    assert placement.size_wh_px == (32, 32)


def test_frames_come_out_rgb_centred_and_padded() -> None:
    frame = np.zeros((5, 8, 3), np.uint8)
    frame[:] = (1, 2, 3)  # blue, green, red
    square = fit_frame(frame, ClipSpec(image_size=8, fill_rgb=(9, 8, 7)))
    expected = np.zeros((8, 8, 3), np.uint8)
    expected[:] = (9, 8, 7)
    expected[1:6] = (3, 2, 1)
    np.testing.assert_array_equal(square, expected)


def test_shrinking_averages_areas_and_enlarging_interpolates() -> None:
    rng = np.random.default_rng(0)
    large = rng.integers(0, 256, (64, 64, 3), np.uint8)
    small = fit_frame(large, ClipSpec(image_size=16))
    means = large.reshape(16, 4, 16, 4, 3).mean((1, 3))[:, :, ::-1]
    assert np.abs(small - means).max() <= 0.5
    tiny = np.zeros((1, 2, 3), np.uint8)
    tiny[0, 1] = 255
    enlarged = fit_frame(tiny, ClipSpec(image_size=8, fit="stretch"))[0, :, 0].astype(int)
    assert enlarged[0] == 0
    assert enlarged[-1] == 255
    assert np.all(np.diff(enlarged) >= 0)
    assert len(set(enlarged.tolist())) > 3


def test_pixel_aspect_shrinks_one_axis_and_grows_the_other() -> None:
    rng = np.random.default_rng(0)
    frame = np.repeat(rng.integers(0, 256, (64, 1, 3), np.uint8), 4, axis=1)  # 4x64, shown as 64x64
    square = fit_frame(frame, ClipSpec(image_size=16), pixel_aspect=16.0)
    assert square.shape == (16, 16, 3)
    means = frame[:, 0].reshape(16, 4, 3).mean(1)[:, ::-1]  # each row is the mean of four: no aliasing
    assert np.abs(square - means[:, None]).max() <= 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 1000), (1000, 1), (3, 2), (241, 321)])
@pytest.mark.parametrize("fit", ["letterbox", "stretch", "crop"])
def test_any_shape_becomes_a_square(shape: tuple[int, int], fit: str) -> None:
    frame = np.full((*shape, 3), 200, np.uint8)
    square = fit_frame(frame, ClipSpec(image_size=32, fit=fit))  # type: ignore[arg-type]
    assert square.shape == (32, 32, 3)
    assert square.dtype == np.uint8
    assert (square == 200).any()


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [(1, 1, 1.0), (16, 15, 16 / 15), (0, 1, 1.0), (1, 0, 1.0), (0, 0, 1.0), (-4, 3, 1.0), (1, 4000, 1.0)],
)
def test_nonsense_pixel_aspect_is_square(numerator: float, denominator: float, expected: float) -> None:
    assert sane_pixel_aspect(numerator, denominator) == expected
    assert sane_pixel_aspect(float("nan"), 1) == 1.0


def test_without_padding_the_result_is_one_resize() -> None:
    frame = np.random.default_rng(1).integers(0, 256, (100, 100, 3), np.uint8)
    expected = cv2.resize(frame, (32, 32), interpolation=cv2.INTER_AREA)[:, :, ::-1]  # noqa: TID251
    np.testing.assert_array_equal(fit_frame(frame, ClipSpec(image_size=32)), expected)
