"""A timeline as CSV and WebVTT, read back by independent readers; times for people."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
import webvtt as webvtt_py

from pipeline.report.timeline_text import clock, csv_header, csv_row, shown_label, webvtt
from tests.helpers.webvtt import parse_webvtt

HOSTILE = [
    "a --> b",
    "<script>alert(1)</script>",
    "&amp; & &lt;",
    "two\nlines\n\n00:00.000 --> 00:01.000",
    "걷기 يمين 🎥",
    "\u202egnp.exe",
    '"quoted", comma',
    "WEBVTT",
    "NOTE x",
    "=1+1",
    "\x1b[31mred",
    "\udcff",
]


def segment(start: float, end: float, label: str | None = "walk", **values: Any) -> dict[str, Any]:
    return {
        "start_seconds": start,
        "end_seconds": end,
        "status": "ok" if label is not None else "failed",
        "label": label,
        "class_index": 0,
        "confidence": 0.875,
        "probabilities": {} if label is None else {label: 0.875},
        "unsure": False,
        "num_windows": 3,
        "error": None if label is not None else "frames are damaged",
        **values,
    }


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00:00.0"),
        (59.94, "0:00:59.9"),
        (59.96, "0:01:00.0"),  # rounded once, not to 60.0 seconds
        (3599.99, "1:00:00.0"),
        (86_399, "23:59:59.0"),
        (360_000.06, "100:00:00.1"),
        (-0.01, "0:00:00.0"),
    ],
)
def test_times_for_people(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_webvtt_is_read_back_as_it_was_meant() -> None:
    rows = [
        segment(0, 61.2345),
        segment(61.2345, 3725.5, "run", unsure=True, confidence=0.4),
        segment(3725.5, 3725.5004),  # shorter than a millisecond: no cue can be
        segment(3725.5, 360_000, None),
    ]
    cues = parse_webvtt(webvtt(rows, title="day --> of\nvideo.mp4").encode())
    assert [(cue.start_seconds, cue.end_seconds) for cue in cues] == [
        (0, 61.234),
        (61.234, 3725.5),
        (3725.5, 360_000),
    ]
    assert [cue.text for cue in cues] == ["walk (88 %)", "run? (40 %, unsure)", "(could not be read)"]


@pytest.mark.parametrize("label", HOSTILE)
def test_no_label_breaks_a_file(label: str) -> None:
    text = webvtt([segment(0, 1, label), segment(1, 2)], title=label).encode()
    cues = parse_webvtt(text)
    assert [cue.text for cue in cues] == [f"{shown_label(segment(0, 1, label))} (88 %)", "walk (88 %)"]
    written = (csv_header([label]) + csv_row(segment(0, 1, label), [label])).encode(
        "utf-8", "surrogateescape"
    )
    rows = list(csv.DictReader(io.StringIO(written.decode("utf-8", "surrogateescape"), newline="")))
    assert [row["label"] for row in rows] == [label]
    assert float(rows[0][f"probability: {label}"]) == 0.875


def test_csv_says_what_could_not_be_read() -> None:
    text = csv_header(["walk", "run"]) + csv_row(segment(1 / 3, 2, None), ["walk", "run"])
    (row,) = csv.DictReader(io.StringIO(text))
    assert float(row["start_seconds"]) == 1 / 3
    assert (row["status"], row["label"], row["confidence"], row["unsure"]) == ("failed", "", "", "no")
    assert row["error"] == "frames are damaged"
    assert row["probability: run"] == ""


@pytest.mark.parametrize(
    "text",
    ["WEBVT\n\n", "WEBVTT\n00:00.000 --> 00:01.000\nx", "WEBVTT\n\n00:00.000 --> 00:00.000\nx",
     "WEBVTT\n\n00:00.0 --> 00:01.000\nx", "WEBVTT\n\n00:00.000 --> 00:01.000\n<b>x",
     "WEBVTT\n\n1\n00:00.000 --> 00:01.000\nx\n\n1\n00:01.000 --> 00:02.000\ny"],
)  # fmt: skip
def test_the_reader_of_these_tests_refuses_what_is_wrong(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any reason
        parse_webvtt(text.encode())


def test_another_reader_of_webvtt_reads_it(tmp_path: Path) -> None:
    rows = [segment(0.0, 2.5, "걷기"), segment(2.5, 3661.25, "b"), segment(3661.25, 3700.0)]
    path = tmp_path / "day.vtt"
    path.write_bytes(webvtt(rows, title="day.mp4").encode())
    captions = webvtt_py.read(str(path)).captions
    assert [(caption.start, caption.end) for caption in captions] == [
        ("00:00:00.000", "00:00:02.500"),
        ("00:00:02.500", "01:01:01.250"),
        ("01:01:01.250", "01:01:40.000"),
    ]
    assert "걷기" in captions[0].text
