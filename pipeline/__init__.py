"""Clipwise: train a video clip classifier on your own videos.

    from pipeline import load
    result = load("runs/mine").classify("video.mp4")

Names are imported when first used, so that `import pipeline` costs nothing.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "ClipSpec": "pipeline.spec",
    "ClipStore": "pipeline.clips.store",
    "Classifier": "pipeline.inference.classifier",
    "ClipwiseError": "pipeline.errors",
    "Labels": "pipeline.labels",
    "load": "pipeline.inference.classifier",
}

__all__ = sorted(_PUBLIC)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
