"""Encoding numbered frames once and wrapping the packets with any times: full control of what a file says.

encode   numbers -> packets, kept in memory in a plain container
wrap     packets -> a file of any container, packet by packet at the times given
"""

import io
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from tests.helpers.videos import numbered_frame

FRAME = (64, 48)
# Fast, and as the options say, nothing more: no scene cuts, B-frames wherever they are allowed.
X264 = {"preset": "ultrafast", "crf": "20", "threads": "1"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:frame-threads=1"}
SVT = {"preset": "8", "crf": "8"}  # faster presets let single blocks of a number stay as they were


@dataclass(frozen=True, kw_only=True)
class Coding:
    """How frames are encoded."""

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    size_wh: tuple[int, int] = FRAME
    key_every: int = 12
    b_frames: int = 0
    pixel_aspect: Fraction = Fraction(1)
    options: tuple[tuple[str, str], ...] = ()


def as_pairs(options: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Options of an encoder as a value that can be hashed."""
    return tuple(options.items())


@lru_cache(maxsize=8)
def encode(count: int, coding: Coding, *, format_name: str = "matroska") -> bytes:
    """Frames that show 0, 1, 2 and so on, as the bytes of a file whose times do not matter yet."""
    kept = io.BytesIO()
    defaults = {"libx264": X264, "libx265": X265, "libsvtav1": SVT}.get(coding.codec, {})
    with av.open(kept, "w", format=format_name) as container:
        stream: Any = container.add_stream(coding.codec, rate=25, options=defaults | dict(coding.options))
        stream.width, stream.height = coding.size_wh
        stream.pix_fmt = coding.pixel_format
        context = stream.codec_context
        if not defaults:
            stream.bit_rate = 4_000_000
        context.gop_size = coding.key_every
        context.max_b_frames = coding.b_frames
        context.sample_aspect_ratio = coding.pixel_aspect
        context.thread_count = 1
        for i in range(count):
            picture = numbered_frame(i, size_wh=coding.size_wh)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=coding.pixel_format)
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return kept.getvalue()


def decode_order(ranks: Sequence[int], times: Sequence[int]) -> tuple[list[int], list[int]]:
    """Presentation and decoding times of packets in decoding order.

    Args:
        ranks: of each packet in decoding order, the place of its frame in showing order.
        times: of each frame in showing order, in ticks.

    Returns:
        The times; those of decoding rise strictly and are never later than those of showing.
    """
    shown = [times[rank] for rank in ranks]
    delay = max(i - rank for i, rank in enumerate(ranks))
    gap = max(1, (times[-1] - times[0]) // max(1, len(times) - 1))
    decoded = [times[0] - (delay - i) * gap for i in range(delay)] + sorted(shown)
    decoded = decoded[: len(shown)]
    for i in range(len(decoded) - 2, -1, -1):
        decoded[i] = min(decoded[i], decoded[i + 1] - 1)  # frames shown at one time are decoded one by one
    return shown, decoded


def packets_of(encoded: bytes) -> tuple[list[Any], list[int]]:
    """The packets of an encoded video in decoding order, and the place of each in showing order."""
    with av.open(io.BytesIO(encoded)) as source:
        packets: list[Any] = [packet for packet in source.demux(video=0) if packet.size]
    order = sorted(range(len(packets)), key=lambda i: packets[i].pts)
    ranks = [0] * len(packets)
    for rank, i in enumerate(order):
        ranks[i] = rank
    return packets, ranks


def wrap(
    path: Path,
    encoded: bytes,
    times: Sequence[int],
    *,
    tick: Fraction,
    options: dict[str, str] | None = None,
    all_key: bool = False,
) -> Path:
    """Writes encoded frames with these times, in ticks, into a container.

    `all_key` flags every packet as a key frame, which is a lie where the encoder made others.
    """
    with (
        av.open(io.BytesIO(encoded)) as source,
        av.open(str(path), "w", options=options or {}) as container,
    ):
        stream: Any = container.add_stream_from_template(source.streams.video[0], opaque=True)
        stream.time_base = tick
        packets, ranks = packets_of(encoded)
        lasts = [b - a for a, b in pairwise(times)]
        lasts.append(round(statistics.median(lasts)) if lasts else 1)
        for packet, rank, shown, decoded in zip(packets, ranks, *decode_order(ranks, times), strict=True):
            packet.stream, packet.time_base = stream, tick
            packet.pts, packet.dts, packet.duration = shown, decoded, lasts[rank]
            packet.is_keyframe = packet.is_keyframe or all_key
            container.mux(packet)
    return path
