"""A module becomes a graph for ONNX Runtime: which exporter does it, and what none of them knows."""

import contextlib
import importlib.util
import io
import logging
import math
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from pipeline.embedding.heeded_signals import heeded_signals
from pipeline.errors import MachineError

OPSET = 18
PACKAGES = ("onnx", "onnxscript", "onnxruntime")
"""Of the extra `onnx`."""

Axes = Mapping[str, Mapping[int, str]]
"""Name of a tensor -> its axes that may have any length, by their names."""


def export_module(module: nn.Module, example: Tensor, *, takes: Axes, gives: Axes) -> bytes:
    """The graph of a module of one tensor, as the content of an .onnx file.

    torch's older exporter is tried first: it takes half a second, the new one 6 to 14 (`mobilenet_v2`) or
    over a minute (`vit_b_32`, on busy cores). What the older one does not know the new one may. Exporters
    are known to freeze axes without a word: run the graph at several sizes before it is used.

    Args:
        module: in eval mode, on the CPU.
        example: what it takes, of any lengths of at least 2 along the free axes.
        takes: the one tensor that it takes.
        gives: the tensors that it gives, in their order.

    Raises:
        MachineError: both exporters failed; the message is the reason in one line.
    """
    (name,) = takes
    named = {"input_names": [name], "output_names": list(gives), "opset_version": OPSET}
    axes = {each: dict(of) for each, of in {**takes, **gives}.items() if of}
    free = {axis: torch.export.Dim(text) for axis, text in takes[name].items()}
    reason = ""
    with tempfile.TemporaryDirectory(prefix="clipwise-") as folder, _exporting():
        path = Path(folder) / "graph.onnx"
        for options in (
            {"dynamo": False, "dynamic_axes": axes},
            {"dynamo": True, "dynamic_shapes": (free,), "external_data": False},
        ):
            try:
                with heeded_signals(), torch.no_grad(), _PoolingByMatrices():
                    torch.onnx.export(module, (example,), path, **named, **options)  # type: ignore[arg-type]
                return path.read_bytes()
            except Exception as error:  # whatever an exporter raises, the other one may know better
                reason = first_line(error)
    raise MachineError(reason)


def require_packages() -> None:
    """Refuses to go on without the packages of the extra `onnx` (MachineError, with the line to type)."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MachineError(
            f"ONNX Runtime is not installed: {sys.executable} -m pip install {' '.join(PACKAGES)}"
        )


def first_line(error: BaseException) -> str:
    """What an error of another library says, in a line."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


class _PoolingByMatrices(TorchFunctionMode):
    """Inside it, adaptive average pooling to more than one place is two products with constant matrices.

    The older exporter knows it only where the size is a multiple of the output's, and known to it.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = [*args, *(kwargs or {}).values()]
        if func is F.adaptive_avg_pool2d:
            values, size = given
            size_hw = (size, size) if isinstance(size, int) else tuple(size)
            if math.prod(side or 0 for side in size_hw) > 1:
                rows, columns = (
                    _pooling_matrix(int(length), side)
                    for length, side in zip(values.shape[-2:], size_hw, strict=True)
                )
                return rows @ values @ columns.T
        return func(*args, **(kwargs or {}))


def _pooling_matrix(length: int, size: int) -> Tensor:
    """(size, length): place i is the mean over floor(i * length / size) .. ceil((i + 1) * length / size)."""
    matrix = torch.zeros(size, length)
    for place in range(size):
        first, stop = place * length // size, -(-(place + 1) * length // size)
        matrix[place, first:stop] = 1 / (stop - first)
    return matrix


@contextlib.contextmanager
def _exporting() -> Iterator[None]:
    """Exporters print graphs and hints; stdout is for results, and what matters is raised."""
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        fast_attention = torch.backends.mha.get_fastpath_enabled()
        torch.backends.mha.set_fastpath_enabled(False)  # an operator that no exporter knows
        try:
            yield
        finally:
            torch.backends.mha.set_fastpath_enabled(fast_attention)
            logging.disable(before)
