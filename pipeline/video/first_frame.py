"""The very first frame of a video, fitted as its clip's frames are: sampling seldom takes it."""

import os

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.capture import MAX_FAILURES, AnyPath, decoder_errors, name_of, open_frames
from pipeline.video.images import FrameFolder
from pipeline.video.letterbox import fit_frame
from pipeline.video.passes import upright_pixel_aspect


def read_first_frame(path: AnyPath, spec: ClipSpec) -> NDArray[np.uint8]:
    """Decodes the first frame that a video shows, or the first image of a folder, and nothing more.

    Decodes in this process: for files of unknown origin call it in a `WorkerPool`.

    Returns:
        (S, S, 3) uint8 RGB.

    Raises:
        VideoError: no frame can be decoded.
    """
    with decoder_errors(path):
        if os.path.isdir(path):  # noqa: PTH112 - the path may be bytes
            return fit_frame(FrameFolder.open(path, frame_rate=1.0).frame(0), spec)
        with open_frames(path) as capture:
            for _ in range(MAX_FAILURES):
                shown, frame = capture.read()
                if shown:
                    return fit_frame(frame, spec, pixel_aspect=upright_pixel_aspect(capture))  # type: ignore[arg-type]
    raise VideoError(name_of(path), "no frame could be decoded")
