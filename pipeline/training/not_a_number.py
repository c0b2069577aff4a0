"""Why a loss is not a number: the cause by name, so that a person knows what to change."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from pipeline.clips.store import Clip
from pipeline.errors import TrainingError
from pipeline.model.lengths import given_lengths, valid_mask, zero_pads
from pipeline.training.batches import clip_name
from pipeline.training.task import Batches

_TOO_LARGE = 1e6  # weights of a healthy network are a thousandth of this or less


def check_features(features: np.ndarray, clips: Sequence[Clip]) -> None:
    """Refuses features (N, T, D) that are not numbers (TrainingError, naming the clips); padding is none."""
    lengths = given_lengths(features)
    spoilt = np.array(
        [
            row
            for row in np.flatnonzero(~np.isfinite(features).all(axis=(1, 2)))
            if not np.isfinite(features[row, : lengths[row]]).all()
        ]
    )
    if len(spoilt):
        named = ", ".join(clip_name(clips[row]) for row in spoilt[:3])
        more = f" and {len(spoilt) - 3} more" if len(spoilt) > 3 else ""
        raise TrainingError(
            f"the backbone gives features that are not numbers for {len(spoilt)} of {len(clips)} clips: "
            f"{named}{more}. Look at the backbone's --weights, and at these clips."
        )


def cause(
    model: nn.Module,
    batches: Batches,
    rows: Sequence[int],
    *,
    inputs: Tensor,
    logits: Tensor,
    learning_rate: float,
) -> str:
    """A sentence on the cause, and one on what to do; looked for in the order of cause and effect.

    Args:
        model: as it was when the logits came out.
        batches: knows the clips' names.
        rows: which clips.
        inputs: of these clips.
        logits: (B, K) of these clips.
        learning_rate: of the run, at its peak.
    """
    lower = f"Try a --learning-rate below {learning_rate:.2g}."
    inputs = _without_padding(inputs)
    spoilt = _not_finite(inputs)
    if spoilt:
        named = ", ".join(batches.name(rows[position]) for position in spoilt[:3])
        more = f" and {len(spoilt) - 3} more" if len(spoilt) > 3 else ""
        return (
            f"the inputs hold values that are not numbers, of clip {named}{more}. Look at these clips, "
            "and at the backbone's --weights."
        )
    weights = {name: values.detach() for name, values in model.state_dict().items()}
    for name, values in weights.items():
        if values.is_floating_point() and not bool(torch.isfinite(values).all()):
            return (
                f"the weights {name} are not numbers any more: steps were too large at learning rate "
                f"{learning_rate:.2g}, or these weights were so from the start. {lower}"
            )
    largest, name = max(
        (float(values.abs().max()), name)
        for name, values in weights.items()
        if values.is_floating_point() and values.numel()
    )
    if largest > _TOO_LARGE:
        return (
            f"the learning rate {learning_rate:.2g} is too high: the weights {name} grew to {largest:.2g}. "
            f"{lower}"
        )
    spoilt = _not_finite(logits)
    low, high = (float(value) for value in inputs.aminmax())
    if spoilt:
        return (
            f"the logits of clip {batches.name(rows[spoilt[0]])} are not numbers, though its inputs "
            f"({low:.3g} to {high:.3g}) and the weights (at most {largest:.2g}) are. {lower} On a GPU, try "
            "--amp off."
        )
    return f"the logits reach {float(logits.abs().max()):.3g}, beyond what the loss can hold. {lower}"


def _without_padding(inputs: Tensor) -> Tensor:
    """Features (B, T, D) with zeros after the end of each clip; pixels as they are."""
    if not inputs.is_floating_point() or inputs.ndim != 3:
        return inputs
    return zero_pads(inputs, valid_mask(given_lengths(inputs), inputs.shape[1]))


def _not_finite(values: Tensor) -> list[int]:
    """Positions (of the first axis) with a value that is no number or infinite."""
    if not values.is_floating_point():
        return []
    good = torch.isfinite(values.detach()).flatten(1).all(dim=1)
    return [int(position) for position in torch.nonzero(~good).flatten()]
