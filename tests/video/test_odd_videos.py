"""Real odd files against PyAV as an independent reader: count, times, and the very frames.

Where the outcome differs from PyAV's, `DIFFERENT` says why, file by file.
"""

import csv
import statistics
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.letterbox import fit_frame, sane_pixel_aspect
from pipeline.video.reader import ClipRead
from pipeline.video.worker import read_clips_isolated

pytestmark = pytest.mark.needs_data

SPEC = ClipSpec(num_frames=12, image_size=96)
# Mean absolute difference of the fitted frames, 0 to 255. Two conversions from YUV differ by rounding and,
# where the file names a colour matrix or range that one of them passes over, by a few levels.
CLOSE = 3.0
DIFFERENT = {
    "corrupted.mp4": "PyAV stops at the first bad packet; here the sampled frames are known to be damaged",
}
# HDR (BT.2020 with PQ or HLG): OpenCV's FFmpeg maps the tones, PyAV's does not. There the pixels are compared
# by the rank of their brightness; the right frame is the one that agrees best.
OTHER_COLOURS = ("bt2020_10bit.mp4", "nasa_13013_hdr.mp4", "testsrc2_12bit_hdr.mp4", "testsrc2_hdr.mp4")


@dataclass
class Truth:
    times_seconds: list[float]
    frames: dict[int, NDArray[np.int_]]  # fitted


def distance(frame: NDArray[np.uint8], other: NDArray[np.int_], *, colours: bool) -> float:
    """Mean absolute difference; or, without regard to colours and tones, 100 (1 - rank correlation)."""
    if colours:
        return float(np.abs(frame - other).mean())
    ranks = [np.argsort(np.argsort(picture.mean(2), axis=None, kind="stable")) for picture in (frame, other)]
    return 100 * (1 - float(np.corrcoef(np.stack(ranks)).flat[1]))


def pyav_truth(path: Path, wanted: set[int]) -> Truth:
    """Times from 0 of all frames (one that lost its time comes a median gap later), and the frames wanted."""
    stamps: list[int | None] = []
    frames = {}
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        tick = float(stream.time_base or Fraction(1))
        aspect = stream.sample_aspect_ratio or Fraction(1)
        pixel_aspect = sane_pixel_aspect(aspect.numerator, aspect.denominator)
        for number, frame in enumerate(container.decode(stream)):
            stamps.append(frame.pts)
            if number in wanted:
                upright = np.rot90(frame.to_ndarray(format="bgr24"), round(frame.rotation / 90))
                upright_aspect = 1 / pixel_aspect if frame.rotation % 180 else pixel_aspect
                fitted = fit_frame(np.ascontiguousarray(upright), SPEC, pixel_aspect=upright_aspect)
                frames[number] = fitted.astype(int)
    known = [stamp for stamp in stamps if stamp is not None]
    gaps = [b - a for a, b in pairwise(known)]
    gap = statistics.median(gaps) if gaps else 0
    times: list[float] = []
    for stamp in stamps:
        times.append((stamp - known[0]) * tick if stamp is not None else times[-1] + gap * tick)
    return Truth(times_seconds=sorted(times), frames=frames)


@pytest.fixture(scope="module")
def rows(data_folder: Path) -> list[dict[str, str]]:
    with (data_folder / "odd_videos.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def outcomes(data_folder: Path, rows: list[dict[str, str]]) -> dict[str, ClipRead | VideoError]:
    paths = [data_folder / row["path"] for row in rows]
    results = read_clips_isolated(paths, SPEC, num_workers=2)
    return {row["path"]: outcome for row, (_, outcome) in zip(rows, results, strict=True)}


def test_all_files_have_the_expected_outcome(
    rows: list[dict[str, str]], outcomes: dict[str, ClipRead | VideoError]
) -> None:
    wrong = []
    for row in rows:
        outcome, name = outcomes[row["path"]], Path(row["path"]).name
        if "audio_only" in row["flags"]:
            right = isinstance(outcome, VideoError) and outcome.reason == "not a supported video"
        elif name in DIFFERENT:
            right = isinstance(outcome, VideoError) and outcome.reason.startswith(
                "sampled frames are damaged"
            )
        else:
            right = (
                isinstance(outcome, ClipRead)
                and outcome.damage == ""
                and outcome.num_frames == int(row["frames_pyav"])
            )
        if not right:
            wrong.append((name, row["flags"], outcome))
    assert wrong == []


def test_times_and_frames_are_those_of_pyav(
    data_folder: Path, rows: list[dict[str, str]], outcomes: dict[str, ClipRead | VideoError]
) -> None:
    wrong: list[tuple[object, ...]] = []
    seen = set()
    for row in rows:
        outcome, name = outcomes[row["path"]], Path(row["path"]).name
        if isinstance(outcome, VideoError) or (name, row["bytes"]) in seen:
            continue
        seen.add((name, row["bytes"]))
        indices = outcome.frame_indices
        neighbours = {i + step for i in indices for step in (-1, 0, 1)}
        truth = pyav_truth(data_folder / row["path"], neighbours)
        expected = [truth.times_seconds[i] for i in indices]
        if not np.allclose(outcome.frame_times_seconds, expected, atol=1e-4, rtol=0):
            wrong.append((name, row["flags"], "times", outcome.frame_times_seconds, expected))
        for index, frame in zip(indices, outcome.frames, strict=True):
            distances = {
                i: distance(frame, truth.frames[i], colours=name not in OTHER_COLOURS)
                for i in (index - 1, index, index + 1)
                if i in truth.frames
            }
            own = distances.pop(index)
            limit = CLOSE if name not in OTHER_COLOURS else 30
            if own > limit or any(other < own - 0.05 for other in distances.values()):
                wrong.append((name, row["flags"], "frame", index, own, distances))
                break
    for line in wrong:
        print(*line)
    assert wrong == []
