"""Made-up clip stores with planted leaks and shortcuts: for measuring and testing `clipwise audit`.

Three families that share no scene, no motion and no range of properties:

    blobs       cloudy backgrounds, soft blobs on straight or round ways, 8 frames of 64 px
    crates      streets of rectangles under changing light, a shaking camera, textured boxes that swing or
                come nearer, 10 frames of 80 px
    meadows     grounds with the spectrum of photographs (amplitude 1 / frequency) under a camera that sways
                or pans, patches of the same stuff that fly curves, spin or hop, 12 frames of 96 px

In all, a class is a way of moving; clips of one group share their background, as those of one camera do. A
picture is made for any time and size, goes through the project's own letterbox, and is stored by the real
writer. Everything else of a clip (size, rate, length, bytes, bars) is drawn beside it, not encoded.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.audit.bars import Bars
from pipeline.clips.clip import SPLITS, Clip, Split
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.split_rule import SplitRule
from pipeline.clips.store import ClipStore, frames_path, write_frames, write_store
from pipeline.labels import Labels
from pipeline.spec import ClipSpec
from pipeline.video.letterbox import fit_frame, resize_frame

Family = Literal["blobs", "crates", "meadows"]
FAMILIES: tuple[Family, ...] = ("blobs", "crates", "meadows")
Copy = Literal["re-encoded", "rescaled", "cropped", "shifted", "brightened", "all of it"]
COPIES: tuple[Copy, ...] = ("re-encoded", "rescaled", "cropped", "shifted", "brightened", "all of it")
Planted = Literal["size", "frame rate", "length", "bit rate", "bars", "first frame"]
PLANTED: tuple[Planted, ...] = ("size", "frame rate", "length", "bit rate", "bars", "first frame")

Picture = NDArray[np.float32]  # (H, W, 3), 0 to 255
Scene = Callable[[float], Picture]  # the picture at a time from 0 to 1

SPECS: dict[Family, ClipSpec] = {
    "blobs": ClipSpec(num_frames=8, image_size=64),
    "crates": ClipSpec(num_frames=10, image_size=80),
    "meadows": ClipSpec(num_frames=12, image_size=96),
}
_SIZES: dict[Family, list[tuple[int, int]]] = {
    "blobs": [(320, 240), (640, 360), (640, 480), (1280, 720)],
    "crates": [(426, 240), (854, 480), (720, 576), (480, 640), (1920, 1080)],
    "meadows": [(352, 288), (960, 540), (1080, 1080), (608, 1080), (3840, 2160), (768, 432)],
}
_RATES: dict[Family, list[float]] = {
    "blobs": [24.0, 25.0, 30.0],
    "crates": [15.0, 25.0, 29.97, 50.0, 60.0],
    "meadows": [10.0, 12.5, 23.976, 48.0, 120.0],
}
_SECONDS: dict[Family, tuple[float, float]] = {"blobs": (3, 12), "crates": (3, 12), "meadows": (1, 40)}
_WORKING_PX = 88  # the longer side of the made-up video


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """A store, and what audit would have seen in the videos that do not exist."""

    store: ClipStore
    first_frame_bars: dict[str, Bars]


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """A clip before it is written."""

    label: str
    group: str  # "": none given
    split: Split
    size_wh: tuple[int, int]
    frame_rate: float
    seconds: float
    bits_per_second: float
    has_bars: bool
    first_frame_has_bars: bool
    scene: Scene
    copy: Copy | None = None

    def looks_like(self, other: "_Draft") -> bool:
        """Whether both give the same pictures."""
        return self.scene is other.scene and (self.size_wh, self.has_bars, self.copy) == (
            other.size_wh, other.has_bars, other.copy
        )  # fmt: skip


def make_sets(
    folder: Path,
    family: Family,
    seed: int,
    *,
    copy: Copy,
    planted: Planted,
    per_class: tuple[int, int] = (30, 41),
) -> tuple[MadeUp, MadeUp, MadeUp]:
    """Makes one store of 2 to 4 classes three times; the seed decides all about it.

    Args:
        folder: where.
        family: of scenes and properties.
        seed: of everything.
        copy: how a clip is changed that comes again on the other side of the split.
        planted: the property that goes with the class.
        per_class: clips of each class, at least and less than.

    Returns:
        The set as it is, the one with the copy, the one with the property.
    """
    drafts = _drafts(family, np.random.default_rng([seed, len(family)]), per_class)
    rng = np.random.default_rng([seed, 99])
    original = drafts[int(rng.integers(len(drafts)))]
    side: Split = "test" if original.split != "test" else "train"
    copied = [*drafts, replace(original, split=side, group="", copy=copy)]
    tied = _plant(drafts, planted, family, rng)
    clean = _write(folder / "clean", family, drafts, seed)
    like = (folder / "clean", drafts)
    return (
        clean,
        _write(folder / "copied", family, copied, seed, like=like),
        _write(folder / "planted", family, tied, seed, like=like),
    )


def _drafts(family: Family, rng: np.random.Generator, sizes_of_class: tuple[int, int]) -> list[_Draft]:
    num_classes = int(rng.integers(2, 5))
    per_class = int(rng.integers(*sizes_of_class))
    grouping = rng.choice(["none", "of one class", "mixed"])
    sizes = [_SIZES[family][i] for i in rng.permutation(len(_SIZES[family]))[: rng.integers(1, 4)]]
    rates = [_RATES[family][i] for i in rng.permutation(len(_RATES[family]))[: rng.integers(1, 4)]]
    bar_share, first_share = (float(rng.choice([0.0, 0.1, 0.3])) for _ in range(2))
    median_seconds, spread = float(rng.uniform(*_SECONDS[family])), float(rng.uniform(0.05, 0.5))
    new_scene = {"blobs": _blobs, "crates": _crates, "meadows": _meadows}[family]
    drafts: list[_Draft] = []
    members: dict[str, int] = {}
    for class_index in range(num_classes):
        for number in range(per_class):
            if grouping == "none":
                group, place = "", int(rng.integers(1 << 30))
            else:
                one_class = grouping == "of one class"
                place = int(rng.integers(25))
                group = f"{class_index}-{place}" if one_class else str(place)
                place = place + 100 * class_index if one_class else place
            of_group = np.random.default_rng(
                [place, num_classes, per_class]
            )  # what a camera has, its clips have
            split: Split = SPLITS[(members.setdefault(group, len(members)) if group else number) % 3]
            of_clip = of_group if group else rng
            drafts.append(
                _Draft(
                    label=f"class {class_index}",
                    group=group,
                    split=split,
                    size_wh=sizes[int(of_clip.integers(len(sizes)))],
                    frame_rate=rates[int(of_clip.integers(len(rates)))],
                    seconds=float(median_seconds * np.exp(spread * rng.normal())),
                    bits_per_second=float(np.exp(rng.normal(13.5 + of_clip.normal() * 0.3, 0.3))),
                    has_bars=bool(of_clip.random() < bar_share),
                    first_frame_has_bars=bool(rng.random() < first_share),
                    scene=new_scene(place, rng, class_index),
                )
            )
    return drafts


def _plant(drafts: list[_Draft], planted: Planted, family: Family, rng: np.random.Generator) -> list[_Draft]:
    """Ties a property to one class: 65 to 90 % of its groups against 5 to 20 % of the others, or a shift."""
    target = str(rng.choice(sorted({draft.label for draft in drafts})))
    often, seldom = rng.uniform(0.65, 0.9), rng.uniform(0.05, 0.2)
    shift = float(rng.uniform(1.2, 2.0))
    sizes, rates = _SIZES[family], _RATES[family]
    usual_size, other_size = (sizes[i] for i in rng.permutation(len(sizes))[:2])
    usual_rate, other_rate = (rates[i] for i in rng.permutation(len(rates))[:2])
    lengths = np.log([draft.seconds for draft in drafts])
    chosen: dict[str, bool] = {}
    changed: list[_Draft] = []
    for number, draft in enumerate(drafts):
        is_target = draft.label == target
        key = f"{draft.group} {is_target}" if draft.group else str(number)
        has_it = chosen.setdefault(key, bool(rng.random() < (often if is_target else seldom)))
        change: dict[str, object] = {}
        if planted == "size":
            change["size_wh"] = other_size if has_it else usual_size
        elif planted == "frame rate":
            change["frame_rate"] = other_rate if has_it else usual_rate
        elif planted == "length" and is_target:
            change["seconds"] = float(draft.seconds * np.exp(shift * max(lengths.std(), 0.05)))
        elif planted == "bit rate" and is_target:
            change["bits_per_second"] = float(draft.bits_per_second * np.exp(shift * 0.42))
        elif planted == "bars":
            change["has_bars"] = has_it
        elif planted == "first frame":
            change["first_frame_has_bars"] = has_it
        changed.append(replace(draft, **change))  # type: ignore[arg-type]
    return changed


def _write(
    folder: Path,
    family: Family,
    drafts: list[_Draft],
    seed: int,
    *,
    like: tuple[Path, list[_Draft]] | None = None,
) -> MadeUp:
    """Writes a store; clips that look as in the store `like` are not filmed again."""
    spec = SPECS[family]
    (folder / "frames").mkdir(parents=True, exist_ok=True)
    clips: list[Clip] = []
    first_frame_bars: dict[str, Bars] = {}
    for number, draft in enumerate(drafts):
        clip_id = f"clip-{number:04d}"
        if like is not None and number < len(like[1]) and like[1][number].looks_like(draft):
            frames = np.load(frames_path(like[0], clip_id))
        else:
            frames = _film(draft, spec, np.random.default_rng([seed, 7, number]))
        sha256 = hashlib.sha256(frames.tobytes() + bytes([number % 256, number // 256])).hexdigest()
        num_frames = max(spec.num_frames, round(draft.seconds * draft.frame_rate))
        first_frame_bars[clip_id] = Bars(left=0.2, right=0.2) if draft.first_frame_has_bars else Bars()
        clips.append(
            Clip(
                id=clip_id,
                path=f"{draft.label}/{number:04d}.mp4",
                label=draft.label,
                split=draft.split,
                group=draft.group or f"sha256:{sha256[:16]}",
                status="ok",
                width=draft.size_wh[0],
                height=draft.size_wh[1],
                frame_rate=draft.frame_rate,
                num_frames=num_frames,
                duration_seconds=num_frames / draft.frame_rate,
                size_bytes=round(draft.bits_per_second * draft.seconds / 8),
                sha256=sha256,
                frame_indices=tuple(range(spec.num_frames)),
                frame_times_seconds=tuple(i / draft.frame_rate for i in range(spec.num_frames)),
                frames_sha256=write_frames(folder, clip_id, frames),
            )
        )
    write_store(
        folder,
        spec=spec,
        labels=Labels.from_names(clip.label for clip in clips),
        clips=clips,
        clip_rule=ClipRule(),
        split_rule=SplitRule(origin="csv", makes="nothing").to_dict(),
        versions={"cv2": "made up", "ffmpeg": "made up"},
    )
    return MadeUp(store=ClipStore.open(folder), first_frame_bars=first_frame_bars)


def _film(draft: _Draft, spec: ClipSpec, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The clip's frames (T, S, S, 3): the scene at the segments' centres, changed, encoded, letterboxed."""
    copy, everything = draft.copy, draft.copy == "all of it"
    shift = rng.choice([-2, -1, 1, 2]) / 150 if copy == "shifted" or everything else 0.0
    gain, lift = (
        (rng.uniform(0.8, 1.2), rng.uniform(-25, 25)) if copy == "brightened" or everything else (1, 0)
    )
    cut = rng.uniform(0.01, 0.05, 4) if copy == "cropped" or everything else np.zeros(4)
    scale = rng.uniform(0.5, 0.8) if copy == "rescaled" or everything else 1.0
    quality = int(rng.integers(25, 60)) if copy == "re-encoded" or everything else 85
    frames = []
    for index in range(spec.num_frames):
        scene = draft.scene(min(1.0, max(0.0, (index + 0.5) / spec.num_frames + shift)))
        picture = _shaped(scene, draft.size_wh)
        if draft.has_bars:
            edge = round(picture.shape[0] * 0.12)
            picture[:edge] = picture[-edge:] = 3
        height, width = picture.shape[:2]
        top, bottom, left, right = (cut * [height, height, width, width]).round().astype(int)
        lit = picture[top : height - bottom, left : width - right] * gain + lift
        seen = np.clip(lit + rng.normal(0, 2.0, lit.shape), 0, 255).astype(np.uint8)
        if scale != 1:
            seen = resize_frame(seen, (round(seen.shape[1] * scale), round(seen.shape[0] * scale)))
        _, encoded = cv2.imencode(".jpg", seen, [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
        aspect = draft.size_wh[0] / draft.size_wh[1] * decoded.shape[0] / decoded.shape[1]
        frames.append(fit_frame(decoded, spec, pixel_aspect=aspect))
    return np.stack(frames)


def _shaped(picture: Picture, size_wh: tuple[int, int]) -> Picture:
    """The middle of a square picture in the shape of the video."""
    side, aspect = len(picture), size_wh[0] / size_wh[1]
    width, height = (side, round(side / aspect)) if aspect >= 1 else (round(side * aspect), side)
    left, top = (side - width) // 2, (side - height) // 2
    return picture[top : top + height, left : left + width].copy()


_Y, _X = np.mgrid[0:_WORKING_PX, 0:_WORKING_PX].astype(np.float32) / _WORKING_PX


def _clouds(rng: np.random.Generator, sigmas: tuple[float, ...]) -> NDArray[np.float32]:
    """Smooth noise (H, W) of mean 0 and deviation 1."""
    total = np.zeros((_WORKING_PX, _WORKING_PX), np.float32)
    for sigma in sigmas:
        noise = cv2.GaussianBlur(rng.normal(size=total.shape).astype(np.float32), (0, 0), sigma)
        total += np.asarray(noise / noise.std(), np.float32)
    return np.asarray(total / total.std(), np.float32)


@lru_cache(maxsize=128)
def _sky(place: int) -> Picture:
    rng = np.random.default_rng([place, 5])
    return np.asarray(120 + 35 * np.stack([_clouds(rng, (2, 8, 24)) for _ in range(3)], axis=2), np.float32)


def _blobs(place: int, rng: np.random.Generator, class_index: int) -> Scene:
    """Soft blobs before clouds: straight, round, to and fro, growing."""
    ground = _sky(place)
    number = int(rng.integers(1, 4))
    starts, ways = rng.uniform(0.25, 0.75, (number, 2)), rng.uniform(-0.5, 0.5, (number, 2))
    phases, radii = rng.uniform(0, 2 * np.pi, number), rng.uniform(0.05, 0.12, number)
    colours, speeds = rng.uniform(0, 255, (number, 3)), rng.uniform(0.6, 1.4, number)

    def at(time: float) -> Picture:
        picture = ground.copy()
        for start, way, phase, radius, colour, speed in zip(
            starts, ways, phases, radii, colours, speeds, strict=True
        ):
            turn = 2 * np.pi * time * speed + phase
            x, y = {
                0: start + way * time,
                1: start + 0.2 * np.array([np.cos(turn), np.sin(turn)]),
                2: start + way * np.sin(turn),
                3: start,
            }[class_index]
            size = radius * (0.6 + 1.2 * time) if class_index == 3 else radius
            mask = np.exp(-((_X - x) ** 2 + (_Y - y) ** 2) / (2 * size**2))[..., None]
            picture = picture * (1 - mask) + colour * mask
        return picture.astype(np.float32)

    return at


@lru_cache(maxsize=128)
def _street(place: int) -> Picture:
    rng = np.random.default_rng([place, 5])
    ground = np.full((_WORKING_PX, _WORKING_PX, 3), rng.uniform(60, 190, 3), np.float32)
    for _ in range(int(rng.integers(12, 30))):
        x, y = rng.integers(0, _WORKING_PX, 2)
        width, height = rng.integers(6, 45, 2)
        ground[y : y + height, x : x + width] = rng.uniform(20, 235, 3)
    ground += 6 * _clouds(rng, (1.5,))[..., None]
    return ground


def _crates(place: int, rng: np.random.Generator, class_index: int) -> Scene:
    """Textured boxes in a street of rectangles: passing, swinging, coming nearer, appearing."""
    ground = _street(place)
    box = np.clip(rng.uniform(40, 215, 3) + 40 * _clouds(rng, (1, 4))[..., None], 0, 255).astype(np.uint8)
    side, start = float(rng.uniform(0.15, 0.3)), rng.uniform(0.15, 0.55, 2)
    way, phase, speed = rng.uniform(-0.35, 0.35, 2), rng.uniform(0, 2 * np.pi), rng.uniform(0.7, 2.0)
    light, shake = rng.uniform(-15, 15), float(rng.choice([0.0, 1.5]))
    shakes = rng.normal(0, shake, (256, 2))

    def at(time: float) -> Picture:
        picture = ground + light * time
        turn = 2 * np.pi * time * speed + phase
        x, y = start
        if class_index == 0:
            x, y = start + way * time
        elif class_index == 1:
            x += 0.25 * np.sin(turn)
        size = side * (0.6 + 1.4 * time) if class_index == 2 else side
        if class_index != 3 or np.sin(turn) > 0:
            pixels = max(4, round(size * _WORKING_PX))
            left, top = (int(np.clip(v * _WORKING_PX, 0, _WORKING_PX - 4)) for v in (x, y))
            pasted = resize_frame(box, (pixels, pixels))[: _WORKING_PX - top, : _WORKING_PX - left]
            picture[top : top + pasted.shape[0], left : left + pasted.shape[1]] = pasted
        dx, dy = shakes[min(255, int(time * 255))]
        moved = cv2.warpAffine(
            picture, np.array([[1, 0, dx], [0, 1, dy]], np.float32), (_WORKING_PX, _WORKING_PX),
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        return np.asarray(moved, np.float32)

    return at


def _photo_like(rng: np.random.Generator, side_px: int) -> NDArray[np.float32]:
    """Noise (S, S, 3) of mean 0 and deviation 1 whose amplitude falls as 1 / frequency; colours go along."""
    across, down = np.fft.rfftfreq(side_px), np.fft.fftfreq(side_px)
    amplitude = 1 / np.maximum(np.hypot(across, down[:, None]), 1 / side_px)
    amplitude[0, 0] = 0
    grey, *colours = (
        np.fft.irfft2(np.fft.rfft2(rng.normal(size=(side_px, side_px))) * amplitude, s=(side_px, side_px))
        for _ in range(4)
    )
    noise = np.stack([grey / grey.std() + 0.4 * colour / colour.std() for colour in colours], axis=2)
    return np.asarray(noise / noise.std(), np.float32)


_WIDE_PX = 2 * _WORKING_PX


@lru_cache(maxsize=128)
def _meadow(place: int) -> Picture:
    rng = np.random.default_rng([place, 5])
    return np.asarray(rng.uniform(80, 160) + rng.uniform(25, 50) * _photo_like(rng, _WIDE_PX), np.float32)


def _meadows(place: int, rng: np.random.Generator, class_index: int) -> Scene:
    """Patches before a ground like a photograph: along a curve, spinning, hopping; or the camera pans."""
    wide = _meadow(place)
    patch = np.clip(
        rng.uniform(50, 200, 3) + rng.uniform(20, 60) * _photo_like(rng, _WORKING_PX), 0, 255
    ).astype(np.float32)
    radius, centre = float(rng.uniform(0.1, 0.22)), rng.uniform(0.25, 0.75, 2)
    way, bend = rng.uniform(-0.6, 0.6, 2), rng.uniform(-0.3, 0.3, 2)
    turns, hops = float(rng.uniform(0.3, 1.5)) * float(rng.choice([-1, 1])), rng.uniform(0.2, 0.8, (6, 2))
    pan = rng.uniform(-25, 25, 2) if class_index == 3 else np.zeros(2)
    sway, phases = float(rng.choice([0.0, 1.0, 2.5])), rng.uniform(0, 2 * np.pi, (2, 3))
    clouds_pass = rng.uniform(-20, 20)

    def at(time: float) -> Picture:
        swings = np.sin(2 * np.pi * time * np.array([2.0, 5.0, 9.0]) + phases) / [1, 2, 3]
        dx, dy = _WORKING_PX / 2 + sway * swings.sum(axis=1) + pan * (time - 0.5)
        camera = np.array([[1, 0, -dx], [0, 1, -dy]], np.float32)
        picture = cv2.warpAffine(wide, camera, (_WORKING_PX, _WORKING_PX)) + clouds_pass * time
        x, y = centre
        if class_index == 0:
            x, y = centre + way * (time - 0.5) + bend * (2 * time - 1) ** 2
        elif class_index == 2:
            step = time * (len(hops) - 1)
            before = min(len(hops) - 2, int(step))
            x, y = hops[before] + (hops[before + 1] - hops[before]) * (step - before)
        spin = cv2.getRotationMatrix2D(
            (_WORKING_PX / 2, _WORKING_PX / 2), 360 * turns * time if class_index == 1 else 0.0, 1.0
        )
        spin[:, 2] = spin[:, 2] + (np.array([x, y]) - 0.5) * _WORKING_PX
        seen = cv2.warpAffine(patch, spin, (_WORKING_PX, _WORKING_PX), borderMode=cv2.BORDER_REFLECT)
        mask = np.clip((radius - np.hypot(_X - x, _Y - y)) * 30, 0, 1)[..., None]
        return np.asarray(picture * (1 - mask) + seen * mask, np.float32)

    return at
