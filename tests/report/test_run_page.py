"""The pages on models: all that they must hold, nothing from elsewhere, and names that stay text."""

import base64
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.clips.store import ClipStore
from pipeline.errors import CheckpointError
from pipeline.evaluation.cross_validation import FoldAnswers, summarise_folds
from pipeline.evaluation.metrics import Scores
from pipeline.evaluation.predictions import PREDICTIONS_FILE, ClipAnswer, read_predictions
from pipeline.labels import Labels
from pipeline.model.checkpoint import Checkpoint, load_checkpoint
from pipeline.report.folds_page import write_folds_page
from pipeline.report.run_page import write_run_page
from pipeline.training.run import train
from pipeline.training.run_folder import RunResult
from tests.audit.test_audit import rewritten
from tests.helpers.runs import QUICK
from tests.helpers.stores import make_store
from tests.report.test_audit_page import HOSTILE, Reader

HOSTILE_LABEL = '<b onclick="x">다리</b> عربي 🎥'
COMMAND = "clipwise train './<i>clips</i>' --out run"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClipStore, RunResult, Checkpoint]:
    """A store with hostile names, three groups that stand on all sides, and a run on it."""
    folder = tmp_path_factory.mktemp("page")
    store = make_store(folder / "clips", classes=("down", HOSTILE_LABEL), failed=1, damaged=1)
    clips = [
        replace(clip, path=HOSTILE[i % len(HOSTILE)] + str(i), group=f"<i>cam {i % 3}</i>")
        for i, clip in enumerate(store.clips)
    ]
    store = rewritten(store, clips)
    result = train(store.folder, folder / "run", QUICK, device=torch.device("cpu"))
    return store, result, load_checkpoint(result.folder)[1]


def planted(store: ClipStore, confidences: dict[int, float]) -> tuple[ClipAnswer, ...]:
    """Answers on the validation clips: wrong, with this probability, where a row is named; else right."""
    answers = []
    for row, clip in enumerate(store.usable("val")):
        other = next(label for label in store.labels if label != clip.label)
        predicted = other if row in confidences else clip.label
        shares = {label: 1 - confidences.get(row, 0.9) for label in store.labels}
        shares[predicted] = confidences.get(row, 0.9)
        answers.append(
            ClipAnswer(
                id=clip.id, path=clip.path, label=clip.label, predicted=predicted, is_unsure=row == 1,
                probabilities=shares, group=clip.group,
            )
        )  # fmt: skip
    return tuple(answers)


def page_of(
    trained: tuple[ClipStore, RunResult, Checkpoint], path: Path, **changed: Any
) -> tuple[str, Reader]:
    store, result, checkpoint = trained
    values: dict[str, Any] = {
        "name": "<i>run</i>",
        "store": store,
        "checkpoint": checkpoint,
        "judged": result.metrics["validation"],
        "answers": planted(store, {1: 0.61, 3: 0.97, 4: 0.8}),
        "history": [asdict(row) for row in result.history],
        "best_epoch": result.metrics["best_epoch"],
        "commands": [("This run:", COMMAND)],
    }
    write_run_page(path, **{**values, **changed})
    text, reader = path.read_text("utf-8"), Reader()
    reader.feed(text)
    return text, reader


def assert_stands_alone(text: str, reader: Reader) -> None:
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "form",
        "b",
        "i",
        "base",
        "image",
        "use",
    }
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href", "xlink:href"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/jpeg;base64,")), (tag, value)
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src &#39;none&#39;" in text


def test_whether_explanations_are_true_is_said(
    trained: tuple[ClipStore, RunResult, Checkpoint], tmp_path: Path
) -> None:
    """Training measured it; where it was not, the page has no such section."""
    judged = trained[1].metrics["validation"]
    text, reader = page_of(trained, tmp_path / "report.html")
    assert judged["explanations"]["attention_note"] in reader.text
    assert "Frames are taken out, the most important first" in reader.text
    assert_stands_alone(text, reader)
    without = {key: value for key, value in judged.items() if key != "explanations"}
    text, _ = page_of(trained, tmp_path / "report.html", judged=without)
    assert 'id="explanations"' not in text
    assert "#explanations" not in text


def test_names_stay_text_and_nothing_is_fetched(
    trained: tuple[ClipStore, RunResult, Checkpoint], tmp_path: Path
) -> None:
    wrong = dict.fromkeys(range(6), 0.9)
    text, reader = page_of(trained, tmp_path / "report.html", answers=planted(trained[0], wrong))
    assert_stands_alone(text, reader)
    for said in (HOSTILE_LABEL, "<i>cam 0</i>", COMMAND, "<i>run</i>"):
        assert said in reader.text, said
    for clip in trained[0].usable("val"):
        if "{{" in clip.path:
            assert "{{ 7 * 7 }}" in reader.text
        if "\n" in clip.path:
            assert r"line\nfeed\r\x1b[31m" in reader.text
    anchors = {attributes["id"] for _, attributes in reader.tags if attributes.get("id")}
    for tag, attributes in reader.tags:
        if tag == "a":
            assert (attributes["href"] or "").removeprefix("#") in anchors, attributes


def test_it_holds_what_it_must(trained: tuple[ClipStore, RunResult, Checkpoint], tmp_path: Path) -> None:
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
    for tag, attributes in reader.tags:
        if tag == "th":
            assert attributes.get("scope") in ("row", "col"), attributes


def test_the_most_confident_mistake_comes_first_with_its_frames(
    trained: tuple[ClipStore, RunResult, Checkpoint], tmp_path: Path
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


def test_a_model_judged_on_other_clips(
    trained: tuple[ClipStore, RunResult, Checkpoint], tmp_path: Path
) -> None:
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
    assert_stands_alone(text, reader)


def test_predictions_are_read_back_to_the_bit(trained: tuple[ClipStore, RunResult, Checkpoint]) -> None:
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
    random = np.random.default_rng(0)
    folds = []
    for fold in range(3):
        true = np.arange(8) % 2
        wrong = random.random(8) < 0.3
        folds.append(
            FoldAnswers(
                repeat=0,
                fold=fold,
                num_train=12,
                num_val=4,
                best_epoch=7 + fold,
                epochs=20,
                true=true,
                predicted=np.where(wrong, 1 - true, true),
                baselines={"majority": np.zeros(8, int), "mean": true},
                shuffled=Scores(accuracy=0.5, macro_f1=0.4, balanced_accuracy=0.3),
                groups=tuple(f"<i>{8 * fold + row}</i>" for row in range(8)),
            )
        )
    found = summarise_folds(folds, Labels.from_names(list(store.labels))).to_dict()
    metrics = {"folds": 3, "repeats": 1, "num_used": 24, "num_total": 28, **found}
    given = {"options": {**QUICK.to_dict(), "weights": "file abc"}, "data": "d", "device": "cpu"}
    path = tmp_path / "report.html"
    write_folds_page(
        path,
        name="<i>run</i>",
        store=store,
        given=given,
        metrics=metrics,
        commands=[("These folds:", COMMAND)],
    )
    text, reader = path.read_text("utf-8"), Reader()
    reader.feed(text)
    assert_stands_alone(text, reader)
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
