"""A whole classifier as one graph: uint8 clips in, logits, attention weights and probabilities out.

    clips (B, T, S, S, 3) uint8 RGB -> logits (B, K), attention_weights (B, T), probabilities (B, K)

B and T are free, and all T frames of a clip count: there are no lengths. Clips of several lengths go in
batches of their own.
"""

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
"""Largest difference from PyTorch; of logits, where the largest is above 1, as a share of it."""
MAX_BYTES = 2_000_000_000
"""What one .onnx file can hold, a little less than 2^31."""
CHECKED_BATCHES = (1, 2, 3)

_TAKES: Axes = {CLIPS: {0: "B", 1: "T"}}
_GIVES: Axes = {LOGITS: {0: "B"}, ATTENTION_WEIGHTS: {0: "B", 1: "T"}, PROBABILITIES: {0: "B"}}
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


def check_shapes(
    classifier: ClipClassifier, graph: ClipGraph, *, temperature: float, num_frames: int
) -> float:
    """Runs a graph on random clips of 5 lengths, 1, 2 and 3 at once, beside PyTorch.

    Args:
        classifier: what it was exported from.
        graph: the graph.
        temperature: as it was exported with.
        num_frames: T of the clips that the model was trained on.

    Returns:
        The largest difference.

    Raises:
        MachineError: it fails on a shape, or differs by more than `TOLERANCE`.
    """
    random, largest = np.random.default_rng(0), 0.0
    S = classifier.config.image_size
    for T in checked_lengths(num_frames):
        for B in CHECKED_BATCHES:
            clips = random.integers(0, 256, (B, T, S, S, 3), dtype=np.uint8)
            expected = _by_torch(classifier, clips, temperature)
            try:
                got = graph.run(clips)
            except Exception as error:  # ONNX Runtime has no common base of its errors
                raise MachineError(
                    f"ONNX Runtime cannot run the exported model on {B} clips of {T} frames "
                    f"({first_line(error)}); {_NOT_KEPT}"
                ) from error
            for name, ours, theirs in zip(OUTPUTS, got, expected, strict=True):
                scale = max(1.0, float(np.abs(theirs).max()))
                same_shape = ours.shape == theirs.shape
                difference = float(np.abs(ours - theirs).max()) / scale if same_shape else float("inf")
                if not difference <= TOLERANCE:
                    raise MachineError(
                        f"the {name} of the exported model differ from PyTorch's by {difference:.1e} on {B} "
                        f"clips of {T} frames, allowed is {TOLERANCE:.0e}; {_NOT_KEPT}"
                    )
                largest = max(largest, difference)
    return largest


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
