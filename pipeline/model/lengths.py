"""Lengths of padded sequences: how many of the T steps of each item are real."""

import torch
from torch import Tensor


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

    By selection, not multiplication: 0 * NaN is NaN, in the gradient too.
    """
    shape = mask.shape + (1,) * (sequence.ndim - 2)
    zero = torch.zeros((), dtype=sequence.dtype, device=sequence.device)
    return torch.where(mask.reshape(shape), sequence, zero)


def first_differences(sequence: Tensor) -> Tensor:
    """x_t - x_(t-1) along T of (B, T, ...); the first step, which has no predecessor, is 0."""
    return torch.cat([torch.zeros_like(sequence[:, :1]), sequence[:, 1:] - sequence[:, :-1]], dim=1)
