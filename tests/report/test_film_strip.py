"""The film strip: frames in order, bars as high as the attention, for any number of frames and any words."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from numpy.typing import NDArray

from pipeline.errors import MachineError, UsageError
from pipeline.report.film_strip import write_film_strip

BAR, ACCENT, FALL = (0x4C, 0x78, 0xA8), (0xD9, 0x48, 0x0F), (0x9C, 0x4A, 0x1A)


def colour(index: int) -> tuple[int, int, int]:
    """A colour for each frame, none of them used by the strip itself."""
    return (7 + index * 3, 255 - index * 2, 90 + index)


def strip(
    path: Path, num_frames: int, *, weights: list[float] | None = None, **changes: Any
) -> NDArray[np.int64]:
    frames = np.stack([np.full((16, 16, 3), colour(index), np.uint8) for index in range(num_frames)])
    arguments: dict[str, Any] = {
        "frames": frames,
        "times_seconds": [0.25 * index for index in range(num_frames)],
        "attention_weights": weights or [1 / num_frames] * num_frames,
        "importances": [0.0] * num_frames,
        "title": "clip.mp4",
        "probabilities": {"up": 0.75, "down": 0.25},
    }
    write_film_strip(path, **(arguments | changes))
    return pixels_of(path)


def pixels_of(path: Path) -> NDArray[np.int64]:
    """(H, W): the colour of each pixel as one number."""
    red, green, blue = np.moveaxis(np.round(imread(path)[..., :3] * 255).astype(np.int64), -1, 0)
    return np.asarray(red << 16 | green << 8 | blue)


def code(rgb: tuple[int, int, int]) -> int:
    return rgb[0] << 16 | rgb[1] << 8 | rgb[2]


def where(
    picture: NDArray[np.int64], rgb: tuple[int, int, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, columns = np.nonzero(picture == code(rgb))
    return rows, columns


@pytest.mark.parametrize("num_frames", [1, 2, 5, 8, 9, 12, 33, 64])
def test_frames_stand_in_reading_order(tmp_path: Path, num_frames: int) -> None:
    picture = strip(tmp_path / "strip.png", num_frames)
    assert 600 <= picture.shape[1] <= 1400, "readable at the size of a screen"
    places = []
    for index in range(num_frames):
        rows, columns = where(picture, colour(index))
        assert len(rows) > 100 * 100
        places.append((rows.min(), columns.min()))
    assert places == sorted(places)
    assert len(set(places)) == num_frames


def test_bars_are_as_high_as_the_attention(tmp_path: Path) -> None:
    weights = [0.1, 0.5, 0.0, 0.4]
    picture = strip(tmp_path / "strip.png", 4, weights=weights, probabilities={"only": 0.0})
    heights = []
    for index in range(4):
        rows, columns = where(picture, colour(index))
        below = picture[rows.max() + 6 :, (columns.min() + columns.max()) // 2]
        heights.append(int((below == code(BAR)).sum()))
    assert heights[2] == 0
    assert heights[1] > 40
    for index in (0, 3):
        assert heights[index] / heights[1] == pytest.approx(weights[index] / 0.5, abs=0.08)
    assert not len(where(picture, ACCENT)[0]), "attention marks no frame"


def test_importances_are_filled_upwards_or_hollow_downwards_and_the_largest_is_marked(tmp_path: Path) -> None:
    falls = [0.2, -0.4, 0.0, 0.1]
    picture = strip(tmp_path / "strip.png", 4, probabilities={"only": 0.0}, importances=falls)
    filled = []
    for index in range(4):
        _, columns = where(picture, colour(index))
        middle = (columns.min() + columns.max()) // 2
        filled.append(int((picture[:, middle] == code(FALL)).sum()))
    assert filled[0] > filled[3] > 3, "as high as the fall"
    assert filled[1] <= 3, "a hollow bar has its edges only"
    assert filled[2] <= 3
    left, right = (where(picture, colour(1))[1].min(), where(picture, colour(1))[1].max())
    _, accent_columns = where(picture, ACCENT)
    assert left - 6 < accent_columns.min()
    assert accent_columns.max() < right + 6, "only the frame that matters most is marked"


def test_attention_that_tells_nothing_is_left_out(tmp_path: Path) -> None:
    both = strip(tmp_path / "both.png", 3, probabilities={"only": 0.0})
    without = strip(tmp_path / "without.png", 3, probabilities={"only": 0.0}, why_no_attention="it has none")
    assert len(where(both, BAR)[0])
    assert not len(where(without, BAR)[0])
    assert without.shape[0] < both.shape[0]


WORDS = [
    {"다리가 올라감": 0.6, "مرحبا": 0.3, "🎥 $x$": 0.1},
    {f"a very long class name that goes on and on, number {index} " * 4: 0.05 for index in range(20)},
    {"\n\x1b[31m\udcff": 1.0},
]


@pytest.mark.parametrize("probabilities", WORDS)
def test_words_of_all_kinds(tmp_path: Path, probabilities: dict[str, float]) -> None:
    path = tmp_path / "이름 🎥.png"
    title, note = "/videos/" + "경로/" * 100 + "\udcff\n.mp4", "damaged: 3 of 40 frames $missing$"
    picture = strip(path, 3, probabilities=probabilities, title=title, note=note)
    assert picture.shape[1] < 1400
    for index in range(3):
        assert len(where(picture, colour(index))[0]) > 100 * 100, "nothing is drawn over the frames"


def test_the_same_clip_gives_the_same_bytes_from_any_thread(tmp_path: Path) -> None:
    strip(tmp_path / "alone.png", 12)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda index: strip(tmp_path / f"{index}.png", 12), range(4)))
    alone = (tmp_path / "alone.png").read_bytes()
    assert all((tmp_path / f"{index}.png").read_bytes() == alone for index in range(4))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": np.zeros((0, 8, 8, 3), np.uint8)}, "T >= 1"),
        ({"frames": np.zeros((2, 8, 8, 3), np.float32)}, "uint8"),
        ({"frames": np.zeros((2, 8, 8), np.uint8)}, r"\(T, S, S, 3\)"),
        ({"times_seconds": [0.0]}, "2 frames, 1 times, 2 attention weights and 2 importances"),
        ({"probabilities": {}}, "at least one label"),
    ],
)
def test_what_does_not_belong_together_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        strip(tmp_path / "strip.png", 2, **changes)
    assert list(tmp_path.iterdir()) == []


def test_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ends in \.png"):
        strip(tmp_path / "strip.jpg", 2)
    with pytest.raises(MachineError, match="cannot write"):
        strip(tmp_path / "missing" / "strip.png", 2)


def test_matplotlib_waits_until_it_is_needed() -> None:
    script = (
        "import sys, pipeline.report.film_strip, pipeline.report.plots, pipeline.report.terminal; "
        "print('matplotlib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"
