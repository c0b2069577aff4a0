"""A model in brief, for someone who has an answer of it: what it is, how good it was, what it cannot do."""

import math
from collections.abc import Mapping
from typing import Any

from pipeline.evaluation.attention_finding import AttentionFinding
from pipeline.evaluation.baselines import BASELINE_TEXTS
from pipeline.evaluation.calibration import Calibration
from pipeline.model.checkpoint import Checkpoint
from pipeline.report.figures import SCORES, interval, probability, share
from pipeline.report.training_facts import Fact, model_facts

_SPLITS = {"val": "validation clips", "test": "test clips", "train": "training clips"}


def attention_facts(checkpoint: Checkpoint) -> dict[str, Any]:
    """Whether the model has an attention, what was found of it, and whether it is folded away therefore."""
    exists = checkpoint.model.head.has_attention
    finding = AttentionFinding.of(checkpoint)
    is_no_better = finding is not None and finding.attention_trusted is False
    return {
        "exists": exists,
        "is_folded": is_no_better or not exists,
        "note": finding.attention_note if finding else "",
    }


def model_summary(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the page says of the model: `facts`, `figures`, `verdict`, `notes`, `limits`.

    Where the model comes from is told by its file and may be anything; what is not understood is left out.
    """
    metrics = _part(_part(checkpoint.provenance, "metrics"), "validation")
    sentence = _part(metrics, "verdict").get("sentence")
    notes = metrics.get("notes")
    return {
        "facts": model_facts(checkpoint),
        "figures": _figures(metrics),
        "judged": _judged_words(metrics),
        "verdict": sentence if isinstance(sentence, str) else "",
        "notes": [note for note in notes if isinstance(note, str)] if isinstance(notes, list) else [],
        "limits": _limits(checkpoint),
    }


def confidence_facts(calibration: Calibration, checkpoint: Checkpoint) -> list[Fact]:
    """What a probability is, whether it was made to fit, and what the threshold of the model promises."""
    return [
        ("probability", "the share that the model gives a label; the shares of all labels sum to 1"),
        ("calibrated", _calibration_words(calibration)),
        ("unsure", _threshold_words(calibration, checkpoint)),
    ]


def _calibration_words(calibration: Calibration) -> str:
    if calibration.temperature == 1:
        return f"no: {calibration.temperature_reason.removeprefix('not fitted: ')}"
    return f"yes, with a temperature of {calibration.temperature:.2f}: {calibration.temperature_reason}"


def _threshold_words(calibration: Calibration, checkpoint: Checkpoint) -> str:
    stored = Calibration.from_dict(checkpoint.calibration)
    if calibration.threshold is None:
        return f"no answer is called so, as the model has no threshold for it: {calibration.threshold_reason}"
    said = f"an answer whose probability is below {probability(calibration.threshold)}"
    if calibration.threshold != stored.threshold:
        return f"{said}. This threshold was chosen for this page (--threshold) and promises nothing"
    if stored.wanted_precision is not None:
        said += f", so that at least {100 * stored.wanted_precision:g} % of the other answers are right"
    return f"{said}: {stored.threshold_reason}. This holds for videos like the validation clips"


def _figures(metrics: Mapping[str, Any]) -> list[Fact]:
    """The scores of the model beside those of the best simpler method."""
    best = _part(metrics, "verdict").get("baseline")
    other = _part(_part(metrics, "baselines"), best) if isinstance(best, str) else {}
    intervals = _part(metrics, "intervals")
    rows = []
    for key, name in SCORES.items():
        if not _is_score(metrics.get(key)):
            continue
        text = share(metrics[key])
        pair = intervals.get(key)
        if isinstance(pair, list) and len(pair) == 2 and all(map(_is_score, pair)):
            text += f" (95 % interval {interval(pair)})"
        if best in BASELINE_TEXTS and _is_score(other.get(key)):
            text += f"; {BASELINE_TEXTS[best]}: {share(other[key])}"
        rows.append((name, text))
    return rows


def _judged_words(metrics: Mapping[str, Any]) -> str:
    used, total, split = (metrics.get(name) for name in ("num_used", "num_total", "split"))
    if not (isinstance(used, int) and isinstance(total, int)):
        return ""
    clips = _SPLITS.get(split, "clips") if isinstance(split, str) else "clips"
    return f"Judged on {used} of {total} {clips}, when it was trained."


def _limits(checkpoint: Checkpoint) -> list[str]:
    seconds = checkpoint.clip_seconds
    num_frames = checkpoint.spec.num_frames
    return [
        f"It knows {len(checkpoint.labels)} classes and always names one of them, also for a video that "
        "shows none of them.",
        "Its figures hold for videos like those it was trained on. In another place, or through another "
        "camera, it can be wrong and sure of it.",
        f"It sees {num_frames} frames of a video, however long that is, and nothing between them. Its "
        f"training clips lasted {seconds['min']:.3g} to {seconds['max']:.3g} seconds.",
        "What this page shows of frames and places says what the answer depends on, not why it is true.",
    ]


def _part(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = values.get(name)
    return part if isinstance(part, dict) else {}


def _is_score(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
