"""Lengths of padded sequences: how many of the T steps of each item are real.

Features (N, T, D) carry them along: the steps after a clip's end are NaN in all columns.
"""

from typing import overload

import numpy as np
import torch
from torch import Tensor


@overload
def given_lengths(features: np.ndarray) -> np.ndarray: ...
@overload
def given_lengths(features: Tensor) -> Tensor: ...
def given_lengths(features: np.ndarray | Tensor) -> np.ndarray | Tensor:
    """The lengths (N,) int64, 1 .. T, of features (N, T, D): the last step of each that is not padding.

    Padding is NaN in all columns, to the end; a step with a number in it is none. Where the last step of
    every clip is real, only those are looked at. A clip of NaN alone has length 1: that is no padding, but
    features that are spoilt.
    """
    if isinstance(features, Tensor):
        return _given_lengths(features)
    lengths: np.ndarray = _given_lengths(torch.from_numpy(features)).numpy()
    return lengths


def _given_lengths(features: Tensor) -> Tensor:
    N, T = features.shape[:2]
    lengths = torch.full((N,), T, dtype=torch.int64, device=features.device)
    short = features[:, -1].isnan().reshape(N, -1).all(dim=1).nonzero().flatten()
    if len(short):
        is_real = ~features[short].isnan().reshape(len(short), T, -1).all(dim=2)  # (n, T)
        steps = torch.arange(1, T + 1, device=features.device)
        lengths[short] = (is_real * steps).amax(dim=1).clamp(min=1)
    return lengths


def valid_steps(features: np.ndarray) -> np.ndarray:
    """One clip's features (T, D) without the padding after its end: (length, D)."""
    return features[: int(given_lengths(features[None])[0])]


def resolve_lengths(
    lengths: Tensor | None, *, batch_size: int, num_frames: int, device: torch.device
) -> Tensor:
    """The lengths as a checked (B,) int64 tensor on `device`; None means that all T steps are valid.

    Raises:
        ValueError: not one whole number per item, or one outside 1 .. T.
    """
    if lengths is None:
        return torch.full((batch_size,), num_frames, dtype=torch.int64, device=device)
    if lengths.dtype not in (torch.int64, torch.int32, torch.int16, torch.uint8):
        raise ValueError(f"lengths has dtype {lengths.dtype}; it takes whole numbers, torch.int64 say.")
    if tuple(lengths.shape) != (batch_size,):
        raise ValueError(
            f"lengths has shape {tuple(lengths.shape)}; allowed: ({batch_size},), one number for each item."
        )
    # A compiled or exported graph cannot look at values: there the caller vouches for them.
    if not torch.compiler.is_compiling() and bool(((lengths < 1) | (lengths > num_frames)).any()):
        raise ValueError(
            f"lengths are {lengths.tolist()}; allowed: 1 to {num_frames} (T, steps of the sequence)."
        )
    return lengths.to(device=device, dtype=torch.int64)


def valid_mask(lengths: Tensor, num_frames: int) -> Tensor:
    """True where step t of an item is real, False on its padding: (B, T) bool."""
    return torch.arange(num_frames, device=lengths.device)[None, :] < lengths[:, None]


def zero_pads(sequence: Tensor, mask: Tensor) -> Tensor:
    """The sequence (B, T, ...) with exact zeros on its padding.

    By selection, not multiplication: 0 * NaN is NaN, in the gradient too. Where nothing is padded it is the
    sequence itself: copying it is a twelfth of a small head's step. (A graph cannot look, and on an
    accelerator looking costs more.)
    """
    if not torch.compiler.is_compiling() and mask.device.type == "cpu" and bool(mask.all()):
        return sequence
    shape = mask.shape + (1,) * (sequence.ndim - 2)
    zero = torch.zeros((), dtype=sequence.dtype, device=sequence.device)
    return torch.where(mask.reshape(shape), sequence, zero)


def first_differences(sequence: Tensor) -> Tensor:
    """x_t - x_(t-1) along T of (B, T, ...); the first step, which has no predecessor, is 0."""
    return torch.cat([torch.zeros_like(sequence[:, :1]), sequence[:, 1:] - sequence[:, :-1]], dim=1)
