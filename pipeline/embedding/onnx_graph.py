"""Graphs for ONNX Runtime: exported from a backbone once a user, checked against torch, and kept.

    <the user's cache folder>/clipwise/graphs/<backbone>-<what it was made of>-<what it holds>.onnx

Both parts in the name are hashes: the first of the weights, the normalisation, the size of the frames and the
versions at work; the second of the file's content, so that a damaged file is seen. A graph takes frames
(N, S, S, 3) uint8 and gives features (N, D), normalisation included. All this is a cache: it may be deleted,
and the graphs used longest ago are, where all of them take more than `KEPT_BYTES`.

Fine-tuned weights have graphs like any others: exporting takes 1 to 3 seconds (`mobilenet_v2`), as long as 20
clips take to embed, once for each set of weights.
"""

import contextlib
import hashlib
from pathlib import Path

import numpy as np
import platformdirs
import torch
from torch import Tensor, nn

from pipeline.embedding.heeded_signals import heeded_signals
from pipeline.embedding.onnx_export import OPSET, export_module, first_line
from pipeline.embedding.onnx_runtime import FEATURES, FRAMES, OnnxRuntime
from pipeline.errors import MachineError
from pipeline.files import json_text, make_folder, remove_file, write_bytes
from pipeline.model.classifier import ClipClassifier
from pipeline.model.weights import weights_digest

TOLERANCE = 1e-3
"""Largest difference from torch's features, as a share of the largest feature."""
KEPT_BYTES = 2 * 10**9

_CHECKED_SIZES = (1, 2, 5)  # frames at once: exporters are known to freeze axes without a word
_CHECKED_THREADS = (1, 2, 3)


def graph_folder() -> Path:
    """Where this user's graphs are kept."""
    return Path(platformdirs.user_cache_dir("clipwise", appauthor=False)) / "graphs"


def graph_of(classifier: ClipClassifier) -> bytes:
    """The graph of a classifier's backbone: the kept one, or one that is exported, checked and kept now.

    Args:
        classifier: in eval mode, on the CPU; its backbone looks at each frame alone.

    Raises:
        MachineError: it cannot be exported, computes something else than torch, or cannot be kept.
    """
    folder = graph_folder()
    stem = f"{classifier.config.backbone}-{_key(classifier)}"
    for path in sorted(folder.glob(f"{stem}-*.onnx")):
        with contextlib.suppress(OSError):
            graph = path.read_bytes()
            if path.stem == f"{stem}-{_hash(graph)}":
                path.touch()  # used last just now
                return graph
        with contextlib.suppress(MachineError):
            remove_file(path)
    graph = export(classifier)
    check(classifier, graph)
    make_folder(folder)
    write_bytes(folder / f"{stem}-{_hash(graph)}.onnx", graph)
    _forget_oldest(folder)
    return graph


def export(classifier: ClipClassifier) -> bytes:
    """Exports a backbone with its normalisation.

    Raises:
        MachineError: no exporter knows it; says why.
    """
    S = classifier.config.image_size
    try:
        return export_module(
            _FrameEmbedder(classifier).eval(),
            torch.zeros(2, S, S, 3, dtype=torch.uint8),
            takes={FRAMES: {0: "N"}},
            gives={FEATURES: {0: "N"}},
        )
    except MachineError as error:
        raise MachineError(
            f"{classifier.config.backbone} cannot be exported for ONNX Runtime ({error}); use --runtime "
            "torch."
        ) from error


def check(classifier: ClipClassifier, graph: bytes) -> None:
    """Runs a graph on random frames beside torch.

    Raises:
        MachineError: it fails at some number of frames, differs from torch by more than `TOLERANCE`, or gives
            other bits with another number of threads.
    """
    random = np.random.default_rng(0)
    S = classifier.config.image_size
    name = classifier.config.backbone
    runtime = OnnxRuntime(graph)
    for num_frames in _CHECKED_SIZES:
        frames = random.integers(0, 256, (num_frames, S, S, 3), dtype=np.uint8)
        with torch.inference_mode():
            expected = classifier.embed(torch.from_numpy(frames)[None])[0].numpy()
        try:
            with heeded_signals():  # the first run imports ONNX Runtime
                got = [runtime.run(frames, num_threads=count) for count in _CHECKED_THREADS]
        except Exception as error:  # ONNX Runtime has no common base of its errors
            raise MachineError(
                f"ONNX Runtime cannot run the graph of {name} on {num_frames} frames ({first_line(error)}); "
                "use --runtime torch."
            ) from error
        difference = _difference(got[0], expected)
        if not difference <= TOLERANCE:
            raise MachineError(
                f"ONNX Runtime's features of {name} differ from torch's by {difference:.1e} on {num_frames} "
                f"frames, allowed is {TOLERANCE:.0e}; use --runtime torch."
            )
        if any(not np.array_equal(got[0], other) for other in got[1:]):
            raise MachineError(
                f"ONNX Runtime's features of {name} depend on the number of threads; use --runtime torch."
            )


class _FrameEmbedder(nn.Module):
    """From frames (N, S, S, 3) uint8 to features (N, D): what is exported."""

    network: nn.Module
    mean: Tensor
    std: Tensor

    def __init__(self, classifier: ClipClassifier) -> None:
        super().__init__()
        self.network = classifier.backbone.get_submodule("network")
        self.mean, self.std = classifier.mean, classifier.std

    def forward(self, frames: Tensor) -> Tensor:
        """Features (N, D)."""
        pixels = frames.permute(0, 3, 1, 2).float()
        features: Tensor = self.network((pixels - self.mean) / self.std)
        return features


def _key(classifier: ClipClassifier) -> str:
    """Names all that a graph is made of, and who makes and runs it."""
    import onnxruntime

    config = classifier.config
    made_of = {
        "backbone": config.backbone,
        "weights": weights_digest(classifier.backbone),
        "mean": list(config.mean_rgb),
        "std": list(config.std_rgb),
        "image_size": config.image_size,
        "opset": OPSET,
        "torch": torch.__version__,
        "onnxruntime": onnxruntime.__version__,
    }
    return _hash(json_text(made_of).encode())


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _difference(got: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference as a share of the largest value; infinite where shapes differ."""
    if got.shape != expected.shape:
        return float("inf")
    return float(np.abs(got - expected).max() / max(float(np.abs(expected).max()), 1e-12))


def _forget_oldest(folder: Path) -> None:
    """Deletes the graphs used longest ago, until the others take `KEPT_BYTES` at most; the newest stays."""
    found = [(path.stat(), path) for path in folder.glob("*.onnx")]
    total = 0
    for number, (status, path) in enumerate(sorted(found, key=lambda pair: -pair[0].st_mtime)):
        total += status.st_size
        if number and total > KEPT_BYTES:
            with contextlib.suppress(MachineError):
                remove_file(path)
