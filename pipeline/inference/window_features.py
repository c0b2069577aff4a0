"""Frames in, features of windows out: each frame embedded once, however many windows share it."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.embedding.embedder import Embedder
from pipeline.embedding.runtime import Read
from pipeline.errors import VideoError
from pipeline.video.window_events import StreamEvent, StreamFrame, StreamWindow

Answered = tuple[StreamEvent, NDArray[np.float32] | None]
"""An event of the stream; with a window that has a clip its features (T, D)."""


def window_features(events: Iterable[StreamEvent], embedder: Embedder, num_frames: int) -> Iterator[Answered]:
    """The events without the frames, in their order; windows with their features.

    Frames are embedded T at a time, as those of a clip are, so that the same code computes both. Where a
    frame's features depend on the rest of its clip they are embedded window by window.

    Args:
        events: of `stream_windows`.
        embedder: of the model.
        num_frames: T.

    Raises:
        VideoError: of the stream, after all that came before it.
    """
    if embedder.embeds_frames_alone:
        feed: _Feed = _FrameFeed(events, num_frames)
    else:
        feed = _ClipFeed(events)
    with contextlib.closing(embedder.embed_each(feed.reads())) as results:
        for rows in results:
            yield from feed.take(rows)
    yield from feed.rest()
    if feed.error is not None:
        raise feed.error


class _Feed:
    """What was told and cannot be passed on yet, for want of features.

    Attributes:
        error: with which the stream ended, if it did.
    """

    def __init__(self, events: Iterable[StreamEvent]) -> None:
        self.error: VideoError | None = None
        self._events = events
        self._later: deque[tuple[int, StreamEvent]] = deque()  # each with what must be embedded before it
        self._num_sent = 0
        self._num_embedded = 0

    def reads(self) -> Iterator[Read]:
        """What is to be embedded, (T, S, S, 3) each."""
        raise NotImplementedError

    def take(self, rows: NDArray[np.float32]) -> Iterator[Answered]:
        """Takes what was embedded next; yields the events that have waited for it."""
        raise NotImplementedError

    def rest(self) -> Iterator[Answered]:
        """The events that are left at the end."""
        while self._later:
            yield self._answered(self._later.popleft()[1])

    def _answered(self, event: StreamEvent) -> Answered:
        raise NotImplementedError

    def _told(self) -> Iterator[StreamEvent]:
        """The events; an error of the stream ends them and waits for its turn."""
        try:
            yield from self._events
        except VideoError as error:
            self.error = error

    def _ready(self) -> Iterator[Answered]:
        while self._later and self._later[0][0] <= self._num_embedded:
            yield self._answered(self._later.popleft()[1])


class _FrameFeed(_Feed):
    """Frames are embedded as they come; windows are put together from them."""

    def __init__(self, events: Iterable[StreamEvent], num_frames: int) -> None:
        super().__init__(events)
        self._num_frames = num_frames
        self._chunks: deque[list[int]] = deque()
        self._features: dict[int, NDArray[np.float32]] = {}

    def reads(self) -> Iterator[Read]:
        waiting: list[StreamFrame] = []
        for event in self._told():
            if not isinstance(event, StreamFrame):
                self._later.append((self._num_sent, event))
                continue
            self._num_sent += 1
            waiting.append(event)
            if len(waiting) == self._num_frames:
                yield self._chunk(waiting)
                waiting = []
        if waiting:
            yield self._chunk(waiting)

    def _chunk(self, frames: list[StreamFrame]) -> Read:
        """A whole clip's worth: the last frame fills up what is missing at the end of the video."""
        self._chunks.append([frame.index for frame in frames])
        missing = [frames[-1].frame] * (self._num_frames - len(frames))
        clip = np.stack([frame.frame for frame in frames] + missing)
        return lambda: clip

    def take(self, rows: NDArray[np.float32]) -> Iterator[Answered]:
        indices = self._chunks.popleft()
        self._features.update(zip(indices, rows[: len(indices)], strict=True))
        self._num_embedded += len(indices)
        yield from self._ready()

    def _answered(self, event: StreamEvent) -> Answered:
        if not isinstance(event, StreamWindow) or not event.frame_indices:
            return event, None
        first = event.frame_indices[0]
        self._features = {index: row for index, row in self._features.items() if index >= first}
        if event.error:
            return event, None
        return event, np.stack([self._features[index] for index in event.frame_indices])


class _ClipFeed(_Feed):
    """Windows are embedded as they become whole; their frames are kept as long as one may want them."""

    def __init__(self, events: Iterable[StreamEvent]) -> None:
        super().__init__(events)
        self._frames: dict[int, NDArray[np.uint8]] = {}
        self._features: deque[NDArray[np.float32]] = deque()

    def reads(self) -> Iterator[Read]:
        for event in self._told():
            if isinstance(event, StreamFrame):
                self._frames[event.index] = event.frame
                continue
            if isinstance(event, StreamWindow) and event.frame_indices:
                first = event.frame_indices[0]
                self._frames = {index: frame for index, frame in self._frames.items() if index >= first}
                if not event.error:
                    self._num_sent += 1
                    clip = np.stack([self._frames[index] for index in event.frame_indices])
                    self._later.append((self._num_sent, event))
                    yield _given(clip)
                    continue
            self._later.append((self._num_sent, event))

    def take(self, rows: NDArray[np.float32]) -> Iterator[Answered]:
        self._features.append(rows)
        self._num_embedded += 1
        yield from self._ready()

    def _answered(self, event: StreamEvent) -> Answered:
        has_clip = isinstance(event, StreamWindow) and event.frame_indices and not event.error
        return event, self._features.popleft() if has_clip else None


def _given(clip: NDArray[np.uint8]) -> Callable[[], NDArray[np.uint8]]:
    return lambda: clip
