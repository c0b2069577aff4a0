"""Linear heads fitted as `train` fits them, from arrays."""

from functools import partial

import numpy as np
import torch

from pipeline.model.head import SequenceHead
from pipeline.training.batches import FeatureBatches
from pipeline.training.fixed_input import logits_of_features
from pipeline.training.linear_fit import fit_regression
from pipeline.training.options import TrainOptions
from pipeline.training.task import Task


def fit_linear(
    head: SequenceHead,
    features: torch.Tensor,
    class_indices: np.ndarray,
    lengths: torch.Tensor | None = None,
    *,
    penalty: float,
    class_weights: bool,
) -> None:
    """Fits a linear head to features (N, T, D), of which `lengths` steps are real, in place."""
    values = features.clone()
    if lengths is not None:
        steps = torch.arange(features.shape[1])
        values[steps[None] >= lengths[:, None]] = torch.nan
    clips = FeatureBatches(values.numpy(), class_indices)
    task = Task(
        model=head,
        logits=partial(logits_of_features, head),
        parameter_groups=[],
        train=clips,
        val=clips,
        num_classes=head.config.num_classes,
        device=torch.device("cpu"),
    )
    options = TrainOptions(
        backbone="given",
        weights="none",
        lstm_layers=0,
        bidirectional=False,
        time_dense=False,
        pooling="mean",
        linear_penalty=penalty,
        class_weights=class_weights,
    )
    fit_regression(head, task, options)
