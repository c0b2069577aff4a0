"""What a file's own bytes say of its container: the tick of its clock, and whether its end is missing.

OpenCV tells neither. Only box and chunk headers are read, a bounded number of them; nothing here is trusted
for more than a message or half a tick.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from pipeline.video.capture import AnyPath, regular_file

_MAX_BOXES = 10_000
_MATROSKA, _ASF, _FLV = b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75", b"FLV\x01"
_MILLISECOND = 1 / 1000
_MPEG_CLOCK = 1 / 90_000
_GIF_CLOCK = 1 / 100


@dataclass(frozen=True, kw_only=True)
class Container:
    """What could be learnt.

    Attributes:
        tick_seconds: the unit in which the video's times are written; None where it is not known.
        missing: what is missing of the file, in words; "" when nothing is known to be.
        lists_key_frames: whether FFmpeg finds a key frame by a list (MP4, Matroska, AVI). In other containers
            it looks for a time and may land between key frames.
    """

    tick_seconds: float | None = None
    missing: str = ""
    lists_key_frames: bool = False


def look_at_container(path: AnyPath) -> Container:
    """Looks at the headers of a file.

    Raises:
        VideoError: not a regular file that may be read.
    """
    with open(regular_file(path), "rb") as file:  # noqa: PTH123 - a Path cannot hold bytes
        length = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(12)
        if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return _mp4(file, length)
        if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
            is_short = int.from_bytes(head[4:8], "little") + 8 > length
            return Container(
                missing="the file is shorter than its header says" if is_short else "", lists_key_frames=True
            )
        if head[:4] in (_MATROSKA, _ASF, _FLV):
            return Container(tick_seconds=_MILLISECOND, lists_key_frames=head[:4] == _MATROSKA)
        if head[:4] == b"GIF8":
            return Container(tick_seconds=_GIF_CLOCK)
        if head[:4] == b"\x00\x00\x01\xba" or head[:1] == b"\x47":  # MPEG program or transport stream
            return Container(tick_seconds=_MPEG_CLOCK)
    return Container()


def _mp4(file: IO[bytes], length: int) -> Container:
    boxes = list(_boxes(file, 0, length))
    movie = next((span for kind, *span in boxes if kind == b"moov"), None)
    if movie is None:
        return Container(missing="the index (moov) is missing: cut off, or never finished")
    is_cut = any(stop > length for _, _, stop in boxes)
    missing = "the file is shorter than its header says" if is_cut else ""
    for kind, start, stop in _boxes(file, movie[0], min(movie[1], length)):
        if kind == b"trak" and (timescale := _video_timescale(file, start, stop)):
            return Container(tick_seconds=1 / timescale, missing=missing, lists_key_frames=True)
    return Container(missing=missing)


def _video_timescale(file: IO[bytes], start: int, stop: int) -> int:
    """Ticks a second of a track (ISO/IEC 14496-12, mdhd); 0 where it is not a video's."""
    timescale, is_video = 0, False
    for kind, media_start, media_stop in _boxes(file, start, stop):
        if kind != b"mdia":
            continue
        for inner, at, _ in _boxes(file, media_start, media_stop):
            file.seek(at)
            if inner == b"mdhd":
                content = file.read(24)
                offset = 20 if content[:1] == b"\x01" else 12
                timescale = int.from_bytes(content[offset : offset + 4], "big")
            elif inner == b"hdlr":
                is_video = file.read(12)[8:12] == b"vide"
    return timescale if is_video else 0


def _boxes(file: IO[bytes], start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """The boxes between two places of an MP4 file: type, start and end of the content."""
    position = start
    for _ in range(_MAX_BOXES):
        if position + 8 > stop:
            return
        file.seek(position)
        header = file.read(16)
        size, kind = int.from_bytes(header[:4], "big"), header[4:8]
        content = position + 8
        if size == 1:
            size, content = int.from_bytes(header[8:16], "big"), position + 16
        elif size == 0:  # to the end
            size = stop - position
        if size < content - position:
            return
        yield kind, content, position + size
        position += size
