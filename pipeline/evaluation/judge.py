"""Judging a trained model on stored clips: every clip through the one prediction, beside its baselines."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pipeline.clips.store import Clip, ClipStore, Split
from pipeline.embedding.cache import Progress, Say, embed_clips, quiet
from pipeline.embedding.embedder import Embedder
from pipeline.errors import StoreError
from pipeline.evaluation.abstention import withhold
from pipeline.evaluation.baselines import SHUFFLED, Baselines, ClipInputs, predict_baselines
from pipeline.evaluation.calibration import Calibration
from pipeline.evaluation.explanations import Explained, Explanations, measure_explanations
from pipeline.evaluation.intervals import MIN_GROUPS_FOR_INTERVAL, bootstrap_intervals, group_scores
from pipeline.evaluation.judgement import Judgement
from pipeline.evaluation.metrics import Scores, confusion, log_losses, score, score_classes, top_k_hits
from pipeline.evaluation.notes import baseline_notes, data_notes, interval_notes, named_groups
from pipeline.evaluation.predict import Prediction, predict
from pipeline.evaluation.reliability import reliability
from pipeline.evaluation.shuffled import score_shuffled
from pipeline.evaluation.temperature import fit_calibration
from pipeline.evaluation.verdict import compare_with_best
from pipeline.labels import Labels
from pipeline.model.given import takes_features_words
from pipeline.model.head import SequenceHead
from pipeline.model.lengths import given_lengths
from pipeline.model.weights import weights_digest
from pipeline.spec import ClipSpec

_SEED = 20_203


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
        calibration: of its checkpoint.
        trained_on: digest of the store that it was trained on; None: the one that it is judged on.
        fitted_at_once: whether its head was fitted as the regression that it is, and not in epochs.
    """

    embedder: Embedder
    head: SequenceHead
    labels: Labels
    spec: ClipSpec
    keep_features: bool
    starting: Embedder | None = None
    baselines: Baselines | None = None
    calibration: Calibration = field(default_factory=Calibration)
    trained_on: str | None = None
    fitted_at_once: bool = False

    @property
    def weights_digest(self) -> str:
        """Names the weights of backbone and head: the same for a copy of a model, or the same training."""
        return f"{self.embedder.weights_digest} {weights_digest(self.head)}"


@dataclass(frozen=True, kw_only=True)
class Explaining:
    """That a model's explanations are to be measured, too.

    Attributes:
        others: models trained with other seeds, for the agreement with them.
        max_clips: that it is measured on, drawn at random where there are more; None: on all.
    """

    others: tuple[Judged, ...] = ()
    max_clips: int | None = None


def judge(
    model: Judged,
    store: ClipStore,
    *,
    split: Split | None,
    features: np.ndarray | None = None,
    explaining: Explaining | None = None,
    progress: Progress = iter,
    say: Say = quiet,
) -> Judgement:
    """Judges a model on a split of a store.

    Args:
        model: what is judged.
        store: where the clips are.
        split: which of them; None: all.
        features: of these clips (N, T, D) by the model's embedder, where they are at hand.
        explaining: that its explanations are to be measured; None: they are not.
        progress: wraps the clips that have to be embedded.
        say: is told how large the feature cache gets, where it gets large.

    Raises:
        StoreError: the store's clips are not what the model takes: another spec, unknown labels, no clips.
    """
    clips, total = judged_clips(model, store, split)
    if features is None:
        features = embed_clips(
            store, clips, model.embedder, keep=model.keep_features, progress=progress, say=say
        )
    predictions = tuple(
        predict(model.head, clip_features, temperature=model.calibration.temperature)
        for clip_features in features
    )
    num_classes, groups = len(model.labels), [clip.group for clip in clips]
    true = np.array([model.labels.index(clip.label) for clip in clips], dtype=np.int64)
    predicted = np.array([prediction.class_index for prediction in predictions])
    probabilities = np.stack([prediction.probabilities for prediction in predictions])
    confidences, right = probabilities.max(axis=1), true == predicted
    losses, hits = log_losses(true, probabilities), top_k_hits(true, probabilities)
    values = {"log_loss": losses, **{f"top_{k}": hit for k, hit in hits.items()}}
    intervals = bootstrap_intervals(true, predicted, groups, num_classes=num_classes, values=values)
    answers = baseline_answers(model, store, clips, features)
    threshold = model.calibration.threshold
    return Judgement(
        split=split or "all",
        labels=model.labels,
        num_used=len(clips),
        num_total=total,
        num_groups=len(set(groups)),
        scores=score(true, predicted, num_classes),
        log_loss=float(losses.mean()),
        top_k={k: float(hit.mean()) for k, hit in hits.items()},
        intervals=intervals,
        per_group=group_scores(true, predicted, named_groups(clips))
        if len(set(groups)) < MIN_GROUPS_FOR_INTERVAL
        else None,
        per_class=score_classes(true, predicted, model.labels),
        confusion=confusion(true, predicted, num_classes),
        baselines=_score_baselines(model, answers, features, true),
        verdict=compare_with_best(true, predicted, answers, groups, num_classes=num_classes),
        calibration=model.calibration,
        reliability=reliability(confidences, right),
        abstention=None if threshold is None else withhold(confidences, right, threshold=threshold),
        clips=clips,
        predictions=predictions,
        notes=(
            *data_notes(
                store,
                clips,
                split,
                total,
                labels=model.labels,
                trained_on=model.trained_on,
                fitted_at_once=model.fitted_at_once,
            ),
            *interval_notes(true, predicted, groups),
            *baseline_notes(has_baselines=model.baselines is not None),
        ),
        explanations=_explanations(
            model, store, explaining, clips=clips, features=features, predictions=predictions, split=split
        )
        if explaining
        else None,
    )


