"""What came of a comparison, from its evidence: figures, findings and the options of the best head."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.compare.evidence import Evidence
from pipeline.compare.figures_of import curve_of, head_figures, hidden_sizes_of, pairs_of
from pipeline.compare.fit_effects import fit_effects
from pipeline.compare.heads import HEADS, MAJORITY
from pipeline.compare.one_fit import passes_an_epoch
from pipeline.compare.settings import MAX_SETTINGS
from pipeline.compare.verdict import claims_of, scoreboard, sentences
from pipeline.training.options import TrainOptions


def supported_head(evidence: Evidence) -> str | None:
    """The rung that the data supports; None where that cannot be told."""
    return scoreboard(evidence, evidence.reference).supported


def summarise(evidence: Evidence, *, wall_seconds: float) -> dict[str, Any]:
    """The content of result.json.

    Args:
        evidence: all fits.
        wall_seconds: that this command took.
    """
    from pipeline import __version__

    plan, options = evidence.plan, evidence.options
    heads = evidence.heads_of(evidence.reference)
    counts = dict.fromkeys(plan.labels, 0)
    for row in plan.held:
        counts[plan.clips[row].label] += 1
    effects = fit_effects(evidence)
    board = scoreboard(evidence, evidence.reference)
    curves = [curve for head in heads if (curve := curve_of(evidence, head)) is not None]
    sizes = [found for head in heads if (found := hidden_sizes_of(evidence, head)) is not None]
    return {
        "name": evidence.name,
        "version": __version__,
        "data": {
            "num_clips": len(plan.held),
            "num_groups": evidence.scorer.num_groups,
            "labels": list(plan.labels),
            "clips_per_class": counts,
            "num_frames": evidence.num_frames,
            "chance": evidence.scorer.chance,
            "notes": list(plan.notes),
        },
        "plan": {
            "folds": options.folds,
            "repeats": options.chosen_repeats,
            "seed": options.seed,
            "all_clips": options.all_clips,
            "quick": options.quick,
            "settings_per_head": 1 if options.quick else MAX_SETTINGS,
            "fractions": list(plan.fractions),
            "epochs": options.epochs,
            "patience": options.patience,
        },
        "variants": [each.to_dict(evidence.feature_dims[each.name]) for each in evidence.variants],
        "heads": [head.to_dict() for head in heads],
        "results": [
            head_figures(evidence, variant.name, head)
            for variant in evidence.variants
            for head in evidence.heads_of(variant.name)
        ],
        "pairs": [
            row
            for variant in evidence.variants
            if variant.fit == evidence.variants[0].fit
            for row in pairs_of(evidence, variant.name)
        ],
        "curves": curves,
        "hidden_sizes": sizes,
        "fits": effects,
        "claims": claims_of(evidence, board),
        "verdict": {
            **board.rung.to_dict(),
            "supported": board.supported,
            "supported_rung": board.rung.supported,
            "sentences": [finding.to_dict() for finding in sentences(evidence, board, effects)],
        },
        "commands": [],
        "seconds": {
            "wall": round(wall_seconds, 1),
            "cpu": round(sum(answers.cpu_seconds for answers in evidence.answers.values()), 1),
        },
    }


def best_options(evidence: Evidence, result: Mapping[str, Any]) -> TrainOptions | None:
    """Training options of the head that the data supports, or of the best where that cannot be told.

    With the setting that most folds kept; of equals the one nearest to what is usual.

    Returns:
        None where nothing beats the majority: there is nothing worth training.
    """
    name = result["verdict"]["supported"] or result["verdict"]["best"]
    if name == MAJORITY:
        return None
    reference = evidence.variants[0]
    kept = [key.setting for key in evidence.keys(reference.name, name)]
    number = min(set(kept), key=lambda each: (-kept.count(each), each))
    setting = next(
        evidence.settings[key] for key in evidence.keys(reference.name, name) if key.setting == number
    )
    options = replace(reference.options, **setting.options(HEADS[name]))
    num_train = round(float(np.mean([len(fold.train[1.0]) for fold in evidence.plan.folds])))
    passes = passes_an_epoch(num_train, options)
    return replace(options, epochs=passes * options.epochs, patience=passes * options.patience)
