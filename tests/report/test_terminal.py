"""Bars for the terminal: the right length, aligned, and ASCII where the terminal has nothing else."""

from typing import Any

import pytest

from pipeline.report.terminal import terminal_bars
from pipeline.report.words import display_width

ARGUMENTS: dict[str, Any] = {
    "probabilities": {"down": 0.25, "다리 up": 0.5, "🎥": 0.2, "a": 0.05, "b": 0.0, "c": 0.0},
    "times_seconds": [0.04, 1.0, 123.456],
    "attention_weights": [0.2, 0.6, 0.2],
    "importances": [0.001, -0.123, 0.5],
}


def test_labels_by_probability_then_frames_in_order() -> None:
    lines = terminal_bars(**ARGUMENTS, num_labels=3, encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["다리", "down", "🎥"]
    assert "50.0 %" in lines[0]
    assert lines[0].count("█") == 15, "half of 30"
    assert lines[1].count("█") == 7
    assert "▌" in lines[1], "a quarter of 30 is 7.5"
    assert lines[3].strip() == "3 more, together 5.0 %"
    frames, (legend,) = lines[-4:-1], lines[-1:]
    assert "falls without the frame" in legend
    assert [line.split()[3] for line in frames] == ["+0.1", "-12.3", "+50.0"]
    assert [line.split()[:2] for line in frames] == [["1", "0.04"], ["2", "1.00"], ["3", "123.46"]]
    assert [line.count("█") for line in frames] == [6, 20, 6], "the largest is drawn full"
    assert [line.endswith("<- most") for line in frames] == [False, False, True]


def test_columns_line_up_in_all_scripts() -> None:
    lines = terminal_bars(**ARGUMENTS, encoding="utf-8").splitlines()[:5]
    assert {display_width(line) for line in lines} == {display_width(lines[0])}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "no-such-encoding"])
def test_poor_terminals_get_ascii(encoding: str) -> None:
    text = terminal_bars(**ARGUMENTS, encoding=encoding)
    assert text.isascii()
    assert "dari up" in text
    assert "[movie camera]" in text
    assert "###############" in text


def test_a_hostile_label_stays_on_its_line() -> None:
    text = terminal_bars(
        probabilities={"a\n\x1b[2J" + "x" * 500: 1.0},
        times_seconds=[0.0],
        attention_weights=[1.0],
        importances=[0.0],
        encoding="utf-8",
    )
    assert "\x1b" not in text
    assert len(text.splitlines()) == 5
    assert max(map(len, text.splitlines())) < 100


@pytest.mark.parametrize("falls", [[0.0, 0.0], [0.005, -0.009], [1.0, 0.0], [0.1, -0.9]])
def test_a_frame_is_marked_where_one_decides(falls: list[float]) -> None:
    arguments: dict[str, Any] = {"probabilities": {"a": 1.0}, "times_seconds": [0.0, 1.0]}
    text = terminal_bars(**arguments, attention_weights=[0.1, 0.9], importances=falls)
    assert text.count("<- most") == (max(map(abs, falls)) >= 0.01)
    assert "attention" in text
    without = terminal_bars(
        **arguments, attention_weights=[0.1, 0.9], importances=falls, why_no_attention="it has none"
    )
    assert "90.0 %" not in without
    assert "attention is not shown: it has none" in without
