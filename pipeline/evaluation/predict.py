"""The one prediction: features of one clip in, probabilities and attention out.

`evaluate` and `classify` both end here, one clip at a time, so that a clip has one answer.
"""

from dataclasses import dataclass

import numpy as np
import torch

from pipeline.model.head import SequenceHead
from pipeline.model.lengths import valid_steps
from pipeline.model.threads import one_thread

_VALUES_AT_ONCE = 1 << 24  # features of clips without a frame that are held at a time: 64 MB


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What a head says of one clip.

    Attributes:
        logits: (K,) float64, as the head gave them.
        probabilities: (K,) float64, summing to 1: the softmax of the logits at the model's temperature.
        attention_weights: (T,) float64, summing to 1: how much each frame entered the clip's features; one
            for each step before the clip's end, where features are padded.
    """

    logits: np.ndarray
    probabilities: np.ndarray
    attention_weights: np.ndarray

    @property
    def class_index(self) -> int:
        """The most probable class; the first of equals."""
        return int(self.probabilities.argmax())

    @property
    def confidence(self) -> float:
        """The probability of that class."""
        return float(self.probabilities.max())


def predict(head: SequenceHead, features: np.ndarray, *, temperature: float = 1.0) -> Prediction:
    """Runs the head on one clip.

    Args:
        head: in eval mode.
        features: (T, D) float32 of `Embedder.embed` or the feature cache; padding is cut off.
        temperature: divides the logits (`Calibration.temperature`).
    """
    device = next(head.parameters()).device
    with torch.inference_mode(), one_thread():
        output = head(torch.from_numpy(valid_steps(features))[None].to(device))
        logits = output.logits[0].double()
        probabilities = torch.softmax(logits / temperature, dim=-1)
    return Prediction(
        logits=logits.cpu().numpy(),
        probabilities=probabilities.cpu().numpy(),
        attention_weights=output.attention_weights[0].double().cpu().numpy(),
    )
