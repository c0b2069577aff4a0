"""One small trained model, and the pages of everything that has one, for all tests of the room."""

import copy
from collections.abc import Mapping

import pytest

from pipeline.inference.classification import Classification
from pipeline.inference.classifier import Classifier, load
from tests.helpers.pages import (
    HOSTILE,
    TrainedStore,
    audit_page,
    classification_page,
    folds_page,
    hostile_store,
    read_of,
    run_page,
    train_on_hostile_store,
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedStore:
    """A store with hostile names, and a run on it."""
    return train_on_hostile_store(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def loaded(trained: TrainedStore) -> Classifier:
    """Its model."""
    return load(trained[1].folder, runtime="torch")


@pytest.fixture
def classifier(loaded: Classifier) -> Classifier:
    """The same for a test that changes what it says of itself."""
    return copy.copy(loaded)


@pytest.fixture(scope="session")
def result(trained: TrainedStore, loaded: Classifier) -> Classification:
    """An answer of it."""
    return loaded.classify_clip("videos/one.mp4", read_of(trained[0]))


@pytest.fixture(scope="session")
def pages(
    trained: TrainedStore, loaded: Classifier, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str]:
    """Name -> HTML."""
    folder = tmp_path_factory.mktemp("pages")
    judged = {**trained[1].metrics["validation"], "top_k": {"3": 0.9, "5": 1.0}}  # as of many classes
    results = [loaded.classify_clip(f"{path}", read_of(trained[0], i)) for i, path in enumerate(HOSTILE)]
    failed = Classification(path="<i>gone</i>.mp4", status="failed", error="</table> is damaged")
    return {
        "run": run_page(trained, folder / "run.html", judged=judged),
        "folds": folds_page(hostile_store(folder / "folds"), folder / "folds.html")[0],
        "audit": audit_page(folder / "audit"),
        "one video": classification_page(loaded, results[:1], folder / "one.html"),
        "videos": classification_page(loaded, [*results, failed], folder / "videos.html"),
        "failed video": classification_page(loaded, [failed], folder / "failed.html"),
    }
