"""Judging: the figures are those of the predictions, and what belongs to them is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, log_loss, top_k_accuracy_score

from pipeline.clips.store import ClipStore
from pipeline.embedding.cache import embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.errors import StoreError
from pipeline.evaluation.baselines import fit_baselines
from pipeline.evaluation.calibration import Calibration
from pipeline.evaluation.judge import Judged, baseline_inputs, judge
from pipeline.evaluation.notes import interval_notes
from pipeline.evaluation.predict import Prediction, predict
from pipeline.labels import Labels
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig, SequenceHead
from pipeline.spec import ClipSpec
from tests.helpers.stores import make_store


def _judged(store: ClipStore, *, with_baselines: bool = True) -> Judged:
    torch.manual_seed(0)
    head = HeadConfig(feature_dim=128, num_classes=len(store.labels), lstm_dim=8, attention_dim=4)
    classifier = ClipClassifier(ModelConfig(backbone="tiny", image_size=store.spec.image_size, head=head))
    embedder = Embedder(classifier)
    baselines = None
    if with_baselines:
        clips = store.usable("train")
        features = embed_clips(store, clips, embedder, keep=False)
        targets = np.array([store.labels.index(clip.label) for clip in clips])
        inputs = baseline_inputs(store, clips, embedder, features)
        baselines = fit_baselines(inputs, targets, num_classes=len(store.labels))
    return Judged(
        embedder=embedder,
        head=classifier.head,
        labels=store.labels,
        spec=store.spec,
        keep_features=False,
        baselines=baselines,
    )


def test_figures_are_those_of_the_predictions(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", classes=("a", "b", "c"), failed=2)
    judgement = judge(_judged(store), store, split="test")
    assert (judgement.num_used, judgement.num_total) == (7, 9)
    true = [store.labels.index(clip.label) for clip in judgement.clips]
    predicted = [prediction.class_index for prediction in judgement.predictions]
    assert judgement.scores.accuracy == pytest.approx(accuracy_score(true, predicted))
    assert judgement.scores.macro_f1 == pytest.approx(
        f1_score(true, predicted, average="macro", labels=sorted(set(true)), zero_division=0)
    )
    assert judgement.confusion.sum() == 7
    assert any("2 of 9 clips could not be read" in note for note in judgement.notes)
    assert any("each file was taken as independent" in note for note in judgement.notes)
    assert judgement.intervals is None
    assert any("7 independent groups are too few" in note for note in judgement.notes)


def test_linear_baselines_find_what_a_frame_shows(tmp_path: Path) -> None:
    """Classes of these clips are plain in each frame: baselines reach 1, whatever the model does."""
    store = make_store(
        tmp_path / "s", classes=("a", "b", "c"), clips_per_class={"train": 12, "val": 2, "test": 5}
    )
    baselines = judge(_judged(store), store, split="test").baselines
    assert set(baselines) == {"majority", "single_frame", "mean", "mean_std_difference", "shuffled"}
    majority, mean, difference = (baselines[key] for key in ("majority", "mean", "mean_std_difference"))
    assert majority is not None
    assert majority.accuracy == pytest.approx(1 / 3)
    assert mean is not None
    assert mean.accuracy == 1
    assert difference is not None
    assert difference.accuracy == 1


def test_without_a_run_folder_only_the_shuffled_frames_are_left(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    assert set(judge(_judged(store, with_baselines=False), store, split="test").baselines) == {"shuffled"}


def test_groups_on_both_sides_are_said(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    shared = ClipStore(
        folder=store.folder,
        manifest=store.manifest,
        spec=store.spec,
        labels=store.labels,
        clips=tuple(replace(clip, group="camera-1") for clip in store.clips),
    )
    notes = judge(_judged(store), shared, split="test").notes
    assert any("1 of 1 groups also have training clips" in note for note in notes)
    assert not any("taken as independent" in note for note in notes)


def test_a_store_of_another_kind_is_refused(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    model = _judged(store)
    other_spec = replace(model, spec=ClipSpec(num_frames=8, image_size=16))
    with pytest.raises(StoreError, match="num_frames is 4, not 8"):
        judge(other_spec, store, split="test")
    with pytest.raises(StoreError, match=r"labels that this model does not know: up\. It knows: down, left"):
        judge(replace(model, labels=Labels(("down", "left"))), store, split="test")
    empty = make_store(tmp_path / "e", clips_per_class={"train": 2, "val": 1, "test": 1}, failed=2)
    with pytest.raises(StoreError, match=r"no usable clips in split 'test' \(2 in its list\)"):
        judge(model, empty, split="test")


def test_a_prediction_is_a_distribution_and_repeats(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    model = _judged(store, with_baselines=False)
    features = model.embedder.embed(store.frames(store.usable()[0]))
    first, second = predict(model.head, features), predict(model.head, features)
    assert first.probabilities.sum() == pytest.approx(1, abs=1e-12)
    assert first.attention_weights.sum() == pytest.approx(1, abs=1e-6)
    assert np.array_equal(first.probabilities, second.probabilities)


def test_no_mistake_is_said_with_its_bound() -> None:
    true, groups = np.arange(36) % 4, [str(row) for row in range(36)]
    (note,) = interval_notes(true, true, groups)
    # scipy.stats.binomtest(36, 36).proportion_ci(0.95, method="exact").low is 0.9026.
    assert "No mistake in 36 independent groups: the true accuracy may be as low as 0.903" in note
    assert interval_notes(true, (true + 1) % 4, groups) == [
        "No intervals: every answer is wrong, and a resample says no more."
    ]


def test_a_model_file_alone_says_what_it_is_not_compared_with(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", classes=("a", "b"))
    alone = judge(_judged(store, with_baselines=False), store, split="test")
    assert set(alone.baselines) == {"shuffled"}
    assert any("give the run folder" in note for note in alone.notes)
    assert not any("give the run folder" in note for note in judge(_judged(store), store, split="test").notes)


def test_another_store_with_some_of_the_labels_is_judged(tmp_path: Path) -> None:
    trained = make_store(tmp_path / "s", classes=("a", "b", "c"))
    model = replace(_judged(trained), trained_on=trained.digest)
    assert not any("not trained on this store" in note for note in judge(model, trained, split="test").notes)
    other = make_store(tmp_path / "other", classes=("a", "c"), seed=5)
    judgement = judge(model, other, split=None)
    assert {clip.label for clip in judgement.clips} == {"a", "c"}
    true = [model.labels.index(clip.label) for clip in judgement.clips]
    predicted = [prediction.class_index for prediction in judgement.predictions]
    assert judgement.scores.macro_f1 == pytest.approx(
        f1_score(true, predicted, average="macro", labels=[0, 2], zero_division=0)
    )
    assert [row.support for row in judgement.per_class] == [12, 0, 12]
    assert any("No clip of b was judged" in note for note in judgement.notes)
    assert any("was not trained on this store as it is now" in note for note in judgement.notes)
    assert not any("training clips: on new videos" in note for note in judgement.notes)


def test_clips_that_were_trained_on_are_said(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    model = _judged(store)
    assert any(
        "12 of the judged clips are training clips" in note for note in judge(model, store, split=None).notes
    )
    val = judge(model, store, split="val").notes
    assert any(note.startswith("Training stopped where it did best") for note in val)
    at_once = judge(replace(model, fitted_at_once=True), store, split="val").notes
    assert not any("Training stopped" in note for note in at_once)
    assert any(note.startswith("What there is of temperature") for note in at_once)


def test_few_groups_are_shown_one_by_one(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", clips_per_class={"train": 6, "val": 3, "test": 12})
    few = replace(
        store,
        clips=tuple(replace(clip, group=f"camera {row % 3}") for row, clip in enumerate(store.clips)),
    )
    judgement = judge(_judged(store), few, split="test")
    assert (judgement.num_groups, judgement.intervals, judgement.verdict.beats) == (3, None, None)
    assert judgement.per_group is not None
    assert [(row.group, row.support) for row in judgement.per_group] == [
        ("camera 0", 8),
        ("camera 1", 8),
        ("camera 2", 8),
    ]
    shares = [row.accuracy * row.support for row in judgement.per_group]
    assert sum(shares) == pytest.approx(judgement.scores.accuracy * 24)
    each_alone = judge(_judged(store), store, split="test")
    assert (each_alone.num_groups, each_alone.per_group) == (24, None)


def test_shuffled_frames_of_a_backbone_that_sees_the_whole_clip_need_no_new_embedding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same scores as from shuffled frames embedded again, at no embedding."""
    store = make_store(tmp_path / "s", clips_per_class={"train": 2, "val": 1, "test": 12})
    model = _judged(store, with_baselines=False)
    clips = store.usable("test")
    random, first = np.random.default_rng(20_201), np.empty(0)
    for clip in clips:
        order = random.permutation(4)
        expected = model.embedder.embed(store.frames(clip)[order])
        first = expected if clip is clips[0] else first
        found = model.embedder.reordered(model.embedder.embed(store.frames(clip)), order)
        assert found == pytest.approx(expected, abs=1e-4)
    features = embed_clips(store, clips, model.embedder, keep=False)
    monkeypatch.setattr(Embedder, "embed", lambda *_: pytest.fail("a clip was embedded again"))
    seen: list[np.ndarray] = []

    def spy(head: SequenceHead, shuffled: np.ndarray) -> Prediction:
        seen.append(shuffled)
        return predict(head, shuffled)

    monkeypatch.setattr("pipeline.evaluation.shuffled.predict", spy)
    assert judge(model, store, split="test", features=features).baselines["shuffled"] is not None
    assert len(seen) == 5 * len(clips)
    assert seen[0] == pytest.approx(first, abs=1e-4)


