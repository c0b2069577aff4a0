"""A strict reader of WebVTT files, written from the W3C's specification (https://www.w3.org/TR/webvtt1/).

It knows what a timeline may use: notes, cue identifiers, timings, text with escapes. Anything else is
refused, unlike in players, which skip what they do not understand.
"""

import html
import re
from dataclasses import dataclass

_STAMP = r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING = re.compile(rf"{_STAMP}[ \t]+-->[ \t]+{_STAMP}")
_ENTITY = re.compile(r"&(?:amp|lt|gt|lrm|rlm|nbsp|#\d+|#x[0-9a-fA-F]+);")


@dataclass(frozen=True)
class Cue:
    identifier: str
    start_seconds: float
    end_seconds: float
    text: str


def parse_webvtt(content: bytes) -> list[Cue]:
    """The cues of a file.

    Raises:
        ValueError: the file is not what section 4 of the specification calls a WebVTT file.
    """
    text = content.decode("utf-8")  # 4.1: UTF-8, nothing else
    if "\0" in text:
        raise ValueError("a NULL character")
    lines = re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))
    if not re.fullmatch(r"WEBVTT(?:[ \t][^\n]*)?", lines[0]) or "-->" in lines[0]:
        raise ValueError(f"the first line is {lines[0]!r}")
    if len(lines) < 2 or lines[1]:
        raise ValueError("no blank line after the first")
    cues: list[Cue] = []
    blocks = [block.split("\n") for block in re.split(r"\n{2,}", "\n".join(lines[2:]).strip("\n")) if block]
    for block in blocks:
        if block[0].split(" ")[0] in ("STYLE", "REGION"):
            raise ValueError("a style or region, which timelines do not have")
        if re.match(r"NOTE(?:[ \t]|$)", block[0]):
            if any("-->" in line for line in block):
                raise ValueError("an arrow in a note")
            continue
        has_name = "-->" not in block[0]
        identifier, rest = (block[0], block[1:]) if has_name else ("", block)
        if not rest or not (timing := _TIMING.fullmatch(rest[0])):
            raise ValueError(f"no timing: {rest[:1]}")
        start, end = _seconds(timing.groups()[:4]), _seconds(timing.groups()[4:])
        if not start < end:
            raise ValueError(f"a cue that ends before it starts: {rest[0]}")
        if cues and start < cues[-1].start_seconds:
            raise ValueError("cues out of order")
        payload = "\n".join(rest[1:])
        if "-->" in payload or "<" in payload or "&" in _ENTITY.sub("", payload):
            raise ValueError(f"text that is not escaped: {payload!r}")
        cues.append(Cue(identifier, start, end, html.unescape(payload)))
    if len({cue.identifier for cue in cues if cue.identifier}) < sum(bool(cue.identifier) for cue in cues):
        raise ValueError("an identifier twice")
    return cues


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, thousandths = (int(part or 0) for part in parts)
    return hours * 3600 + minutes * 60 + seconds + thousandths / 1000
