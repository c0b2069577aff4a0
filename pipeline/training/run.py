"""One training run, from a clip store to a run folder that holds everything about it."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pipeline.clips.store import ClipStore
from pipeline.embedding.embedder import Embedder
from pipeline.embedding.runtime import RuntimeName
from pipeline.errors import StoreError
from pipeline.evaluation.baselines import save_baselines
from pipeline.evaluation.judge import Explaining, Judged, calibrate, judge
from pipeline.evaluation.predictions import PREDICTIONS_FILE, predictions_csv
from pipeline.evaluation.trained import BASELINES_FILE, STARTING_FILE
from pipeline.files import (
    make_folder,
    owned_folder,
    remove_file,
    remove_unfinished,
    write_json,
    write_text,
)
from pipeline.model.checkpoint import MODEL_FILE, save_checkpoint
from pipeline.model.classifier import ClipClassifier
from pipeline.model.lengths import given_lengths
from pipeline.training.assembly import assemble, describe
from pipeline.training.given_options import options_for
from pipeline.training.gradient_check import check_gradients
from pipeline.training.mirroring import mirrored_classes
from pipeline.training.options import TrainOptions
from pipeline.training.run_folder import (
    CONFIG_FILE,
    HISTORY_FILE,
    METRICS_FILE,
    RESUME_FILE,
    RESUME_HEAD_FILE,
    RUN_FILE,
    RunResult,
    check_folder,
    check_same,
    history_csv,
    read_finished,
    what_was_given,
)
from pipeline.training.stages import Stages, Watch
from pipeline.training.task import FitResult

__all__ = ["Watch", "train"]

_MAX_EXPLAINED = 60  # validation clips that its explanations are measured on: 6 s of CPU for 49 of 12 frames


def train(
    clips: Path,
    out: Path,
    options: TrainOptions,
    *,
    init: Path | None = None,
    device: torch.device,
    runtime: RuntimeName = "auto",
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
        runtime: what runs a backbone that is not being trained; see `Embedder`.
        watch: for progress.

    Raises:
        StoreError: the store has too little to train on.
        ConflictError: `out` holds a run with other options or data, or something that is no run.
        TrainingError: the loss is not a number; says why.
        MachineError: the disk or the memory is full, or the device computes wrong gradients.
    """
    watch = watch or Watch()
    store = ClipStore.open(clips)
    options = options_for(store, options)
    for note in store.manifest.get("notes", ()):  # of a file of features, whose splits were just made
        watch.say(note)
    _check_trainable(store)
    mirrored_classes(store.labels, options.flip_labels)
    if device.type == "mps":
        check_gradients(device)
    given = what_was_given(store, options, init, device, runtime)
    check_folder(out)
    make_folder(out)
    with owned_folder(out):
        check_same(out, given)
        if (out / METRICS_FILE).exists():
            return read_finished(out)
        remove_unfinished(out)
        classifier = assemble(store, options, init=init, say=watch.say).to(device)
        if runtime == "onnx":  # or it raises
            Embedder(classifier, device=device, runtime=runtime)
        # Not before this: weights or a runtime that cannot be had begin no run.
        write_json(out / CONFIG_FILE, options.to_dict())
        write_json(out / RUN_FILE, given)
        run = _Run(
            store=store,
            out=out,
            options=options,
            device=device,
            runtime=runtime,
            watch=watch,
            classifier=classifier,
        )
        return run.finish(given)


def fit_model(
    store: ClipStore,
    out: Path,
    options: TrainOptions,
    *,
    device: torch.device,
    runtime: RuntimeName = "auto",
    watch: Watch,
) -> tuple[FitResult, Judged]:
    """Fits a model to the training clips of a store, without judging it or keeping it.

    Args:
        store: its training and validation clips are used.
        out: a folder that is ours; the state to resume from goes there.
        options: of the run.
        device: where to train.
        runtime: what runs a backbone that is not being trained; see `Embedder`.
        watch: for progress.
    """
    classifier = assemble(store, options, init=None, say=watch.say).to(device)
    run = _Run(
        store=store,
        out=out,
        options=options,
        device=device,
        runtime=runtime,
        watch=watch,
        classifier=classifier,
    )
    return run.fitted()


@dataclass(kw_only=True)
class _Run:
    """The steps of one run, on a folder that is ours."""

    store: ClipStore
    out: Path
    options: TrainOptions
    device: torch.device
    runtime: RuntimeName
    watch: Watch
    classifier: ClipClassifier

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
        has_order = bool((given_lengths(features) > 1).any())
        explaining = Explaining(max_clips=_MAX_EXPLAINED) if has_order else None
        judgement = judge(judged, self.store, split="val", features=features, explaining=explaining)
        metrics = {
            "best_epoch": result.best_epoch,
            "epochs": len(result.history),
            "validation": judgement.to_dict(),
        }
        checkpoint = describe(
            self.store,
            self.classifier,
            given=given,
            metrics=metrics,
            calibration=judged.calibration,
            attention=judgement.explanations.finding if judgement.explanations else None,
        )
        save_checkpoint(self.out / MODEL_FILE, self.classifier, checkpoint)
        write_text(self.out / PREDICTIONS_FILE, predictions_csv(judgement))
        write_json(self.out / METRICS_FILE, metrics)
        for name in (RESUME_FILE, RESUME_HEAD_FILE):
            remove_file(self.out / name)
        return RunResult(folder=self.out, history=result.history, metrics=metrics, was_finished=False)

    def fitted(self) -> tuple[FitResult, Judged]:
        """Fits; the model and its baselines, ready to be judged."""
        trains_backbone = self.options.trains_backbone
        starting = self._embedder(copy.deepcopy(self.classifier)) if trains_backbone else None
        stages = Stages(
            store=self.store,
            out=self.out,
            options=self.options,
            device=self.device,
            watch=self.watch,
            classifier=self.classifier,
            embedder=self._embedder(self.classifier),
        )
        result, baselines = stages.run()
        judged = Judged(
            embedder=self._embedder(self.classifier),
            head=self.classifier.head,
            labels=self.store.labels,
            spec=self.store.spec,
            keep_features=not trains_backbone,
            starting=starting,
            baselines=baselines,
            fitted_at_once=self.options.fits_regression,
        )
        return result, judged

    def _embedder(self, classifier: ClipClassifier) -> Embedder:
        """An embedder on the run's device and runtime."""
        return Embedder(classifier, device=self.device, runtime=self.runtime)


def _check_trainable(store: ClipStore) -> None:
    look, more = "Look at clips.csv for clips that failed, or add videos", "and preprocess again"
    if not store.has_frames:
        look, more = "Look at y and split of the file, or add rows", "there"
    trained = {clip.label for clip in store.usable("train")}
    if len(trained) < 2:
        raise StoreError(
            f"{store.folder} has usable training clips of {len(trained)} classes; training needs at least 2. "
            f"{look} {more}."
        )
    untrained = [label for label in store.labels if label not in trained]
    if untrained:
        raise StoreError(
            f"{store.folder} has no usable training clip of: {', '.join(untrained)}. "
            f"Add clips of these classes, or take the classes away, {more}."
        )
    if not store.usable("val"):
        raise StoreError(
            f"{store.folder} has no usable validation clips, which training needs to know when to stop. "
            f"Add clips {more}."
        )
