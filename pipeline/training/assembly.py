"""The model that a training run starts from, and what its checkpoint will say of where it came from."""

import platform
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import torch
import torchvision

from pipeline import __version__ as clipwise_version
from pipeline.clips.store import Clip, ClipStore
from pipeline.errors import CheckpointError
from pipeline.evaluation.attention_finding import AttentionFinding
from pipeline.evaluation.calibration import Calibration
from pipeline.labels import Labels
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.checkpoint import Checkpoint, load_checkpoint
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig
from pipeline.model.weights import load_weights
from pipeline.training.options import TrainOptions


def assemble(
    store: ClipStore, options: TrainOptions, *, init: Path | None, say: Callable[[str], None]
) -> ClipClassifier:
    """Builds the model with its starting weights; the same arguments give the same weights.

    Args:
        store: its spec and labels shape the model.
        options: of the run.
        init: a trained model to start from.
        say: is told where the weights come from.

    Raises:
        UsageError, MachineError, CheckpointError: weights that do not fit or cannot be had.
    """
    torch.manual_seed(options.seed)
    classifier = ClipClassifier(
        ModelConfig(
            backbone=options.backbone,
            image_size=store.spec.image_size,
            head=head_config(
                options,
                feature_dim=_feature_dim(store, options),
                num_classes=len(store.labels),
            ),
            precision=options.precision,
        )
    )
    if init is not None:
        _start_from(classifier, init, store.labels, say)
    else:
        load_weights(classifier.backbone, options.backbone, options.weights)
    return classifier


def _feature_dim(store: ClipStore, options: TrainOptions) -> int:
    """D: of the features in the store, or of the backbone."""
    if store.features is not None:
        return int(store.features.shape[2])
    return backbone_feature_dim(options.backbone, image_size=store.spec.image_size)


def describe(
    store: ClipStore,
    classifier: ClipClassifier,
    *,
    given: dict[str, Any],
    metrics: dict[str, Any],
    calibration: Calibration | None = None,
    attention: AttentionFinding | None = None,
) -> Checkpoint:
    """Everything the model file says of itself beside its weights."""
    train_clips = store.usable("train")
    seconds = [_clip_seconds(clip) for clip in train_clips]
    return Checkpoint(
        spec=store.spec,
        labels=store.labels,
        model=classifier.config,
        clip_seconds={"min": min(seconds), "median": median(seconds), "max": max(seconds)},
        calibration=calibration.to_dict() if calibration else None,
        explanations=attention.to_dict() if attention else None,
        provenance={
            **given,
            "training_clips": dict(sorted(Counter(clip.label for clip in train_clips).items())),
            **({} if store.has_frames else {"training_steps": _steps(train_clips)}),
            "versions": {
                "clipwise": clipwise_version,
                "python": platform.python_version(),
                "torch": torch.__version__,
                "torchvision": torchvision.__version__,
                **{f"{name} of the clips": text for name, text in store.manifest["versions"].items()},
            },
            "metrics": metrics,
        },
    )


def _clip_seconds(clip: Clip) -> float:
    """Length of the part of the video that a clip stands for."""
    duration = clip.duration_seconds or 0.0
    end = duration if clip.end_seconds is None else min(clip.end_seconds, duration)
    return end - (clip.start_seconds or 0.0)


def _steps(clips: Sequence[Clip]) -> dict[str, float]:
    """How many steps clips of given features have, which have no length in seconds."""
    steps = [clip.num_frames or 0 for clip in clips]
    return {"min": min(steps), "median": median(steps), "max": max(steps)}


def head_config(options: TrainOptions, *, feature_dim: int, num_classes: int) -> HeadConfig:
    """The head that the options ask for."""
    return HeadConfig(
        feature_dim=feature_dim,
        num_classes=num_classes,
        input=options.head_input,
        normalise=options.feature_normalisation,
        projection_dim=_projection_dim(options, feature_dim),
        differences=options.differences,
        recurrence=options.recurrence,
        lstm_layers=options.lstm_layers,
        lstm_dim=options.chosen_lstm_dim,
        bidirectional=options.bidirectional,
        bidirectional_dim=options.bidirectional_dim,
        time_dense=options.time_dense,
        pooling=options.pooling,
        attention_dim=options.attention_dim,
        dropout=options.chosen_dropout,
        input_dropout=options.chosen_input_dropout,
    )


def _projection_dim(options: TrainOptions, feature_dim: int) -> int | None:
    """By default no more principal components than there are: half of them are of the frames as they are."""
    if options.projection_dim is None and options.projected_to is not None:
        return min(options.projected_to, 2 * feature_dim)
    return options.projected_to


def _start_from(classifier: ClipClassifier, init: Path, labels: Labels, say: Callable[[str], None]) -> None:
    """Takes over a trained model: the whole of it where the labels agree, else its backbone."""
    trained, checkpoint = load_checkpoint(init)
    if trained.config.backbone != classifier.config.backbone:
        raise CheckpointError(
            f"--init {init} has the backbone {trained.config.backbone}, but this run was asked for "
            f"{classifier.config.backbone}; add --backbone {trained.config.backbone}."
        )
    classifier.backbone.load_state_dict(trained.backbone.state_dict())
    if checkpoint.labels != labels:
        say(f"{init} knows other labels: its backbone is taken over, the head starts anew")
        return
    if trained.config.head != classifier.config.head:
        raise CheckpointError(
            f"--init {init} has another head than this run was asked for; use the options it was trained "
            "with (`--config RUN/config.json`)."
        )
    classifier.head.load_state_dict(trained.head.state_dict())
    say(f"starting from the trained model {init}")
