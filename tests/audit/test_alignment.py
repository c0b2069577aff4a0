"""Agreement: what moves alike agrees through crops, shaking and light; what moves otherwise does not."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.audit.alignment import SIDE_PX, agreement, steadied

_WIDE_PX = 160


def film(
    starts: tuple[int, int], way: tuple[int, int], *, shake_px: int = 0, cut_px: int = 0, gain: float = 1.0
) -> NDArray[np.float32]:
    """Eight small pictures (8, 32, 32) of a bright box before one ground of rectangles."""
    rng = np.random.default_rng(0)
    ground = np.full((_WIDE_PX, _WIDE_PX), 90, np.float32)
    for _ in range(20):
        (x, y), (w, h) = rng.integers(0, _WIDE_PX, 2), rng.integers(15, 70, 2)
        ground[y : y + h, x : x + w] = rng.uniform(40, 160)
    shakes = np.random.default_rng(shake_px).integers(-shake_px, shake_px + 1, (8, 2))
    pictures = []
    for index in range(8):
        picture = ground.copy()
        x, y = starts[0] + way[0] * index, starts[1] + way[1] * index
        picture[y : y + 36, x : x + 36] = 230
        picture = np.roll(picture, tuple(shakes[index]), axis=(0, 1))
        seen = picture[cut_px : _WIDE_PX - cut_px, cut_px // 2 : _WIDE_PX - cut_px // 2] * gain
        shrunk = cv2.GaussianBlur(seen, (0, 0), 2.0)
        grid_y = np.linspace(0, shrunk.shape[0] - 1, SIDE_PX).round().astype(int)
        grid_x = np.linspace(0, shrunk.shape[1] - 1, SIDE_PX).round().astype(int)
        pictures.append(shrunk[np.ix_(grid_y, grid_x)])
    return np.stack(pictures)


def told(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.clip(np.rint(steadied(pictures)), 0, 255).astype(np.uint8)


ORIGINAL = film((20, 40), (11, 3))


@pytest.mark.parametrize(
    "copy",
    [
        ORIGINAL,
        film((20, 40), (11, 3), cut_px=16),
        film((20, 40), (11, 3), gain=0.8),
        film((20, 40), (11, 3), shake_px=3),
        film((22, 40), (11, 3)),  # a fifth of a frame later
        film((22, 40), (11, 3), cut_px=7, gain=1.1, shake_px=3),
    ],
    ids=["same", "cropped", "darker", "shaken", "later", "all of it"],
)
def test_copies_agree_in_both_orders(copy: NDArray[np.float32]) -> None:
    there, back = agreement(told(ORIGINAL), told(copy)), agreement(told(copy), told(ORIGINAL))
    assert min(there, back) > 0.95


@pytest.mark.parametrize(
    "other",
    [film((100, 40), (-11, 3)), film((20, 100), (11, 3)), film((20, 40), (3, 9)), film((200, 40), (0, 0))],
    ids=["the other way", "further down", "elsewhere to", "nothing moves"],
)
def test_other_events_at_the_same_place_do_not(other: NDArray[np.float32]) -> None:
    assert agreement(told(ORIGINAL), told(other)) < 0.6


def test_noise_and_black_do_not_agree() -> None:
    rng = np.random.default_rng(1)
    still = np.repeat(ORIGINAL[:1], 8, axis=0)
    one, other = (told(still + rng.normal(0, 0.6, still.shape).astype(np.float32)) for _ in range(2))
    assert abs(agreement(one, other)) < 0.3, "noise is no motion, in neither sense"
    black = np.zeros_like(one)
    assert agreement(black, black) == 0
    assert np.isfinite(agreement(black, one))


def test_a_shaking_camera_is_held_still() -> None:
    still = np.repeat(film((200, 40), (0, 0))[:1], 8, axis=0)
    shaken = film((200, 40), (0, 0), shake_px=5)
    inner = np.s_[:, 3:-3, 3:-3]
    left = steadied(shaken)[inner].std(axis=0).mean()
    assert left < 0.4 * shaken[inner].std(axis=0).mean()
    assert np.abs(steadied(still) - still)[inner].max() < 0.5
