"""Finding one clip of a store by what a person types: its id, the beginning of its id, or its path."""

import difflib

from pipeline.clips.clip import Clip
from pipeline.clips.store import ClipStore
from pipeline.errors import UsageError

_MANY = 5


def find_clip(store: ClipStore, wanted: str) -> Clip:
    """The one clip with this id, beginning of an id, or path.

    Raises:
        UsageError: none or several; offers those that are meant most likely.
    """
    for clip in store.clips:
        if clip.id == wanted:
            return clip
    found = [clip for clip in store.clips if clip.path == wanted]
    found = found or [clip for clip in store.clips if wanted and clip.id.startswith(wanted)]
    found = found or [clip for clip in store.clips if wanted and clip.path.endswith("/" + wanted)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            f"{wanted!r} fits {len(found)} clips of {store.folder}: {_offered(found)}. Give more of the id."
        )
    close = _close(store, wanted)
    hint = f" Did you mean {_offered(close)}?" if close else ""
    raise UsageError(
        f"no clip of {store.folder} has the id or path {wanted!r}.{hint} clips.csv lists them all."
    )


def _close(store: ClipStore, wanted: str) -> list[Clip]:
    named = {name: clip for clip in store.clips for name in _names(clip)}
    matches = difflib.get_close_matches(wanted, named, n=_MANY, cutoff=0.6)
    return list({named[name].id: named[name] for name in matches}.values())[:3]


def _names(clip: Clip) -> tuple[str, str, str]:
    return clip.path, clip.path.rsplit("/", 1)[-1], clip.id


def _offered(clips: list[Clip]) -> str:
    names = ", ".join(f"{clip.id} ({clip.path})" for clip in clips[:_MANY])
    return names if len(clips) <= _MANY else f"{names} and {len(clips) - _MANY} more"
