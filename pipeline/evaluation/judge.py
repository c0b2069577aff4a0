"""Judging a trained model on stored clips: every clip through the one prediction, beside its baselines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.clips.store import Clip, ClipStore, Split
from pipeline.embedding.cache import Progress, embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.errors import StoreError
from pipeline.evaluation.baselines import SHUFFLED, Baselines, ClipInputs, predict_baselines
from pipeline.evaluation.metrics import (
    MIN_GROUPS_FOR_INTERVAL,
    ClassScores,
    Scores,
    bootstrap_intervals,
    confusion,
    score,
    score_classes,
)
from pipeline.evaluation.predict import Prediction, predict
from pipeline.labels import Labels
from pipeline.model.head import SequenceHead
from pipeline.spec import ClipSpec

NUM_SHUFFLES = 5
_SHUFFLE_SEED = 20_201


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a model did on a set of clips.

    Attributes:
        split: which clips: train, val, test or all.
        labels: the model's classes.
        num_used: clips that were judged; num_total: clips of the split, unreadable ones included.
        scores: of the model.
        intervals: 95 % intervals of the scores; None with too few groups.
        per_class: figures of each class.
        confusion: (K, K) counts, rows true, columns predicted.
        baselines: scores of simpler methods on the same clips; None where one is not available.
        clips, predictions: the judged clips and what the model said of each.
        notes: sentences that belong to the figures.
    """

    split: str
    labels: Labels
    num_used: int
    num_total: int
    scores: Scores
    intervals: dict[str, tuple[float, float]] | None
    per_class: tuple[ClassScores, ...]
    confusion: np.ndarray
    baselines: dict[str, Scores | None]
    clips: tuple[Clip, ...]
    predictions: tuple[Prediction, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, without the predictions of single clips."""
        return {
            "split": self.split,
            "num_used": self.num_used,
            "num_total": self.num_total,
            **self.scores.to_dict(),
            "intervals": {key: list(pair) for key, pair in self.intervals.items()}
            if self.intervals
            else None,
            "per_class": [row.to_dict() for row in self.per_class],
            "confusion_matrix": self.confusion.tolist(),
            "baselines": {
                name: scores.to_dict() if scores else None for name, scores in self.baselines.items()
            },
            "notes": list(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A model under judgement.

    Attributes:
        embedder: its backbone.
        head: its head, in eval mode.
        labels, spec: of its checkpoint.
        keep_features: whether its features are worth keeping beside the store (a frozen backbone's are).
        starting: the backbone that training started from, if it was fine-tuned and is at hand.
        baselines: fitted on its training clips, if they are at hand.
    """

    embedder: Embedder
    head: SequenceHead
    labels: Labels
    spec: ClipSpec
    keep_features: bool
    starting: Embedder | None = None
    baselines: Baselines | None = None


def judge(model: Judged, store: ClipStore, *, split: Split | None, progress: Progress = iter) -> Judgement:
    """Judges a model on a split of a store; `split` None means all clips.

    Raises:
        StoreError: the store's clips are not what the model takes: another spec, unknown labels, no clips.
    """
    _check_fit(model, store)
    clips = store.usable(split)
    total = sum(1 for clip in store.clips if clip.status != "skipped" and split in (None, clip.split))
    if not clips:
        raise StoreError(
            f"{store.folder} has no usable clips in split {split or 'all'!r} ({total} in its list)."
        )
    features = embed_clips(store, clips, model.embedder, keep=model.keep_features, progress=progress)
    predictions = tuple(predict(model.head, clip_features) for clip_features in features)
    true = np.array([model.labels.index(clip.label) for clip in clips], dtype=np.int64)
    predicted = np.array([prediction.class_index for prediction in predictions])
    num_classes = len(model.labels)
    groups = [clip.group for clip in clips]
    return Judgement(
        split=split or "all",
        labels=model.labels,
        num_used=len(clips),
        num_total=total,
        scores=score(true, predicted, num_classes),
        intervals=bootstrap_intervals(true, predicted, groups, num_classes=num_classes),
        per_class=score_classes(true, predicted, model.labels),
        confusion=confusion(true, predicted, num_classes),
        baselines=_judge_baselines(model, store, clips, features, true),
        clips=clips,
        predictions=predictions,
        notes=(
            *_notes(store, clips, split, total),
            *_interval_notes(true, predicted, groups),
            *_baseline_notes(model),
        ),
    )


def baseline_inputs(
    store: ClipStore, clips: Sequence[Clip], embedder: Embedder, features: np.ndarray
) -> ClipInputs:
    """What the baselines see of clips, given their features (N, T, D) by the same embedder."""
    middle = features.shape[1] // 2
    if embedder.embeds_frames_alone:
        return ClipInputs(features=features, centre=features[:, middle])
    # This backbone looks at the whole clip: the centre frame alone must be embedded alone.
    centre = [embedder.embed(store.frames(clip)[middle : middle + 1])[0] for clip in clips]
    return ClipInputs(features=features, centre=np.stack(centre))


def _check_fit(model: Judged, store: ClipStore) -> None:
    differences = store.spec.differences(model.spec)
    if differences:
        raise StoreError(
            f"{store.folder} holds other clips than this model was trained on: {'; '.join(differences)}. "
            "Preprocess the videos with the model's settings."
        )
    unknown = [label for label in store.labels if label not in model.labels.names]
    if unknown:
        raise StoreError(
            f"{store.folder} has labels that this model does not know: {', '.join(unknown)}. "
            f"It knows: {', '.join(model.labels)}."
        )


def _judge_baselines(
    model: Judged, store: ClipStore, clips: Sequence[Clip], features: np.ndarray, true: np.ndarray
) -> dict[str, Scores | None]:
    num_classes = len(model.labels)
    judged: dict[str, Scores | None] = {}
    if model.baselines is not None:
        starting_features = features
        if model.starting is not None:
            starting_features = embed_clips(store, clips, model.starting, keep=False)
        inputs = baseline_inputs(store, clips, model.starting or model.embedder, starting_features)
        for name, predicted in predict_baselines(model.baselines, inputs).items():
            judged[name] = score(true, predicted, num_classes)
    judged[SHUFFLED] = _judge_shuffled(model, store, clips, features, true)
    return judged


def _judge_shuffled(
    model: Judged, store: ClipStore, clips: Sequence[Clip], features: np.ndarray, true: np.ndarray
) -> Scores:
    """The model on clips in random order: mean scores over `NUM_SHUFFLES` orders of each clip."""
    random = np.random.default_rng(_SHUFFLE_SEED)
    rounds = []
    for _ in range(NUM_SHUFFLES):
        predicted = []
        for row, clip in enumerate(clips):
            order = random.permutation(features.shape[1])
            if model.embedder.embeds_frames_alone:
                shuffled = features[row][order]
            else:
                shuffled = model.embedder.embed(store.frames(clip)[order])
            predicted.append(predict(model.head, shuffled).class_index)
        rounds.append(score(true, np.array(predicted), len(model.labels)))
    return Scores(
        accuracy=float(np.mean([scores.accuracy for scores in rounds])),
        macro_f1=float(np.mean([scores.macro_f1 for scores in rounds])),
        balanced_accuracy=float(np.mean([scores.balanced_accuracy for scores in rounds])),
    )


def _notes(store: ClipStore, clips: Sequence[Clip], split: Split | None, total: int) -> list[str]:
    notes = []
    if len(clips) < total:
        notes.append(f"{total - len(clips)} of {total} clips could not be read and are not in the figures.")
    damaged = sum(1 for clip in clips if clip.status == "damaged")
    if damaged:
        notes.append(f"{damaged} of the judged clips come from damaged videos.")
    groups = {clip.group for clip in clips}
    if all(group.startswith("sha256:") for group in groups):
        notes.append("No groups were given: each file was taken as independent of the others.")
    if split not in (None, "train"):
        trained = store.usable("train")
        shared_groups = groups & {clip.group for clip in trained}
        if shared_groups:
            notes.append(
                f"{len(shared_groups)} of {len(groups)} groups also have training clips: "
                "the figures may be better than on new videos."
            )
        shared_bytes = {clip.sha256 for clip in clips} & {clip.sha256 for clip in trained}
        if shared_bytes:
            notes.append(
                f"{len(shared_bytes)} of the judged videos are byte for byte in the training split too."
            )
    return notes


def _baseline_notes(model: Judged) -> list[str]:
    """What is not compared, if something is not."""
    if model.baselines is None:
        return [
            "No majority and linear baselines: a model file alone has none; give the run folder to see them."
        ]
    return []


def _interval_notes(true: np.ndarray, predicted: np.ndarray, groups: Sequence[str]) -> list[str]:
    """Why there are no intervals, if there are none."""
    num_groups = len(set(groups))
    if num_groups < MIN_GROUPS_FOR_INTERVAL:
        return [
            f"No intervals: {num_groups} independent groups are too few for them "
            f"(at least {MIN_GROUPS_FOR_INTERVAL})."
        ]
    if (true == predicted).all():
        # The exact binomial bound (Clopper and Pearson, 1934) for no mistake in n trials.
        bound = 0.025 ** (1 / num_groups)
        return [
            f"No mistake in {num_groups} independent groups: the true accuracy may be as low as {bound:.3f}."
        ]
    if (true != predicted).all():
        return ["No intervals: every answer is wrong, and a resample says no more."]
    return []
