"""Cross-validation: what models trained like this reach on clips held back. It makes figures, not a model.

RUN/
  config.json             the options; `train --config` takes it
  run.json                what the run was given, its folds and repeats too
  repeat-R-fold-F/        history.csv and answers.npz of one fold, written last: the fold is finished
  folds.csv               one row a fold
  held_back.csv           one row a clip and repeat: what the model said that had not seen it
  metrics.json            all figures; written last: the run is finished
"""

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from scipy.special import softmax

from pipeline.clips.store import ClipStore
from pipeline.embedding.cache import embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.embedding.runtime import RuntimeName
from pipeline.errors import CheckpointError, UsageError
from pipeline.evaluation.baselines import BASELINE_NAMES
from pipeline.evaluation.cross_validation import FoldAnswers, summarise_folds
from pipeline.evaluation.intervals import SCORE_KEYS
from pipeline.evaluation.judge import Judged, baseline_answers
from pipeline.evaluation.metrics import Scores, score
from pipeline.evaluation.notes import named_groups
from pipeline.evaluation.predict import predict
from pipeline.evaluation.predictions import PROBABILITY_PREFIX
from pipeline.evaluation.shuffled import score_shuffled
from pipeline.files import (
    make_folder,
    owned_folder,
    remove_file,
    remove_unfinished,
    write_bytes,
    write_json,
    write_text,
)
from pipeline.model.checkpoint import FOLDS_FILE
from pipeline.training.assembly import assemble
from pipeline.training.batches import class_indices_of
from pipeline.training.fold_plan import FoldPlan, plan_folds
from pipeline.training.given_options import options_for
from pipeline.training.gradient_check import check_gradients
from pipeline.training.mirroring import mirrored_classes
from pipeline.training.options import TrainOptions
from pipeline.training.run import Watch, fit_model
from pipeline.training.run_folder import (
    CONFIG_FILE,
    HISTORY_FILE,
    METRICS_FILE,
    RESUME_FILE,
    RESUME_HEAD_FILE,
    RUN_FILE,
    check_folder,
    check_same,
    history_csv,
    what_was_given,
)
from pipeline.training.task import FitResult

ANSWERS_FILE = "answers.npz"
HELD_BACK_FILE = "held_back.csv"


@dataclass(frozen=True, kw_only=True)
class FoldsResult:
    """A finished cross-validation.

    Attributes:
        folder: where it lies.
        metrics: the content of metrics.json.
        was_finished: it was finished before; nothing was done.
    """

    folder: Path
    metrics: dict[str, Any]
    was_finished: bool


def cross_validate(
    clips: Path,
    out: Path,
    options: TrainOptions,
    *,
    num_folds: int,
    num_repeats: int = 1,
    device: torch.device,
    runtime: RuntimeName = "auto",
    watch: Watch | None = None,
) -> FoldsResult:
    """Trains and judges `num_folds` models, each on what it has not seen, `num_repeats` times over.

    The test split is not looked at. Groups stay together on all levels: no group is both held back and
    learned from, nor both learned from and used to tell when to stop. Killed at any moment and started again
    with the same arguments, it goes on and ends in the same figures.

    Args:
        clips: a clip store.
        out: the run folder; made if needed.
        options: of each training; each fold has a seed of its own, counted from the seed given.
        num_folds: folds of each repeat.
        num_repeats: how often all clips are dealt to folds anew.
        device: where to train.
        runtime: what runs a backbone that is not being trained; see `Embedder`.
        watch: for progress.

    Raises:
        UsageError: numbers of folds or repeats that cannot be.
        StoreError: the store has too little to learn from in some fold.
        ConflictError: `out` holds a run with other options or data, or something that is no run.
    """
    watch = watch or Watch()
    if num_repeats < 1:
        raise UsageError(f"--repeats is {num_repeats}; allowed: 1 or more.")
    store = ClipStore.open(clips)
    options = options_for(store, options)
    plan = plan_folds(store, num_folds=num_folds, num_repeats=num_repeats, seed=options.seed)
    mirrored_classes(store.labels, options.flip_labels)
    if device.type == "mps":
        check_gradients(device)
    given = {
        **what_was_given(store, options, None, device, runtime),
        "folds": num_folds,
        "repeats": num_repeats,
    }
    check_folder(out)
    make_folder(out)
    with owned_folder(out):
        check_same(out, given)
        if (out / METRICS_FILE).exists():
            metrics = json.loads((out / METRICS_FILE).read_bytes())
            return FoldsResult(folder=out, metrics=metrics, was_finished=True)
        remove_unfinished(out)
        _embed_once(store, plan, options, device=device, runtime=runtime, watch=watch)
        write_json(out / CONFIG_FILE, options.to_dict())
        write_json(out / RUN_FILE, given)
        return _run(out, plan, options, device=device, runtime=runtime, watch=watch)


def _embed_once(
    store: ClipStore,
    plan: FoldPlan,
    options: TrainOptions,
    *,
    device: torch.device,
    runtime: RuntimeName,
    watch: Watch,
) -> None:
    """Fills the cache for all folds, where the backbone is the same for all of them."""
    classifier = assemble(store, options, init=None, say=watch.say).to(device)
    if options.trains_backbone or options.takes_features:
        return
    embedder = Embedder(classifier, device=device, runtime=runtime)
    watch.say(f"embedding with {options.backbone} on {embedder.runtime_words}")
    embed_clips(store, plan.stores[0][0].clips, embedder, progress=watch.embedding, say=watch.say)


