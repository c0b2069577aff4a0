"""A video of any length as windows, told while it is read; memory holds a window, not the video.

listing       the packets tell the times of the frames to come, a window ahead of the decoder (`Listing`)
frames        go out once each, as soon as they are decoded, however many windows share them
windows       go out when a later frame was seen and all times up to there were as listed: what comes later
              cannot change such a window, and its clip is the one that `read_video` makes, to the bit
second pass   where the frames have other times than the packets (frames lost to damage or to an edit list,
              joined recordings, AVI with B-frames, raw streams) the video is read to its end for its times,
              and then again for the windows that are still owed
"""

import time
from array import array
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.capture import decoder_errors, open_packets
from pipeline.video.complaints import complaint_log
from pipeline.video.container import look_at_container, naming_what_is_missing
from pipeline.video.damage import Damage, OpenDamage
from pipeline.video.index import PacketIndex, read_index
from pipeline.video.listing import Listing
from pipeline.video.parts import Part, fitted_windows
from pipeline.video.passes import INTERLACED, GrabbedFrame, Reading, grab_frames
from pipeline.video.sampling import SAME_SECONDS, frame_times, frames_in_range, plan_frames, plausible_rate
from pipeline.video.wanted import Wanted, duration_of
from pipeline.video.window_events import (
    StreamBegun,
    StreamEnd,
    StreamEvent,
    StreamFrame,
    StreamProgress,
    StreamWindow,
)

_UNSTEADY = "reads differently each time"
_TELL_EVERY_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class StreamJob:
    """What a worker needs to read a video in windows.

    Attributes:
        path: of a video file.
        spec: what a clip is.
        clip_seconds: of the clips that the model was trained on: how long windows are unless told otherwise.
        window_seconds, stride_seconds: None: fitted to `clip_seconds` and to the video's frame rate.
    """

    path: str
    spec: ClipSpec
    clip_seconds: float
    window_seconds: float | None = None
    stride_seconds: float | None = None


def stream_windows(job: StreamJob) -> Iterator[StreamEvent]:
    """Reads a video in windows; for `stream_isolated`.

    Yields:
        `StreamBegun`; then `StreamFrame`, `StreamWindow` after the last of its frames, and `StreamProgress`;
        `StreamEnd`.

    Raises:
        VideoError: it cannot be read, or not in windows; what was told before holds.
    """
    with decoder_errors(job.path), naming_what_is_missing(job.path), open_packets(job.path) as packets:
        stream = _Stream(job, Listing(packets))
        yield from stream.first_pass()
        if not stream.is_as_listed:
            yield from stream.second_pass()


@dataclass(frozen=True, kw_only=True)
class _Planned:
    """A window whose frames are known.

    Attributes:
        number: of the window.
        start_seconds, end_seconds: of the window.
        indices: of its frames.
        times_seconds: of its frames.
        stop: index of the first frame behind it: when that one was seen, the window is whole.
    """

    number: int
    start_seconds: float
    end_seconds: float
    indices: tuple[int, ...]
    times_seconds: tuple[float, ...]
    stop: int


