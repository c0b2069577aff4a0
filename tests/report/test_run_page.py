"""The pages on models: all that they must hold, nothing from elsewhere, and names that stay text."""

import base64
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import CheckpointError
from pipeline.evaluation.predictions import PREDICTIONS_FILE, read_predictions
from tests.helpers.markup import Reader, faults
from tests.helpers.pages import COMMAND, HOSTILE_LABEL, TrainedStore, folds_page, planted, run_page
from tests.helpers.stores import make_store


def page_of(trained: TrainedStore, path: Path, **changed: Any) -> tuple[str, Reader]:
    text = run_page(trained, path, **changed)
    return text, Reader(text)


def test_whether_explanations_are_true_is_said(trained: TrainedStore, tmp_path: Path) -> None:
    """Training measured it; where it was not, the page has no such section."""
    judged = trained[1].metrics["validation"]
    text, reader = page_of(trained, tmp_path / "report.html")
    assert judged["explanations"]["attention_note"] in reader.text
    assert "Frames are taken out, the most important first" in reader.text
    assert faults(text) == []
    without = {key: value for key, value in judged.items() if key != "explanations"}
    text, _ = page_of(trained, tmp_path / "report.html", judged=without)
    assert 'id="explanations"' not in text
    assert "#explanations" not in text


def test_names_stay_text_and_nothing_is_fetched(trained: TrainedStore, tmp_path: Path) -> None:
    wrong = dict.fromkeys(range(6), 0.9)
    text, reader = page_of(trained, tmp_path / "report.html", answers=planted(trained[0], wrong))
    assert faults(text) == []
    for said in (HOSTILE_LABEL, "<i>cam 0</i>", COMMAND, "<i>run</i>"):
        assert said in reader.text, said
    for clip in trained[0].usable("val"):
        if "{{" in clip.path:
            assert "{{ 7 * 7 }}" in reader.text
        if "\n" in clip.path:
            assert r"line\nfeed\r\x1b[31m" in reader.text


def test_it_holds_what_it_must(trained: TrainedStore, tmp_path: Path) -> None:
    _, reader = page_of(trained, tmp_path / "report.html")
    validation = trained[1].metrics["validation"]
    for said in (
        validation["verdict"]["sentence"], f"{validation['macro_f1']:.3f}",
        "Judged on 6 of 6 validation clips",
        "majority class", "this model on shuffled frames", "tiny, trained from random weights",
        "2 LSTM of 8 units → bidirectional LSTM of 8 units", "4 frames, at the centres of equal segments",
        "On more than one side of the split: 3 groups", "made by clipwise preprocess", "3 given",
        "have no part in this: 1", "clips that come from damaged videos: 1", "calibration error",
        "temperature",
        "unsure below", "Each group", "too few groups for intervals", "Of 2 epochs", *validation["notes"],
    ):  # fmt: skip
        assert said in reader.text, said
    told = [attributes["aria-label"] or "" for tag, attributes in reader.tags if attributes.get("aria-label")]
    for begins in ("loss over 2 epochs", "macro-F1 over 2 epochs", "reliability diagram"):
        assert [label for label in told if label.startswith(begins)], begins


def test_the_most_confident_mistake_comes_first_with_its_frames(
    trained: TrainedStore, tmp_path: Path
) -> None:
    text, reader = page_of(trained, tmp_path / "report.html")
    assert "3 of 6 clips, the most confident mistake first" in reader.text
    shown = re.findall(r"probability (0\.\d{3})(, called unsure)?; of the true class (0\.\d{3})", reader.text)
    assert shown == [("0.970", "", "0.030"), ("0.800", "", "0.200"), ("0.610", ", called unsure", "0.390")]
    images = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", text)
    assert len(images) == 3 * 4
    store = trained[0]
    clip = store.usable("val")[3]
    import cv2

    for image, frame in zip(images[:4], store.frames(clip), strict=True):
        decoded = cv2.imdecode(np.frombuffer(base64.b64decode(image), np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        assert np.abs(decoded[:, :, ::-1].astype(int) - frame).mean() < 25
    assert "0.10 s" in reader.text
    _, reader = page_of(trained, tmp_path / "right.html", answers=planted(store, {}))
    assert "No mistake in 6 clips." in reader.text


def test_a_model_judged_on_other_clips(trained: TrainedStore, tmp_path: Path) -> None:
    store, result, checkpoint = trained
    assert "trained on other clips" not in page_of(trained, tmp_path / "same.html")[1].text
    foreign = replace(checkpoint, provenance={"options": "?", "training_clips": [1], "data": "x"})
    judged = {**result.metrics["validation"], "split": "all", "per_group": None}
    text, reader = page_of(
        (store, result, foreign), tmp_path / "other.html", judged=judged, history=[], best_epoch=None
    )
    assert "trained on other clips" in reader.text
    assert "6 of 6 all clips" in reader.text
    assert "Learning curves" not in reader.text
    assert "Each group" not in reader.text
    assert faults(text) == []


def test_predictions_are_read_back_to_the_bit(trained: TrainedStore) -> None:
    store, result, _ = trained
    answers = read_predictions(result.folder / PREDICTIONS_FILE)
    known = [(clip.id, clip.path, clip.label, clip.group) for clip in store.usable("val")]
    assert [(it.id, it.path, it.label, it.group) for it in answers] == known
    assert np.mean([it.is_right for it in answers]) == result.metrics["validation"]["accuracy"]
    assert all(sum(it.probabilities.values()) == pytest.approx(1, abs=1e-12) for it in answers)
    assert all(it.confidence == max(it.probabilities.values()) for it in answers)


@pytest.mark.parametrize("content", [None, b"", b"a,b\n", b'"id","path"\n"x"\n'])
def test_a_table_of_something_else_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / PREDICTIONS_FILE
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_predictions(path)


def test_folds_have_a_page_of_their_own(tmp_path: Path) -> None:
    store = make_store(tmp_path / "clips", classes=("down", HOSTILE_LABEL))
    text, found = folds_page(store, tmp_path / "report.html")
    reader = Reader(text)
    assert faults(text) == []
    for said in (
        found["verdict"]["sentence"], "24 of 28 clips (24 independent groups)", "held back in 3 folds",
        "7 of 20", "9 of 20", "mean + logistic regression", "weights: of a file, SHA-256 abc", HOSTILE_LABEL,
        COMMAND, "No group, video or identical file stands",
    ):  # fmt: skip
        assert said in reader.text, said
    for row in found["per_fold"]:
        assert f"{row['macro_f1'] - row['baselines']['mean']['macro_f1']:+.3f}" in reader.text
    assert found["intervals"] is not None
    low, high = found["intervals"]["macro_f1"]
    assert f"{low:.3f} to {high:.3f}" in reader.text
