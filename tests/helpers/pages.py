"""Pages of everything that has one, made of small stores and runs with hostile names."""

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipeline.audit.audit import audit
from pipeline.clips.store import ClipStore
from pipeline.evaluation.cross_validation import FoldAnswers, summarise_folds
from pipeline.evaluation.metrics import Scores
from pipeline.evaluation.predictions import ClipAnswer
from pipeline.inference.classification import Classification
from pipeline.inference.classifier import Classifier
from pipeline.labels import Labels
from pipeline.model.checkpoint import Checkpoint, load_checkpoint
from pipeline.report.audit_page import write_audit_page
from pipeline.report.classification_page import ClassificationPage
from pipeline.report.folds_page import write_folds_page
from pipeline.report.run_page import write_run_page
from pipeline.training.run import train
from pipeline.training.run_folder import RunResult
from pipeline.video.reader import ClipRead
from tests.audit.test_audit import rewritten
from tests.helpers.runs import QUICK
from tests.helpers.stores import make_store

HOSTILE = [
    "<script>alert(1)</script>.mp4",
    '"onmouseover="alert(1)" x=".mp4',
    "line\nfeed\r\x1b[31m.mp4",
    "not utf-8 \udcff\udc80.mp4",
    "l" + "o" * 300 + "ng.mp4",
    "</style><img src=http://evil.example/x.png>.mp4",
    "{{ 7 * 7 }}{% raw %}.mp4",
    "한국어 العربية 🎥.mp4",
]
HOSTILE_LABEL = '<b onclick="x">다리</b> عربي 🎥'
COMMAND = "clipwise train './<i>clips</i>' --out run"

TrainedStore = tuple[ClipStore, RunResult, Checkpoint]


def hostile_store(folder: Path, label: str = HOSTILE_LABEL) -> ClipStore:
    """A store with hostile names, three groups that stand on all sides, a failed and a damaged clip."""
    store = make_store(folder, classes=("down", label), failed=1, damaged=1)
    clips = [
        replace(clip, path=HOSTILE[i % len(HOSTILE)] + str(i), group=f"<i>cam {i % 3}</i>")
        for i, clip in enumerate(store.clips)
    ]
    return rewritten(store, clips)


def train_on_hostile_store(folder: Path) -> TrainedStore:
    """A run on such a store."""
    store = hostile_store(folder / "clips")
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


def run_page(trained: TrainedStore, path: Path, **changed: Any) -> str:
    """The page of a run, with some of its values changed."""
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
    return path.read_text("utf-8")


def folds_page(store: ClipStore, path: Path) -> tuple[str, dict[str, Any]]:
    """The page of three made-up folds, and the figures that it shows."""
    folds = []
    for fold in range(3):
        true = np.arange(8) % 2
        wrong = np.arange(8) <= fold
        folds.append(
            FoldAnswers(
                repeat=0,
                fold=fold,
                num_train=12,
                num_val=4,
                best_epoch=7 + fold,
                epochs=20,
                true=true,
                logits=np.eye(2)[np.where(wrong, 1 - true, true)],
                baselines={"majority": np.zeros(8, int), "mean": true},
                shuffled=Scores(accuracy=0.5, macro_f1=0.4, balanced_accuracy=0.3),
                groups=tuple(f"<i>{8 * fold + row}</i>" for row in range(8)),
            )
        )
    found = summarise_folds(folds, Labels.from_names(list(store.labels))).to_dict()
    metrics = {"folds": 3, "repeats": 1, "num_used": 24, "num_total": 28, **found}
    given = {"options": {**QUICK.to_dict(), "weights": "file abc"}, "data": "d", "device": "cpu"}
    write_folds_page(
        path,
        name="<i>run</i>",
        store=store,
        given=given,
        metrics=metrics,
        commands=[("These folds:", COMMAND)],
    )
    return path.read_text("utf-8"), found


def audit_page(folder: Path) -> str:
    """The page of an audit that finds identical files with different labels."""
    store = hostile_store(folder / "clips", '<b onclick="x">다리</b>')
    clips = list(store.clips)
    usable = [clip for clip in clips if clip.is_usable]
    other = next(clip for clip in usable if clip.label != usable[0].label)
    clips[clips.index(usable[0])] = replace(usable[0], sha256=other.sha256)
    write_audit_page(folder / "audit.html", audit(rewritten(store, clips)))
    return (folder / "audit.html").read_text("utf-8")


def read_of(store: ClipStore, number: int = 0) -> ClipRead:
    """A clip of the store as a reader gives it; 16 x 12 pixels of each frame are its picture."""
    clip = store.usable()[number]
    return ClipRead(
        frames=store.frames(clip),
        frame_indices=clip.frame_indices,
        frame_times_seconds=clip.frame_times_seconds,
        width=32,
        height=24,
        frame_rate=10.0,
        num_frames=8,
        duration_seconds=0.8,
        damage="",
        frames_expected=8,
        frames_read=8,
        num_gaps=0,
        num_complaints=0,
    )


def classification_page(
    classifier: Classifier, results: Iterable[Classification], path: Path, model_name: str = "<i>run</i>"
) -> str:
    """The page of classified videos."""
    page = ClassificationPage(classifier, model_name=model_name)
    for result in results:
        page.add(result)
    page.write(path)
    return path.read_text("utf-8")
