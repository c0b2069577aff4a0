"""A whole recording, however long: segments that come while it is read."""

import contextlib
import os
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.embedding.embedder import Embedder
from pipeline.errors import VideoError
from pipeline.evaluation.predict import predict
from pipeline.inference.segment import Segment, WindowAnswer
from pipeline.inference.segments import SegmentMaker, SegmentRule
from pipeline.inference.window_features import window_features
from pipeline.model.head import SequenceHead
from pipeline.video.parts import check_windows
from pipeline.video.streaming import stream_isolated
from pipeline.video.window_events import StreamBegun, StreamEnd, StreamProgress, StreamWindow
from pipeline.video.window_stream import StreamJob, stream_windows

if TYPE_CHECKING:
    from pipeline.inference.classifier import Classifier


class Timeline(Iterator[Segment]):
    """The segments of one recording, in order, each as soon as it is certain; iterate over it once.

    The video is decoded in a worker process, which a `close` ends early.

    Attributes:
        path: the video, as it was named.
        window_seconds: length of a window; 0 until the header was read.
        stride_seconds: from the start of one window to the start of the next; 0 until the header was read.
        expected_seconds: how long the video lasts, by its header while it is read; 0: it does not say.
        position_seconds: up to where it was read.
        waits: whether results wait for the video to be read to its end, and again: its frames have other
            times than its packets told.
        num_windows: windows that were answered or could not be.
        num_failed: windows that could not be read; each is in a segment that says why.
        num_frames: frames of the video, once it was read.
        num_missing: frames that there should be beside those, once it was read.
        frame_rate: frames a second, once it was read.
        size_wh: displayed size in pixels, once it was read.
        damage: what is wrong with the video, in a sentence; "" where nothing is known to be.
        error: why it could not be read to its end; None where it could.
        is_done: whether the last segment was told.
    """

    def __init__(
        self,
        classifier: "Classifier",
        embedder: Embedder,
        head: SequenceHead,
        video: str | bytes | os.PathLike[str],
        *,
        window_seconds: float | None,
        stride_seconds: float | None,
        rule: SegmentRule,
        on_window: Callable[[WindowAnswer], None] | None,
        on_progress: Callable[[], None] | None,
    ) -> None:
        check_windows(window_seconds, stride_seconds)
        self.path = os.fsdecode(video)
        self.window_seconds = self.stride_seconds = 0.0
        self.expected_seconds = self.position_seconds = 0.0
        self.waits = False
        self.num_windows = self.num_failed = 0
        self.num_frames = self.num_missing = 0
        self.frame_rate = 0.0
        self.size_wh = (0, 0)
        self.damage = ""
        self.error: str | None = None
        self.is_done = False
        self._classifier = classifier
        self._head = head
        self._rule = rule
        self._on_window = on_window
        self._on_progress = on_progress
        job = StreamJob(
            path=self.path,
            spec=classifier.spec,
            clip_seconds=classifier.checkpoint.clip_seconds["median"],
            window_seconds=window_seconds,
            stride_seconds=stride_seconds,
        )
        self._segments = self._tell(job, embedder)

    def __iter__(self) -> Iterator[Segment]:
        return self

    def __next__(self) -> Segment:
        return next(self._segments)

    def close(self) -> None:
        """Stops the reading."""
        self._segments.close()

    def __enter__(self) -> "Timeline":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        where = "done" if self.is_done else f"at {self.position_seconds:.1f} s"
        windows = f"{self.num_windows} window{'s' * (self.num_windows != 1)}"
        return f"Timeline({self.path!r}, {windows}, {where})"

    def _tell(self, job: StreamJob, embedder: Embedder) -> Generator[Segment, None, None]:
        maker: SegmentMaker | None = None
        with contextlib.closing(stream_isolated(stream_windows, job)) as events:
            answers = window_features(events, embedder, job.spec.num_frames)
            try:
                for event, features in answers:
                    match event:
                        case StreamBegun():
                            maker = self._begin(event)
                        case StreamProgress():
                            self.position_seconds, self.waits = event.seconds, event.waits
                            if self._on_progress is not None:
                                self._on_progress()
                        case StreamWindow() if maker is not None:
                            yield from maker.add(self._answer(event, features))
                        case StreamEnd():
                            self._end(event)
            except VideoError as error:
                if maker is None or not self.num_windows:
                    raise
                self.error = error.reason
        if maker is not None:
            yield from maker.finish(None if self.error is not None else self.expected_seconds)
            reached, end = maker.reached_seconds, max(self.expected_seconds, self.position_seconds)
            if self.error is not None and end > reached:
                reason = f"could not be read from here on: {self.error}"
                yield Segment(start_seconds=reached, end_seconds=end, status="failed", error=reason)
        self.is_done = True

    def _begin(self, event: StreamBegun) -> SegmentMaker:
        check_windows(event.window_seconds, event.stride_seconds)  # windows may be fitted to the video
        self.window_seconds, self.stride_seconds = event.window_seconds, event.stride_seconds
        self.expected_seconds = event.claimed_seconds
        return SegmentMaker(
            self._classifier.labels,
            threshold=self._classifier.calibration.threshold,
            window_seconds=event.window_seconds,
            stride_seconds=event.stride_seconds,
            rule=self._rule,
        )

    def _answer(self, event: StreamWindow, features: NDArray[np.float32] | None) -> WindowAnswer:
        prediction = None
        if features is not None:
            temperature = self._classifier.calibration.temperature
            prediction = predict(self._head, features, temperature=temperature)
        self.num_windows += 1
        self.num_failed += prediction is None
        answer = WindowAnswer(
            number=event.number,
            start_seconds=event.start_seconds,
            end_seconds=event.end_seconds,
            probabilities=None if prediction is None else prediction.probabilities,
            frame_indices=event.frame_indices,
            error=event.error,
        )
        if self._on_window is not None:
            self._on_window(answer)
        return answer

    def _end(self, event: StreamEnd) -> None:
        self.expected_seconds = self.position_seconds = event.duration_seconds
        self.num_frames, self.frame_rate = event.num_frames, event.frame_rate
        self.num_missing, self.size_wh = event.num_missing, (event.width, event.height)
        self.damage = event.damage
