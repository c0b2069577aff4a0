"""A whole classifier as one graph: uint8 clips in, logits, attention weights and probabilities out.

    clips (B, T, S, S, 3) uint8 RGB -> logits (B, K), attention_weights (B, T), probabilities (B, K)

B and T are free, and all T frames of a clip count: there are no lengths. Clips of several lengths go in
batches of their own.
"""

import copy
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.embedding.heeded_signals import heeded_signals
from pipeline.embedding.onnx_export import Axes, export_module, first_line
from pipeline.embedding.onnx_runtime import open_session
from pipeline.errors import CheckpointError, MachineError
from pipeline.files import format_bytes
from pipeline.model.classifier import ClipClassifier

CLIPS, LOGITS, ATTENTION_WEIGHTS, PROBABILITIES = "clips", "logits", "attention_weights", "probabilities"
OUTPUTS = (LOGITS, ATTENTION_WEIGHTS, PROBABILITIES)
TOLERANCE = 1e-4
"""Largest difference from PyTorch; of logits, where the largest is above 1, as a share of it. More is allowed
where single precision costs PyTorch itself so much on the same clips."""
MAX_BYTES = 2_000_000_000
"""What one .onnx file can hold, a little less than 2^31."""
CHECKED_BATCHES = (1, 2, 3)

_TAKES: Axes = {CLIPS: {0: "B", 1: "T"}}
_GIVES: Axes = {LOGITS: {0: "B"}, ATTENTION_WEIGHTS: {0: "B", 1: "T"}, PROBABILITIES: {0: "B"}}
_ROUNDINGS = 4  # times PyTorch's own: the graph rounds too, in another order
_MOST_TOLERANCE = 1e-2  # where rounding alone does more, the clips tell nothing of the graph
_MOST_FRAMES = 32  # longer clips of random frames would take memory for their intermediate results


class Answers(NamedTuple):
    """What a graph says of clips: logits (B, K), attention weights (B, T), probabilities (B, K)."""

    logits: np.ndarray
    attention_weights: np.ndarray
    probabilities: np.ndarray


class ClipGraph:
    """A graph at work on the CPU.

    Attributes:
        content: of the .onnx file.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        with heeded_signals():  # imports ONNX Runtime
            self._session = open_session(content, num_threads=torch.get_num_threads())

    def run(self, clips: np.ndarray) -> Answers:
        """Answers on clips (B, T, S, S, 3) uint8 RGB."""
        return Answers(*self._session.run(list(OUTPUTS), {CLIPS: np.ascontiguousarray(clips)}))


def export_graph(classifier: ClipClassifier, *, temperature: float) -> ClipGraph:
    """Exports a classifier, with its normalisation and its temperature; see `check_shapes`.

    Args:
        classifier: in eval mode, on the CPU.
        temperature: divides the logits before the softmax (`Calibration.temperature`).

    Raises:
        CheckpointError: more weights than one file can hold.
        MachineError: no exporter knows it, or ONNX Runtime does not take it; says why.
    """
    num_bytes = sum(value.numel() * value.element_size() for value in classifier.state_dict().values())
    if num_bytes > MAX_BYTES:
        raise CheckpointError(
            f"the model has {format_bytes(num_bytes)} of weights; one .onnx file holds "
            f"{format_bytes(MAX_BYTES)}. Train with a smaller --backbone."
        )
    S = classifier.config.image_size
    example = torch.zeros(2, 3, S, S, 3, dtype=torch.uint8)
    module = _Exported(classifier, temperature).eval()
    try:
        content = export_module(module, example, takes=_TAKES, gives=_GIVES)
    except MachineError as error:
        raise MachineError(f"{classifier.config.backbone} cannot be exported ({error}).") from error
    try:
        with heeded_signals():
            return ClipGraph(_checked(content))
    except Exception as error:  # the checker of onnx and ONNX Runtime have errors of their own
        raise MachineError(f"ONNX Runtime does not take the exported model ({first_line(error)}).") from error


class Agreement(NamedTuple):
    """How near a graph came to PyTorch: the largest difference, and what was allowed."""

    largest_difference: float
    tolerance: float


def check_shapes(
    classifier: ClipClassifier, graph: ClipGraph, *, temperature: float, num_frames: int
) -> Agreement:
    """Runs a graph on random clips of 5 lengths, 1, 2 and 3 at once, beside PyTorch.

    Random frames are nothing that a backbone was trained on, and some multiply on them what rounding does:
    features of a thousand times the usual size, of which single precision gives three digits. What PyTorch
    loses so is measured, against itself in double precision, before a graph is blamed for as much.

    Args:
        classifier: what it was exported from.
        graph: the graph.
        temperature: as it was exported with.
        num_frames: T of the clips that the model was trained on.

    Returns:
        The largest difference, and the largest that was allowed.

    Raises:
        MachineError: it fails on a shape, or differs by more than `TOLERANCE` and than rounding explains.
    """
    found = [
        (clips.shape, _differences(_by_torch(classifier, clips, temperature), _by_graph(graph, clips)))
        for clips in _random_clips(classifier, num_frames)
    ]
    largest = max(max(differences) for _, differences in found)
    allowed = dict.fromkeys(OUTPUTS, TOLERANCE)
    if TOLERANCE < largest < float("inf"):
        allowed = _allowed(classifier, temperature=temperature, num_frames=num_frames)
    for (B, T, *_), differences in found:
        for name, difference in zip(OUTPUTS, differences, strict=True):
            if not difference <= allowed[name]:
                raise MachineError(
                    f"the {name} of the exported model differ from PyTorch's by {difference:.1e} on {B} "
                    f"clips of {T} frames, allowed is {allowed[name]:.0e}; {_NOT_KEPT}"
                )
    return Agreement(largest, max(allowed.values()))


def _allowed(classifier: ClipClassifier, *, temperature: float, num_frames: int) -> dict[str, float]:
    """What may differ by output: `TOLERANCE`, or some times what rounding does to PyTorch's own answers."""
    exact = copy.deepcopy(classifier).double()
    rounding = [
        _differences(_by_torch(exact, clips, temperature), _by_torch(classifier, clips, temperature))
        for clips in _random_clips(classifier, num_frames)
    ]
    worst = (max(of_output) for of_output in zip(*rounding, strict=True))
    return {
        name: min(max(TOLERANCE, _ROUNDINGS * most), _MOST_TOLERANCE)
        for name, most in zip(OUTPUTS, worst, strict=True)
    }


