"""The packet index: how many frames a video should show, when, and which are key frames, without decoding."""

import math
from dataclasses import dataclass

import cv2

from pipeline.errors import VideoError
from pipeline.video.capture import MAX_FAILURES, AnyPath, name_of, open_packets


@dataclass(frozen=True, kw_only=True)
class PacketIndex:
    """What a video's packets say. A prediction: decoding proves or refutes it (edit lists drop frames).

    Attributes:
        times_seconds: presentation time of each packet, sorted, as the container counts it.
        key_times_seconds: those of the key frames, sorted.
        claimed_frames: frames by the header's word, 0 where it says nothing plausible. Never trusted;
            it only tells that packets are missing at the end.
    """

    times_seconds: tuple[float, ...]
    key_times_seconds: tuple[float, ...]
    claimed_frames: int

    @property
    def num_packets(self) -> int:
        """Packets, which are frames unless an edit list drops some."""
        return len(self.times_seconds)

    @property
    def intra_only(self) -> bool:
        """Whether each frame stands for itself: damage then never spreads."""
        return len(self.key_times_seconds) == len(self.times_seconds)


def read_index(path: AnyPath) -> PacketIndex:
    """Walks the packets of a video.

    Raises:
        VideoError: the file cannot be opened or holds no packet.
    """
    times: list[float] = []
    key_times: list[float] = []
    with open_packets(path) as capture:
        claimed = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        failures = 0
        while failures < MAX_FAILURES:
            if not capture.grab():
                failures += 1
                continue
            failures = 0
            times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)
            if capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME):
                key_times.append(times[-1])
    if not times:
        raise VideoError(name_of(path), "no frame could be decoded")
    plausible = math.isfinite(claimed) and 0 < claimed < 1e9
    return PacketIndex(
        times_seconds=tuple(sorted(times)),
        key_times_seconds=tuple(sorted(key_times)),
        claimed_frames=round(claimed) if plausible else 0,
    )
