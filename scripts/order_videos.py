"""Made-up videos whose classes differ in the order of what happens; easier to see than `make_sample_videos`.

    python -m scripts.order_videos OUT --family slides --clips-per-class 60 --seed 0

Four families, by what tells their classes:

    slides    a thing goes right, left, grows, or shrinks: the last frame minus the first tells
    returns   it swings to one side, through the middle to the other, and back: right, left, up or down first.
              The mean and the spread say nothing, the last minus the first little
    events    a disc and a bar flash up, one after the other: which came first
    swells    it, or the light, swells and ebbs, or ebbs and swells. Made last, to judge what was settled on
              the others

Backgrounds with clutter, shapes, colours, sizes, rates and lengths are drawn anew for each video.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.files import make_folder
from scripts.make_sample_videos import ASPECTS_WH, FRAME_RATES, Image, background, thing, write_video

Random = np.random.Generator
Draw = Callable[[float, Image], None]

FAMILIES: dict[str, tuple[str, ...]] = {
    "slides": ("right", "left", "grow", "shrink"),
    "returns": ("right_first", "left_first", "up_first", "down_first"),
    "events": ("disc_first", "bar_first"),
    "swells": ("larger_first", "smaller_first", "brighter_first", "darker_first"),
}
_WAYS = {"right": (1, 0), "left": (-1, 0), "up": (0, -1), "down": (0, 1)}


def make_video(path: Path, family: str, label: str, rng: np.random.Generator) -> None:
    """Draws and writes one video of 1 to 4 s."""
    aspect_w, aspect_h = ASPECTS_WH[int(rng.integers(len(ASPECTS_WH)))]
    scale = int(rng.integers(144, 209)) / max(aspect_w, aspect_h)
    width, height = (int(side * scale) // 2 * 2 for side in (aspect_w, aspect_h))
    frame_rate = int(rng.choice(FRAME_RATES))
    num_frames = max(12, int(frame_rate * rng.uniform(1, 4)))
    shake_px = max(1, round(min(width, height) * rng.uniform(0.005, 0.015)))
    scene = background(rng, width + 2 * shake_px, height + 2 * shake_px)
    draw = _action(family, label, scene, np.array([width, height]), shake_px=shake_px, rng=rng)
    frames = []
    for number in range(num_frames):
        canvas = scene.copy()
        draw((number + 0.5) / num_frames, canvas)
        dx, dy = rng.integers(0, 2 * shake_px + 1, 2)
        light = rng.uniform(0.97, 1.03)
        frames.append(cv2.convertScaleAbs(canvas[dy : dy + height, dx : dx + width], alpha=light))
    write_video(path, frames, frame_rate)  # type: ignore[arg-type]


def _action(
    family: str,
    label: str,
    scene: Image,
    size_wh: NDArray[np.int64],
    *,
    shake_px: int,
    rng: np.random.Generator,
) -> Draw:
    """Draws the state at time u, 0 to 1, into a canvas."""
    short_px = int(size_wh.min())
    radius_px = short_px * rng.uniform(0.09, 0.13)
    middle = rng.uniform(0.42, 0.58, 2) * size_wh + shake_px
    looks = int(rng.integers(1 << 31))  # the same shape and colour in all frames

    def put(canvas: Image, place: NDArray[np.float64], radius: float) -> None:
        thing(np.random.default_rng(looks), scene, radius_px=radius)(canvas, place)

    start, end = rng.uniform(0.1, 0.25), rng.uniform(0.75, 0.9)
    if family == "events":
        return _flashes(label, scene, size_wh, shake_px, rng)

    def draw(u: float, canvas: Image) -> None:
        wave = float(np.sin(2 * np.pi * u))
        match family, label:
            case "slides", ("right" | "left"):
                along = start + (end - start) * (u if label == "right" else 1 - u)
                put(canvas, np.array([along * size_wh[0] + shake_px, middle[1]]), radius_px)
            case "slides", _:
                put(canvas, middle, short_px * (0.05 + 0.2 * (u if label == "grow" else 1 - u)))
            case "returns", _:
                way = np.array(_WAYS[label.removesuffix("_first")])
                put(canvas, middle + way * 0.33 * wave * size_wh, radius_px)
            case "swells", ("larger_first" | "smaller_first"):
                sign = 1 if label == "larger_first" else -1
                put(canvas, middle, short_px * (0.14 + 0.09 * sign * wave))
            case _:
                sign = 1 if label == "brighter_first" else -1
                put(canvas, middle, radius_px)
                np.copyto(canvas, cv2.convertScaleAbs(canvas, alpha=1 + 0.35 * sign * wave))

    return draw


def _flashes(
    label: str, scene: Image, size_wh: NDArray[np.int64], shake_px: int, rng: np.random.Generator
) -> Draw:
    places = [rng.uniform(0.2, 0.8, 2) * size_wh + shake_px for _ in range(2)]
    times = [rng.uniform(0.08, 0.3), rng.uniform(0.55, 0.8)]
    disc_at, bar_at = times if label == "disc_first" else reversed(times)
    lasts = rng.uniform(0.12, 0.2) + 1 / 24
    mean = scene.reshape(-1, 3).mean(axis=0)
    colours = [
        max(rng.integers(0, 256, (6, 3)), key=lambda c: float(np.abs(c - mean).sum())).tolist()
        for _ in range(2)
    ]
    radius = int(size_wh.min() * 0.17)

    def draw(u: float, canvas: Image) -> None:
        if disc_at <= u < disc_at + lasts:
            cv2.circle(canvas, tuple(map(int, places[0])), radius, colours[0], -1, cv2.LINE_AA)
        if bar_at <= u < bar_at + lasts:
            x, y = map(int, places[1])
            flat = radius // 3
            cv2.rectangle(canvas, (x - radius, y - flat), (x + radius, y + flat), colours[1], -1)

    return draw


def make_family(out: Path, family: str, *, clips_per_class: int, seed: int) -> None:
    """Writes the videos that are not there yet, in class folders."""
    for class_index, label in enumerate(FAMILIES[family]):
        make_folder(out / label)
        for number in range(clips_per_class):
            path = out / label / f"{label}_seed{seed}_{number:04d}.mp4"
            if not path.exists():
                rng = np.random.default_rng([seed, list(FAMILIES).index(family), class_index, number])
                make_video(path, family, label, rng)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--family", choices=FAMILIES, required=True)
    parser.add_argument("--clips-per-class", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    make_family(options.out, options.family, clips_per_class=options.clips_per_class, seed=options.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
