"""PyAV as an independent reader: are a clip's indices, times and pictures those that it finds?

Used by `bench_odd_videos.py` and by the tests. It decodes every frame, so it is slow and simple.
"""

import statistics
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from pipeline.spec import ClipSpec
from pipeline.video.letterbox import fit_frame, sane_pixel_aspect

SAME_SECONDS = 1e-4
# Mean absolute difference of the fitted frames, 0 to 255. Two conversions from YUV differ by rounding and,
# where the file names a colour matrix or range that one of them passes over, by a few levels.
CLOSE = 3.0
# HDR (BT.2020 with PQ or HLG): OpenCV's FFmpeg maps the tones, PyAV's does not. There pictures are compared
# by the rank of their brightness: 100 (1 - rank correlation).
HDR_TRANSFERS = (16, 18)  # SMPTE ST 2084 and ARIB STD-B67, as ITU-T H.273 numbers them
CLOSE_RANKS = 30.0
NEARER = 0.05  # a neighbour that agrees better by this much is the frame that was really taken


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What PyAV found.

    Attributes:
        times_seconds: of all frames; 0 is the first. One that lost its time comes a median gap later.
        frames: index -> fitted frame (S, S, 3), of those asked for.
        is_hdr: whether colours cannot be compared.
        error: why it stopped early; "" when it did not.
    """

    times_seconds: tuple[float, ...]
    frames: dict[int, NDArray[np.uint8]]
    is_hdr: bool
    error: str


def read_reference(path: Path, spec: ClipSpec, wanted: Collection[int]) -> Reference:
    """Decodes a whole video and fits the frames wanted."""
    stamps: list[int | None] = []
    frames: dict[int, NDArray[np.uint8]] = {}
    is_hdr, error, tick = False, "", 0.0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        tick = float(stream.time_base or 0)
        aspect = stream.sample_aspect_ratio or Fraction(1)
        pixel_aspect = sane_pixel_aspect(aspect.numerator, aspect.denominator)
        try:
            for number, frame in enumerate(container.decode(stream)):
                stamps.append(frame.pts)
                is_hdr = is_hdr or int(frame.color_trc) in HDR_TRANSFERS
                if number in wanted:
                    upright = np.rot90(frame.to_ndarray(format="bgr24"), round(frame.rotation / 90))
                    upright_aspect = 1 / pixel_aspect if frame.rotation % 180 else pixel_aspect
                    frames[number] = fit_frame(
                        np.ascontiguousarray(upright), spec, pixel_aspect=upright_aspect
                    )
        except av.FFmpegError as caught:
            error = str(caught)
    return Reference(times_seconds=_times(stamps, tick), frames=frames, is_hdr=is_hdr, error=error)


def _times(stamps: Sequence[int | None], tick: float) -> tuple[float, ...]:
    known = [stamp for stamp in stamps if stamp is not None]
    gaps = [after - before for before, after in pairwise(known)]
    gap = statistics.median(gaps) if gaps else 0
    times: list[float] = []
    for stamp in stamps:
        times.append(
            (stamp - known[0]) * tick if stamp is not None else (times[-1] if times else 0) + gap * tick
        )
    return tuple(sorted(times))


def difference(frame: NDArray[np.uint8], other: NDArray[np.uint8], *, is_hdr: bool) -> float:
    """How far two fitted frames are apart; see `CLOSE` and `HDR_TRANSFERS`."""
    if not is_hdr:
        return float(np.abs(frame.astype(int) - other).mean())
    ranks = [np.argsort(np.argsort(picture.mean(2), axis=None, kind="stable")) for picture in (frame, other)]
    return 100 * (1 - float(np.corrcoef(np.stack(ranks)).flat[1]))


def wrong_frames(
    path: Path,
    spec: ClipSpec,
    *,
    frames: NDArray[np.uint8],
    indices: Sequence[int],
    times_seconds: Sequence[float],
    num_frames: int,
) -> list[str]:
    """What PyAV sees otherwise, a sentence for each frame of the clip that is not right.

    A frame is right when it is shown at the time told, and its picture is that frame's: close to it, and not
    closer to the frame before or after.
    """
    wanted = {index + step for index in indices for step in (-1, 0, 1)}
    reference = read_reference(path, spec, wanted)
    count = len(reference.times_seconds)
    if count != num_frames:
        return [f"{count} frames, not {num_frames}"] * len(indices)
    wrong = []
    for frame, index, seconds in zip(frames, indices, times_seconds, strict=True):
        shown_at = reference.times_seconds[index]
        apart = {
            i: difference(frame, reference.frames[i], is_hdr=reference.is_hdr)
            for i in (index - 1, index, index + 1)
            if i in reference.frames
        }
        own = apart[index]
        if abs(shown_at - seconds) > SAME_SECONDS:
            wrong.append(f"frame {index} is shown at {shown_at:.4f} s, not {seconds:.4f} s")
        elif own > (CLOSE_RANKS if reference.is_hdr else CLOSE) or min(apart.values()) < own - NEARER:
            near = ", ".join(f"{i}: {value:.2f}" for i, value in apart.items())
            wrong.append(f"frame {index} has another picture (differences {near})")
    return wrong
