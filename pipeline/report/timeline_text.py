"""A timeline as text for people and for other tools: times of day, CSV rows, WebVTT cues.

Takes plain values (`Segment.to_dict()`), so that whoever reads a file can write it anew.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.report.words import one_line

CSV_COLUMNS = ("start_seconds", "end_seconds", "status", "label", "confidence", "unsure", "error")
PROBABILITY_PREFIX = "probability: "


def clock(seconds: float) -> str:
    """Seconds as `H:MM:SS.s`."""
    tenths = round(max(seconds, 0.0) * 10)
    return f"{tenths // 36_000}:{tenths // 600 % 60:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


def shown_label(segment: Mapping[str, Any]) -> str:
    """What a person reads of a segment: its label, with a question mark where it is unsure."""
    if segment["status"] == "failed":
        return "(could not be read)"
    return f"{one_line(segment['label'])}?" if segment["unsure"] else one_line(segment["label"])


def csv_header(labels: Iterable[str]) -> str:
    """The line of a CSV that names its columns."""
    return _csv_line([*CSV_COLUMNS, *(PROBABILITY_PREFIX + label for label in labels)])


def csv_row(segment: Mapping[str, Any], labels: Sequence[str]) -> str:
    """The line of one segment; probabilities are written in full, and left empty where there are none."""
    return _csv_line(
        [
            segment["start_seconds"],
            segment["end_seconds"],
            segment["status"],
            segment["label"] or "",
            segment["confidence"] if segment["status"] == "ok" else "",
            "yes" if segment["unsure"] else "no",
            segment["error"] or "",
            *(segment["probabilities"].get(label, "") for label in labels),
        ]
    )


def webvtt(segments: Iterable[Mapping[str, Any]], *, title: str) -> str:
    """Segments as WebVTT (https://www.w3.org/TR/webvtt1/), which players show as subtitles or chapters."""
    lines = ["WEBVTT", "", f"NOTE {_harmless(title)}", ""]
    for number, segment in enumerate(segments, start=1):
        start, end = (round(segment[name] * 1000) for name in ("start_seconds", "end_seconds"))
        if end <= start:  # a cue must last
            continue
        said = _escaped(shown_label(segment))
        if segment["status"] == "ok":
            said += f" ({100 * segment['confidence']:.0f} %{', unsure' if segment['unsure'] else ''})"
        lines += [str(number), f"{_stamp(start)} --> {_stamp(end)}", said, ""]
    return "\n".join(lines)


def _stamp(milliseconds: int) -> str:
    hours, rest = divmod(milliseconds, 3_600_000)
    return f"{hours:02d}:{rest // 60_000:02d}:{rest // 1000 % 60:02d}.{rest % 1000:03d}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _harmless(text: str) -> str:
    """Notes have no escapes; an arrow would end them."""
    return one_line(text).replace("-->", "-- >")


def _csv_line(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
