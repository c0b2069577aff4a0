"""Whether a device computes the gradients of stacked LSTMs right. Apple's MPS silently did not.

https://github.com/pytorch/pytorch/issues/190056
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from pipeline.errors import MachineError
from pipeline.model.head import HeadConfig, SequenceHead

_TOLERANCE = 1e-2  # of a weight's largest gradient; float32 on two devices differs by 1e-5 or so
_FLOOR = 1e-5  # of the largest gradient of all: some are nearly 0, and all rounding

Gradients = dict[str, Tensor]


def gradients_on(device: torch.device) -> Gradients:
    """Gradients of one step of a small head with stacked LSTMs and without dropout, computed on a device."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = SequenceHead(
            HeadConfig(feature_dim=16, num_classes=3, lstm_dim=16, attention_dim=8, dropout=0.0)
        )
        features, lengths = torch.randn(4, 6, 16), torch.tensor([6, 6, 4, 2])
    head.to(device).train()
    logits = head(features.to(device), lengths.to(device)).logits
    F.cross_entropy(logits, torch.tensor([0, 1, 2, 0], device=device)).backward()  # type: ignore[no-untyped-call]
    return {name: weight.grad.cpu() for name, weight in head.named_parameters() if weight.grad is not None}


def check_gradients(
    device: torch.device, *, compute: Callable[[torch.device], Gradients] = gradients_on
) -> None:
    """Compares one step's gradients with those of the CPU.

    Args:
        device: to be checked.
        compute: gives a device's gradients.

    Raises:
        MachineError: they differ, so that training there would go wrong without a word.
    """
    expected, got = compute(torch.device("cpu")), compute(device)
    floor = _FLOOR * max(float(right.abs().max()) for right in expected.values())
    for name, right in expected.items():
        scale = float(right.abs().max())
        found = got.get(name, torch.full_like(right, torch.nan))
        off = float((found - right).abs().max())
        if not off <= _TOLERANCE * scale + floor:  # NaN is not either
            raise MachineError(
                f"--device {device.type} computes wrong gradients with torch {torch.__version__}: those of "
                f"{name} are off by {off:.2g}, and should be {scale:.2g} at most (a known fault of torch on "
                "MPS). Train with --device cpu, or with another version of torch."
            )
