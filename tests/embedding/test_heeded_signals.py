"""Ctrl-C and SIGTERM while code runs that catches whatever it can."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
import torch

from pipeline.embedding.embedder import Embedder
from pipeline.embedding.heeded_signals import heeded_signals
from tests.embedding.test_embedder import make_classifier


class _Stopped(BaseException):
    """What the command line raises at SIGTERM."""


@pytest.fixture(autouse=True)
def raising() -> Iterator[None]:
    """A handler as the command line has it."""

    def stop(_number: int, _frame: object) -> NoReturn:
        raise _Stopped

    before = signal.signal(signal.SIGTERM, stop)
    yield
    signal.signal(signal.SIGTERM, before)


def _wrapped(*_: Any, **__: Any) -> NoReturn:
    """As an extension does that is being imported: nothing tells that a signal came."""
    try:
        signal.raise_signal(signal.SIGTERM)
    except BaseException:
        raise ImportError("initialization failed") from None
    raise AssertionError("no signal")


def _swallowed() -> None:
    try:
        signal.raise_signal(signal.SIGTERM)
    except BaseException:
        return


@pytest.mark.parametrize("code", [_wrapped, _swallowed, lambda: signal.raise_signal(signal.SIGTERM)])
def test_a_signal_acts_whatever_the_code_makes_of_it(code: Any) -> None:
    handler = signal.getsignal(signal.SIGTERM)
    with pytest.raises(_Stopped), heeded_signals():
        code()
    assert signal.getsignal(signal.SIGTERM) is handler


def test_without_a_signal_errors_are_what_they_are() -> None:
    with pytest.raises(ValueError, match="mine"), heeded_signals():
        raise ValueError("mine")


def test_a_signal_that_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with heeded_signals():
        signal.raise_signal(signal.SIGTERM)


def test_an_export_that_is_stopped_is_not_gone_on_with(
    no_graphs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the command would go on by the other exporter, or by torch."""
    monkeypatch.setattr(torch.onnx, "export", _wrapped)
    with pytest.raises(_Stopped):
        Embedder(make_classifier())
    assert not no_graphs.exists()


def test_an_import_of_onnx_runtime_that_is_stopped_is_not_gone_on_with(
    no_graphs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.embedding.onnx_graph.export", lambda _: b"")
    monkeypatch.setattr("pipeline.embedding.onnx_runtime.OnnxRuntime.run", _wrapped)
    with pytest.raises(_Stopped):
        Embedder(make_classifier())
