"""What a file's own bytes say of its container: the tick of its clock, and whether its end is missing.

OpenCV tells neither. Only box and chunk headers are read, a bounded number of them; nothing here is trusted
for more than a message or half a tick.
"""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from pipeline.errors import VideoError
from pipeline.video.capture import NOT_SUPPORTED, AnyPath, name_of, regular_file

_MAX_BOXES = 10_000
_MAX_EDITS = 100  # more are as good as many
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
        shown_seconds: how much an edit list shows of the video; None without one, 0 where it is a puzzle.
    """

    tick_seconds: float | None = None
    missing: str = ""
    lists_key_frames: bool = False
    shown_seconds: float | None = None


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


@contextlib.contextmanager
def naming_what_is_missing(path: AnyPath) -> Iterator[None]:
    """A file that is refused inside the block is refused for what is missing of it, where that is known."""
    try:
        yield
    except VideoError as error:
        if error.reason == NOT_SUPPORTED and (missing := look_at_container(path).missing):
            raise VideoError(name_of(path), f"not a readable video: {missing}") from None
        raise


def _mp4(file: IO[bytes], length: int) -> Container:
    boxes = list(_boxes(file, 0, length))
    movie = next((span for kind, *span in boxes if kind == b"moov"), None)
    if movie is None:
        return Container(missing="the index (moov) is missing: cut off, or never finished")
    is_cut = any(stop > length for _, _, stop in boxes)
    missing = "the file is shorter than its header says" if is_cut else ""
    movie_timescale = 0
    for kind, start, stop in _boxes(file, movie[0], min(movie[1], length)):
        if kind == b"mvhd":
            movie_timescale = _timescale(file, start)
        elif kind == b"trak" and (track := _video_track(file, start, stop)):
            return Container(
                tick_seconds=1 / track.timescale,
                missing=missing,
                lists_key_frames=True,
                shown_seconds=_shown_seconds(track.edits, movie_timescale),
            )
    return Container(missing=missing)


@dataclass(frozen=True, kw_only=True)
class _VideoTrack:
    """What the boxes of an MP4 video track say: ticks a second, and its edit list.

    An edit is its duration on the movie's clock and the media time where it starts (-1: nothing is shown).
    """

    timescale: int
    edits: tuple[tuple[int, int], ...]


def _shown_seconds(edits: tuple[tuple[int, int], ...], movie_timescale: int) -> float | None:
    shown = [duration for duration, media_time in edits if media_time >= 0]
    if not edits:
        return None
    return shown[0] / movie_timescale if len(shown) == 1 and movie_timescale else 0.0


def _video_track(file: IO[bytes], start: int, stop: int) -> _VideoTrack | None:
    """A track (ISO/IEC 14496-12: mdhd, hdlr, elst); None where it is not a video's."""
    timescale, is_video = 0, False
    edits: tuple[tuple[int, int], ...] = ()
    for kind, media_start, media_stop in _boxes(file, start, stop):
        if kind not in (b"mdia", b"edts"):
            continue
        for inner, at, end in _boxes(file, media_start, media_stop):
            if inner == b"mdhd":
                timescale = _timescale(file, at)
            elif inner == b"hdlr":
                file.seek(at)
                is_video = file.read(12)[8:12] == b"vide"
            elif inner == b"elst":
                edits = _edits(file, at, end)
    return _VideoTrack(timescale=timescale, edits=edits) if is_video and timescale else None


def _timescale(file: IO[bytes], at: int) -> int:
    """Ticks a second, of an mvhd or mdhd box."""
    file.seek(at)
    content = file.read(24)
    offset = 20 if content[:1] == b"\x01" else 12
    return int.from_bytes(content[offset : offset + 4], "big")


def _edits(file: IO[bytes], at: int, end: int) -> tuple[tuple[int, int], ...]:
    file.seek(at)
    content = file.read(min(max(0, end - at), 8 + 20 * _MAX_EDITS))
    width = 8 if content[:1] == b"\x01" else 4
    step = 2 * width + 4
    return tuple(
        (
            int.from_bytes(content[place : place + width], "big"),
            int.from_bytes(content[place + width : place + 2 * width], "big", signed=True),
        )
        for place in range(8, len(content) - step + 1, step)
    )


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
