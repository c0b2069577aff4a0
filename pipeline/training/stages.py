"""The fits of one run: the head on cached features, all of the model from pixels, or one after the other."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from pipeline.clips.store import Clip, ClipStore, Split
from pipeline.embedding.cache import Progress, embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.errors import MachineError
from pipeline.evaluation.baselines import Baselines, fit_baselines
from pipeline.evaluation.judge import baseline_inputs
from pipeline.files import write_text
from pipeline.model.classifier import ClipClassifier
from pipeline.model.threads import one_thread
from pipeline.training.augmentation import ClipAugmentation
from pipeline.training.batches import FeatureBatches, PixelBatches, class_indices_of, clip_name
from pipeline.training.compilation import compiled
from pipeline.training.fit import fit
from pipeline.training.fixed_input import logits_of_features, logits_of_values, read_once
from pipeline.training.input_fit import fit_input
from pipeline.training.linear_fit import fit_regression
from pipeline.training.mirroring import mirrored_classes
from pipeline.training.not_a_number import check_features
from pipeline.training.options import TrainOptions
from pipeline.training.run_folder import HISTORY_FILE, RESUME_FILE, RESUME_HEAD_FILE, history_csv
from pipeline.training.task import Epoch, FitResult, Task

_FRAMES_AT_ONCE = 24  # training mobilenet_v2 takes 80 MB for each frame of 224 px: 2 GB


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


@dataclass(frozen=True, kw_only=True)
class Stages:
    """What is fitted, on a run folder that is ours.

    Attributes:
        store: with the clips.
        out: the run folder: states and the history go there.
        options: of the run.
        device: where the classifier is.
        watch: for progress.
        classifier: is trained.
        embedder: with its backbone, as it is before.
    """

    store: ClipStore
    out: Path
    options: TrainOptions
    device: torch.device
    watch: Watch
    classifier: ClipClassifier
    embedder: Embedder

    def run(self) -> tuple[FitResult, Baselines]:
        """Trains; returns the history of all stages and the baselines that see what the training began with.

        Raises:
            TrainingError: features, the loss or the gradient are not numbers.
            MachineError: memory or disk is full.
        """
        try:
            return self._fit_all() if self.options.trains_backbone else self._fit_frozen()
        except torch.OutOfMemoryError as error:
            raise MachineError(
                f"the memory of {self.device} is full ({str(error).split('.')[0]}). Take a smaller "
                "--batch-size, and --accumulate to make up for it."
            ) from error

    def _fit_frozen(self) -> tuple[FitResult, Baselines]:
        """Trains the head on the features of the frozen backbone."""
        self.classifier.freeze_backbone()
        if not self.options.takes_features:
            self.watch.say(f"embedding with {self.options.backbone} on {self.embedder.runtime_words}")
        train, val = self._embed("train"), self._embed("val")
        baselines = self._fit_baselines(train)
        return self._fit_head(train, val, self.options, self.out / RESUME_FILE), baselines

    def _fit_all(self) -> tuple[FitResult, Baselines]:
        """Trains backbone and head together, a pretrained backbone after the head."""
        options, classifier = self.options, self.classifier
        mirrored = mirrored_classes(self.store.labels, options.flip_labels)
        keep = options.pretrained  # random weights do not come back
        self.watch.say(f"embedding with {options.backbone} as it is on {self.embedder.runtime_words}")
        train = self._embed("train", keep=keep)
        baselines = self._fit_baselines(train)
        first: FitResult | None = None
        if options.head_first:
            val = self._embed("val", keep=keep)
            self.watch.say("first the head, on the features of the backbone as it is")
            stage = options.of_head_stage
            first = self._fit_head(train, val, stage, self.out / RESUME_HEAD_FILE)
            self.watch.say(f"now all of it, {options.backbone} at {options.backbone_rate:g} of the rate")
        else:
            self._fit_input(train)
        if options.pretrained:  # few clips a batch: their statistics would spoil what the backbone knows
            classifier.backbone.freeze_batchnorm()
        task = self._task_of_all(mirrored)
        with self._compiled(task):
            return self._fit(task, options, self.out / RESUME_FILE, first=first), baselines

    def _fit_head(
        self, train: np.ndarray, val: np.ndarray, options: TrainOptions, resume_file: Path
    ) -> FitResult:
        """Trains the head on features (N, T, D)."""
        head = self.classifier.head
        self._fit_input(train)
        segments = self._segments(train)
        logits = partial(logits_of_features, head)
        if head.has_fixed_input and segments.ndim == 3:
            segments, val = read_once(head, segments), read_once(head, val)
            logits = partial(logits_of_values, head)
        task = Task(
            model=head,
            logits=logits,
            parameter_groups=[{"params": list(head.parameters()), "rate": 1.0}],
            train=self._feature_batches(segments, self._clips("train")),
            val=self._feature_batches(val, self._clips("val")),
            num_classes=len(self.store.labels),
            device=self.device,
        )
        with one_thread():
            if options.fits_regression:
                return self._fit_regression(task)
            return self._fit(task, options, resume_file)

    def _fit_regression(self, task: Task) -> FitResult:
        """Fits a linear head at once; there is nothing to go on with, so nothing is kept."""
        result = fit_regression(self.classifier.head, task, self.options)
        for row in result.history:
            self.watch.on_epoch(row)
        return result

    def _fit_input(self, train: np.ndarray) -> None:
        """Measures what the head's input takes from the training features (N, T, D)."""
        clips = self._clips("train")
        fit_input(
            self.classifier.head,
            torch.from_numpy(train).to(self.device),
            class_indices_of(clips, self.store.labels),
            [clip.group for clip in clips],
            class_directions=self.options.class_directions,
            seed=self.options.seed,
        )

    def _fit(
        self, task: Task, options: TrainOptions, resume_file: Path, *, first: FitResult | None = None
    ) -> FitResult:
        """Fits, keeps history.csv up to date, and puts the epochs behind those of the stage before."""
        earlier = first.history if first else ()

        def renumbered(row: Epoch) -> Epoch:
            return replace(row, epoch=len(earlier) + row.epoch)

        result = fit(
            task,
            options,
            resume_file=resume_file,
            keep_start=first is not None,  # fine-tuning may end where it began, but not in something worse
            on_epoch=lambda row: self.watch.on_epoch(renumbered(row)),
            on_save=lambda history: self._write_history((*earlier, *map(renumbered, history))),
            say=self.watch.say,
        )
        best = result.best_epoch + len(earlier) if first is None or result.best_epoch else first.best_epoch
        return FitResult(history=(*earlier, *map(renumbered, result.history)), best_epoch=best)

    def _task_of_all(self, mirrored: np.ndarray) -> Task:
        """The whole model, from pixels."""
        options, classifier = self.options, self.classifier
        augmentation = None
        if options.augment:
            augmentation = ClipAugmentation(
                fill_rgb=self.store.spec.fill_rgb, flip=options.mirrors, seed=options.seed
            )
        autocast = self.device.type == "cuda" and options.amp == "auto"

        def logits(inputs: torch.Tensor) -> torch.Tensor:
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=autocast):
                found: torch.Tensor = classifier(inputs).logits
            return found

        trainable = [weight for weight in classifier.backbone.parameters() if weight.requires_grad]
        train_clips, labels = self._clips("train"), self.store.labels
        return Task(
            model=classifier,
            logits=logits,
            parameter_groups=[
                {"params": trainable, "rate": options.backbone_rate if options.pretrained else 1.0},
                {"params": list(classifier.head.parameters()), "rate": 1.0},
            ],
            train=PixelBatches(
                self.store,
                train_clips,
                labels,
                augmentation=augmentation,
                seed=options.seed,
                mirrored=mirrored,
            ),
            val=PixelBatches(self.store, self._clips("val"), labels),
            num_classes=len(labels),
            device=self.device,
            stage="all",
            most_at_once=self._most_at_once(),
        )

    def _most_at_once(self) -> int | None:
        """Clips that a pretrained backbone is trained on together without a GPU, where memory is short.

        Its BatchNorm is frozen, so the parts of a batch act like the whole.
        """
        if not self.options.pretrained or self.device.type == "cuda":
            return None
        return max(1, _FRAMES_AT_ONCE // self.store.spec.num_frames)

    @contextlib.contextmanager
    def _compiled(self, task: Task) -> Iterator[None]:
        """The backbone compiled, where that was asked for."""
        if not self.options.compile:
            yield
            return
        backbone = self.classifier.backbone
        clips = task.train.inputs([0], epoch=None).to(self.device)
        with compiled(backbone, self.classifier.normalised(clips), say=self.watch.say):
            yield

    def _embed(self, split: Split, *, keep: bool = True) -> np.ndarray:
        """Features (N, T, D) of a split's clips, each of them a number."""
        clips = self._clips(split)
        features = embed_clips(
            self.store, clips, self.embedder, keep=keep, progress=self.watch.embedding, say=self.watch.say
        )
        check_features(features, clips)
        return features

    def _segments(self, features: np.ndarray) -> np.ndarray:
        """Features to train on: those given (N, T, D), or (N, T, m, D) of all frames that the store has."""
        m = self.store.oversample
        if m == 1 or not self.embedder.embeds_frames_alone:
            return features
        clips, progress = self._clips("train"), self.watch.embedding
        offsets = [
            embed_clips(self.store, clips, self.embedder, offset=offset, progress=progress)
            for offset in range(m)
        ]
        return np.stack(offsets, axis=2)

    def _feature_batches(self, features: np.ndarray, clips: Sequence[Clip]) -> FeatureBatches:
        class_indices = class_indices_of(clips, self.store.labels)
        names = [clip_name(clip) for clip in clips]
        return FeatureBatches(features, class_indices, seed=self.options.seed, names=names)

    def _fit_baselines(self, features: np.ndarray) -> Baselines:
        clips = self._clips("train")
        inputs = baseline_inputs(self.store, clips, self.embedder, features)
        class_indices = class_indices_of(clips, self.store.labels)
        return fit_baselines(inputs, class_indices, num_classes=len(self.store.labels))

    def _write_history(self, history: Sequence[Epoch]) -> None:
        write_text(self.out / HISTORY_FILE, history_csv(history))

    def _clips(self, split: Split) -> Sequence[Clip]:
        return self.store.usable(split)
