"""A recording rendered again with its timeline under the picture; the words of all languages drawn here."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.files import TEMPORARY_PREFIX, move_file, remove_file
from pipeline.report.picture import blank_figure, pixel_axes
from pipeline.report.text import DPI, drawable, text_width_px
from pipeline.report.timeline_colours import RGB, UNREADABLE, hex_colour, label_colours
from pipeline.report.timeline_text import shown_label
from pipeline.video.render import Caption, RenderJob, render_video
from pipeline.video.streaming import stream_isolated

_MAX_SIDE_PX = 1920
_BACKGROUND: RGB = (24, 26, 30)
_INK = "#f4f4f4"
_GLYPHS = "0123456789:% "
_FIGURES = "100 %  00:00:00"  # the widest


def render_timeline(
    path: Path,
    video: str,
    *,
    segments: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    size_wh: tuple[int, int],
    frame_rate: float,
    on_progress: Callable[[float], None],
) -> None:
    """Writes the video with a band under its picture: label, confidence, time, and the whole timeline.

    MPEG-4 in an .mp4, constant frame rate, no sound; whole or not at all. Decoded and encoded in a worker.

    Args:
        path: an `.mp4`.
        video: the recording.
        segments: `Segment.to_dict()` of each, in order.
        labels: in the order of their class indices.
        size_wh: displayed size of the video; shrunk to at most 1920 px.
        frame_rate: of the video.
        on_progress: is called with the second up to which it is done.

    Raises:
        VideoError: the video cannot be read.
        MachineError: the new one cannot be written.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}.mp4")
    job = _job(video, temporary, segments, labels, size_wh=size_wh, frame_rate=frame_rate)
    try:
        with contextlib.closing(stream_isolated(render_video, job)) as told:
            for seconds in told:
                on_progress(seconds)
        move_file(temporary, path)
    finally:
        remove_file(temporary)


def _job(
    video: str,
    out: Path,
    segments: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
    *,
    size_wh: tuple[int, int],
    frame_rate: float,
) -> RenderJob:
    scale = min(1.0, _MAX_SIDE_PX / max(size_wh))
    width, height = (max(2, round(side * scale / 2) * 2) for side in size_wh)
    margin_px = max(4, height // 60)
    line_px = max(14, height // 16)
    size_pt = 0.68 * line_px * 72 / DPI
    colours = label_colours(len(labels))
    glyphs = {each: _text_picture(each, size_pt, line_px) for each in _GLYPHS}
    figures_px = sum(glyphs["0" if each.isdigit() else each].shape[1] for each in _FIGURES)
    keys = list(dict.fromkeys((shown_label(segment), _colour(segment, colours)) for segment in segments))
    words_px = max(line_px, width - 3 * margin_px - figures_px)
    return RenderJob(
        path=video,
        out=os.fspath(out),
        size_wh=(width, height),
        frame_rate=frame_rate,
        duration_seconds=float(segments[-1]["end_seconds"]),
        captions=tuple(
            Caption(
                start_seconds=float(segment["start_seconds"]),
                words=keys.index((shown_label(segment), _colour(segment, colours))),
                figures=f"{100 * segment['confidence']:.0f} %" if segment["status"] == "ok" else "",
            )
            for segment in segments
        ),
        words=tuple(_caption(text, colour, size_pt, line_px, words_px) for text, colour in keys),
        glyphs=glyphs,
        bar=_bar(segments, colours, width_px=width - 2 * margin_px, height_px=max(8, line_px // 2)),
        margin_px=margin_px,
    )


def _colour(segment: Mapping[str, Any], colours: Sequence[RGB]) -> RGB:
    return colours[segment["class_index"]] if segment["status"] == "ok" else UNREADABLE


def _caption(text: str, colour: RGB, size_pt: float, line_px: int, max_px: int) -> NDArray[np.uint8]:
    """A swatch of the label's colour and the words, on the band's background."""
    swatch_px = round(0.6 * line_px)
    swatch = np.full((line_px, line_px, 3), _BACKGROUND, np.uint8)
    top = (line_px - swatch_px) // 2
    swatch[top : top + swatch_px, :swatch_px] = colour
    return np.hstack([swatch, _text_picture(text, size_pt, line_px, max_px=max(1, max_px - line_px))])


def _text_picture(
    text: str, size_pt: float, height_px: int, *, max_px: int | None = None
) -> NDArray[np.uint8]:
    """Words (h, w, 3) on the band's background, as wide as they are."""
    word = drawable(text, size_pt=size_pt, max_width_px=max_px)
    width_px = max(1, round(text_width_px(word.text, word.font)) + 1)
    if word.text.strip() == "":
        return np.full((height_px, max(1, height_px // 4), 3), _BACKGROUND, np.uint8)
    figure = blank_figure(width_px, height_px)
    figure.set_facecolor(hex_colour(_BACKGROUND))
    pixel_axes(figure).text(0, height_px / 2, word.text, color=_INK, va="center_baseline", **word.style)
    canvas: Any = figure.canvas
    canvas.draw()
    return np.array(canvas.buffer_rgba())[:, :, :3].copy()


def _bar(
    segments: Sequence[Mapping[str, Any]], colours: Sequence[RGB], *, width_px: int, height_px: int
) -> NDArray[np.uint8]:
    """The whole recording, a column of pixels for each moment; unsure stretches are half as high."""
    bar = np.full((height_px, width_px, 3), _BACKGROUND, np.uint8)
    end_seconds = max(float(segments[-1]["end_seconds"]), 1e-9)
    for segment in segments:
        left, right = (
            round(segment[name] / end_seconds * width_px) for name in ("start_seconds", "end_seconds")
        )
        top = height_px // 2 if segment["unsure"] else 0
        bar[top:, left : max(right, left + 1)] = _colour(segment, colours)
    return bar