def calibrate(
    model: Judged, store: ClipStore, *, wanted_precision: float | None
) -> tuple[Judged, np.ndarray]:
    """The model with a calibration fitted on the validation clips, and their features (N, T, D)."""
    clips, _ = judged_clips(model, store, "val")
    features = embed_clips(store, clips, model.embedder, keep=model.keep_features)
    calibration = fit_calibration(
        np.stack([predict(model.head, clip_features).logits for clip_features in features]),
        np.array([model.labels.index(clip.label) for clip in clips], dtype=np.int64),
        [clip.group for clip in clips],
        wanted_precision=wanted_precision,
    )
    return replace(model, calibration=calibration), features


def judged_clips(model: Judged, store: ClipStore, split: Split | None) -> tuple[tuple[Clip, ...], int]:
    """The clips of a split that a model can be judged on, and how many the split has in all.

    Args:
        model: with all that belongs to it.
        store: of clips as the model takes them.
        split: which of them; None: all.

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
    return clips, total


def baseline_inputs(
    store: ClipStore, clips: Sequence[Clip], embedder: Embedder, features: np.ndarray
) -> ClipInputs:
    """What the baselines see of clips, given their features (N, T, D) by the same embedder."""
    if embedder.embeds_frames_alone:
        centres = given_lengths(features) // 2
        return ClipInputs(features=features, centre=features[np.arange(len(features)), centres])
    middle = features.shape[1] // 2
    # This backbone looks at the whole clip: the centre frame alone must be embedded alone.
    centre = [embedder.embed(store.frames(clip)[middle : middle + 1])[0] for clip in clips]
    return ClipInputs(features=features, centre=np.stack(centre))


def _explanations(
    model: Judged,
    store: ClipStore,
    explaining: Explaining,
    *,
    clips: Sequence[Clip],
    features: np.ndarray,
    predictions: Sequence[Prediction],
    split: Split | None,
) -> Explanations:
    """Measures the explanations of a model whose features and predictions of some clips are at hand."""
    rows = np.flatnonzero(given_lengths(features) > 1).tolist()
    if not rows:
        raise StoreError(
            f"the clips of {store.folder} have one frame: no order of frames explains an answer."
        )
    if explaining.max_clips is not None and len(rows) > explaining.max_clips:
        drawn = np.random.default_rng(_SEED).permutation(len(rows))[: explaining.max_clips]
        rows = [rows[place] for place in sorted(drawn.tolist())]
    chosen = [clips[row] for row in rows]
    others = []
    for other in explaining.others:
        _check_fit(other, store)
        embedded = embed_clips(store, chosen, other.embedder, keep=other.keep_features)
        others.append(_explained(other, embedded))
    return measure_explanations(
        _explained(model, features[rows]),
        [predictions[row] for row in rows],
        [clip.group for clip in chosen],
        split=split or "all",
        others=others,
    )


def _explained(model: Judged, features: np.ndarray) -> Explained:
    return Explained(head=model.head, features=features, temperature=model.calibration.temperature)


def _check_fit(model: Judged, store: ClipStore) -> None:
    if model.embedder.takes_features != (not store.has_frames):
        _refuse_kind(model, store)
    # The head takes features of any number of steps.
    differences = store.spec.differences(model.spec) if store.has_frames else []
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


def _refuse_kind(model: Judged, store: ClipStore) -> None:
    """Frames for a model of features, or features for a model of frames."""
    store.check_frames("This model takes")
    words = takes_features_words("This model", model.embedder.feature_dim)
    raise StoreError(f"{store.folder} holds frames. {words}")


def baseline_answers(
    model: Judged, store: ClipStore, clips: Sequence[Clip], features: np.ndarray
) -> dict[str, np.ndarray]:
    """Class indices (N,) by each fitted baseline; none without them."""
    if model.baselines is None:
        return {}
    if model.starting is not None:
        features = embed_clips(store, clips, model.starting, keep=False)
    return predict_baselines(
        model.baselines, baseline_inputs(store, clips, model.starting or model.embedder, features)
    )


def _score_baselines(
    model: Judged, answers: dict[str, np.ndarray], features: np.ndarray, true: np.ndarray
) -> dict[str, Scores | None]:
    scores: dict[str, Scores | None] = {
        name: score(true, predicted, len(model.labels)) for name, predicted in answers.items()
    }
    scores[SHUFFLED] = score_shuffled(model.embedder, model.head, features, true, len(model.labels))
    return scores
