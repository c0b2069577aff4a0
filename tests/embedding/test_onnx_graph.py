"""Graphs are exported once, checked before they are kept, and made again where they are damaged."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.embedding import onnx_graph
from pipeline.embedding.embedder import Embedder
from pipeline.embedding.onnx_graph import check, export, graph_of
from pipeline.errors import MachineError
from tests.embedding.test_embedder import make_classifier, some_clips


def test_a_graph_is_exported_once(no_graphs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = graph_of(make_classifier())
    (path,) = no_graphs.iterdir()
    assert path.name.startswith("mobilenet_v3_small-")
    assert path.read_bytes() == first
    monkeypatch.setattr(onnx_graph, "export", _forbidden)
    assert graph_of(make_classifier()) == first
    with pytest.raises(AssertionError, match="exported again"):
        graph_of(make_classifier(seed=1))  # other weights


def _forbidden(_: object) -> bytes:
    raise AssertionError("exported again")


@pytest.mark.parametrize("damage", ["cut", "a bit"])
def test_a_damaged_graph_is_made_again(no_graphs: Path, damage: str) -> None:
    first = graph_of(make_classifier())
    (path,) = no_graphs.iterdir()
    content = bytearray(first)
    content[len(content) // 2] ^= 1  # in the weights
    path.write_bytes({"cut": content[:5000], "a bit": content}[damage])
    again = graph_of(make_classifier())
    check(make_classifier(), again)
    assert [path.read_bytes() for path in no_graphs.iterdir()] == [again]


def test_a_folder_that_cannot_be_written_does_not_stop_auto(no_graphs: Path) -> None:
    no_graphs.write_bytes(b"in the way")
    embedder = Embedder(make_classifier())
    assert embedder.runtime.startswith("torch ")
    assert "cannot make the folder" in embedder.fallback


def test_a_graph_of_other_weights_is_refused() -> None:
    with pytest.raises(MachineError, match=r"differ from torch's by .* on 1 frames, .*--runtime torch"):
        check(make_classifier(), export(make_classifier(seed=1)))


def test_a_frozen_batch_axis_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exporter that freezes the number of frames says nothing; running the graph does."""
    real = torch.onnx.export

    def freezing(*arguments: Any, dynamic_axes: object = None, **options: Any) -> Any:
        return real(*arguments, **options)

    monkeypatch.setattr(torch.onnx, "export", freezing)
    with pytest.raises(MachineError, match="cannot run the graph of mobilenet_v3_small on 1 frames"):
        check(make_classifier(), export(make_classifier()))


def test_the_new_exporter_takes_over_and_its_failure_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[bool] = []

    def fail(*_: object, dynamo: bool, **__: object) -> None:
        asked.append(dynamo)
        print("a graph on stdout")
        raise RuntimeError(f"exporter {int(dynamo)} does not know it\nand more lines")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(MachineError, match=r"\(exporter 1 does not know it\); use --runtime torch"):
        export(make_classifier())
    assert asked == [False, True]
    assert capsys.readouterr() == ("", "")


def test_graphs_used_longest_ago_are_forgotten(no_graphs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(graph_of(make_classifier()))
    graph_of(make_classifier(seed=1))
    for age_seconds, path in enumerate(sorted(no_graphs.iterdir(), key=lambda path: path.stat().st_mtime)):
        os.utime(path, (1000 + age_seconds,) * 2)
    graph_of(make_classifier())  # used just now, so the other one is the oldest
    monkeypatch.setattr(onnx_graph, "KEPT_BYTES", 2 * size + size // 2)
    graph_of(make_classifier(seed=2))
    monkeypatch.setattr(onnx_graph, "export", _forbidden)
    graph_of(make_classifier())
    with pytest.raises(AssertionError, match="exported again"):
        graph_of(make_classifier(seed=1))


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["vit_b_32", "swin_t", "densenet121", "shufflenet_v2_x0_5"])
def test_other_families_of_backbones(backbone: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What exporters print stays away from the results."""
    classifier, (clip,) = make_classifier(backbone), some_clips(1)
    fast, exact = Embedder(classifier, runtime="onnx"), Embedder(classifier, runtime="torch")
    got, expected = fast.embed(clip), exact.embed(clip)
    assert np.abs(got - expected).max() <= 1e-3 * np.abs(expected).max()
    assert capsys.readouterr().out == ""
