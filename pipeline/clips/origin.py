"""Where a store's videos came from on this machine: for those who look at the sources again.

    CLIPS/.preprocess/origin.json      the folder that the paths in clips.csv are relative to

It stands beside the store, not in it: the same videos elsewhere give the same store.
"""

import json
from pathlib import Path

from pipeline import files
from pipeline.clips.clip import Clip
from pipeline.clips.journal import FOLDER
from pipeline.clips.location import locate


def write_origin(store_folder: Path, root: Path) -> None:
    """Notes the folder that the store's paths are relative to."""
    files.write_json(_path(store_folder), {"root": str(root.resolve())})


def read_origin(store_folder: Path) -> Path | None:
    """The folder that the store's paths were relative to; None where that is not known any more."""
    try:
        return Path(json.loads(_path(store_folder).read_bytes())["root"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def source_location(root: Path, clip: Clip) -> str:
    """Where a clip's video should lie below `root`; it may have gone since."""
    return locate(root, clip.path)


def _path(store_folder: Path) -> Path:
    return store_folder / FOLDER / "origin.json"
