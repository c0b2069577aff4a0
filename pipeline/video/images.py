"""A folder of frame images counts as a video: natural order, a frame rate given by the user."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.errors import VideoError
from pipeline.video.capture import MAX_FRAME_PIXELS, AnyPath, regular_file

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})


def natural_key(name: str) -> tuple[tuple[int, int | str], ...]:
    """Sorts frame_2 before frame_10."""
    pieces = re.split(r"([0-9]+)", name)
    numbers_and_words = ((0, int(p)) if p.isascii() and p.isdigit() else (1, p) for p in pieces if p)
    return (*numbers_and_words, (2, name))


def frame_images(folder: AnyPath) -> tuple[Path, ...]:
    """The images of a folder in natural order; hidden files and other suffixes are left out."""
    paths = [
        entry
        for entry in Path(os.fsdecode(folder)).iterdir()
        if entry.suffix.lower() in IMAGE_SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    ]
    return tuple(sorted(paths, key=lambda path: natural_key(path.name)))


@dataclass(frozen=True, kw_only=True)
class FrameFolder:
    """The frames of a folder.

    Attributes:
        folder: as it was named to us.
        paths: the images in order.
        frame_rate: frames a second.
    """

    folder: str
    paths: tuple[Path, ...]
    frame_rate: float

    @classmethod
    def open(cls, folder: AnyPath, *, frame_rate: float) -> "FrameFolder":
        """Lists a folder; no image is decoded yet.

        Raises:
            VideoError: no images, or the folder cannot be listed.
        """
        name = os.fsdecode(folder)
        if not (0 < frame_rate <= 1000):
            raise VideoError(name, f"frame_rate is {frame_rate!r}; allowed: above 0, at most 1000")
        try:
            paths = frame_images(folder)
        except OSError as error:
            raise VideoError(name, f"cannot be listed: {error.strerror or error}") from None
        if not paths:
            suffixes = ", ".join(sorted(IMAGE_SUFFIXES))
            raise VideoError(name, f"a folder without frame images ({suffixes})")
        return cls(folder=name, paths=paths, frame_rate=frame_rate)

    @property
    def times_seconds(self) -> tuple[float, ...]:
        """When each frame is shown."""
        return tuple(index / self.frame_rate for index in range(len(self.paths)))

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Decodes one image, upright, as (H, W, 3) in OpenCV's channel order.

        Raises:
            VideoError: the image cannot be decoded.
        """
        path = self.paths[index]
        try:
            # The name may not be UTF-8 and imread crashes on such names: read the bytes ourselves.
            with open(regular_file(path), "rb") as file:  # noqa: PTH123 - bytes path
                content = np.frombuffer(file.read(), np.uint8)
            image = cv2.imdecode(content, cv2.IMREAD_COLOR)
        except (VideoError, OSError, cv2.error) as error:
            reason = error.reason if isinstance(error, VideoError) else "cannot be decoded"
            raise VideoError(self.folder, f"frame image {path.name}: {reason}") from None
        if image is None:
            raise VideoError(self.folder, f"frame image {path.name}: cannot be decoded")
        if image.shape[0] * image.shape[1] > MAX_FRAME_PIXELS:
            raise VideoError(self.folder, f"frame image {path.name}: too large")
        return image  # type: ignore[return-value]
