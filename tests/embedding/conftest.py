"""Exported graphs go to a folder of the tests."""

from pathlib import Path

import pytest

from pipeline.embedding import onnx_graph


@pytest.fixture(scope="session")
def _graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture(autouse=True)
def graphs(monkeypatch: pytest.MonkeyPatch, _graphs: Path) -> Path:
    """The folder, shared by the tests: a backbone is exported once."""
    monkeypatch.setattr(onnx_graph, "graph_folder", lambda: _graphs)
    return _graphs


@pytest.fixture
def no_graphs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty folder of one test."""
    monkeypatch.setattr(onnx_graph, "graph_folder", lambda: tmp_path / "graphs")
    return tmp_path / "graphs"
