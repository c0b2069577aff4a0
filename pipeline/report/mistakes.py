"""The most confident mistakes as film strips: what the model saw, what it said, what it should have said."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pipeline.clips.store import Clip, ClipStore
from pipeline.evaluation.predictions import ClipAnswer
from pipeline.report.figures import probability
from pipeline.report.page import jpeg

MAX_MISTAKES = 12
_MAX_FRAMES = 12
_FRAME_PX = 112


def film_strips(store: ClipStore, answers: Sequence[ClipAnswer]) -> list[dict[str, Any]]:
    """The wrong answers with the highest probabilities, `MAX_MISTAKES` at most, each with its frames.

    Args:
        store: where the frames of the clips are; a file of features has none.
        answers: of all clips that were judged.

    Raises:
        StoreError: the store has not these clips, or their frames are damaged.
    """
    clips = {clip.id: clip for clip in store.clips}
    wrong = sorted((it for it in answers if not it.is_right), key=lambda it: (-it.confidence, it.path, it.id))
    strips = []
    for answer in wrong[:MAX_MISTAKES]:
        strips.append(
            {
                "path": answer.path,
                "id": answer.id,
                "label": answer.label,
                "predicted": answer.predicted,
                "confidence": probability(answer.confidence),
                "of_label": f"{answer.probabilities.get(answer.label, 0.0):.3f}",
                "is_unsure": answer.is_unsure,
                "frames": _frames(store, clips[answer.id]) if store.has_frames else [],
            }
        )
    return strips


def _frames(store: ClipStore, clip: Clip) -> list[dict[str, Any]]:
    """Some frames of a clip, with their times."""
    frames = store.frames(clip)
    chosen = sorted(set(np.linspace(0, len(frames) - 1, min(len(frames), _MAX_FRAMES)).round().astype(int)))
    times = [clip.frame_times_seconds[index] for index in chosen]
    return [
        {"image": jpeg(frames[index], side_px=_FRAME_PX), "time": f"{time:.2f} s"}
        for index, time in zip(chosen, times, strict=True)
    ]
