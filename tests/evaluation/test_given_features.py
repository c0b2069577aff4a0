"""Clips of several lengths: padded, they are judged exactly as the same clips cut to their length."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.embedding.embedder import Embedder
from pipeline.evaluation.baselines import (
    MEAN,
    MEAN_STD_DIFFERENCE,
    SINGLE_FRAME,
    ClipInputs,
    fit_baselines,
    predict_baselines,
)
from pipeline.evaluation.explanations import Explained, measure_explanations
from pipeline.evaluation.importance import leave_one_out
from pipeline.evaluation.predict import predict
from pipeline.evaluation.shuffled import score_shuffled
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.given import GIVEN
from pipeline.model.head import HeadConfig
from pipeline.training.input_fit import fit_input
from tests.helpers.features import LABELS, make_lengths, make_sequences

N, T, D, K = 45, 6, 5, len(LABELS)
WHOLE, NAMES = make_sequences(N, T, D)
LENGTHS = make_lengths(N, T)
CLASSES = np.array([LABELS.index(name) for name in NAMES])
PADDED = np.where(np.arange(T)[None, :, None] < LENGTHS[:, None, None], WHOLE, np.float32(np.nan))
CUT = [clip[:length] for clip, length in zip(WHOLE, LENGTHS, strict=True)]
GROUPS = [str(row) for row in range(N)]


def classifier(**head: object) -> ClipClassifier:
    torch.manual_seed(0)
    config = {
        "lstm_dim": 8,
        "attention_dim": 4,
        "input": "fitted",
        "projection_dim": 8,
        "normalise": "none",
        **head,
    }
    head_config = HeadConfig(feature_dim=D, num_classes=K, **config)  # type: ignore[arg-type]
    built = ClipClassifier(ModelConfig(backbone=GIVEN, image_size=224, head=head_config))
    fit_input(built.head, torch.from_numpy(PADDED), CLASSES, GROUPS)
    return built.eval()


def test_answers_and_importances_are_equal_to_the_bit() -> None:
    head = classifier().head
    for padded, cut in zip(PADDED, CUT, strict=True):
        one, other = predict(head, padded), predict(head, cut)
        assert np.array_equal(one.logits, other.logits)
        assert np.array_equal(one.attention_weights, other.attention_weights)
        assert len(one.attention_weights) == len(cut)
        assert np.array_equal(leave_one_out(head, padded, 1), leave_one_out(head, cut, 1))


def test_only_valid_steps_are_shuffled() -> None:
    model = classifier()
    embedder = Embedder(model)
    assert embedder.runtime == "no backbone: features as they are given"
    padded = score_shuffled(embedder, model.head, PADDED, CLASSES, K)
    assert padded == score_shuffled(embedder, model.head, CUT, CLASSES, K)  # type: ignore[arg-type]
    assert padded != score_shuffled(embedder, model.head, WHOLE, CLASSES, K)


def test_explanations_of_several_lengths() -> None:
    rows = [row for row in range(N) if LENGTHS[row] > 1]
    found = []
    for features in (PADDED[rows], [CUT[row] for row in rows]):
        models = [
            Explained(head=classifier(lstm_dim=units).head, features=features, temperature=1.0)  # type: ignore[arg-type]
            for units in (8, 9)
        ]
        answers = [predict(models[0].head, clip) for clip in features]
        groups = [GROUPS[row] for row in rows]
        found.append(
            measure_explanations(models[0], answers, groups, split="val", others=models[1:]).to_dict()
        )
    assert found[0] == found[1]
    assert len(found[0]["orders"]["attention"]["deletion"]) == T
    agreement = found[0]["agreement"]["attention"]
    assert agreement["chance"] == pytest.approx(np.mean(1 / LENGTHS[rows]))
    assert agreement["other_clips_correlation"] is None
    assert -1 <= agreement["rank_correlation"] <= 1
    assert np.isfinite(found[0]["orders"]["leave_one_out"]["insertion"]).all()


def test_linear_baselines_equal_scikit_learn_on_cut_clips() -> None:
    centre = PADDED[np.arange(N), LENGTHS // 2]
    inputs = ClipInputs(features=PADDED, centre=centre)
    baselines = fit_baselines(inputs, CLASSES, num_classes=K)
    answers = predict_baselines(baselines, inputs)
    clips = [clip.astype(np.float64) for clip in CUT]
    views = {
        SINGLE_FRAME: np.stack([clip[len(clip) // 2] for clip in clips]),
        MEAN: np.stack([clip.mean(axis=0) for clip in clips]),
        MEAN_STD_DIFFERENCE: np.stack(
            [
                np.concatenate(
                    [
                        clip.mean(axis=0),
                        clip.std(axis=0),
                        np.diff(clip, axis=0).mean(axis=0) if len(clip) > 1 else np.zeros(D),
                    ]
                )
                for clip in clips
            ]
        ),
    }
    for name, view in views.items():
        oracle = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=2000))
        oracle.fit(view, CLASSES)
        assert answers[name].tolist() == oracle.predict(view).tolist(), name
        scores = view @ baselines[name].coefficients.T + baselines[name].intercepts
        shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        assert shares == pytest.approx(oracle.predict_proba(view), abs=1e-6)


def test_the_input_is_fitted_to_valid_steps_alone() -> None:
    valid = np.concatenate(CUT).astype(np.float64)
    fitted = classifier().head.input
    assert fitted.mean.numpy() == pytest.approx(valid.mean(axis=0), abs=1e-6)  # type: ignore[operator]
    plain = classifier(
        input="plain", normalise="standardise", differences=True, projection_dim=None
    ).head.input
    assert plain.feature_norm.std.numpy() == pytest.approx(valid.std(axis=0), abs=1e-6)  # type: ignore[union-attr,operator]
    steps = np.concatenate([np.diff(clip.astype(np.float64), axis=0) for clip in CUT])
    assert plain.difference_norm.std.numpy() == pytest.approx(steps.std(axis=0), abs=1e-6)  # type: ignore[union-attr,operator]
