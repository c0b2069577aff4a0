"""Videos of mixed aspect ratios, to see what it costs to distort frames or to cut them.

    python -m scripts.mixed_aspects shapes OUT --clips-per-class 60 --seed 0
    python -m scripts.mixed_aspects stretch LIST.csv OUT --seed 0

`shapes` draws videos of 9:21 to 21:9 in which an ellipse drifts over a cluttered ground: as wide as it is
high, wider, or higher. Only its proportions tell the class: stretched to a square, a disc in a wide video is
as slim as a true upright ellipse.

`stretch` writes the videos of a CSV again, each shown in another shape: the whole picture is squeezed or
widened to one of six aspect ratios, with no regard to its class, as if cameras of many kinds had filmed. What
a thing looks like now depends on the camera; letterboxing keeps that, stretching undoes it.
"""

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from tqdm import tqdm

from pipeline.files import make_folder, write_text
from scripts.make_sample_videos import FRAME_RATES, Image, background, write_video

ASPECTS_WH = ((21, 9), (16, 9), (4, 3), (1, 1), (9, 16), (9, 21))
SHAPES = {"disc": 1.0, "wide": 1.7, "high": 1 / 1.7}
"""Width by height of the ellipses."""
_AREA_PX = 150 * 150  # of every frame of a drawn video
_STRETCHED_AREA_PX = 320 * 240  # of the videos that are written again
_BIT_RATE = 600_000


def make_shape(path: Path, label: str, rng: np.random.Generator) -> None:
    """Draws and writes one video of 1 to 2 s."""
    width, height = _size_wh(ASPECTS_WH[int(rng.integers(len(ASPECTS_WH)))], _AREA_PX)
    frame_rate = int(rng.choice(FRAME_RATES))
    num_frames = max(12, int(frame_rate * rng.uniform(1, 2)))
    scene = background(rng, width, height)
    mean = scene.reshape(-1, 3).mean(axis=0)
    colours = rng.integers(0, 256, (6, 3))
    colour = max(colours, key=lambda each: float(np.abs(each - mean).sum())).tolist()
    size = min(width, height) * rng.uniform(0.2, 0.28)
    ratio = SHAPES[label] * rng.uniform(0.95, 1.05)
    axes = (round(size * ratio**0.5), round(size / ratio**0.5))
    start, end = (rng.uniform(0.25, 0.75, 2) * [width, height] for _ in range(2))
    frames: list[Image] = []
    for number in range(num_frames):
        canvas = scene.copy()
        u = number / (num_frames - 1)
        x, y = (start + (end - start) * u).round().astype(int).tolist()
        cv2.ellipse(canvas, (x, y), axes, 0, 0, 360, colour, -1, cv2.LINE_AA)
        frames.append(canvas)
    write_video(path, frames, frame_rate)


def make_shapes(out: Path, *, clips_per_class: int, seed: int) -> None:
    """Writes the videos that are not there yet, in class folders."""
    for class_index, label in enumerate(SHAPES):
        make_folder(out / label)
        for number in range(clips_per_class):
            path = out / label / f"{label}_seed{seed}_{number:04d}.mp4"
            if not path.exists():
                make_shape(path, label, np.random.default_rng([seed, class_index, number]))


def stretch_videos(table: Path, out: Path, *, seed: int) -> Path:
    """Writes the videos of a CSV in other shapes, those that are not there yet; the path of a CSV of them."""
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(tqdm(rows, desc="stretching", unit=" video")):
        aspect = ASPECTS_WH[int(np.random.default_rng([seed, number]).integers(len(ASPECTS_WH)))]
        path = (out / row["path"]).with_suffix(".mp4")
        if not path.exists():
            make_folder(path.parent)
            stretch(table.parent / row["path"], path, aspect)
        row["path"] = path.relative_to(out).as_posix()
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(out / table.name, text.getvalue())
    return out / table.name


def stretch(video: Path, to: Path, aspect_wh: tuple[int, int]) -> None:
    """Writes a video again with its picture squeezed or widened to another shape, whole or not at all."""
    width, height = _size_wh(aspect_wh, _STRETCHED_AREA_PX)
    unfinished = to.with_name(f".unfinished-{to.name}")
    with av.open(str(video)) as source, av.open(str(unfinished), "w", format="mp4") as target:
        stream = source.streams.video[0]
        written = target.add_stream("mpeg4", rate=Fraction(stream.average_rate or 25))
        written.width, written.height, written.pix_fmt, written.bit_rate = width, height, "yuv420p", _BIT_RATE
        for number, frame in enumerate(source.decode(stream)):
            shaped = frame.reformat(width=width, height=height, format="yuv420p")
            shaped.pts, shaped.time_base = number, 1 / Fraction(stream.average_rate or 25)
            target.mux(written.encode(shaped))
        target.mux(written.encode())
    unfinished.replace(to)


def _size_wh(aspect_wh: tuple[int, int], area_px: int) -> tuple[int, int]:
    """Even sides of a frame of about this area."""
    ratio = aspect_wh[0] / aspect_wh[1]
    width, height = (area_px * ratio) ** 0.5, (area_px / ratio) ** 0.5
    return round(width / 2) * 2, round(height / 2) * 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    shapes = kinds.add_parser("shapes")
    shapes.add_argument("out", type=Path)
    shapes.add_argument("--clips-per-class", type=int, default=60)
    shapes.add_argument("--seed", type=int, default=0)
    stretched = kinds.add_parser("stretch")
    stretched.add_argument("table", type=Path)
    stretched.add_argument("out", type=Path)
    stretched.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.kind == "shapes":
        make_shapes(options.out, clips_per_class=options.clips_per_class, seed=options.seed)
    else:
        stretch_videos(options.table, options.out, seed=options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
