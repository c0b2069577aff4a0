"""How a worker is started, whatever this process is doing at the moment."""

import importlib.util
import sys
from pathlib import Path

import pytest

from pipeline.video.worker import WorkerPool
from tests.helpers.faults import run_fault


def test_a_worker_started_while_cv2_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then cv2's folder is in sys.path, where `typing` is found before the standard one."""
    spec = importlib.util.find_spec("cv2")
    assert spec is not None
    assert spec.origin is not None
    own = str(Path(spec.origin).parent)
    monkeypatch.setattr(sys, "path", [sys.path[0], own, *sys.path[1:]])
    path, before = sys.path, list(sys.path)
    with WorkerPool() as pool:
        assert list(pool.map(run_fault, ["keep"])) == [("keep", "keep")]
    assert sys.path is path
    assert path == before
