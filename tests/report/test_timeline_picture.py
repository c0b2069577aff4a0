"""The picture of a timeline: segments where they belong, what windows said, words of all languages."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.report.timeline_colours import UNREADABLE, ink_on, label_colours
from pipeline.report.timeline_picture import _axis_labels, write_timeline_picture
from pipeline.report.timeline_windows import WindowSeries
from tests.report.test_timeline_text import segment


def picture(path: Path) -> np.ndarray:
    image = cv2.imread(str(path))
    assert image is not None
    return image[:, :, ::-1]


def test_segments_and_windows_stand_where_they_belong(tmp_path: Path) -> None:
    labels = ["걷기", "run"]
    series = WindowSeries(2)
    for number in range(100):
        share = 0.75 if number < 50 else 0.0
        series.add(number + 0.5, None if number >= 90 else np.array([share, 1 - share]))
    rows = [
        segment(0, 50, "걷기"),
        segment(50, 90, "run", class_index=1),
        segment(90, 100, None),
    ]
    write_timeline_picture(
        tmp_path / "t.png",
        segments=rows,
        labels=labels,
        windows=series,
        title="a <b> $x$ 🎥.mp4",
        note="damaged",
    )
    image = picture(tmp_path / "t.png")
    first, second = label_colours(2)
    # Margins are 32 px, the scale 12.16 px a second; bar and band below title, note and names.
    bar_y, band_top = 32 + 40 + 22 + 22 + 5, 32 + 40 + 22 + 22 + 46 + 34
    band_bottom = band_top + 149

    def at(seconds: float) -> int:
        return round(32 + 12.16 * seconds)

    assert image[bar_y, at(10)].tolist() == list(first)
    assert image[bar_y, at(70)].tolist() == list(second)
    assert image[band_bottom - 5, at(25)].tolist() == list(first)  # stacked from the bottom: .75 of it
    assert image[band_bottom - 100, at(25)].tolist() == list(first)
    assert image[band_top + 20, at(25)].tolist() == list(second)
    assert image[band_bottom - 5, at(70)].tolist() == list(second)
    assert image[band_top + 75, at(95)].tolist() == list(UNREADABLE)
    again = tmp_path / "again.png"
    write_timeline_picture(
        again, segments=rows, labels=labels, windows=series, title="a <b> $x$ 🎥.mp4", note="damaged"
    )
    assert again.read_bytes() == (tmp_path / "t.png").read_bytes()


@pytest.mark.parametrize("count", [0, 1, 5000])
def test_any_number_of_windows_labels_and_segments(count: int, tmp_path: Path) -> None:
    labels = [f"label {number}" for number in range(40)]
    series = WindowSeries(40)
    for number in range(count):
        series.add(number * 2.0, np.full(40, 1 / 40))
    rows = [segment(k * 100.0, k * 100.0 + 100, labels[k % 40], class_index=k % 40) for k in range(100)]
    write_timeline_picture(tmp_path / "t.png", segments=rows, labels=labels, windows=series, title="")
    assert picture(tmp_path / "t.png").shape[1] == 1280
    assert len(series) == count


def test_a_timeline_without_segments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one segment"):
        write_timeline_picture(
            tmp_path / "t.png", segments=[], labels=["a"], windows=WindowSeries(1), title="t"
        )


def test_colours_differ_and_words_on_them_can_be_read() -> None:
    colours = label_colours(30)
    assert len(set(colours)) == 30
    assert label_colours(2) == colours[:2]
    assert (ink_on((0, 0, 0)), ink_on((255, 255, 255))) == ("#ffffff", "#000000")


@pytest.mark.parametrize(
    ("end_seconds", "first", "last", "count"),
    [
        (0.04, "0.005 s", "0.040 s", 9),  # one frame
        (0.1, "0.01 s", "0.10 s", 11),
        (4.0, "0.5 s", "4.0 s", 9),
        (30.0, "0:00:05", "0:00:30", 7),
        (300.0, "0:00:30", "0:05:00", 11),
        (36_000.0, "1:00:00", "10:00:00", 11),
    ],
)
def test_the_axis_tells_its_times_apart(end_seconds: float, first: str, last: str, count: int) -> None:
    words = [text for _, text in _axis_labels(end_seconds)]
    assert (words[1], words[-1], len(words)) == (first, last, count)
    assert len(set(words)) == count
