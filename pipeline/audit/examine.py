"""One pass over the stored frames: each clip is read once, and little of it is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.audit.bars import Bars, common_bars, without_bars, without_padding
from pipeline.audit.fingerprint import Fingerprint, fingerprint
from pipeline.clips.clip import Clip
from pipeline.clips.store import ClipStore


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What was seen in a clip's frames.

    Attributes:
        clip: which one.
        bars: black bars in the picture itself, in all its frames.
        fingerprint: what it looks like and how it moves.
    """

    clip: Clip
    bars: Bars
    fingerprint: Fingerprint


def examine(store: ClipStore, clips: Sequence[Clip] | Iterable[Clip]) -> Iterable[Examined]:
    """Looks at the frames of each clip in turn.

    Raises:
        StoreError: frames are missing or damaged.
    """
    for clip in clips:
        pictures = without_padding(store.frames(clip), clip, store.spec)
        bars = common_bars(pictures)
        yield Examined(clip=clip, bars=bars, fingerprint=fingerprint(without_bars(pictures, bars)))
