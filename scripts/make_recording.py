"""Draws recordings of any length of which is known what happens when, and short clips to train on.

    python -m scripts.make_recording clips OUT --clips-per-class 60 --seed 0
    python -m scripts.make_recording recording OUT.mp4 --minutes 60 --seed 1

In front of a cluttered background something goes right, again and again, or left, or it swells and ebbs, or
rests: `right`, `left`, `swells`, `rests`. Right and left show the same pictures in another order. In a
recording stretches of 8 to 60 s follow each other without a cut in the picture; every few minutes the
background changes. What it shows when is in `OUT.csv` beside it: start_seconds, end_seconds, label. A clip
shows one of them for 3 s, from any moment on. The same seed gives the same files.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.files import make_folder
from scripts.make_sample_videos import Image, background, thing

LABELS = ("left", "rests", "right", "swells")
FRAME_RATE = 16
SIZE_WH = (160, 120)
CLIP_SECONDS = 3.0
MIN_SECONDS, MAX_SECONDS = 8.0, 60.0
SCENE_SECONDS = 300.0
_SHAKE_PX = 2
_OPTIONS = {"preset": "ultrafast", "crf": "24"}


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What is shown from one moment to another."""

    start_seconds: float
    end_seconds: float
    label: str


class Scene:
    """A background with something before it that moves as it is told."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        width, height = SIZE_WH
        self._background = background(rng, width + 2 * _SHAKE_PX, height + 2 * _SHAKE_PX)

    def frames(self, label: str, count: int) -> Iterator[Image]:
        """So many frames (H, W, 3) BGR of one activity, from a moment drawn at random."""
        rng, (width, height) = self._rng, SIZE_WH
        done = 0
        skipped = int(rng.integers(FRAME_RATE))  # of the first round
        while done < count:
            place = self._round(label)
            length = int(rng.uniform(1.2, 2.4) * FRAME_RATE)
            for number in range(min(skipped, length - 1), length):
                if done == count:
                    return
                canvas = self._background.copy()
                place(canvas, number / length)
                dx, dy = rng.integers(0, 2 * _SHAKE_PX + 1, 2)
                yield canvas[dy : dy + height, dx : dx + width]
                done += 1
            skipped = 0

    def _round(self, label: str) -> Callable[[Image, float], None]:
        """Draws the state at a time from 0 to 1 of one round of the activity, with a thing of its own."""
        rng, (width, height) = self._rng, SIZE_WH
        radius = height * rng.uniform(0.11, 0.15)
        looks = int(rng.integers(1 << 31))
        y = rng.uniform(0.3, 0.7) * height
        x = rng.uniform(0.3, 0.7) * width

        def draw(canvas: Image, time: float) -> None:
            at, size = x, radius
            if label in ("right", "left"):
                at = (time if label == "right" else 1 - time) * (width + 2 * radius) - radius
            elif label == "swells":
                size = radius * (1 + 0.6 * float(np.sin(2 * np.pi * time)))
            centre: NDArray[np.float64] = np.array([at + _SHAKE_PX, y + _SHAKE_PX])
            thing(np.random.default_rng(looks), self._background, radius_px=size)(canvas, centre)

        return draw


def make_recording(path: Path, *, minutes: float, seed: int) -> list[Stretch]:
    """Writes a recording, and beside it what it shows; returns that."""
    rng = np.random.default_rng([seed, 1])
    stretches = list(_draw_stretches(rng, seconds=minutes * 60))

    def frames() -> Iterator[Image]:
        scene, scene_number = Scene(rng), 0
        for stretch in stretches:
            if stretch.start_seconds // SCENE_SECONDS > scene_number:
                scene, scene_number = Scene(rng), int(stretch.start_seconds // SCENE_SECONDS)
            count = round((stretch.end_seconds - stretch.start_seconds) * FRAME_RATE)
            yield from scene.frames(stretch.label, count)

    write_h264(path, frames())
    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["start_seconds", "end_seconds", "label"])
        writer.writerows([each.start_seconds, each.end_seconds, each.label] for each in stretches)
    return stretches


def make_clips(folder: Path, *, clips_per_class: int, seed: int) -> None:
    """Writes clips in class folders."""
    for class_index, label in enumerate(LABELS):
        make_folder(folder / label)
        for number in range(clips_per_class):
            rng = np.random.default_rng([seed, 0, class_index, number])
            frames = Scene(rng).frames(label, round(CLIP_SECONDS * FRAME_RATE))
            write_h264(folder / label / f"{label}_seed{seed}_{number:04d}.mp4", frames)


def read_truth(path: Path) -> list[Stretch]:
    """What a recording shows, from the table beside it."""
    with path.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return [
            Stretch(
                start_seconds=float(row["start_seconds"]),
                end_seconds=float(row["end_seconds"]),
                label=row["label"],
            )
            for row in csv.DictReader(file)
        ]


def write_h264(path: Path, frames: Iterator[Image]) -> None:
    """Writes frames (H, W, 3) BGR, as they come."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FRAME_RATE, options=_OPTIONS)
        stream.width, stream.height = SIZE_WH
        stream.pix_fmt, stream.gop_size = "yuv420p", 250
        for number, frame in enumerate(frames):
            planes = cv2.cvtColor(frame, cv2.COLOR_BGR2YUV_I420)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def _draw_stretches(rng: np.random.Generator, *, seconds: float) -> Iterator[Stretch]:
    label, start = "", 0.0
    while seconds - start > 1 / FRAME_RATE:
        label = str(rng.choice([each for each in LABELS if each != label]))
        end = start + round(rng.uniform(MIN_SECONDS, MAX_SECONDS) * FRAME_RATE) / FRAME_RATE
        if end > seconds - MIN_SECONDS:
            end = seconds
        yield Stretch(start_seconds=start, end_seconds=end, label=label)
        start = end


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("clips", "recording"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips-per-class", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.what == "clips":
        make_clips(chosen.out, clips_per_class=chosen.clips_per_class, seed=chosen.seed)
    else:
        make_recording(chosen.out, minutes=chosen.minutes, seed=chosen.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