class _Stream:
    """The state of one reading.

    Attributes:
        is_as_listed: whether all frames met so far had the times that the packets told.
    """

    def __init__(self, job: StreamJob, listing: Listing) -> None:
        self.is_as_listed = True
        self._job = job
        self._listing = listing
        self._windows = fitted_windows(
            job.clip_seconds,
            listing.walk.claimed_rate,
            job.spec.num_frames,
            window_seconds=job.window_seconds,
            stride_seconds=job.stride_seconds,
        )
        self._container = look_at_container(job.path)
        self._reading = Reading(raw_times_seconds=array("d"))
        self._damage = OpenDamage()
        self._num_troubles = 0
        self._planned: deque[_Planned] = deque()
        self._wanted: set[int] = set()
        self._sent: set[int] = set()
        self._next_number = 0
        self._has_more = True
        self._num_given = 0
        self._given = 0  # a hash of the windows given: a second pass must find the same
        self._told_at = time.monotonic()

    def first_pass(self) -> Iterator[StreamEvent]:
        """Frames and windows as long as all is as listed; of the rest only the times are noted."""
        rate, count = self._listing.walk.claimed_rate, self._listing.walk.claimed_frames
        yield StreamBegun(
            window_seconds=self._windows.window_seconds,
            stride_seconds=self._windows.stride_seconds,
            claimed_seconds=count / rate if rate else 0.0,
        )
        for frame in grab_frames(self._job.path, self._reading):
            self._refuse_interlaced()
            if self.is_as_listed:
                yield from self._follow(frame)
            yield from self._progress(frame, self._reading)
        self._refuse_interlaced()
        num_shown = len(self._reading.raw_times_seconds)
        if not num_shown:
            raise VideoError(self._job.path, "no frame could be decoded")
        self.is_as_listed &= not self._listing.has(num_shown) and self._listing.is_plain
        if self.is_as_listed:
            self._weigh_damage(num_shown)
            while self._has_more:
                self._plan_next()
            while self._planned:
                window = self._planned.popleft()
                yield self._give(window, self._damage.affected(window.indices))
            yield self._end(self._listed_times(), Damage.assess(self._reading, self._index_met()))

    def second_pass(self) -> Iterator[StreamEvent]:
        """The windows that are owed, with the times that the first pass has seen."""
        path, spec = self._job.path, self._job.spec
        index = read_index(path)
        times = frame_times(self._reading.raw_times_seconds, claimed_rate=index.claimed_rate)
        rate = plausible_rate(self._reading.claimed_rate, times)
        damage = Damage.assess(self._reading, index)
        wanted = Wanted(spec=spec, parts=(Part(),), windows=self._windows, oversample=1, damaged="auto")
        clips = wanted.plan(times, rate, tick_seconds=index.tick_seconds)
        given = 0
        for clip in clips[: self._num_given]:
            given = hash((given, clip.indices))
        if given != self._given:
            raise VideoError(path, _UNSTEADY)
        duration_seconds = duration_of(times, rate)
        owed = deque(
            _Planned(
                number=number,
                start_seconds=clip.part.start_seconds or 0.0,
                end_seconds=duration_seconds if clip.part.end_seconds is None else clip.part.end_seconds,
                indices=clip.indices,
                times_seconds=tuple(times[i] for i in clip.indices),
                stop=clip.indices[-1] + 1 if clip.indices else 0,
            )
            for number, clip in enumerate(clips[self._num_given :], start=self._num_given)
        )
        needed = {i for window in owed for i in window.indices} - self._sent
        again = Reading(raw_times_seconds=array("d"))
        for frame in grab_frames(path, again):
            while owed and owed[0].stop <= frame.index:
                yield self._give(owed[0], damage.affected(owed.popleft().indices))
            if frame.index in needed and (picture := frame.picture()) is not None:
                needed.discard(frame.index)
                yield StreamFrame(index=frame.index, frame=again.fit(picture, spec))
            yield from self._progress(frame, again)
        if len(again.raw_times_seconds) != len(times) or needed:
            raise VideoError(path, _UNSTEADY)
        while owed:
            yield self._give(owed[0], damage.affected(owed.popleft().indices))
        if any(again.size_wh):
            self._reading.size_wh = again.size_wh
        yield self._end(times, damage)

    def _follow(self, frame: GrabbedFrame) -> Iterator[StreamEvent]:
        """What a frame brings that should be as listed."""
        listing, index = self._listing, frame.index
        if not listing.has(index) or listing.raw_seconds(index) != frame.raw_seconds:
            self.is_as_listed = False
            return
        self._weigh_damage(index)
        while self._planned and self._planned[0].stop < index:
            window = self._planned.popleft()
            yield self._give(window, self._damage.affected(window.indices))
        while self._has_more and self.is_as_listed:
            start_seconds = self._windows.window(self._next_number).start_seconds or 0.0
            if start_seconds - SAME_SECONDS > listing.seconds(index):
                break
            self._plan_next()
        if index in self._wanted and (picture := frame.picture()) is not None:
            self._wanted.discard(index)
            self._sent.add(index)
            yield StreamFrame(index=index, frame=self._reading.fit(picture, self._job.spec))

    def _plan_next(self) -> None:
        """Plans one more window, or finds that there is none, or that the packets do not tell."""
        listing, part = self._listing, self._windows.window(self._next_number)
        end_seconds = part.end_seconds or 0.0
        listing.reach(end_seconds)
        if listing.last_seconds < end_seconds - SAME_SECONDS:
            if not listing.is_plain:
                self.is_as_listed = False
                return
            times = self._listed_times()
            duration = duration_of(times, plausible_rate(listing.walk.claimed_rate, times))
            parts = self._windows.cut(Part(), duration)
            self._has_more = self._next_number < len(parts)
            if not self._has_more:
                return
            part = parts[self._next_number]
            end_seconds = duration if part.end_seconds is None else part.end_seconds
        first, kept = listing.kept()
        inside = frames_in_range(kept, start_seconds=part.start_seconds, end_seconds=part.end_seconds)
        places = plan_frames(
            kept,
            num_frames=self._job.spec.num_frames,
            tick_seconds=self._container.tick_seconds,
            start_seconds=part.start_seconds,
            end_seconds=part.end_seconds,
        )
        window = _Planned(
            number=self._next_number,
            start_seconds=part.start_seconds or 0.0,
            end_seconds=end_seconds,
            indices=tuple(first + place for place in places),
            times_seconds=tuple(kept[place] for place in places),
            stop=first + inside.stop,
        )
        self._planned.append(window)
        self._wanted.update(window.indices)
        self._next_number += 1
        listing.forget_before(first + inside.start)

    def _give(self, window: _Planned, broken: tuple[int, ...]) -> StreamWindow:
        self._num_given += 1
        self._given = hash((self._given, window.indices))
        error = ""
        if not window.indices:
            error = "no frame is shown in this time"
            self._sent.clear()
        else:
            self._sent = {index for index in self._sent if index >= window.indices[0]}
        if broken:
            error = f"frames are damaged: {len(broken)} of {len(set(window.indices))}"
        return StreamWindow(
            number=window.number,
            start_seconds=window.start_seconds,
            end_seconds=window.end_seconds,
            frame_indices=window.indices,
            frame_times_seconds=window.times_seconds,
            error=error,
        )

    def _end(self, times: Sequence[float], damage: Damage) -> StreamEnd:
        rate = plausible_rate(self._reading.claimed_rate, times)
        width, height = self._reading.displayed_size
        return StreamEnd(
            duration_seconds=duration_of(times, rate),
            frame_rate=rate,
            num_frames=len(times),
            num_missing=max(0, damage.frames_expected - len(times)),
            width=width,
            height=height,
            damage=damage.sentence,
        )

    def _weigh_damage(self, index: int) -> None:
        """Notes the troubles up to this frame, which was just met, and whether the one before ends them."""
        for trouble in self._reading.trouble_indices[self._num_troubles :]:
            self._damage.trouble(trouble, intra_only=self._listing.intra_only)
        self._num_troubles = len(self._reading.trouble_indices)
        if index and self._listing.is_key(index - 1):
            self._damage.key_frame(index - 1)
        if self._planned and self._planned[0].indices:
            self._damage.forget_before(self._planned[0].indices[0])

    def _listed_times(self) -> tuple[float, ...]:
        """Of all frames, once the last one is listed."""
        met = self._reading.raw_times_seconds
        return frame_times([*met, *self._listing.raw_seconds_from(len(met))])

    def _index_met(self) -> PacketIndex:
        """The index of a video whose frames were as listed."""
        walk = self._listing.walk
        return PacketIndex(
            times_seconds=self._reading.raw_times_seconds,
            key_times_seconds=sorted(self._listing.key_times_seconds),
            claimed_frames=walk.claimed_frames,
            last_tick=walk.last_tick,
            bytes_missing=bool(self._container.missing),
            claimed_rate=walk.claimed_rate,
        )

    def _refuse_interlaced(self) -> None:
        log = complaint_log()
        if self._reading.is_interlaced or (log is not None and log.take_interlaced()):
            raise VideoError(self._job.path, INTERLACED)

    def _progress(self, frame: GrabbedFrame, reading: Reading) -> Iterator[StreamProgress]:
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_SECONDS:
            self._told_at = now
            first = reading.raw_times_seconds[0] if reading.raw_times_seconds else frame.raw_seconds
            yield StreamProgress(seconds=frame.raw_seconds - first, waits=not self.is_as_listed)
