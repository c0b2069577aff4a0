"""One small trained model, and the pages of everything that has one, for all tests of the room."""

from collections.abc import Mapping

import pytest

from tests.helpers.pages import (
    TrainedStore,
    audit_page,
    folds_page,
    hostile_store,
    run_page,
    train_on_hostile_store,
)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> TrainedStore:
    """A store with hostile names, and a run on it."""
    return train_on_hostile_store(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def pages(trained: TrainedStore, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Name -> HTML."""
    folder = tmp_path_factory.mktemp("pages")
    return {
        "run": run_page(trained, folder / "run.html"),
        "folds": folds_page(hostile_store(folder / "folds"), folder / "folds.html")[0],
        "audit": audit_page(folder / "audit"),
    }
