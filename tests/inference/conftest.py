"""One small trained model for all tests of the room."""

from pathlib import Path

import pytest

from tests.helpers.runs import make_run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with videos/, clips/ and run/ of two classes whose names are Hangul and Arabic."""
    folder = tmp_path_factory.mktemp("trained")
    make_run(folder, labels=("걷기", "يمين"))
    return folder
