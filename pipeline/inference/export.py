"""A trained model made ready to run elsewhere: a graph for ONNX Runtime that was checked against PyTorch."""

import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.clips.store import ClipStore, Split
from pipeline.embedding.cache import Progress, Say, quiet
from pipeline.embedding.onnx_export import OPSET, require_packages
from pipeline.errors import CheckpointError, MachineError
from pipeline.evaluation.judge import judge, judged_clips
from pipeline.evaluation.judgement import Judgement
from pipeline.evaluation.trained import load_trained
from pipeline.files import sha256_of_file
from pipeline.inference.clip_graph import (
    ATTENTION_WEIGHTS,
    CHECKED_BATCHES,
    CLIPS,
    LOGITS,
    PROBABILITIES,
    ClipGraph,
    check_shapes,
    checked_lengths,
    export_graph,
)
from pipeline.model.checkpoint import Checkpoint, load_checkpoint, model_file
from pipeline.model.given import GIVEN

CLIPS_TOLERANCE = 1e-3
"""Largest difference of a probability on real clips: what another runtime may differ by, as elsewhere."""

_NAMED = 3  # clips in a message


@dataclass(frozen=True, kw_only=True)
class Given:
    """What decides how an export ends: two that were given the same end the same.

    Attributes:
        model: a run folder or a model file.
        check: clips on which no label may change; None: the graph is run on random clips alone.
        split: which of them.
    """

    model: Path
    check: ClipStore | None = None
    split: Split = "test"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values that tell one export from another."""
        return {
            "format": "onnx",
            "model_sha256": sha256_of_file(model_file(self.model)),
            "check": {"data": self.check.digest, "split": self.split} if self.check else None,
        }


@dataclass(frozen=True, kw_only=True)
class Export:
    """A graph that was checked, and all that is to be said of it.

    Attributes:
        graph: the content of the .onnx file.
        checkpoint: what the model's file says of itself.
        checks: what the graph was compared with PyTorch on, and how far apart they were. JSON values.
        judgement: of PyTorch's answers on the clips of the check; None: there were none.
    """

    graph: bytes
    checkpoint: Checkpoint
    checks: dict[str, Any]
    judgement: Judgement | None

    @property
    def tensors(self) -> dict[str, dict[str, Any]]:
        """What the graph takes and gives: type and shape of each tensor; B and T may be any."""
        S, K = self.checkpoint.spec.image_size, len(self.checkpoint.labels)
        return {
            "inputs": {CLIPS: {"dtype": "uint8", "shape": ["B", "T", S, S, 3], "channels": "RGB"}},
            "outputs": {
                LOGITS: {"dtype": "float32", "shape": ["B", K]},
                ATTENTION_WEIGHTS: {"dtype": "float32", "shape": ["B", "T"]},
                PROBABILITIES: {"dtype": "float32", "shape": ["B", K]},
            },
        }


def export_model(given: Given, *, progress: Progress = iter, say: Say = quiet) -> Export:
    """Exports a model and checks the graph: random clips of 5 lengths, 1 to 3 at once, then the clips given.

    Args:
        given: the model, and the clips.
        progress: wraps the clips that are embedded.
        say: is told what is being done.

    Raises:
        CheckpointError: there is no model that can be used, or it is too large for one file.
        StoreError: the clips are not what the model takes.
        MachineError: a package is missing, the model cannot be exported, or the graph does not compute what
            PyTorch computes; then nothing is to be kept.
    """
    require_packages()
    cpu = torch.device("cpu")
    judged = load_trained(given.model, device=cpu, runtime="torch")
    classifier, checkpoint = load_checkpoint(given.model)
    temperature = judged.calibration.temperature
    if given.check is not None:
        judged_clips(judged, given.check, given.split)  # refuses clips that do not fit before the long part
    say(f"exporting {checkpoint.model.backbone} and its head")
    graph = export_graph(classifier, temperature=temperature)
    say("comparing it with PyTorch on random clips of 5 lengths")
    agreement = check_shapes(
        classifier, graph, temperature=temperature, num_frames=checkpoint.spec.num_frames
    )
    checks: dict[str, Any] = {
        "random_clips": {
            "num_frames": list(checked_lengths(checkpoint.spec.num_frames)),
            "batch_sizes": list(CHECKED_BATCHES),
            "largest_difference": agreement.largest_difference,
            "tolerance": agreement.tolerance,
        },
        "clips": None,
    }
    judgement = None
    if given.check is not None:
        say(f"comparing it with PyTorch on the {given.split} clips of {given.check.folder}")
        judgement = judge(judged, given.check, split=given.split, progress=progress, say=say)
        checks["clips"] = {
            "data": given.check.digest,
            "split": given.split,
            **_check_clips(graph, given.check, judgement, progress),
        }
    return Export(graph=graph.content, checkpoint=checkpoint, checks=checks, judgement=judgement)


def description(export: Export, given: Given) -> dict[str, Any]:
    """What a program must know to run the graph, and what decided how the export ended. JSON values."""
    import onnx
    import onnxruntime

    from pipeline import __version__

    checkpoint, calibration = export.checkpoint, export.checkpoint.calibration or {}
    return {
        "given": given.to_dict(),
        **export.tensors,
        "labels": list(checkpoint.labels),
        "spec": checkpoint.spec.to_dict(),
        "temperature": calibration.get("temperature", 1.0),
        "threshold": calibration.get("threshold"),
        "clip_seconds": checkpoint.clip_seconds,
        "checks": export.checks,
        "data": checkpoint.provenance.get("data"),
        "opset": OPSET,
        "versions": {
            "clipwise": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }


def check_exportable(model: Path) -> None:
    """Refuses a model of given features (CheckpointError), before anything is made."""
    backbone = load_checkpoint(model)[1].model.backbone
    if backbone == GIVEN:
        raise CheckpointError(
            f"{model} was trained on features given directly; an export takes frames, and its graph begins "
            "with a backbone. Give a model of videos."
        )


def _check_clips(
    graph: ClipGraph, store: ClipStore, judgement: Judgement, progress: Progress
) -> dict[str, Any]:
    """Runs a graph on the judged clips, one at a time, beside PyTorch's answers."""
    largest, changed, clips = 0.0, [], judgement.clips
    for row in progress(range(len(clips))):
        expected = judgement.predictions[row]
        answers = graph.run(store.frames(clips[row])[None])
        largest = max(largest, float(np.abs(answers.probabilities[0] - expected.probabilities).max()))
        if int(answers.probabilities[0].argmax()) != expected.class_index:
            changed.append(clips[row].path)
    if changed:
        raise MachineError(
            f"the exported model gives another label than PyTorch on {len(changed)} of {len(clips)} clips "
            f"({', '.join(changed[:_NAMED])}); nothing was kept. Another version of torch or onnxruntime may "
            "do better."
        )
    if not largest <= CLIPS_TOLERANCE:
        raise MachineError(
            f"a probability of the exported model differs from PyTorch's by {largest:.1e} on the clips of "
            f"{store.folder}, allowed is {CLIPS_TOLERANCE:.0e}; nothing was kept. Another version of torch "
            "or onnxruntime may do better."
        )
    return {
        "num_clips": len(clips),
        "labels_changed": 0,
        "largest_difference": largest,
        "tolerance": CLIPS_TOLERANCE,
    }
