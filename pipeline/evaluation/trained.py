"""A trained model with what its run folder keeps for judging it."""

from dataclasses import replace
from pathlib import Path

import torch

from pipeline.embedding.embedder import Embedder
from pipeline.embedding.runtime import RuntimeName
from pipeline.evaluation.baselines import load_baselines
from pipeline.evaluation.calibration import Calibration
from pipeline.evaluation.judge import Judged
from pipeline.model.checkpoint import Checkpoint, load_checkpoint
from pipeline.model.given import GIVEN
from pipeline.model.weights import NO_WEIGHTS

BASELINES_FILE = "baselines.safetensors"
STARTING_FILE = "starting_model.safetensors"


def load_trained(
    path: Path,
    *,
    device: torch.device,
    runtime: RuntimeName = "auto",
    threshold: float | None = None,
) -> Judged:
    """Loads a model for judging.

    Args:
        path: a run folder; or a model file, which has no baselines but the shuffled frames.
        device: where the model runs.
        runtime: what runs its backbone; see `Embedder`.
        threshold: answers with a lower probability are unsure; None: that of the model, if it has one.

    Raises:
        CheckpointError: there is no model that can be used.
        UsageError, MachineError: the runtime cannot be had.
    """
    model, checkpoint = load_checkpoint(path)
    starting = path / STARTING_FILE
    baselines = path / BASELINES_FILE
    calibration = Calibration.from_dict(checkpoint.calibration)
    if threshold is not None:
        calibration = replace(calibration, threshold=threshold, threshold_reason="given by hand")
    return Judged(
        embedder=Embedder(model, device=device, runtime=runtime),
        head=model.head,
        labels=checkpoint.labels,
        spec=checkpoint.spec,
        keep_features=not starting.exists(),
        starting=Embedder(load_checkpoint(starting)[0], device=device, runtime=runtime)
        if starting.exists()
        else None,
        baselines=load_baselines(baselines) if baselines.exists() else None,
        calibration=calibration,
        trained_on=checkpoint.provenance.get("data"),
        fitted_at_once=_was_fitted_at_once(checkpoint),
    )


def _was_fitted_at_once(checkpoint: Checkpoint) -> bool:
    """Whether the head is a regression on a frozen backbone; beside a trained one it learned in epochs."""
    options = checkpoint.provenance.get("options")
    given = options if isinstance(options, dict) else {}
    trains_backbone = checkpoint.model.backbone != GIVEN and (
        bool(given.get("finetune")) or given.get("weights") == NO_WEIGHTS
    )
    return checkpoint.model.head.is_linear and not trains_backbone
