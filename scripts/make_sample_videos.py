"""Makes videos that only time can tell apart: four classes that show the same frames in four orders.

    python scripts/make_sample_videos.py OUT --clips-per-class N --seed S

    OUT/clockwise/          something goes round once, clockwise
    OUT/counterclockwise/   the same, the other way: the frames of a clockwise clip, reversed
    OUT/there_and_back/     it goes all the way round at twice the speed, turns, and goes back
    OUT/jumps_about/        it drifts a little, jumps elsewhere, drifts a little, ...

Scene number i is drawn once and written four times, once for each class, with *the same frames* in another
order. So no frame, and no unordered set of frames, tells the class; frame size, aspect ratio (16:9, 9:16,
4:3, 1:1), rate (15 to 60 frames/s), length (1 to 6 s), colours, clutter and camera shake say nothing of it
either. Even the 12 frames that Clipwise reads by default, one from the middle of each twelfth, are the same
12 in all four, as near as the video codec keeps them.

The same seed gives the same bytes (with the same OpenCV build). Each file appears whole or not at all, and a
second run keeps what is there. The clips in `sample_videos/` were made by

    python scripts/make_sample_videos.py sample_videos --clips-per-class 10 --seed 2026
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.errors import ClipwiseError, ConflictError, MachineError, UsageError
from pipeline.files import TEMPORARY_PREFIX, make_folder, remove_unfinished, require_free_space

Image = NDArray[np.uint8]  # (H, W, 3) BGR
Order = NDArray[np.int64]  # (N,): which place on the path each frame of the video shows

ASPECTS_WH = ((16, 9), (9, 16), (4, 3), (1, 1))
FRAME_RATES = (15, 20, 24, 25, 30, 50, 60)
MIN_SECONDS, MAX_SECONDS = 1.0, 6.0
MIN_LONG_SIDE_PX, MAX_LONG_SIDE_PX = 144, 208
NUM_PARTS = 12  # videos have 12 x an odd number of frames: see `align`
BYTES_PER_CLIP = 250_000  # seldom reached


# --- the four orders ----------------------------------------------------------------------------


def clockwise(num_frames: int, _rng: np.random.Generator) -> Order:
    """Once round."""
    return np.arange(num_frames)


def counterclockwise(num_frames: int, _rng: np.random.Generator) -> Order:
    """Once round, the other way."""
    return np.arange(num_frames)[::-1]


def there_and_back(num_frames: int, rng: np.random.Generator) -> Order:
    """Round over the even places, back over the odd ones, from any moment of that journey, either way first.

    The moment is drawn among the twelve that spread the middles of the twelfths evenly over the path: with
    q = N / 12, odd, those where 2 moment = (q + 1) / 2 (mod q); (q + 1) / 2 is also the inverse of 2.
    """
    q = num_frames // NUM_PARTS
    journey = np.concatenate([np.arange(0, num_frames, 2), np.arange(1, num_frames, 2)[::-1]])
    moment = ((q + 1) // 2) ** 2 % q + q * int(rng.integers(NUM_PARTS))
    order = np.roll(journey, -moment)
    return order[::-1] if rng.random() < 0.5 else order


def jumps_about(num_frames: int, rng: np.random.Generator) -> Order:
    """The path in twelve parts, each forwards or backwards, none followed by one of its neighbours."""
    parts = np.arange(num_frames).reshape(NUM_PARTS, -1)
    while True:
        shuffled = rng.permutation(NUM_PARTS)
        gaps = np.abs(np.diff(shuffled))
        if np.minimum(gaps, NUM_PARTS - gaps).min() >= 3:
            break
    return np.concatenate([parts[i][::-1] if rng.random() < 0.5 else parts[i] for i in shuffled])


CLASSES: dict[str, Callable[[int, np.random.Generator], Order]] = {
    "clockwise": clockwise,
    "counterclockwise": counterclockwise,
    "there_and_back": there_and_back,
    "jumps_about": jumps_about,
}


def align(order: Order, rng: np.random.Generator) -> Order:
    """Turns the path so that the middles of the twelfths show the same 12 places in all classes.

    With N = 12 q frames, q odd, frame (q - 1) / 2 is the middle of the first twelfth, and every order above
    shows the places m, m + q, m + 2 q, ... in the middles, for some m; this makes m the same for all of
    them, and draws with which of the twelve places the video begins.
    """
    num_frames = len(order)
    q = num_frames // NUM_PARTS
    middle = (q - 1) // 2
    aligned: Order = (order - order[middle] + middle + q * int(rng.integers(NUM_PARTS))) % num_frames
    return aligned


# --- one scene ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What a set of four videos has in common: everything but the order of the frames.

    Attributes:
        frames: one for each place of the path, in the order of the path.
        frame_rate: frames per second.
    """

    frames: tuple[Image, ...]
    frame_rate: int


