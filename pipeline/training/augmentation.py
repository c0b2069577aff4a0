"""Augmentation of training clips: one draw for all frames of a clip. The only user of albumentations."""

import os
from typing import Any

import numpy as np

_MIRROR = 0x317707  # sets these draws apart from others of the same seed


class ClipAugmentation:
    """Small changes of light, colour and geometry, the same for all frames of a clip.

    Nothing is mirrored unless asked for: left and right may be classes. Each draw depends only on the seed,
    the epoch and the clip, so that a resumed run repeats it.

    Args:
        fill_rgb: colour of what a shift or turn uncovers: that of the letterbox.
        flip: also mirror left to right, half of the time.
        seed: of all draws.

    Attributes:
        flip: as given.
    """

    def __init__(self, *, fill_rgb: tuple[int, int, int], flip: bool, seed: int) -> None:
        self.flip = flip
        self._seed = seed
        self._transform = _compose(fill_rgb)

    def __call__(self, frames: np.ndarray, *, epoch: int, row: int) -> np.ndarray:
        """Augmented frames (T, S, S, 3) uint8 of the clip in this row, in this epoch."""
        draw = np.random.SeedSequence([self._seed, epoch, row]).generate_state(1)[0]
        self._transform.set_random_seed(int(draw))
        changed = self._transform(images=frames)["images"]
        return np.ascontiguousarray(changed[:, :, ::-1] if self.mirrors(epoch=epoch, row=row) else changed)

    def mirrors(self, *, epoch: int, row: int) -> bool:
        """Whether this draw mirrors the clip: its label may then be another."""
        return self.flip and bool(np.random.default_rng([_MIRROR, self._seed, epoch, row]).random() < 0.5)


def _compose(fill_rgb: tuple[int, int, int]) -> Any:
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
    return albumentations.Compose(steps)