def test_the_verdict_and_the_probabilities_are_in_the_json(tmp_path: Path) -> None:
    store = make_store(
        tmp_path / "s", classes=("a", "b", "c", "d"), clips_per_class={"train": 6, "val": 2, "test": 6}
    )
    judgement = judge(_judged(store), store, split="test")
    values = judgement.to_dict()
    assert set(values["verdict"]) == {"sentence", "baseline", "difference", "interval", "beats"}
    probabilities = np.stack([prediction.probabilities for prediction in judgement.predictions])
    true = [store.labels.index(clip.label) for clip in judgement.clips]
    assert values["log_loss"] == pytest.approx(log_loss(true, probabilities, labels=[0, 1, 2, 3]))
    assert values["top_k"] == {"3": top_k_accuracy_score(true, probabilities, k=3, labels=[0, 1, 2, 3])}
    assert {"temperature", "threshold", "ece", "ece_if_calibrated", "bins"} <= set(values["calibration"])
    assert values["abstention"] is None
    threshold = float(np.sort(probabilities.max(axis=1))[10])
    unsure = replace(_judged(store), calibration=Calibration(threshold=threshold))
    kept = judge(unsure, store, split="test").to_dict()["abstention"]
    assert (kept["num_kept"], kept["coverage"]) == (14, 14 / 24)
