"""Videos that are not alone in their file, or not of one piece: sound, a second video, a cover, a join."""

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition

from tests.helpers.kind import CLOCKS, Kind, Times, Truth
from tests.helpers.kinds import B_FRAMES, MJPEG, PLAIN
from tests.helpers.mux import FRAME, decode_order, encode, packets_of

RATE = 25
SOUND_RATE = 48_000


def _truth(path: Path, count: int) -> Truth:
    times = tuple(Fraction(i, RATE) for i in range(count))
    return Truth(path=path, numbers=tuple(range(count)), times=times, tick=Fraction(1, CLOCKS[path.suffix]))


def with_sound(path: Path, count: int = 40, *, video_starts_seconds: Fraction = Fraction(1, 2)) -> Truth:
    """Sound from 0 on, as the first stream; the video starts later."""
    encoded = encode(count, B_FRAMES)
    packets, ranks = packets_of(encoded)
    tick = Fraction(1, CLOCKS[path.suffix])
    times = [int((video_starts_seconds + Fraction(i, RATE)) / tick) for i in range(count)]
    with (
        av.open(io.BytesIO(encoded)) as source,
        av.open(str(path), "w") as container,
    ):
        sound: Any = container.add_stream("aac", rate=SOUND_RATE)
        video: Any = container.add_stream_from_template(source.streams.video[0], opaque=True)
        video.time_base = tick
        shown, decoded = decode_order(ranks, times)
        waiting = list(zip(packets, shown, decoded, strict=True))
        for number in range(SOUND_RATE * 3 // 1024):
            samples = np.zeros((1, 1024), np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, number * 1024, Fraction(1, SOUND_RATE)
            container.mux(sound.encode(frame))
            while waiting and waiting[0][2] * tick <= Fraction(number * 1024, SOUND_RATE):
                packet, packet_shown, packet_decoded = waiting.pop(0)
                packet.stream, packet.time_base = video, tick
                packet.pts, packet.dts, packet.duration = packet_shown, packet_decoded, int(1 / RATE / tick)
                container.mux(packet)
        container.mux(sound.encode(None))
    assert not waiting
    return _truth(path, count)


def with_second(path: Path, count: int = 40, *, is_cover: bool = False) -> Truth:
    """A second video stream, of half the frames; `is_cover`: a single picture that is marked as the cover."""
    tick = Fraction(1, CLOCKS[path.suffix])
    both = [encode(count, PLAIN), encode(1, MJPEG) if is_cover else encode(count // 2, PLAIN)]
    queue: list[tuple[int, Any, Any]] = []
    with av.open(str(path), "w") as container:
        for encoded in both:
            with av.open(io.BytesIO(encoded)) as source:
                stream: Any = container.add_stream_from_template(source.streams.video[0], opaque=True)
            stream.time_base = tick
            queue += [(i, stream, packet) for i, packet in enumerate(packets_of(encoded)[0])]
        if is_cover:
            stream.disposition = Disposition.attached_pic
        for i, stream, packet in sorted(queue, key=lambda item: item[0]):
            packet.stream, packet.time_base = stream, tick
            packet.pts = packet.dts = int(Fraction(i, RATE) / tick)
            packet.duration = int(1 / RATE / tick)
            container.mux(packet)
    return _truth(path, count)


def joined(
    folder: Path,
    kind: Kind,
    *,
    count: int = 40,
    second_size_wh: tuple[int, int] = FRAME,
    second_times: Times | None = None,
) -> Truth:
    """Two recordings end to end, as `cat` makes them; the second has a clock of its own."""
    coding = replace(kind.coding, size_wh=second_size_wh)
    both = [kind, replace(kind, coding=coding, times=second_times or kind.times)]
    contents = []
    for each in both:
        first = each.make(folder, count)
        contents.append(first.path.read_bytes())
    first.path.write_bytes(b"".join(contents))
    times = tuple(Fraction(i, RATE) for i in range(2 * count))
    return replace(first, numbers=first.numbers * 2, times=times, size_wh=kind.coding.size_wh)