def _run(
    out: Path,
    plan: FoldPlan,
    options: TrainOptions,
    *,
    device: torch.device,
    runtime: RuntimeName,
    watch: Watch,
) -> FoldsResult:
    labels, answers = plan.stores[0][0].labels, []
    for repeat, stores in enumerate(plan.stores):
        for fold, store in enumerate(stores):
            folder = out / f"repeat-{repeat + 1}-fold-{fold + 1}"
            # Each fold its own seed: what the seed does is part of the spread.
            seeded = replace(options, seed=options.seed + repeat * len(stores) + fold)
            if not (folder / ANSWERS_FILE).exists():
                _run_fold(
                    folder,
                    store,
                    seeded,
                    device=device,
                    runtime=runtime,
                    watch=replace(watch, say=lambda sentence: None),
                )
            answers.append(_read_answers(folder, store, repeat=repeat, fold=fold))
            scores = score(answers[-1].true, answers[-1].predicted, len(labels))
            watch.say(
                f"repeat {repeat + 1} of {len(plan.stores)}, fold {fold + 1} of {len(stores)}: accuracy "
                f"{scores.accuracy:.3f}, macro-F1 {scores.macro_f1:.3f}"
            )
    found = summarise_folds(answers, labels)
    metrics = {
        "folds": len(plan.stores[0]),
        "repeats": len(plan.stores),
        "num_used": plan.num_used,
        "num_total": plan.num_total,
        **found.to_dict(),
    }
    metrics["notes"] = [*plan.notes, *metrics["notes"]]
    write_text(out / FOLDS_FILE, _folds_csv(metrics["per_fold"]))
    write_text(out / HELD_BACK_FILE, _held_back_csv(plan, answers))
    write_json(out / METRICS_FILE, metrics)
    return FoldsResult(folder=out, metrics=metrics, was_finished=False)


def _run_fold(
    folder: Path,
    store: ClipStore,
    options: TrainOptions,
    *,
    device: torch.device,
    runtime: RuntimeName,
    watch: Watch,
) -> None:
    """Trains one model, and writes what it and its baselines say of the clips held back."""
    make_folder(folder)
    remove_unfinished(folder)
    result, judged = fit_model(store, folder, options, device=device, runtime=runtime, watch=watch)
    write_text(folder / HISTORY_FILE, history_csv(result.history))
    write_bytes(folder / ANSWERS_FILE, _answers(judged, store, result))
    for name in (RESUME_FILE, RESUME_HEAD_FILE):
        remove_file(folder / name)


def _answers(judged: Judged, store: ClipStore, result: FitResult) -> bytes:
    """The content of answers.npz."""
    clips = store.usable("test")
    features = embed_clips(store, clips, judged.embedder, keep=judged.keep_features)
    true = class_indices_of(clips, store.labels)
    shuffled = score_shuffled(judged.embedder, judged.head, features, true, len(store.labels))
    arrays: dict[str, Any] = {
        "ids": np.array([clip.id for clip in clips]),
        "logits": np.stack([predict(judged.head, clip_features).logits for clip_features in features]),
        "shuffled": np.array([getattr(shuffled, key) for key in SCORE_KEYS]),
        "epochs": np.array([result.best_epoch, len(result.history)]),
        **baseline_answers(judged, store, clips, features),
    }
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()


def _read_answers(folder: Path, store: ClipStore, *, repeat: int, fold: int) -> FoldAnswers:
    """Reads what `_answers` wrote.

    Raises:
        CheckpointError: it is damaged, or of other clips.
    """
    path, clips = folder / ANSWERS_FILE, store.usable("test")
    try:
        with np.load(path, allow_pickle=False) as saved:
            content = {name: saved[name] for name in saved.files}
        if content["ids"].tolist() != [clip.id for clip in clips]:
            raise ValueError("it is of other clips")
        accuracy, macro_f1, balanced = content["shuffled"].tolist()
        best_epoch, epochs = content["epochs"].tolist()
        return FoldAnswers(
            repeat=repeat,
            fold=fold,
            num_train=len(store.usable("train")),
            num_val=len(store.usable("val")),
            best_epoch=best_epoch,
            epochs=epochs,
            true=class_indices_of(clips, store.labels),
            logits=content["logits"],
            baselines={name: content[name] for name in BASELINE_NAMES},
            shuffled=Scores(accuracy=accuracy, macro_f1=macro_f1, balanced_accuracy=balanced),
            groups=tuple(named_groups(clips)),
        )
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}). Delete it and run the same command again: the fold is trained "
            "anew."
        ) from error


def _folds_csv(rows: list[dict[str, Any]]) -> str:
    """The content of folds.csv: numbers and scores of each fold, then the scores of each baseline."""
    text = io.StringIO()
    flat = [
        {
            **{key: value for key, value in row.items() if key != "baselines"},
            **{
                f"{name}_{key}": scores[key]
                for name, scores in row["baselines"].items()
                for key in SCORE_KEYS
            },
        }
        for row in rows
    ]
    writer = csv.DictWriter(text, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _held_back_csv(plan: FoldPlan, answers: Sequence[FoldAnswers]) -> str:
    """The content of held_back.csv; probabilities are the plain softmax: no fold's model is calibrated."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    labels = plan.stores[0][0].labels
    columns = [PROBABILITY_PREFIX + label for label in labels]
    writer.writerow(["repeat", "fold", "id", "path", "label", "predicted", *columns, "group"])
    for of_fold in answers:
        shares = softmax(of_fold.logits.astype(np.float64), axis=1).tolist()
        clips = plan.stores[of_fold.repeat][of_fold.fold].usable("test")
        for clip, index, row in zip(clips, of_fold.predicted.tolist(), shares, strict=True):
            where = [of_fold.repeat + 1, of_fold.fold + 1, clip.id, clip.path]
            writer.writerow([*where, clip.label, labels[index], *row, clip.group])
    return text.getvalue()
