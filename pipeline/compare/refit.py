"""The same clips with frames fitted into the square another way, made again from the recorded videos."""

import csv
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

from pipeline.clips.clip import Clip
from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.origin import read_origin, source_location
from pipeline.clips.preprocess import preprocess
from pipeline.clips.store import ClipStore
from pipeline.compare.folder import STORES_FOLDER
from pipeline.errors import StoreError
from pipeline.files import make_folder, write_bytes
from pipeline.spec import Fit

_NAMED_IN_MESSAGE = 5


def stores_of_fits(
    store: ClipStore,
    clips: Sequence[Clip],
    out: Path,
    fits: Sequence[str],
    *,
    say: Callable[[str], None],
    show_progress: bool = False,
) -> dict[str, ClipStore]:
    """A store for each way to fit: the one given, and others below `out` that are made from its videos.

    Args:
        store: whose clips are compared.
        clips: those of them that have a part in it.
        out: the folder of the comparison.
        fits: ways to fit; "": features that were given.
        say: is told what is being made.
        show_progress: a bar on stderr.

    Raises:
        StoreError: videos that are missing or were changed, named.
        MachineError: no room.
    """
    own = "" if store.features is not None else store.spec.fit
    found: dict[str, ClipStore] = {own: store}
    others = [fit for fit in dict.fromkeys(fits) if fit != own]
    if not others:
        return found
    root = _root(store)
    _check_there(store, root, clips)
    rates = sorted({clip.frame_rate for clip in clips if clip.frame_rate and _is_folder(root, clip)})
    for fit in others:
        folder = out / STORES_FOLDER / fit
        make_folder(folder.parent)
        table = folder.parent / f"{fit}.csv"
        write_bytes(table, _table(clips))
        say(f"making the clips anew with --fit {fit}")
        made = preprocess(
            table,
            folder,
            spec=replace(store.spec, fit=cast("Fit", fit)),
            clip_rule=replace(
                ClipRule.from_dict(store.manifest["clip_rule"]), window_seconds=None, stride_seconds=None
            ),
            listing=ListingOptions(
                input_format="csv", root=root, allow_outside=True, frame_rate=rates[0] if rates else None
            ),
            say=say,
            show_progress=show_progress,
        )
        found[fit] = made.store
    return found


def _root(store: ClipStore) -> Path:
    root = read_origin(store.folder)
    if root is None:
        raise StoreError(
            f"--fit makes clips again from their videos, but {store.folder} does not say where these lie (it "
            "was copied, perhaps). Preprocess the videos anew, and compare that store."
        )
    return root


def _check_there(store: ClipStore, root: Path, clips: Sequence[Clip]) -> None:
    gone = sorted({clip.path for clip in clips if not os.path.lexists(source_location(root, clip))})
    if gone:
        more = f" and {len(gone) - _NAMED_IN_MESSAGE} more" if len(gone) > _NAMED_IN_MESSAGE else ""
        raise StoreError(
            f"--fit makes clips again from their videos, but {len(gone)} of those of {store.folder} are not "
            f"in {root} any more: {', '.join(gone[:_NAMED_IN_MESSAGE])}{more}. Put them back, or leave --fit "
            "out."
        )


def _is_folder(root: Path, clip: Clip) -> bool:
    """Whether a clip was made from a folder of frame images."""
    return os.path.isdir(source_location(root, clip))  # noqa: PTH112 - names may not be UTF-8


def _table(clips: Sequence[Clip]) -> bytes:
    """A CSV that lists the parts of videos that the clips are."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["path", "label", "split", "start_seconds", "end_seconds"])
    for clip in clips:
        ends = ["" if end is None else repr(end) for end in (clip.start_seconds, clip.end_seconds)]
        writer.writerow([clip.path, clip.label, "train", *ends])
    return text.getvalue().encode("utf-8", "surrogateescape")


def same_clips(clips: Sequence[Clip], store: ClipStore) -> tuple[Clip, ...]:
    """The clips of a store that show the same parts of the same videos as these, in their order.

    Raises:
        StoreError: some cannot be read any more, or their videos were changed.
    """
    known = {_place(clip): clip for clip in store.usable()}
    gone = [clip.path for clip in clips if _place(clip) not in known]
    changed = [
        clip.path for clip in clips if _place(clip) in known and known[_place(clip)].sha256 != clip.sha256
    ]
    for paths, what in ((gone, "cannot be read any more"), (changed, "are not what they were")):
        if paths:
            raise StoreError(
                f"{len(paths)} videos {what}, such as {paths[0]}: preprocess all videos again, and compare "
                "that store."
            )
    return tuple(known[_place(clip)] for clip in clips)


def _place(clip: Clip) -> tuple[str, float | None, float | None]:
    return clip.path, clip.start_seconds, clip.end_seconds
