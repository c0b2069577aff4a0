"""A video's windows by both ways of reading, as plain values. Runs in workers: keep it light."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.window_events import StreamEvent, StreamWindow
from pipeline.video.window_stream import StreamJob

Window = tuple[tuple[int, ...], tuple[float, ...], bytes]
"""Indices, times and pixels; all empty where there is no clip."""


@dataclass(frozen=True)
class BothWays:
    """What the stream told and what `read_video` made of the same windows."""

    streamed: list[Window]
    read: list[Window]
    num_sent: int
    sent_twice: int
    waited: bool
    damage: tuple[str, str]


def read_both_ways(job: StreamJob) -> Any:
    from pipeline.video.parts import Part, Windows
    from pipeline.video.reader import read_video
    from pipeline.video.window_events import StreamBegun, StreamEnd, StreamFrame, StreamProgress, StreamWindow
    from pipeline.video.window_stream import stream_windows

    frames: dict[int, bytes] = {}
    streamed: list[Window] = []
    twice, waited, damage = 0, False, ""
    windows = Windows(window_seconds=1, stride_seconds=1)
    error = ""
    try:
        for event in stream_windows(job):
            match event:
                case StreamBegun():
                    windows = Windows(
                        window_seconds=event.window_seconds, stride_seconds=event.stride_seconds
                    )
                case StreamFrame():
                    twice += event.index in frames
                    frames[event.index] = event.frame.tobytes()
                case StreamWindow():
                    assert event.number == len(streamed)
                    pixels = b"".join(frames[i] for i in event.frame_indices)
                    whole = (event.frame_indices, event.frame_times_seconds, pixels)
                    streamed.append(((), (), b"") if event.error else whole)
                case StreamProgress():
                    waited |= event.waits
                case StreamEnd():
                    damage = event.damage
    except VideoError as caught:
        error = caught.reason
    clips: dict[Any, bytes] = {}
    try:
        video = read_video(
            job.path,
            job.spec,
            [Part()],
            hand_over=lambda _number, part, clip: clips.__setitem__(part, clip.tobytes()),
            windows=windows,
        )
    except VideoError as caught:
        return error, caught.reason
    read: list[Window] = [
        ((), (), b"") if clip.error else (clip.frame_indices, clip.frame_times_seconds, clips[clip.part])
        for clip in video.clips
    ]
    if error:
        return error, ""
    return BothWays(streamed, read, len(frames), twice, waited, (damage, video.damage))


def broken_after(job: StreamJob) -> Iterator[StreamEvent]:
    """Reads up to its tenth window, then its worker dies."""
    from pipeline.video.window_stream import stream_windows

    for event in stream_windows(job):
        yield event
        if isinstance(event, StreamWindow) and event.number == 9:
            os.kill(os.getpid(), signal.SIGSEGV)


def broken_at_once(job: StreamJob) -> Iterator[StreamEvent]:
    """Reads nothing."""
    yield from ()
    raise VideoError(job.path, "no such luck")


def make_job(path: str, *, window_seconds: float | None, stride_seconds: float | None) -> StreamJob:
    return StreamJob(
        path=path,
        spec=ClipSpec(num_frames=4, image_size=64),
        clip_seconds=0.6,
        window_seconds=window_seconds,
        stride_seconds=stride_seconds,
    )
