"""`Classifier.explain`: the frames that counted, the places in them, and no heat in the bars."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import CheckpointError
from pipeline.inference.classification import Classification, FrameEvidence
from pipeline.inference.classifier import Classifier, load
from pipeline.inference.explanation import key_frames
from pipeline.model.checkpoint import load_checkpoint
from tests.helpers.videos import write_numbered_video


@pytest.fixture(scope="module")
def classifier(trained: Path) -> Classifier:
    return load(trained / "run")


@pytest.mark.parametrize(
    ("size_wh", "box"),
    [((64, 48), (0, 4, 32, 28)), ((32, 48), (5, 0, 26, 32)), ((48, 48), (0, 0, 32, 32))],
)
def test_heat_is_in_the_picture_only(
    classifier: Classifier, tmp_path: Path, size_wh: tuple[int, int], box: tuple[int, int, int, int]
) -> None:
    result = classifier.classify(write_numbered_video(tmp_path / "v.avi", 9, size_wh=size_wh))
    assert result.picture_box_px == box
    left, top, right, bottom = box
    is_picture = np.zeros((32, 32), bool)
    is_picture[top:bottom, left:right] = True
    assert result.images is not None
    assert not result.images[:, ~is_picture].any()  # black, as the spec fills
    assert result.images[:, [top, bottom - 1], left:right].any(axis=(0, 3)).mean() > 0.9
    explanation = classifier.explain(result)
    assert len(explanation.heat_maps) == 3
    for heat in explanation.heat_maps.values():
        assert heat.dtype == np.float32
        assert np.array_equal(np.isnan(heat), ~is_picture)
        assert heat[is_picture].min() >= 0
        assert heat[is_picture].max() in (0, 1)
    assert any(heat[is_picture].max() == 1 for heat in explanation.heat_maps.values())


def test_key_frames_are_the_most_important(classifier: Classifier, trained: Path) -> None:
    result = classifier.classify(trained / "videos" / "걷기" / "걷기 3.avi")
    falls = [frame.importance for frame in result.frames]
    ranked = sorted(range(4), key=lambda place: -falls[place])
    assert list(classifier.explain(result, num_key_frames=2).heat_maps) == ranked[:2]
    assert list(classifier.explain(result, num_key_frames=9).heat_maps) == ranked
    evidence = tuple(
        FrameEvidence(index=place, time_seconds=place, attention_weight=weight, importance=fall)
        for place, (weight, fall) in enumerate([(0.1, 0.3), (0.7, -0.1), (0.1, 0.3), (0.1, 0.5)])
    )
    # Of equals the first; attention has no part in it.
    assert key_frames(replace(result, frames=evidence), 3) == [3, 0, 2]
    with pytest.raises(ValueError, match="num_key_frames is 0; allowed: 1 or more"):
        classifier.explain(result, num_key_frames=0)


def test_what_training_found_of_the_attention_is_said(classifier: Classifier, trained: Path) -> None:
    """The run's two validation clips are too few to tell; other files say more, or were never measured."""
    result = classifier.classify(trained / "videos" / "걷기" / "걷기 3.avi")
    explanation = classifier.explain(result)
    assert explanation.attention_trusted is None
    assert "cannot be told from 2 independent groups" in explanation.attention_note
    model, checkpoint = load_checkpoint(trained / "run")
    assert checkpoint.explanations is not None
    no_better = {"mean": 0.0, "interval": [-0.1, 0.1]}
    found = replace(checkpoint, explanations={**checkpoint.explanations, "attention": no_better})
    explanation = Classifier(model, found).explain(result)
    assert explanation.attention_trusted is False
    assert (
        "not surely better than random order at telling which frames count (+0.000, 95 %"
        in explanation.attention_note
    )
    unmeasured = Classifier(model, replace(checkpoint, explanations=None)).explain(result)
    assert (unmeasured.attention_note, unmeasured.attention_trusted) == ("", None)
    with pytest.raises(CheckpointError, match="says of its attention cannot be"):
        Classifier(model, replace(checkpoint, explanations={"split": "val"}))


def test_what_has_no_frames_is_refused(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match="has no frames to explain"):
        classifier.explain(Classification(path="v.mp4", status="failed", error="the file is empty"))
