"""Augmentation of training clips: one draw for all frames of a clip. The only user of albumentations."""

import os
from typing import Any

import numpy as np

_MIRROR = 0x317707  # sets these draws apart from others of the same seed


class ClipAugmentation:
    """Small changes of light, colour and geometry, the same for all frames of a clip.

    Light and colour change in the picture, not in the bars around it, which have one colour at prediction
    too. Nothing is mirrored unless asked for: left and right may be classes. Each draw depends only on the
    seed, the epoch and the clip, so that a resumed run repeats it.

    Args:
        fill_rgb: the letterbox's colour: of bars, and of what a shift or turn uncovers.
        flip: also mirror left to right, half of the time.
        seed: of all draws.

    Attributes:
        flip: as given.
    """

    def __init__(self, *, fill_rgb: tuple[int, int, int], flip: bool, seed: int) -> None:
        self.flip = flip
        self._fill_rgb = np.array(fill_rgb, np.uint8)
        self._seed = seed
        self._colours, self._geometry = _transforms(fill_rgb)

    def __call__(self, frames: np.ndarray, *, epoch: int, row: int) -> np.ndarray:
        """Augmented frames (T, S, S, 3) uint8 of the clip in this row, in this epoch."""
        colours, geometry = np.random.SeedSequence([self._seed, epoch, row]).generate_state(2)
        changed = frames.copy()
        rows, columns = picture_inside(frames, self._fill_rgb)
        if frames[:, rows, columns].size:
            picture = np.ascontiguousarray(frames[:, rows, columns])
            self._colours.set_random_seed(int(colours))
            changed[:, rows, columns] = self._colours(images=picture)["images"]
        for t, frame in enumerate(changed):
            # Each by itself, with the same draw: given all frames at once, albumentations 2.0.8 fills what a
            # shift uncovers with the right colour in the first frame and with others in the rest.
            self._geometry.set_random_seed(int(geometry))
            changed[t] = self._geometry(image=frame)["image"]
        return np.ascontiguousarray(changed[:, :, ::-1] if self.mirrors(epoch=epoch, row=row) else changed)

    def mirrors(self, *, epoch: int, row: int) -> bool:
        """Whether this draw mirrors the clip: its label may then be another."""
        return self.flip and bool(np.random.default_rng([_MIRROR, self._seed, epoch, row]).random() < 0.5)


def picture_inside(frames: np.ndarray, fill_rgb: np.ndarray) -> tuple[slice, slice]:
    """Rows and columns of what bars of one colour surround in all frames (T, S, S, 3)."""
    other = ((frames.max(axis=0) != fill_rgb) | (frames.min(axis=0) != fill_rgb)).any(axis=2)  # (S, S)
    return _span(other.any(axis=1)), _span(other.any(axis=0))


def _span(is_picture: np.ndarray) -> slice:
    where = np.flatnonzero(is_picture)
    return slice(int(where[0]), int(where[-1]) + 1) if len(where) else slice(0, 0)


def _transforms(fill_rgb: tuple[int, int, int]) -> tuple[Any, Any]:
    """Changes of colour and of geometry. No step adds or takes away light: dark videos would turn black."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would look up a host when imported
    import albumentations

    colours = albumentations.Compose(
        [
            albumentations.RandomGamma(gamma_limit=(75, 133), p=0.5),
            albumentations.RandomBrightnessContrast(brightness_limit=0.0, contrast_limit=0.2, p=0.5),
            albumentations.HueSaturationValue(
                hue_shift_limit=8, sat_shift_limit=15, val_shift_limit=0, p=0.3
            ),
        ]
    )
    geometry = albumentations.Compose(
        [
            albumentations.Affine(
                scale=(0.9, 1.1),
                keep_ratio=True,
                translate_percent=(-0.05, 0.05),
                rotate=(-5, 5),
                fill=fill_rgb,
                p=0.5,
            )
        ]
    )
    return colours, geometry
