"""The frames to come: their times by the packets, read a bounded way ahead of the decoder.

`PacketIndex` walks all packets of a file before the first frame is decoded, and remembers them. Of a
recording that lasts a day that is the whole file read once for nothing, so this walk keeps ahead of the
decoder by no more than is asked for, and forgets what was shown.
"""

import heapq
from array import array
from collections.abc import Sequence

from pipeline.video.capture import Capture
from pipeline.video.complaints import complaint_log
from pipeline.video.index import MAX_REORDER, PacketWalk

_TRIM_FRAMES = 4096  # forgotten at a time


class Listing:
    """Times of the frames in the order in which they should be shown, 0 being the first.

    As long as the times are plain - each at or after the one before, none lost - they are those that
    `sampling.frame_times` makes of all of them, to the bit: what comes later does not change them.

    Attributes:
        walk: the packets.
        is_whole: whether the last packet was met.
        is_plain: whether all times met so far are plain; nothing more is listed after one that is not.
        intra_only: whether all packets met so far are key frames.
        key_times_seconds: raw times of the key frames met so far.
    """

    def __init__(self, capture: Capture) -> None:
        self.walk = PacketWalk(capture)
        self.is_whole = False
        self.is_plain = True
        self.intra_only = True
        self.key_times_seconds = array("d")  # 8 bytes each, and there may be as many as frames
        self._packets = iter(self.walk)
        self._waiting: list[tuple[float, bool]] = []  # a heap: packets lie near the order of their times
        self._first = 0
        self._raw_seconds: list[float] = []
        self._seconds: list[float] = []
        self._is_key: list[bool] = []

    @property
    def num_frames(self) -> int:
        """How many frames are listed, forgotten ones included."""
        return self._first + len(self._seconds)

    @property
    def last_seconds(self) -> float:
        """Time of the last frame that is listed; below 0 without any."""
        return self._seconds[-1] if self._seconds else -1.0

    def reach(self, seconds: float) -> None:
        """Lists frames until one is at or after this time, if there is one."""
        if self.is_whole or not self.is_plain or self.last_seconds >= seconds:
            return
        log = complaint_log()
        if log is None:
            self._reach(seconds)
            return
        with log.unheard():  # the decoder will meet the same packets
            self._reach(seconds)

    def has(self, index: int) -> bool:
        """Whether there is such a frame, as far as times are plain; lists as far as needed."""
        while index >= self.num_frames and self.is_plain and not self.is_whole:
            self.reach(self.last_seconds + 1.0)
        return index < self.num_frames

    def raw_seconds(self, index: int) -> float:
        """The time of a frame that is listed, as the container tells it."""
        return self._raw_seconds[index - self._first]

    def raw_seconds_from(self, index: int) -> Sequence[float]:
        """The same of all frames listed from this one on."""
        return self._raw_seconds[index - self._first :]

    def seconds(self, index: int) -> float:
        """The time of a frame that is listed."""
        return self._seconds[index - self._first]

    def is_key(self, index: int) -> bool:
        """Whether a frame that is listed is a key frame."""
        return self._is_key[index - self._first]

    def kept(self) -> tuple[int, Sequence[float]]:
        """The index of the first frame that is remembered, and the times from there on."""
        return self._first, self._seconds

    def forget_before(self, index: int) -> None:
        """Frames before this one will not be asked for again."""
        count = index - self._first
        if count >= _TRIM_FRAMES:
            del self._raw_seconds[:count], self._seconds[:count], self._is_key[:count]
            self._first = index

    def _reach(self, seconds: float) -> None:
        while self.is_plain and self.last_seconds < seconds:
            packet = next(self._packets, None)
            if packet is not None:
                heapq.heappush(self._waiting, (packet.seconds, packet.is_key))
                if packet.is_key:
                    self.key_times_seconds.append(packet.seconds)
                self.intra_only &= packet.is_key
                if len(self._waiting) > MAX_REORDER:
                    self._list(*heapq.heappop(self._waiting))
                continue
            while self._waiting and self.is_plain:
                self._list(*heapq.heappop(self._waiting))
            self.is_whole = self.is_plain
            return

    def _list(self, raw_seconds: float, is_key: bool) -> None:
        if not self._seconds:
            self._seconds.append(0.0)
        else:
            before = self._raw_seconds[-1]
            if raw_seconds == 0 or raw_seconds < before:
                self.is_plain = False
                return
            self._seconds.append(self._seconds[-1] + (raw_seconds - before))
        self._raw_seconds.append(raw_seconds)
        self._is_key.append(is_key)
