"""Augmentation of training clips: one draw for all frames of a clip. The only user of albumentations."""

import os
from typing import Any

import numpy as np


class ClipAugmentation:
    """Small changes of light, colour and geometry, the same for all frames of a clip.

    Nothing is mirrored unless asked for: left and right may be classes. Each draw depends only on the seed,
    the epoch and the clip, so that a resumed run repeats it.

    Args:
        fill_rgb: colour of what a shift or turn uncovers: that of the letterbox.
        flip: also mirror left to right, half of the time.
        seed: of all draws.
    """

    def __init__(self, *, fill_rgb: tuple[int, int, int], flip: bool, seed: int) -> None:
        self._seed = seed
        self._transform = _compose(fill_rgb, flip)

    def __call__(self, frames: np.ndarray, *, epoch: int, row: int) -> np.ndarray:
        """Augmented frames (T, S, S, 3) uint8 of the clip in this row, in this epoch."""
        draw = np.random.SeedSequence([self._seed, epoch, row]).generate_state(1)[0]
        self._transform.set_random_seed(int(draw))
        return np.ascontiguousarray(self._transform(images=frames)["images"])


def _compose(fill_rgb: tuple[int, int, int], flip: bool) -> Any:
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would look up a host when imported
    import albumentations

    steps = [
        albumentations.Affine(
            scale=(0.9, 1.1),
            translate_percent=(-0.05, 0.05),
            rotate=(-5, 5),
            fill=fill_rgb,
            p=0.5,
        ),
        albumentations.RandomBrightnessContrast(brightness_limit=0.2, contrast_limit=0.2, p=0.5),
        albumentations.HueSaturationValue(hue_shift_limit=8, sat_shift_limit=15, val_shift_limit=0, p=0.3),
    ]
    if flip:
        steps.append(albumentations.HorizontalFlip(p=0.5))
    return albumentations.Compose(steps)
