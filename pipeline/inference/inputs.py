"""Which videos a person means who names files and folders."""

import os
from collections.abc import Sequence
from pathlib import Path

from pipeline.clips.walk import videos_below
from pipeline.errors import UsageError


def list_videos(inputs: Sequence[Path], *, frame_rate: float | None = None) -> list[str]:
    """The videos that files and folders stand for, in the order they were named; a folder's sorted by name.

    A file is taken as it is, whatever its name; whether it is a video shows when it is read. In a folder and
    the folders below it, files with the extension of a video are taken; with a `frame_rate` folders of frame
    images too.

    Raises:
        UsageError: an input does not exist, or a folder has no videos.
    """
    videos: list[str] = []
    for path in inputs:
        if path.is_dir():
            found = videos_below(path, frame_folders=frame_rate is not None)
            if not found:
                raise UsageError(
                    f"the folder {path} has no videos. A folder of frame images needs --frame-rate."
                )
            videos += found
        elif os.path.lexists(path):
            videos.append(os.fspath(path))
        else:
            raise UsageError(f"{path} does not exist; name video files or folders of them.")
    return videos
