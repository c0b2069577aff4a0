"""What the recurrent part of a head reads, computed once where nothing in the head's input is learned."""

import numpy as np
import torch
from torch import Tensor

from pipeline.model.head import SequenceHead
from pipeline.model.lengths import given_lengths, valid_mask

_CLIPS_AT_ONCE = 64


def read_once(head: SequenceHead, features: np.ndarray) -> np.ndarray:
    """The output of a head's fixed input, to be given to `SequenceHead.read` in each epoch.

    A fitted input looks at 1,280 features of a frame and hands on a hundred: computing that once halves the
    time of an epoch.

    Args:
        head: with `has_fixed_input`, whose input was fitted.
        features: (N, T, D) float32; steps after a clip's end are NaN.

    Returns:
        (N, T, width) float32, NaN after a clip's end.

    Raises:
        ValueError: the input learns.
    """
    if not head.has_fixed_input:
        raise ValueError("the input of this head learns: what it gives changes with each step.")
    device = next(head.parameters()).device
    parts = []
    with torch.no_grad():
        for start in range(0, len(features), _CLIPS_AT_ONCE):
            part = torch.from_numpy(np.ascontiguousarray(features[start : start + _CLIPS_AT_ONCE])).to(device)
            mask = valid_mask(given_lengths(part), part.shape[1])
            values = head.input(part, mask).masked_fill(~mask[:, :, None], torch.nan)
            parts.append(values.cpu().numpy())
    return np.concatenate(parts)


def logits_of_features(head: SequenceHead, features: Tensor) -> Tensor:
    """Logits (B, K) of features (B, T, D) that are NaN after a clip's end."""
    logits: Tensor = head(features, given_lengths(features)).logits
    return logits


def logits_of_values(head: SequenceHead, values: Tensor) -> Tensor:
    """Logits (B, K) of what `read_once` gave for these clips."""
    return head.read(values, given_lengths(values)).logits
