"""The page of an audit: its findings, and the pictures to check them by."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.audit.audit import Audit
from pipeline.audit.distributions import Distribution, sizes_of
from pipeline.audit.duplicates import DuplicateSet, Kind
from pipeline.clips.clip import SPLITS, Clip
from pipeline.clips.store import ClipStore
from pipeline.report.charts import bar, histogram
from pipeline.report.page import Picture, jpeg, write_page

_FRAME_PX = 104
_MAX_SETS = 24  # shown of each kind of copies
_MAX_CARDS = 6  # of each set
_MAX_ROWS = 60
_MAX_SIZES = 12
_UNITS = {"frame rate": "frames/s", "length": "seconds", "bit rate": "kbit/s"}
_SCALES = {"bit rate": 1e-3}
_COPIES: dict[Kind, tuple[str, str]] = {
    "bytes": ("Identical files", "The same bytes under several names."),
    "pixels": ("Identical pictures", "Files that differ, but give the same clip to the pixel."),
    "near": (
        "Near duplicates",
        "Nearly the same pictures that move alike, frame by frame: re-encoded, rescaled, slightly cropped or "
        "shifted copies; or clips so still and so alike that nothing tells them apart.",
    ),
}


def write_audit_page(path: Path, audit: Audit) -> None:
    """Writes the page of an audit: one file that needs no other.

    Args:
        path: an `.html`, written whole or not at all.
        audit: what was found.

    Raises:
        StoreError: frames of the store are missing or damaged.
        MachineError: it cannot be written.
    """
    from pipeline import __version__

    pictures = _Pictures(audit.store)
    failed = audit.summary.failed
    shown = sum(len(clips) for clips in audit.samples.values())
    write_page(
        path,
        "audit.html",
        {
            "name": audit.store.folder.resolve().name,
            "version": __version__,
            "num_clips": len(audit.clips),
            "findings": audit.findings,
            "table": _table(audit),
            "failed": failed[:_MAX_ROWS],
            "num_failed": len(failed),
            "copies": _copies(audit.duplicates, pictures),
            "groups": _groups(audit),
            "shortcuts": _shortcuts(audit),
            "sizes": _sizes(audit),
            "distributions": [_distribution(item) for item in audit.distributions],
            "first": _first_frames(audit),
            "sheets": [
                {
                    "label": label,
                    "total": sum(audit.summary.counts[label].values()),
                    "cards": [pictures.card(clip, clip.split) for clip in clips],
                }
                for label, clips in audit.samples.items()
            ],
            "sheets_text": f"{shown} of {len(audit.clips)} clips are shown, drawn at random from each class."
            if shown < len(audit.clips)
            else "All clips are shown.",
        },
    )


class _Pictures:
    """Thumbnails of clips; each is made once."""

    def __init__(self, store: ClipStore) -> None:
        self._store = store
        self._made: dict[str, Picture] = {}

    def card(self, clip: Clip, note: str = "") -> dict[str, Any]:
        """What a figure shows of a clip: its first, middle and last frame, its path, a note."""
        if clip.id not in self._made:
            frames = self._store.frames(clip)
            chosen = sorted({0, len(frames) // 2, len(frames) - 1})
            strip = np.concatenate([frames[index] for index in chosen], axis=1)
            self._made[clip.id] = jpeg(strip, side_px=_FRAME_PX * len(chosen))
        return {"image": self._made[clip.id], "path": clip.path, "note": note}


def _table(audit: Audit) -> dict[str, Any]:
    rows = [(label, [*of.values(), sum(of.values())]) for label, of in audit.summary.counts.items()]
    most = max(cells[-1] for _, cells in rows)
    return {
        "columns": [*SPLITS, "all"],
        "rows": [
            {"name": label, "cells": cells, "bar": bar(cells[-1] / max(1, most))} for label, cells in rows
        ],
        "totals": [sum(column) for column in zip(*(cells for _, cells in rows), strict=True)],
    }


def _copies(duplicates: Sequence[DuplicateSet], pictures: _Pictures) -> list[dict[str, Any]]:
    kinds = []
    for kind, (title, text) in _COPIES.items():
        sets = [it for it in duplicates if it.kind == kind]
        if sets:
            shown = [_copy(it, pictures) for it in sets[:_MAX_SETS]]
            kinds.append({"title": title, "text": text, "sets": shown, "num_sets": len(sets)})
    return kinds


def _copy(copies: DuplicateSet, pictures: _Pictures) -> dict[str, Any]:
    alarms = [f"across splits: {' + '.join(copies.splits)}"] if len(copies.splits) > 1 else []
    alarms += [f"different labels: {', '.join(copies.labels)}"] if len(copies.labels) > 1 else []
    told = f"{len(copies.clips)} clips of {', '.join(copies.labels)}"
    told += f", likeness {copies.likeness:.3f}" if copies.kind == "near" else ""
    if len(copies.clips) > _MAX_CARDS:
        told += f" (the first {_MAX_CARDS} are shown)"
    cards = [pictures.card(clip, f"{clip.label}, {clip.split}") for clip in copies.clips[:_MAX_CARDS]]
    return {"alarms": alarms, "told": told, "cards": cards}


def _groups(audit: Audit) -> dict[str, Any]:
    groups = sorted(
        [*audit.groups.given, *audit.groups.parted_videos],
        key=lambda group: (-(len(group.splits) > 1), -sum(group.counts.values()), group.name),
    )
    rows = [
        {
            "name": group.name,
            "cells": [group.counts[split] for split in SPLITS],
            "labels": ", ".join(f"{label} {number}" for label, number in sorted(group.labels.items())),
            "shared": len(group.splits) > 1,
        }
        for group in groups[:_MAX_ROWS]
    ]
    text = "What must not stand on both sides of the split: one camera, one person, one source."
    if not groups:
        text = "No groups were given: each file is taken to be independent of the others."
    return {"text": text, "rows": rows, "total": len(groups)}


def _shortcuts(audit: Audit) -> dict[str, Any]:
    check = audit.shortcuts
    return {
        "reason": check.reason,
        "num_shuffles": check.num_shuffles,
        "num_clips": check.num_clips,
        "num_groups": check.num_groups,
        "constant": check.constant,
        "rows": [
            {
                "name": it.name,
                "found": it.is_found,
                "bar": bar(it.accuracy, tick=it.chance, is_loud=it.is_found, width_px=240),
                "accuracy": f"{it.accuracy:.3f}",
                "chance": f"{it.chance:.3f}",
                "p": f"{it.p_value:.3f}",
            }
            for it in check.shortcuts
        ],
    }


def _sizes(audit: Audit) -> dict[str, Any]:
    classes = list(audit.summary.counts)

    def pair(clip: Clip) -> tuple[int, int] | None:
        return None if clip.width is None or clip.height is None else (clip.width, clip.height)

    ranked = sizes_of([pair(clip) for clip in audit.clips])
    of_class = Counter((pair(clip), clip.label) for clip in audit.clips)
    rows = [
        {
            "name": "not known" if size is None else f"{size[0]} x {size[1]}",
            "total": total,
            "cells": [of_class[size, label] for label in classes],
        }
        for size, total in ranked[:_MAX_SIZES]
    ]
    return {"classes": classes, "rows": rows, "num_more": max(0, len(ranked) - _MAX_SIZES)}


def _distribution(item: Distribution) -> dict[str, Any]:
    scale = _SCALES.get(item.name, 1.0)
    unit = _UNITS[item.name]
    axis = f"{_short(item.edges[0] * scale)} to {_short(item.edges[-1] * scale)} {unit}" if item.edges else ""
    rows = []
    for label, spread in item.spreads.items():
        ends = () if spread.quantiles is None else (spread.quantiles[i] * scale for i in (0, 2, 4))
        cells = [_short(value) for value in ends] or ["-", "-", "-"]
        rows.append({"name": label, "chart": histogram(item.counts[label]), "cells": cells})
    return {"name": f"{item.name}, {unit}", "axis": axis, "rows": rows}


def _first_frames(audit: Audit) -> dict[str, Any]:
    finding = next(it for it in audit.findings if it.name == "first frames")
    of_class: dict[str, list[int]] = finding.facts["differing_by_class"]
    clips = {clip.id: clip for clip in audit.clips}
    rows = [
        {
            "name": label,
            "differing": differing,
            "total": total,
            "bar": bar(differing / total, is_loud=finding.severity == "warning"),
        }
        for label, (differing, total) in sorted(of_class.items())
    ]
    examples = [
        {"image": jpeg(_beside(it.picture, audit.store.frames(clips[clip_id])[0]), side_px=2 * _FRAME_PX),
         "path": clips[clip_id].path, "note": clips[clip_id].label}
        for clip_id, it in audit.first_frames.by_clip.items()
        if it.picture is not None
    ]  # fmt: skip
    missing = _by_reason(audit.first_frames.missing.values())
    return {"text": finding.text, "rows": rows, "examples": examples, "missing": missing}


def _by_reason(reasons: Iterable[str]) -> list[dict[str, Any]]:
    return [{"reason": reason, "number": number} for reason, number in Counter(reasons).most_common(8)]


def _beside(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.concatenate([left, right], axis=1)


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"
