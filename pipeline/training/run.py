"""One training run, from a clip store to a run folder that holds everything about it."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.clips.store import Clip, ClipStore
from pipeline.embedding.cache import Progress, embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.errors import StoreError
from pipeline.evaluation.baselines import Baselines, fit_baselines, save_baselines
from pipeline.evaluation.judge import Judged, baseline_inputs, calibrate, judge
from pipeline.evaluation.trained import BASELINES_FILE, STARTING_FILE
from pipeline.files import make_folder, owned_folder, remove_unfinished, write_json, write_text
from pipeline.model.checkpoint import MODEL_FILE, save_checkpoint
from pipeline.model.classifier import ClipClassifier
from pipeline.model.threads import one_thread
from pipeline.training.assembly import assemble, describe
from pipeline.training.augmentation import ClipAugmentation
from pipeline.training.batches import FeatureBatches, PixelBatches, class_indices_of
from pipeline.training.fit import Epoch, FitResult, Task, fit
from pipeline.training.options import NO_WEIGHTS, TrainOptions
from pipeline.training.run_folder import (
    CONFIG_FILE,
    HISTORY_FILE,
    METRICS_FILE,
    RESUME_FILE,
    RUN_FILE,
    RunResult,
    check_folder,
    check_same,
    history_csv,
    read_finished,
    what_was_given,
)

PRETRAINED_RATE = 0.1
"""Learning rate of a pretrained backbone, as a share of the head's."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """What a run calls while it works, for progress bars; does nothing by default.

    Attributes:
        embedding: wraps the clips that have to be embedded.
        on_epoch: is given each epoch when it ends, those of a resumed run too.
        say: is given sentences.
    """

    embedding: Progress = iter
    on_epoch: Callable[[Epoch], None] = lambda epoch: None
    say: Callable[[str], None] = lambda sentence: None


def train(
    clips: Path,
    out: Path,
    options: TrainOptions,
    *,
    init: Path | None = None,
    device: torch.device,
    watch: Watch | None = None,
) -> RunResult:
    """Trains a classifier on the training clips of a store; the test clips are not looked at.

    Killed at any moment and started again with the same arguments, it goes on and ends in the same files.

    Args:
        clips: a clip store.
        out: the run folder; made if needed.
        options: of the run.
        init: a trained model (run folder or file) to start from.
        device: where to train.
        watch: for progress.

    Raises:
        StoreError: the store has too little to train on.
        ConflictError: `out` holds a run with other options or data, or something that is no run.
    """
    watch = watch or Watch()
    store = ClipStore.open(clips)
    _check_trainable(store)
    given = what_was_given(store, options, init, device)
    check_folder(out)
    make_folder(out)
    with owned_folder(out):
        check_same(out, given)
        if (out / METRICS_FILE).exists():
            return read_finished(out)
        remove_unfinished(out)
        classifier = assemble(store, options, init=init, say=watch.say).to(device)
        # Not before this: weights that cannot be had begin no run.
        write_json(out / CONFIG_FILE, options.to_dict())
        write_json(out / RUN_FILE, given)
        run = _Run(store=store, out=out, options=options, device=device, watch=watch, classifier=classifier)
        return run.finish(given)


def fit_model(
    store: ClipStore, out: Path, options: TrainOptions, *, device: torch.device, watch: Watch
) -> tuple[FitResult, Judged]:
    """Fits a model to the training clips of a store, without judging it or keeping it.

    Args:
        store: its training and validation clips are used.
        out: a folder that is ours; the state to resume from goes there.
        options: of the run.
        device: where to train.
        watch: for progress.
    """
    classifier = assemble(store, options, init=None, say=watch.say).to(device)
    run = _Run(store=store, out=out, options=options, device=device, watch=watch, classifier=classifier)
    return run.fitted()


@dataclass(kw_only=True)
class _Run:
    """The steps of one run, on a folder that is ours."""

    store: ClipStore
    out: Path
    options: TrainOptions
    device: torch.device
    watch: Watch
    classifier: ClipClassifier

    def __post_init__(self) -> None:
        self.train_clips, self.val_clips = self.store.usable("train"), self.store.usable("val")

    def finish(self, given: dict[str, Any]) -> RunResult:
        """Fits, judges on the validation clips, and writes the run's files."""
        if self.options.trains_backbone:
            save_checkpoint(
                self.out / STARTING_FILE,
                self.classifier,
                describe(self.store, self.classifier, given=given, metrics={}),
            )
        result, judged = self.fitted()
        assert judged.baselines is not None  # noqa: S101 - they were just fitted
        save_baselines(self.out / BASELINES_FILE, judged.baselines)
        write_text(self.out / HISTORY_FILE, history_csv(result.history))
        judged, features = calibrate(judged, self.store, wanted_precision=self.options.abstain_precision)
        metrics = {
            "best_epoch": result.best_epoch,
            "epochs": len(result.history),
            "validation": judge(judged, self.store, split="val", features=features).to_dict(),
        }
        checkpoint = describe(
            self.store, self.classifier, given=given, metrics=metrics, calibration=judged.calibration
        )
        save_checkpoint(self.out / MODEL_FILE, self.classifier, checkpoint)
        write_json(self.out / METRICS_FILE, metrics)
        (self.out / RESUME_FILE).unlink(missing_ok=True)
        return RunResult(folder=self.out, history=result.history, metrics=metrics, was_finished=False)

    def fitted(self) -> tuple[FitResult, Judged]:
        """Fits; the model and its baselines, ready to be judged."""
        trains_backbone = self.options.trains_backbone
        starting = Embedder(copy.deepcopy(self.classifier), device=self.device) if trains_backbone else None
        result, baselines = self._fit_pixels() if trains_backbone else self._fit_features()
        judged = Judged(
            embedder=Embedder(self.classifier, device=self.device),
            head=self.classifier.head,
            labels=self.store.labels,
            spec=self.store.spec,
            keep_features=not trains_backbone,
            starting=starting,
            baselines=baselines,
        )
        return result, judged

    def _fit_features(self) -> tuple[FitResult, Baselines]:
        """Trains the head on the features of the frozen backbone."""
        self.classifier.freeze_backbone()
        embedder = Embedder(self.classifier, device=self.device)
        self.watch.say(f"embedding with {self.options.backbone} on {embedder.runtime}")
        both = (*self.train_clips, *self.val_clips)
        features = embed_clips(self.store, both, embedder, progress=self.watch.embedding)
        split = len(self.train_clips)
        baselines = self._fit_baselines(embedder, features[:split])
        head = self.classifier.head
        head.fit_normalisation(torch.from_numpy(features[:split]).to(self.device))
        task = Task(
            model=head,
            logits=lambda inputs: head(inputs).logits,
            parameter_groups=[{"params": list(head.parameters()), "rate": 1.0}],
            train=FeatureBatches(
                self._segments(embedder, features[:split]),
                self._class_indices(self.train_clips),
                seed=self.options.seed,
            ),
            val=FeatureBatches(features[split:], self._class_indices(self.val_clips)),
            num_classes=len(self.store.labels),
            device=self.device,
        )
        with one_thread():
            return self._fit(task), baselines

    def _fit_pixels(self) -> tuple[FitResult, Baselines]:
        """Trains backbone and head together."""
        embedder = Embedder(self.classifier, device=self.device)
        features = embed_clips(
            self.store, self.train_clips, embedder, keep=False, progress=self.watch.embedding
        )
        baselines = self._fit_baselines(embedder, features)
        classifier, options = self.classifier, self.options
        classifier.head.fit_normalisation(torch.from_numpy(features).to(self.device))
        pretrained = options.weights != NO_WEIGHTS
        if pretrained:  # few clips a batch: their statistics would spoil what the backbone knows
            classifier.backbone.freeze_batchnorm()
        augmentation = None
        if options.augment:
            augmentation = ClipAugmentation(
                fill_rgb=self.store.spec.fill_rgb, flip=options.flip, seed=options.seed
            )
        trainable = [weight for weight in classifier.backbone.parameters() if weight.requires_grad]
        task = Task(
            model=classifier,
            logits=lambda inputs: classifier(inputs).logits,
            parameter_groups=[
                {"params": trainable, "rate": PRETRAINED_RATE if pretrained else 1.0},
                {"params": list(classifier.head.parameters()), "rate": 1.0},
            ],
            train=PixelBatches(
                self.store,
                self.train_clips,
                self.store.labels,
                augmentation=augmentation,
                seed=options.seed,
            ),
            val=PixelBatches(self.store, self.val_clips, self.store.labels),
            num_classes=len(self.store.labels),
            device=self.device,
        )
        return self._fit(task), baselines

    def _segments(self, embedder: Embedder, features: np.ndarray) -> np.ndarray:
        """Features to train on: those given (N, T, D), or (N, T, m, D) of all frames that the store has."""
        m = self.store.oversample
        if m == 1 or not embedder.embeds_frames_alone:
            return features
        offsets = [
            embed_clips(self.store, self.train_clips, embedder, offset=offset, progress=self.watch.embedding)
            for offset in range(m)
        ]
        return np.stack(offsets, axis=2)

    def _fit(self, task: Task) -> FitResult:
        return fit(task, self.options, resume_file=self.out / RESUME_FILE, on_epoch=self.watch.on_epoch)

    def _fit_baselines(self, embedder: Embedder, features: np.ndarray) -> Baselines:
        inputs = baseline_inputs(self.store, self.train_clips, embedder, features)
        class_indices = self._class_indices(self.train_clips)
        return fit_baselines(inputs, class_indices, num_classes=len(self.store.labels))

    def _class_indices(self, clips: Sequence[Clip]) -> np.ndarray:
        return class_indices_of(clips, self.store.labels)


def _check_trainable(store: ClipStore) -> None:
    trained = {clip.label for clip in store.usable("train")}
    if len(trained) < 2:
        raise StoreError(
            f"{store.folder} has usable training clips of {len(trained)} classes; training needs at least 2. "
            "Look at clips.csv for clips that failed, or add videos and preprocess again."
        )
    untrained = [label for label in store.labels if label not in trained]
    if untrained:
        raise StoreError(
            f"{store.folder} has no usable training clip of: {', '.join(untrained)}. "
            "Add videos of these classes, or take the classes away, and preprocess again."
        )
    if not store.usable("val"):
        raise StoreError(
            f"{store.folder} has no usable validation clips, which training needs to know when to stop. "
            "Add videos and preprocess again."
        )
