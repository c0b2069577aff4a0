"""Film strips of classified videos: one file, or a file for each video in a folder."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.files import make_folder
from pipeline.report.words import one_line

if TYPE_CHECKING:
    from pipeline.inference.classification import Classification


class Pictures:
    """Draws the film strips that `classify --picture` asks for.

    Args:
        path: a .png file, or a folder; both are made where they are missing.
        several: there may be more than one video.

    Raises:
        UsageError: one file for several videos, or a name that does not end in .png.
        MachineError: the folder cannot be made.
    """

    def __init__(self, path: Path, *, several: bool) -> None:
        self._path = path
        self._is_folder = several or path.is_dir()
        self._taken: set[str] = set()
        if self._is_folder and path.suffix.lower() == ".png" and not path.is_dir():
            raise UsageError(f"--picture {path} is one file, but there are several videos: give a folder.")
        if not self._is_folder and path.suffix.lower() != ".png":
            raise UsageError(f"--picture {path}: pictures are PNG files; give a name that ends in .png.")
        make_folder(path if self._is_folder else path.parent)

    def draw(self, result: "Classification", *, why_no_attention: str) -> Path:
        """Draws one result; returns where.

        Args:
            result: an answer, with its frames.
            why_no_attention: of the classifier.

        Raises:
            MachineError: the file cannot be written.
        """
        from pipeline.report.film_strip import write_film_strip

        assert result.images is not None  # noqa: S101 - only failed results have none
        path = self._path / self._name(result.path) if self._is_folder else self._path
        write_film_strip(
            path,
            frames=result.images,
            times_seconds=[frame.shown_seconds for frame in result.frames],
            attention_weights=[frame.attention_weight for frame in result.frames],
            importances=[frame.importance for frame in result.frames],
            is_unsure=result.unsure,
            why_no_attention=why_no_attention,
            title=os.path.basename(result.path),  # noqa: PTH119 - may not be UTF-8
            probabilities=result.probabilities,
            note="; ".join(result.warnings),
        )
        return path

    def _name(self, video: str) -> str:
        """A file name of its own: that of the video, with a number where two are named alike."""
        stem = one_line(Path(video).name)  # no line feed, no terminal code in the picture's name
        name, number = f"{stem}.png", 2
        while name in self._taken:
            name, number = f"{stem}-{number}.png", number + 1
        self._taken.add(name)
        return name
