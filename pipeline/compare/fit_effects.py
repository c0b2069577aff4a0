"""What does it cost to distort frames, or to cut them? The same clips, fitted in several ways."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.compare.answers import Answers
from pipeline.compare.evidence import Evidence
from pipeline.compare.figures_of import paired
from pipeline.compare.scorer import Scorer

_ASPECTS = (
    (0.0, 0.8, "upright (narrower than 4:5)"),
    (0.8, 1.25, "nearly square"),
    (1.25, 1.5, "about 4:3"),
    (1.5, 1.9, "about 16:9"),
    (1.9, float("inf"), "very wide"),
)


def fit_effects(evidence: Evidence) -> dict[str, Any] | None:
    """Each way to fit against that of the store, in all and by aspect ratio (accuracy there).

    All heads have the settings that `--quick` has, whichever way the frames are fitted, so that no way gets
    more tries than another.

    Returns:
        The content of `fits`; None where one way was fitted only.
    """
    reference = evidence.variants[0]
    others = [each for each in evidence.variants if each.fit != reference.fit]
    if not others:
        return None
    heads = [head.name for head in evidence.heads_of(others[0].name) if head.name != "majority"]
    variants = {reference.fit: reference.name, **{each.fit: each.name for each in others}}
    pairs = [
        {
            "head": head,
            "first": reference.fit,
            "second": each.fit,
            **paired(
                evidence,
                evidence.scored(reference.name, head, setting=0),
                evidence.scored(each.name, head, setting=0),
            ),
        }
        for head in heads
        for each in others
    ]
    return {"heads": heads, "pairs": pairs, "by_aspect": _by_aspect(evidence, heads, variants)}


def _by_aspect(evidence: Evidence, heads: list[str], variants: Mapping[str, str]) -> list[dict[str, Any]]:
    clips = [evidence.plan.clips[row] for row in evidence.plan.held]
    aspects = np.array([clip.width / clip.height if clip.width and clip.height else np.nan for clip in clips])
    rows = []
    for low, high, name in _ASPECTS:
        columns = np.flatnonzero((aspects >= low) & (aspects < high))
        if len(columns) == 0:
            continue
        scorer = Scorer(
            evidence.true[columns],
            [evidence.groups[column] for column in columns],
            num_classes=len(evidence.plan.labels),
            folds_by_share=evidence.options.folds * evidence.plan.test_share,
            seed=evidence.options.seed,
        )
        for head in heads:
            scored = {}
            for fit, variant in variants.items():
                answers = evidence.pooled(variant, head, setting=0)
                part = Answers(predicted=answers.predicted[:, columns], losses=answers.losses[:, columns])
                scored[fit] = scorer.score(part)
            first, *others = scored
            rows.append(
                {
                    "aspect": name,
                    "num_clips": len(columns),
                    "head": head,
                    "accuracy": {
                        fit: scorer.figures(each)["accuracy"].to_dict() for fit, each in scored.items()
                    },
                    "differences": {
                        fit: scorer.differences(scored[first], scored[fit])["accuracy"].to_dict()
                        for fit in others
                    },
                }
            )
    return rows