def _random_clips(classifier: ClipClassifier, num_frames: int) -> Iterator[np.ndarray]:
    """Clips (B, T, S, S, 3) of every checked shape; the same each time."""
    random, S = np.random.default_rng(0), classifier.config.image_size
    for T in checked_lengths(num_frames):
        for B in CHECKED_BATCHES:
            yield random.integers(0, 256, (B, T, S, S, 3), dtype=np.uint8)


def _by_graph(graph: ClipGraph, clips: np.ndarray) -> Answers:
    try:
        return graph.run(clips)
    except Exception as error:  # ONNX Runtime has no common base of its errors
        B, T = clips.shape[:2]
        raise MachineError(
            f"ONNX Runtime cannot run the exported model on {B} clips of {T} frames "
            f"({first_line(error)}); {_NOT_KEPT}"
        ) from error


def _differences(expected: Answers, got: Answers) -> list[float]:
    """The largest of each output, as a share of the largest expected value where that is above 1."""
    return [
        float(np.abs(ours - theirs).max()) / max(1.0, float(np.abs(theirs).max()))
        if ours.shape == theirs.shape
        else float("inf")
        for ours, theirs in zip(got, expected, strict=True)
    ]


def checked_lengths(num_frames: int) -> tuple[int, ...]:
    """The 5 lengths of clips that a graph is run at: the training's, unless it is very long, and others."""
    return tuple(dict.fromkeys((min(num_frames, _MOST_FRAMES), 1, 2, 3, 5, 8)))[:5]


_NOT_KEPT = (
    "so nothing was kept. Another version of torch or onnxruntime may do better; `clipwise classify` needs "
    "none of this."
)


class _Exported(nn.Module):
    """What becomes the graph."""

    def __init__(self, classifier: ClipClassifier, temperature: float) -> None:
        super().__init__()
        self.classifier = classifier
        self.temperature = temperature

    def forward(self, clips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # Made of the clips, not of their shape: a number there would be frozen.
        lengths = torch.ones_like(clips[:, :, 0, 0, 0], dtype=torch.int64).sum(dim=1)
        output = self.classifier.head(self._features(clips, lengths).float(), lengths)
        probabilities = torch.softmax(output.logits / self.temperature, dim=1)
        return output.logits, output.attention_weights, probabilities

    def _features(self, clips: Tensor, lengths: Tensor) -> Tensor:
        """Frame features (B, T, D), as `ClipClassifier.embed` gives them where all frames are valid."""
        classifier, backbone = self.classifier, self.classifier.backbone
        if backbone.sees_whole_clip:
            return classifier.embed(clips, lengths)
        frames = clips.flatten(0, 1).permute(0, 3, 1, 2).float()  # (B * T, 3, S, S)
        features: Tensor = backbone.get_submodule("network")((frames - classifier.mean) / classifier.std)
        features = features.view(clips.shape[0], clips.shape[1], backbone.feature_dim)
        return features.half() if classifier.config.precision == "float16" else features


def _checked(content: bytes) -> bytes:
    """A graph that the checker of onnx has passed, without what exporters note of their own source files."""
    import onnx

    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    return bytes(model.SerializeToString(deterministic=True))


@torch.inference_mode()
def _by_torch(classifier: ClipClassifier, clips: np.ndarray, temperature: float) -> Answers:
    output = classifier(torch.from_numpy(clips))
    probabilities = torch.softmax(output.logits.double() / temperature, dim=1)
    return Answers(output.logits.numpy(), output.attention_weights.numpy(), probabilities.numpy())
