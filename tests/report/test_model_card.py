"""The card of an exported model: all that it must hold, and names that stay text."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from markdown_it import MarkdownIt

from pipeline.clips.store import ClipStore
from pipeline.evaluation.judge import judge
from pipeline.evaluation.trained import load_trained
from pipeline.inference.export import Export, Given, description
from pipeline.model.checkpoint import Checkpoint, load_checkpoint
from pipeline.report.model_card import model_card
from pipeline.training.run import train
from tests.helpers.pages import hostile_store
from tests.helpers.runs import QUICK
from tests.helpers.stores import make_store

HOSTILE_LABEL = "<b onclick=x>|`x`</b> [a](http://x.y) 다리 عربي"
CHECKS = {
    "random_clips": {
        "num_frames": [4, 1, 2, 3, 5],
        "batch_sizes": [1, 2, 3],
        "largest_difference": 2e-7,
        "tolerance": 1e-4,
    },
    "clips": None,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClipStore, Path, Checkpoint]:
    """A store with hostile names, three groups that stand on all sides, and a run on it."""
    folder = tmp_path_factory.mktemp("card")
    store = hostile_store(folder / "clips", HOSTILE_LABEL)
    train(store.folder, folder / "run", QUICK, device=torch.device("cpu"))
    return store, folder / "run", load_checkpoint(folder / "run")[1]


def card_of(run: Path, export: Export, store: ClipStore | None) -> str:
    return model_card(export, description(export, Given(model=run, check=store)), store=store)


def read(card: str) -> str:
    """As an independent reader shows it, where the card's own markup is all that there may be."""
    shown = str(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(card))
    assert "<b" not in shown.replace("<blockquote", "")
    assert "<i>" not in shown
    assert "<a " not in shown
    return shown


def test_a_card_says_where_more_was_allowed(trained: tuple[ClipStore, Path, Checkpoint]) -> None:
    _, run, checkpoint = trained
    for tolerance, said in ((1e-4, False), (3.5e-3, True)):
        random_clips = {**CHECKS["random_clips"], "tolerance": tolerance}  # type: ignore[dict-item]
        checks = {**CHECKS, "random_clips": random_clips}
        export = Export(graph=b"", checkpoint=checkpoint, checks=checks, judgement=None)
        assert ("PyTorch's own rounding explains" in read(card_of(run, export, None))) is said


def test_a_card_of_checked_clips(trained: tuple[ClipStore, Path, Checkpoint]) -> None:
    store, run, checkpoint = trained
    judged = load_trained(run, device=torch.device("cpu"), runtime="torch")
    judgement = judge(judged, store, split="test")
    compared = {"num_clips": 5, "split": "test", "largest_difference": 1e-6, "tolerance": 1e-3}
    export = Export(
        graph=b"", checkpoint=checkpoint, checks={**CHECKS, "clips": compared}, judgement=judgement
    )
    shown = read(card_of(run, export, store))
    for words in (
        "Test clips: 5 of 6 used.",
        "<td>majority class</td>",
        "<td>single frame + logistic regression</td>",
        "<td>&lt;b onclick=x&gt;|`x`&lt;/b&gt; [a](http://x.y) 다리 عربي</td>",
        "&lt;i&gt;cam 0&lt;/i&gt;",
        "On more than one side of the split: 3 groups",
        "No intervals: 3 independent groups are too few",
        store.digest,
        "On 5 test clips it gives PyTorch's label on all; probabilities differ by 1.0e-06 at most",
        "<h2>Intended use and limits</h2>",
        "seed 0",
    ):
        assert words in shown, words
    accuracy = judgement.to_dict()["accuracy"]
    assert f"<td>this model</td>\n<td>{accuracy:.3f}</td>" in shown


def test_a_card_without_clips(trained: tuple[ClipStore, Path, Checkpoint]) -> None:
    store, run, checkpoint = trained
    export = Export(graph=b"", checkpoint=checkpoint, checks=CHECKS, judgement=None)
    shown = read(card_of(run, export, None))
    for words in (
        "Validation clips: 6 of 6 used.",
        store.digest,
        "was not compared with PyTorch on real clips",
        "On random clips of 1, 2, 3, 4 and 5 frames, 1 to 3 at once",
        "about 40 lines of code (blank lines, comments and its first words not counted)",
    ):
        assert words in shown, words
    assert "How they were split" in shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [((3.0, 3.0, 3.0004), "action, 3 seconds long."), ((1.0, 2.5, 3), "1 to 3 seconds long (median 2.5).")],
)
def test_how_long_its_videos_may_be(
    trained: tuple[ClipStore, Path, Checkpoint], seconds: tuple[float, float, float], words: str
) -> None:
    _, run, checkpoint = trained
    lengths = dict(zip(("min", "median", "max"), seconds, strict=True))
    export = Export(
        graph=b"", checkpoint=replace(checkpoint, clip_seconds=lengths), checks=CHECKS, judgement=None
    )
    assert words in read(card_of(run, export, None))


def test_the_clips_of_another_store_are_told(
    trained: tuple[ClipStore, Path, Checkpoint], tmp_path: Path
) -> None:
    _, run, checkpoint = trained
    other = make_store(tmp_path / "other", classes=("down", HOSTILE_LABEL), seed=5)
    export = Export(graph=b"", checkpoint=checkpoint, checks=CHECKS, judgement=None)
    assert f"others (SHA-256 {other.digest})" in read(card_of(run, export, other))


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({}, "The model file holds no figures."),
        ("text", "The model file holds no figures."),
        ({"validation": {"accuracy": "high"}}, "The figures in the model file cannot be read."),
        ({"validation": {"intervals": 1, "baselines": [], "per_class": 3}}, "cannot be read"),
    ],
)
def test_figures_that_a_file_may_hold(
    trained: tuple[ClipStore, Path, Checkpoint], metrics: Any, words: str
) -> None:
    """A model file comes from anywhere: what it says of itself may be anything."""
    _, run, checkpoint = trained
    strange = replace(
        checkpoint,
        provenance={"metrics": metrics, "data": ["<i>"], "training_clips": 3, "options": [], "versions": 1},
        calibration=None,
    )
    export = Export(graph=b"", checkpoint=strange, checks=CHECKS, judgement=None)
    assert words in read(card_of(run, export, None))
