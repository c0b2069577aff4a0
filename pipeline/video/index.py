"""The packet index: how many frames a video should show, when, and which are key frames, without decoding."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2

from pipeline.video.capture import MAX_FAILURES, AnyPath, Capture, open_packets
from pipeline.video.codecs import fourcc_text, holds_idr_picture, refuses_false_key_frames
from pipeline.video.complaints import complaint_log
from pipeline.video.container import look_at_container

MAX_REORDER = 32  # no codec holds more frames back
_DIFFERENT_SECONDS = 2e-5


@dataclass(frozen=True, kw_only=True)
class PacketIndex:
    """What a video's packets say. A prediction: decoding proves or refutes it (edit lists drop frames).

    Attributes:
        times_seconds: presentation time of each packet, sorted, as the container counts it.
        key_times_seconds: those of the key frames, sorted; of H.264 the IDR pictures alone: after others that
            are called so it may take a second of frames (intra refresh) until the picture is whole.
        claimed_frames: frames by the header's word, counted in ticks of the header's rate from the
            container's zero; 0 where it says nothing plausible. Never trusted: with other evidence it
            tells how many frames were cut off.
        last_tick: the last packet's time in the same ticks.
        bytes_missing: whether the file is shorter than its own header says (of AVI, FFmpeg does not
            complain).
        tick_seconds: in which the container writes times; None where it is not known.
        can_jump: whether a jump to a key frame lands on it, or shows that it did not: the container lists its
            key frames, the decoder begins at no other, and packets lie in the order of their times.
        may_hide_frames: whether an edit list may keep frames at the end from being shown.
        claimed_rate: frames a second by the header; 0 where it says nothing plausible.
        num_complaints: lines in the decoder's log while the packets were walked.
    """

    times_seconds: Sequence[float]
    key_times_seconds: Sequence[float]
    claimed_frames: int
    last_tick: int
    bytes_missing: bool
    tick_seconds: float | None = None
    can_jump: bool = False
    may_hide_frames: bool = False
    claimed_rate: float = 0.0
    num_complaints: int = 0

    @property
    def num_packets(self) -> int:
        """Packets, which are frames unless an edit list drops some."""
        return len(self.times_seconds)

    @property
    def intra_only(self) -> bool:
        """Whether each frame stands for itself: damage then never spreads."""
        return len(self.key_times_seconds) == len(self.times_seconds)


@dataclass(frozen=True, kw_only=True)
class Packet:
    """What one packet says of its frame.

    Attributes:
        seconds: its time, as the container counts it.
        is_key: whether decoding from it gives whole pictures at once.
    """

    seconds: float
    is_key: bool


class PacketWalk:
    """The packets of a video in the order of the file, once.

    Attributes:
        claimed_frames, claimed_rate: as in `PacketIndex`; known before the first packet.
        last_tick: as in `PacketIndex`, of the packets met so far.
        fourcc: of the codec.
    """

    def __init__(self, capture: Capture) -> None:
        claimed, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
        self.claimed_frames = round(claimed) if math.isfinite(claimed) and 0 < claimed < 1e9 else 0
        self.claimed_rate = rate if math.isfinite(rate) and 0 < rate <= 1000 else 0.0
        self.fourcc = fourcc_text(capture.get(cv2.CAP_PROP_FOURCC))
        self._capture = capture
        self._last_tick = 0.0

    def __iter__(self) -> Iterator[Packet]:
        capture, failures = self._capture, 0
        while failures < MAX_FAILURES:
            if not capture.grab():
                failures += 1
                continue
            failures = 0
            self._last_tick = max(self._last_tick, capture.get(cv2.CAP_PROP_PTS))
            is_key = bool(capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME)) and _is_sure_key_frame(
                capture, self.fourcc
            )
            yield Packet(seconds=capture.get(cv2.CAP_PROP_POS_MSEC) / 1000, is_key=is_key)

    @property
    def last_tick(self) -> int:
        """The latest packet's time in ticks of the header's rate."""
        return round(self._last_tick)


def read_index(path: AnyPath) -> PacketIndex:
    """Walks the packets of a video; without any, the index is empty.

    Raises:
        VideoError: the file cannot be opened.
    """
    times: list[float] = []
    key_times: list[float] = []
    container = look_at_container(path)
    log = complaint_log()
    complaints_before = log.count() if log else 0
    with open_packets(path) as capture:
        walk = PacketWalk(capture)
        for packet in walk:
            times.append(packet.seconds)
            if packet.is_key:
                key_times.append(packet.seconds)
    shown = container.shown_seconds
    return PacketIndex(
        times_seconds=tuple(sorted(times)),
        key_times_seconds=tuple(sorted(key_times)),
        claimed_frames=walk.claimed_frames,
        last_tick=walk.last_tick,
        bytes_missing=bool(container.missing),
        tick_seconds=container.tick_seconds,
        may_hide_frames=shown is not None and bool(times) and max(times) > shown - _DIFFERENT_SECONDS,
        can_jump=container.lists_key_frames and refuses_false_key_frames(walk.fourcc) and _is_orderly(times),
        claimed_rate=walk.claimed_rate,
        num_complaints=log.count() - complaints_before if log else 0,
    )


def _is_sure_key_frame(capture: Capture, fourcc: str) -> bool:
    """Whether decoding from the packet just grabbed gives whole pictures at once."""
    if fourcc.upper() != "H264":
        return True
    found, packet = capture.retrieve()
    return bool(found) and holds_idr_picture(packet.tobytes())


def _is_orderly(times: Sequence[float]) -> bool:
    """Whether packets lie within a reorder buffer of the order of their times, and no two times are equal.

    Joined recordings whose clocks overlap do not: which frame comes next is then for the decoder to say.
    """
    order = sorted(range(len(times)), key=times.__getitem__)
    return all(abs(place - i) <= MAX_REORDER for place, i in enumerate(order)) and all(
        times[after] - times[before] > _DIFFERENT_SECONDS for before, after in pairwise(order)
    )


def claimed_duration(path: AnyPath) -> float:
    """Seconds that a video lasts by its header's word, which is quick to ask for; 0 where it says nothing.

    Raises:
        VideoError: the file cannot be opened.
    """
    with open_packets(path) as capture:
        count, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    plausible = math.isfinite(count) and math.isfinite(rate) and 0 < count < 1e9 and 0 < rate <= 1000
    return count / rate if plausible else 0.0
