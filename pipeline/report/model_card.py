"""The card of an exported model: how to run it, how good it is, on what data, and what it cannot do."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipeline.evaluation.baselines import BASELINE_TEXTS
from pipeline.inference.clip_graph import TOLERANCE
from pipeline.report.figures import SCORES, interval, share
from pipeline.report.markdown import bullets, paragraph, plain, table
from pipeline.report.training_facts import data_facts, model_facts

if TYPE_CHECKING:
    from pipeline.clips.store import ClipStore
    from pipeline.inference.export import Export

_SPLITS = {"train": "training clips", "val": "validation clips", "test": "test clips", "all": "all clips"}


def model_card(export: "Export", description: Mapping[str, Any], *, store: "ClipStore | None") -> str:
    """The card as Markdown; labels and names in it are text, whatever they hold.

    Args:
        export: the model and what it was checked on.
        description: the content of its model.json.
        store: the clips of the check; None: there were none.
    """
    checkpoint = export.checkpoint
    parts = [
        f"# Model card: video clips of {len(checkpoint.labels)} classes",
        _summary(export),
        "## How to run it",
        _RUN,
        _tensors(description),
        "## How good it is",
        _results(export),
        "## Data",
        _data(export, store),
        "## Intended use and limits",
        _use(export),
        "## Is the graph the model?",
        _checks(description["checks"]),
        "## What it is made of",
        table(["", ""], model_facts(checkpoint)),
        "Exported with "
        + plain(", ".join(f"{name} {text}" for name, text in description["versions"].items()))
        + f"; opset {description['opset']}; SHA-256 of the Clipwise model "
        + f"{plain(description['given']['model_sha256'])}.",
    ]
    return "\n\n".join(parts) + "\n"


_RUN = """\
```console
$ pip install onnxruntime "opencv-python-headless<5" numpy
$ python classify.py VIDEO
```

