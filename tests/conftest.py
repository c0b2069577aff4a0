"""Fixtures for all tests: real data, seeds, and no network."""

import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # small models on a busy machine: threads only wait for each other

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Real videos and weights: `CLIPWISE_DATA`, or `../shared/data` beside the project."""
    folder = Path(os.environ.get("CLIPWISE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"CI must have the real data, but there is no folder {folder}")
        pytest.skip(f"no real data at {folder} (set CLIPWISE_DATA)")
    return folder


@pytest.fixture(scope="session")
def recordings_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that tells dark, light and red recordings apart: seven seconds of training, shared by all."""
    from tests.helpers.recordings import make_recordings_run

    return make_recordings_run(tmp_path_factory.mktemp("recordings"))


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    """Each test starts from the same random state and leaves none behind."""
    state, numpy_state = random.getstate(), np.random.get_state()
    random.seed(0)
    np.random.seed(0)
    yield
    random.setstate(state)
    np.random.set_state(numpy_state)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that opens an internet connection fails."""
    real_connect = socket.socket.connect

    def connect(self: socket.socket, address: object) -> None:
        if self.family != socket.AF_UNIX:
            raise AssertionError(f"a test tried to connect to {address!r}")
        real_connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connect)
