"""What was trained on what: the model, its clips, how they were split, and what the splits share."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.audit.groups import Groups, count_groups
from pipeline.clips.clip import SPLITS
from pipeline.clips.store import ClipStore
from pipeline.clips.summary import Shared, Summary
from pipeline.model.checkpoint import Checkpoint
from pipeline.model.given import GIVEN
from pipeline.model.head import HeadConfig
from pipeline.report.charts import bar
from pipeline.spec import ClipSpec

Fact = tuple[str, str]
_MAX_NAMED = 6
_NORMALISATIONS = {"none": "", "layer": "layer normalisation", "standardise": "standardisation"}
_POOLINGS = {
    "attention": "additive attention",
    "dot": "dot-product attention",
    "mean": "mean over the frames",
    "last": "last frame",
    "centre": "centre frame",
    "statistics": "mean, standard deviation and mean difference over the frames",
}
_ORIGINS = {
    "csv": "given by the list of videos",
    "folders": "given by the folders",
    "lists": "given by lists",
    "made": "made by clipwise preprocess: stratified by class, groups kept whole",
    "file": "given by the file of features",
}


def model_facts(checkpoint: Checkpoint) -> list[Fact]:
    """The model and its training, as its file tells them."""
    provenance = checkpoint.provenance
    options, trained = _mapping(provenance, "options"), _mapping(provenance, "training_clips")
    counts = [f"{label} {number}" for label, number in trained.items()]
    return [
        ("backbone", backbone_words(checkpoint.model.backbone, options)),
        ("head", head_words(checkpoint.model.head)),
        *([("started from", f"a trained model, SHA-256 {provenance['init_sha256']}")]
          if provenance.get("init_sha256") else []),
        ("a clip", clip_words(checkpoint.spec, takes_features=checkpoint.model.backbone == GIVEN)),
        ("training clips", ", ".join(counts) or "not known"),
        ("their length", _length_words(checkpoint)),
        *run_facts(provenance),
    ]  # fmt: skip


def _length_words(checkpoint: Checkpoint) -> str:
    """How long the training clips were, in seconds or, of given features, in steps."""
    lengths, unit = checkpoint.clip_seconds, "seconds"
    if checkpoint.model.backbone == GIVEN:
        lengths, unit = _mapping(checkpoint.provenance, "training_steps"), "steps"
    if not all(isinstance(lengths.get(name), int | float) for name in ("min", "median", "max")):
        return "not known"
    return f"{lengths['min']:.3g} to {lengths['max']:.3g} {unit}, median {lengths['median']:.3g}"


def run_facts(given: Mapping[str, Any]) -> list[Fact]:
    """What else decides how a training ends: seed, device, data, versions."""
    options, versions = _mapping(given, "options"), _mapping(given, "versions")
    facts = [
        ("seed", str(options.get("seed", "not known"))),
        ("device", str(given.get("device", "not known"))),
        ("data", f"SHA-256 {given.get('data', 'not known')} of the list of clips"),
    ]
    if versions:
        facts.append(("versions", ", ".join(f"{name} {text}" for name, text in versions.items())))
    return facts


def backbone_words(backbone: str, options: Mapping[str, Any]) -> str:
    """The backbone, where its weights came from, and whether it was trained."""
    if backbone == GIVEN:
        return "none: features are given directly"
    weights = str(options.get("weights", "not known"))
    if weights == "none":
        return f"{backbone}, trained from random weights"
    origin = weights.replace("file ", "of a file, SHA-256 ", 1) if weights.startswith("file ") else weights
    kept = "trained too, from pixels" if options.get("finetune") else "frozen: it stayed as it was"
    return f"{backbone}, {kept}; weights: {origin}"


def head_words(head: HeadConfig) -> str:
    """The parts of a head, in the order in which features go through it."""
    parts = [
        f"{head.feature_dim} features a frame",
        "frames, what changes in them and how much, in projections fitted to training clips"
        if head.input == "fitted"
        else _NORMALISATIONS.get(head.normalise, head.normalise),
        "differences of neighbours beside them" if head.differences else "",
        f"projection to {head.projection_dim}" if head.projection_dim and head.input == "plain" else "",
        *_recurrent_words(head),
        "dense layer at each step" if head.time_dense else "",
        _POOLINGS[head.pooling],
        f"{head.num_classes} classes",
    ]  # fmt: skip
    return " → ".join(filter(None, parts))


def _recurrent_words(head: HeadConfig) -> list[str]:
    if head.recurrence == "convolution":
        like = f"as large as LSTMs of {head.lstm_dim} units"
        return [f"convolutions over 3 steps in {head.num_layers} layers, {like}"]
    kind, units = head.recurrence.upper(), head.bidirectional_dim or head.lstm_dim
    return [
        f"{head.lstm_layers} {kind} of {head.lstm_dim} units" if head.lstm_layers else "",
        f"bidirectional {kind} of {units} units" if head.bidirectional else "",
    ]


def clip_words(spec: ClipSpec, *, takes_features: bool = False) -> str:
    """What a clip is."""
    if takes_features:
        return f"{spec.num_frames} steps of numbers, or fewer where lengths are given"
    fits = {
        "letterbox": "aspect ratio kept, padded",
        "stretch": "stretched, aspect ratio ignored",
        "crop": "aspect ratio kept, the longer side cut",
    }
    return (
        f"{spec.num_frames} frames, at the centres of equal segments; {spec.image_size} x {spec.image_size} "
        f"px, {fits.get(spec.fit, spec.fit)}"
    )


def data_facts(store: ClipStore) -> dict[str, Any]:
    """The clips of a store: a table of classes and splits, how they were split, what the splits share."""
    summary, groups = Summary.of(store.labels, store.clips), count_groups(store.usable())
    rows = [(label, [*of.values(), sum(of.values())]) for label, of in summary.counts.items()]
    most = max((cells[-1] for _, cells in rows), default=0)
    split = split_words(store.manifest.get("split") or {})
    if not store.has_frames:
        split = split.replace("clipwise preprocess", "Clipwise")
    facts = [("split", split), ("groups", _groups_words(groups, store.unit))]
    if summary.failed:
        facts.append(
            ("not readable", f"videos that gave no clip and have no part in this: {len(summary.failed)}")
        )
    if summary.damaged:
        facts.append(("damaged", f"clips that come from damaged videos: {len(summary.damaged)}"))
    return {
        "name": store.folder.resolve().name,
        "columns": [*SPLITS, "all"],
        "rows": [
            {"name": label, "cells": cells, "bar": bar(cells[-1] / max(1, most))} for label, cells in rows
        ],
        "totals": [sum(column) for column in zip(*(cells for _, cells in rows), strict=True)],
        "facts": facts,
        "shared": [
            item
            for what, names in (
                ("groups", [group.name for group in groups.shared]),
                ("videos whose parts have no group", [group.name for group in groups.parted_videos]),
                ("sets of identical files", _copies(summary.identical)),
            )
            if names
            for item in [_shared(what, names)]
        ],
    }


def _groups_words(groups: Groups, unit: str) -> str:
    if not groups.given:
        return f"none given: each {unit} was taken as independent of the others"
    ungrouped = f"; {groups.num_ungrouped} clips have none" if groups.num_ungrouped else ""
    return f"{len(groups.given)} given{ungrouped}"


def split_words(rule: Mapping[str, Any]) -> str:
    """How the clips came to their splits."""
    origin = str(rule.get("origin"))
    words = _ORIGINS.get(origin, origin)
    if rule.get("regroup"):
        words += "; a split was given and set aside"
    if rule.get("makes") == "val" and rule.get("val_fraction"):
        words += f"; a share of {rule['val_fraction']} of train was taken for val, seed {rule.get('seed')}"
    if rule.get("makes") == "all":
        words += (
            f"; val a share of {rule.get('val_fraction')}, test {rule.get('test_fraction')}, "
            f"seed {rule.get('seed')}"
        )
    return words


def _mapping(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A part of what a model file says of its origin, which may be anything."""
    part = values.get(name)
    return part if isinstance(part, dict) else {}


def _copies(identical: Sequence[Shared]) -> list[str]:
    return [" = ".join(clip.path for clip in copies.clips) for copies in identical if len(copies.splits) > 1]


def _shared(what: str, names: Sequence[str]) -> dict[str, Any]:
    """What stands on more than one side of the split: how many, and the first names."""
    return {
        "text": f"On more than one side of the split: {len(names)} {what}",
        "names": list(names[:_MAX_NAMED]),
        "num_more": max(0, len(names) - _MAX_NAMED),
    }