`classify.py` is an example of about 40 lines of code (blank lines, comments and its first words not counted)
that needs neither Clipwise nor PyTorch. It takes the frames at the centres of equal segments and fits them as
the training did. It is right for videos of constant frame rate and without damage; `clipwise classify` reads
the others right too, and hostile files safely."""


def _summary(export: "Export") -> str:
    spec = export.checkpoint.spec
    return (
        f"Says which of {len(export.checkpoint.labels)} classes a video shows, from {spec.num_frames} of its "
        "frames in their order, and how much each frame weighed in the answer."
    )


def _tensors(description: Mapping[str, Any]) -> str:
    rows = [
        [name, kind, tensor["dtype"], " x ".join(str(side) for side in tensor["shape"]), _MEANINGS[name]]
        for kind in ("inputs", "outputs")
        for name, tensor in description[kind].items()
    ]
    temperature = description["temperature"]
    return (
        table(["tensor", "", "type", "shape", ""], rows)
        + "\n\nB clips of T frames, both free; all frames of a clip count. The normalisation of the pixels "
        "is in the graph. Probabilities are the softmax of the logits divided by the temperature, "
        f"{temperature:.4g}."
    )


_MEANINGS = {
    "clips": "RGB frames, 0 to 255, in their order",
    "logits": "one for each class, in the order of the labels in model.json",
    "attention_weights": "the share of each frame in the clip's features; sums to 1",
    "probabilities": "of each class; sums to 1",
}


def _results(export: "Export") -> str:
    """Figures of the checked clips; else those of the validation clips, which the model file holds."""
    if export.judgement is not None:
        return _figures(export.judgement.to_dict())
    metrics = export.checkpoint.provenance.get("metrics")
    judged = metrics.get("validation") if isinstance(metrics, dict) else None
    if not isinstance(judged, dict):
        return "The model file holds no figures. `clipwise export --check CLIPS` puts those of a split here."
    try:
        figures = _figures(judged)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):  # what a file says may be anything
        return "The figures in the model file cannot be read."
    return (
        "No test clips were looked at for this card: these are the validation clips, which training stopped "
        "by. "
        f"`clipwise export --check CLIPS` puts the figures of the test clips here.\n\n{figures}"
    )


def _figures(judged: Mapping[str, Any]) -> str:
    intervals = judged["intervals"]
    rows = [["this model", *(share(judged[key]) for key in SCORES)]]
    if intervals:
        rows.append(["95 % interval", *(interval(intervals[key]) for key in SCORES)])
    for name, text in BASELINE_TEXTS.items():
        others = judged["baselines"].get(name)
        if others is not None:
            rows.append([text, *(share(others[key]) for key in SCORES)])
    classes = [
        [
            row["label"],
            *(share(row[key]) if row["support"] else "-" for key in ("precision", "recall", "f1")),
            row["support"],
        ]
        for row in judged["per_class"]
    ]
    groups = judged["per_group"] or []
    by_group = table(
        ["group", "accuracy", "clips"],
        [[row["group"], share(row["accuracy"]), row["support"]] for row in groups],
    )
    return "\n\n".join(
        [
            f"{_SPLITS[judged['split']].capitalize()}: {judged['num_used']} of {judged['num_total']} used.",
            table(["", *SCORES.values()], rows),
            paragraph(judged["verdict"]["sentence"]),
            table(["class", "precision", "recall", "F1", "clips"], classes),
            *([by_group] if groups else []),
            bullets(judged["notes"]),
        ]
    )


def _data(export: "Export", store: "ClipStore | None") -> str:
    checkpoint = export.checkpoint
    digest = str(checkpoint.provenance.get("data", "not known"))
    sentence = f"Trained on the clips whose list has the SHA-256 {plain(digest)}."
    counts = checkpoint.provenance.get("training_clips")
    known = counts if isinstance(counts, dict) else {}
    if store is None or store.digest != digest:
        rows = [
            [index, label, known.get(label, "not known")] for index, label in enumerate(checkpoint.labels)
        ]
        why = (
            "How they were split, and what was taken as independent, is written in their clip store and not "
            "in the model: `clipwise export --check CLIPS` with that store puts it here."
        )
        other = (
            f"\n\nThe clips of the check are others (SHA-256 {plain(store.digest)}): what they share with "
            "the training is not known."
            if store is not None
            else ""
        )
        return f"{sentence} {why}{other}\n\n{table(['class index', 'class', 'training clips'], rows)}"
    facts = data_facts(store)
    rows = [[index, row["name"], *row["cells"]] for index, row in enumerate(facts["rows"])]
    shared = [
        f"{item['text']}: {', '.join(item['names'])}{', ...' if item['num_more'] else ''}"
        for item in facts["shared"]
    ]
    return "\n\n".join(
        [
            sentence,
            table(["class index", "class", *facts["columns"]], rows),
            bullets([*(f"{name}: {text}" for name, text in facts["facts"]), *shared]),
        ]
    )


def _use(export: "Export") -> str:
    checkpoint = export.checkpoint
    seconds, calibration = checkpoint.clip_seconds, checkpoint.calibration or {}
    threshold = calibration.get("threshold")
    reason = calibration.get("threshold_reason", "")
    unsure = (
        f"Answers with a probability below {threshold:.6g} are to be taken as unsure ({reason})."
        if threshold is not None
        else f"No probability is known below which answers are unsure ({reason})."
    )
    return bullets(
        [
            "For videos like those it was trained on: the same kind of camera, scene and action, "
            f"{_lengths(seconds)}.",
            "It answers with one of its classes whatever a video shows, also where it shows none of them.",
            unsure,
            "A long recording is not one clip: cut it into windows of the training clips' length.",
            "What cameras, places or people it never saw do to its figures is not known from the tables "
            "above, unless the split kept them apart.",
            "Attention weights say how much a frame entered the clip's features, not why the answer is what "
            "it is.",
            "It was not examined for use in decisions about people.",
        ]
    )


def _lengths(seconds: Mapping[str, float]) -> str:
    shortest, median, longest = (f"{seconds[key]:.3g}" for key in ("min", "median", "max"))
    if shortest == longest:
        return f"{shortest} seconds long"
    return f"{shortest} to {longest} seconds long (median {median})"


def _checks(checks: Mapping[str, Any]) -> str:
    random, clips = checks["random_clips"], checks["clips"]
    *shorter, longest = sorted(random["num_frames"])
    lengths = f"{', '.join(map(str, shorter))} and {longest}"
    sentences = [
        f"On random clips of {lengths} frames, 1 to {max(random['batch_sizes'])} at once, it differs from "
        f"PyTorch by {random['largest_difference']:.1e} at most (allowed: {random['tolerance']:.0e})."
    ]
    if random["tolerance"] > TOLERANCE:
        sentences.append(
            f"More than {TOLERANCE:.0e} is allowed there because PyTorch's own rounding explains as much: "
            "this backbone multiplies it on random frames, which are unlike any it was trained on."
        )
    if clips is None:
        sentences.append("It was not compared with PyTorch on real clips.")
    else:
        sentences.append(
            f"On {clips['num_clips']} {_SPLITS[clips['split']]} it gives PyTorch's label on all; "
            f"probabilities differ by {clips['largest_difference']:.1e} at most (allowed: "
            f"{clips['tolerance']:.0e})."
        )
    return bullets(sentences)
