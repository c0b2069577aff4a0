"""Changing what the boxes of an .mp4 say: edit lists, which no muxer writes as strangely as they occur."""

import struct
from collections.abc import Iterator
from pathlib import Path


def boxes(content: bytes, start: int = 0, stop: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """The boxes in a stretch of bytes: type, first byte of the box, byte after it."""
    stop = len(content) if stop is None else stop
    while start + 8 <= stop:
        size, kind = struct.unpack(">I4s", content[start : start + 8])
        yield kind, start, start + size
        start += size


def find_box(content: bytes, *path: bytes) -> tuple[int, int]:
    """Where the first box at a path such as moov, trak, edts lies: its first byte and the one after it."""
    start, stop = 0, len(content)
    for depth, wanted in enumerate(path):
        begin = start + 8 if depth else 0
        start, stop = next((a, b) for kind, a, b in boxes(content, begin, stop) if kind == wanted)
    return start, stop


def media_time_of(path: Path) -> int:
    """Where the only edit of a file begins, in ticks of the track: when its first frame is shown."""
    content = path.read_bytes()
    start, _ = find_box(content, b"moov", b"trak", b"edts", b"elst")
    version, count = content[start + 8], struct.unpack(">I", content[start + 12 : start + 16])[0]
    assert (version, count) == (0, 1), path
    return int(struct.unpack(">i", content[start + 20 : start + 24])[0])


def set_edits(path: Path, edits: list[tuple[int, int]]) -> Path:
    """Replaces the edit list of the first track.

    Args:
        path: of a file whose `moov` comes last, so that nothing else moves.
        edits: duration in ticks of the movie, and media time in ticks of the track (-1: show nothing).
    """
    content = path.read_bytes()
    moov, end = find_box(content, b"moov")
    assert end == len(content), "moov is not last"
    trak, _ = find_box(content, b"moov", b"trak")
    start, stop = find_box(content, b"moov", b"trak", b"edts")
    entries = b"".join(struct.pack(">iiHH", duration, media, 1, 0) for duration, media in edits)
    elst = struct.pack(">I4sII", 16 + len(entries), b"elst", 0, len(edits)) + entries
    edts = struct.pack(">I4s", 8 + len(elst), b"edts") + elst
    fresh = bytearray(content[:start] + edts + content[stop:])
    for box in (moov, trak):
        (size,) = struct.unpack(">I", fresh[box : box + 4])
        fresh[box : box + 4] = struct.pack(">I", size + len(edts) - (stop - start))
    path.write_bytes(fresh)
    return path