def make_scene(seed: int, number: int) -> Scene:
    """Draws scene `number` of a seed; aspect ratios and rates are taken in turn, the rest at random."""
    rng = np.random.default_rng([seed, number])
    aspect_w, aspect_h = ASPECTS_WH[number % len(ASPECTS_WH)]
    frame_rate = FRAME_RATES[number % len(FRAME_RATES)]
    long_side_px = int(rng.integers(MIN_LONG_SIDE_PX, MAX_LONG_SIDE_PX + 1))
    scale = long_side_px / max(aspect_w, aspect_h)
    width, height = (int(side * scale) // 2 * 2 for side in (aspect_w, aspect_h))
    seconds = float(np.exp(rng.uniform(np.log(MIN_SECONDS), np.log(MAX_SECONDS))))
    num_frames = _num_frames(seconds, frame_rate)
    short_side_px = min(width, height)
    shake_px = max(1, round(short_side_px * rng.uniform(0.005, 0.015)))
    scenery = background(rng, width + 2 * shake_px, height + 2 * shake_px)
    draw = thing(rng, scenery, radius_px=short_side_px * rng.uniform(0.09, 0.13))
    centre = rng.uniform(0.45, 0.55, 2) * (width, height) + shake_px
    radii = rng.uniform(0.26, 0.33, 2) * (width, height)
    turn = rng.uniform(0, 2 * np.pi)
    frames = []
    for angle in turn + np.arange(num_frames) * (2 * np.pi / num_frames):  # y points down: clockwise
        canvas = scenery.copy()
        draw(canvas, centre + radii * (np.cos(angle), np.sin(angle)))
        dx, dy = rng.integers(0, 2 * shake_px + 1, 2)
        light = rng.uniform(0.97, 1.03)
        frames.append(cv2.convertScaleAbs(canvas[dy : dy + height, dx : dx + width], alpha=light))
    return Scene(frames=tuple(frames), frame_rate=frame_rate)  # type: ignore[arg-type]


def order_for(label: str, num_frames: int, *, seed: int, number: int) -> Order:
    """The order in which the video of class `label` shows the frames of a scene."""
    rng = np.random.default_rng([seed, number, 1 + list(CLASSES).index(label)])
    return align(CLASSES[label](num_frames, rng), rng)


def _num_frames(seconds: float, frame_rate: int) -> int:
    """12 x the odd number that comes closest to the length wanted, from 1 to 6 s."""
    allowed = [
        NUM_PARTS * q
        for q in range(1, 100, 2)
        if MIN_SECONDS * frame_rate <= NUM_PARTS * q <= MAX_SECONDS * frame_rate
    ]
    return min(allowed, key=lambda count: abs(count - seconds * frame_rate))


def background(rng: np.random.Generator, width: int, height: int) -> Image:
    """A colour gradient, blotches, and clutter: discs, boxes and lines at random."""
    corners = rng.uniform(30, 200, (2, 2, 3)).astype(np.float32)
    blotches = rng.uniform(-40, 40, (6, 6, 3)).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    canvas = sum(
        cv2.remap(grid, x * (side - 1) / (width - 1), y * (side - 1) / (height - 1), cv2.INTER_LINEAR)
        for grid, side in ((corners, 2), (blotches, 6))
    )
    image: Image = np.clip(np.asarray(canvas), 0, 255).astype(np.uint8)
    side_px = min(width, height)
    for _ in range(int(rng.integers(10, 24))):
        colour = rng.integers(20, 235, 3).tolist()
        a, b = (tuple(map(int, rng.uniform(0, 1, 2) * (width, height))) for _ in range(2))
        size_px = int(side_px * rng.uniform(0.04, 0.16))
        kind = int(rng.integers(3))
        if kind == 0:
            cv2.circle(image, a, size_px, colour, -1, cv2.LINE_AA)
        elif kind == 1:
            box = cv2.boxPoints((a, (size_px * 2.0, size_px * rng.uniform(0.5, 2.0)), rng.uniform(0, 90)))
            cv2.fillConvexPoly(image, box.astype(np.int32), colour, cv2.LINE_AA)
        else:
            cv2.line(image, a, b, colour, max(1, size_px // 5), cv2.LINE_AA)
    return image


def thing(
    rng: np.random.Generator, scenery: Image, *, radius_px: float
) -> Callable[[Image, NDArray[np.float64]], None]:
    """What moves: a bright or dark polygon or disc with a rim, unlike the mean of the scenery."""
    num_corners = int(rng.choice([3, 4, 5, 6, 40]))
    tilt = rng.uniform(0, 2 * np.pi)
    angles = tilt + np.arange(num_corners) * (2 * np.pi / num_corners)
    outline = radius_px * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mean = scenery.reshape(-1, 3).mean(axis=0)
    colour = max((rng.integers(0, 256, 3) for _ in range(6)), key=lambda c: float(np.abs(c - mean).sum()))
    rim = (255, 255, 255) if colour.mean() < 128 else (0, 0, 0)

    def draw(canvas: Image, centre: NDArray[np.float64]) -> None:
        for part, shade in ((outline, rim), (outline * 0.78, colour.tolist())):
            points = np.round((centre + part) * 16).astype(np.int32)  # 1/16 px
            cv2.fillConvexPoly(canvas, points, shade, cv2.LINE_AA, shift=4)

    return draw


# --- files --------------------------------------------------------------------------------------


def make_sample_videos(out: Path, *, clips_per_class: int, seed: int) -> Iterator[Path]:
    """Writes the videos that are not there yet; yields each path, 4 x `clips_per_class`, when it is ready.

    Raises:
        UsageError: a number out of range.
        ConflictError: `out` holds something that this call would not write.
        MachineError: a file cannot be written.
    """
    if clips_per_class < 1 or seed < 0:
        raise UsageError(
            f"--clips-per-class is {clips_per_class} and --seed is {seed}; "
            "allowed: whole numbers from 1 (clips) and from 0 (seed)."
        )
    paths = {
        (number, label): out / label / f"{label}_seed{seed}_{number:04d}.mp4"
        for number in range(clips_per_class)
        for label in CLASSES
    }
    _refuse_other_content(out, set(paths.values()))
    return _write_missing(out, paths, clips_per_class, seed)


def _write_missing(
    out: Path, paths: dict[tuple[int, str], Path], clips_per_class: int, seed: int
) -> Iterator[Path]:
    for label in CLASSES:
        make_folder(out / label)
        remove_unfinished(out / label)
    missing = [key for key, path in paths.items() if not path.exists()]
    require_free_space(out, len(missing) * BYTES_PER_CLIP, purpose=f"making {len(missing)} videos")
    for number in range(clips_per_class):
        wanted = [label for label in CLASSES if (number, label) in missing]
        scene = make_scene(seed, number) if wanted else None
        for label in CLASSES:
            if scene is not None and label in wanted:
                order = order_for(label, len(scene.frames), seed=seed, number=number)
                write_video(paths[number, label], [scene.frames[i] for i in order], scene.frame_rate)
            yield paths[number, label]


def write_video(path: Path, frames: Sequence[Image], frame_rate: int) -> None:
    """Writes an .mp4 (MPEG-4 part 2) whole or not at all."""
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{os.getpid()}.mp4")
    height, width = frames[0].shape[:2]
    fourcc = cv2.VideoWriter.fourcc(*"mp4v")
    try:
        writer = cv2.VideoWriter(os.fspath(temporary), cv2.CAP_FFMPEG, fourcc, frame_rate, (width, height))
        for frame in frames:
            writer.write(frame)
        writer.release()
        # The writer reports no error; a file it could not finish lacks the index that it writes last.
        if not temporary.exists() or b"moov" not in temporary.read_bytes():
            raise MachineError(
                f"OpenCV could not write {path}; check the free space and permissions of its folder, "
                "and that cv2 has its FFmpeg backend (`clipwise doctor`)."
            )
        temporary.replace(path)
    except OSError as error:
        raise MachineError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _refuse_other_content(out: Path, ours: set[Path]) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; give a new or empty folder for the videos.")
    for path in sorted(out.rglob("*")) if out.exists() else []:
        is_our_folder = path.is_dir() and path.parent == out and path.name in CLASSES
        if path not in ours and not is_our_folder and not path.name.startswith(TEMPORARY_PREFIX):
            raise ConflictError(
                f"{out} already holds {path.relative_to(out)}, which this command would not write "
                "(other videos, another --seed, or a greater --clips-per-class). Give a new or empty folder."
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Parses the options, makes the videos, says where they are."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="OUT", help="a new or empty folder")
    parser.add_argument("--clips-per-class", type=int, default=60, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    options = parser.parse_args(arguments)
    try:
        videos = make_sample_videos(options.out, clips_per_class=options.clips_per_class, seed=options.seed)
        total = max(options.clips_per_class, 0) * len(CLASSES)
        num_bytes = sum(path.stat().st_size for path in tqdm(videos, total=total, unit="video"))
    except ClipwiseError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; the videos made so far are kept. Run the same line to go on.", file=sys.stderr)
        return 130
    print(f"{total} videos of {len(CLASSES)} classes in {options.out} ({num_bytes / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
