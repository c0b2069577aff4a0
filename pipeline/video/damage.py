"""What is wrong with a video that could be read in part, and which of its frames can be shown to be clean."""

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.video.index import PacketIndex
from pipeline.video.passes import Reading

# A decoder holds up to 16 frames back to bring them into order (H.264 and HEVC: the size of their picture
# buffer), so the packet it complains of belongs to the frame that it shows then or to one of the next 16.
_REORDER_FRAMES = 16
_SAME_SECONDS = 1e-4
_NEVER = 1 << 62
_MISSING_SHARE = 0.05  # a header that claims this share of frames more than there are packets: cut off


@dataclass(frozen=True, kw_only=True)
class Damage:
    """The damage of one video.

    Attributes:
        sentence: for people; empty when nothing is wrong.
        spans: frame indices [first, stop) that may be affected.
        frames_expected: frames that there should be.
    """

    sentence: str
    spans: tuple[tuple[int, int], ...]
    frames_expected: int

    @classmethod
    def none(cls, num_frames: int) -> "Damage":
        """Nothing is wrong with a video of so many frames."""
        return cls(sentence="", spans=(), frames_expected=num_frames)

    @classmethod
    def assess(cls, reading: Reading, index: PacketIndex) -> "Damage":
        """Weighs what a full reading saw against the packet index."""
        shown = frames_expected = len(reading.raw_times_seconds)
        num_complaints, num_gaps = reading.num_complaints, reading.num_gaps
        parts = []
        if num_complaints:
            parts.append(f"{num_complaints} decoder complaint{'s' * (num_complaints != 1)}")
        if num_gaps:
            parts.append(f"{num_gaps} gap{'s' * (num_gaps != 1)} in the video")
        suspected = bool(parts) or index.bytes_missing  # a header alone proves nothing
        if suspected and _packets_missing(index, shown):
            frames_expected = index.claimed_frames
            parts.insert(0, f"cut off after {shown} of {frames_expected} frames")
        elif parts:
            frames_expected = max(shown, index.num_packets)
            parts.insert(0, f"{shown} of {frames_expected} frames read")
        recoveries = _recovery_frames(reading.raw_times_seconds, index)
        spans = []
        for trouble in reading.trouble_indices:
            safe_from = trouble + 1 if index.intra_only else trouble + _REORDER_FRAMES + 1
            position = bisect.bisect_left(recoveries, safe_from)
            spans.append((trouble, recoveries[position] if position < len(recoveries) else shown))
        return cls(sentence="; ".join(parts), spans=tuple(spans), frames_expected=frames_expected)

    def affected(self, indices: Iterable[int]) -> tuple[int, ...]:
        """Those of the frames that cannot be shown to be clean."""
        return tuple(sorted({i for i in indices if any(first <= i < stop for first, stop in self.spans)}))


class OpenDamage:
    """The same spans while a video is still read: which of the frames met so far may be affected."""

    def __init__(self) -> None:
        self._closed: list[tuple[int, int]] = []
        self._first: int | None = None  # of the span that is still open
        self._safe_from = 0

    def trouble(self, index: int, *, intra_only: bool) -> None:
        """Trouble showed at this frame; troubles come in order, each before the frames after it."""
        if self._first is None:
            self._first = index
        self._safe_from = index + 1 if intra_only else index + _REORDER_FRAMES + 1

    def key_frame(self, index: int) -> None:
        """This frame was shown and is a key frame."""
        if self._first is not None and index >= self._safe_from:
            self._closed.append((self._first, index))
            self._first = None

    def affected(self, indices: Iterable[int]) -> tuple[int, ...]:
        """Those of the frames that cannot be shown to be clean; all of them were met."""
        if self._first is None and not self._closed:
            return ()
        spans = self._closed + ([] if self._first is None else [(self._first, _NEVER)])
        return tuple(sorted({i for i in indices if any(first <= i < stop for first, stop in spans)}))

    def forget_before(self, index: int) -> None:
        """Frames before this one will not be asked for again."""
        self._closed = [span for span in self._closed if span[1] > index]


def _packets_missing(index: PacketIndex, shown: int) -> bool:
    """Whether the header claims clearly more than there is at the end.

    It counts in ticks of its rate, so its claim is compared with the last tick too: a recording with dropped
    frames is not cut off.
    """
    there = max(index.last_tick + 1, index.num_packets, shown)
    if index.bytes_missing:  # the header's claim has a witness
        return index.claimed_frames > there
    return index.claimed_frames - there > max(2, _MISSING_SHARE * index.claimed_frames)


def _recovery_frames(raw_times_seconds: Sequence[float], index: PacketIndex) -> list[int]:
    """Indices of shown frames that are key frames: there, earlier damage ends.

    Found by time. Where the decoder's times are shifted against the packets' (AVI with B-frames), none is
    sure.
    """
    if not raw_times_seconds or not index.num_packets:
        return []
    if abs(raw_times_seconds[0] - index.times_seconds[0]) > _SAME_SECONDS:
        return []
    recoveries = []
    for key_time in index.key_times_seconds:
        i = bisect.bisect_left(raw_times_seconds, key_time - _SAME_SECONDS)
        if i < len(raw_times_seconds) and abs(raw_times_seconds[i] - key_time) <= _SAME_SECONDS:
            recoveries.append(i)
    return recoveries
