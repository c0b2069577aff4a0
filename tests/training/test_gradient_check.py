"""The check that guards training on MPS: it sees wrong gradients, and does not cry at rounding."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pipeline.errors import MachineError
from pipeline.training.gradient_check import Gradients, check_gradients, gradients_on

CPU, MPS = torch.device("cpu"), torch.device("mps")
NAME = "encoder.layers.1.weight_hh_l0"


def _on_mps(change: Callable[[Tensor], Tensor]) -> Callable[[torch.device], Gradients]:
    """Gradients of which the device changes one weight's."""

    def compute(device: torch.device) -> Gradients:
        gradients = gradients_on(CPU)
        if device == MPS:
            gradients[NAME] = change(gradients[NAME])
        return gradients

    return compute


def test_the_cpu_agrees_with_itself_and_rounding_is_no_fault() -> None:
    check_gradients(CPU)
    check_gradients(MPS, compute=_on_mps(lambda gradient: gradient * (1 + 1e-5)))


@pytest.mark.parametrize(
    "change",
    [
        torch.zeros_like,
        lambda gradient: gradient * 1.1,
        lambda gradient: gradient.flip(0),
        lambda gradient: torch.full_like(gradient, torch.nan),
    ],
    ids=["nothing", "too large", "turned round", "no numbers"],
)
def test_wrong_gradients_of_one_weight_are_refused(change: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(MachineError, match=rf"--device mps computes wrong gradients.*{NAME}.*--device cpu"):
        check_gradients(MPS, compute=_on_mps(change))


def test_every_weight_of_the_recurrent_part_is_compared() -> None:
    gradients = gradients_on(CPU)
    assert sum("weight_hh" in name for name in gradients) == 4  # two one-way layers, one in two directions
    assert all(gradient.abs().max() > 0 for gradient in gradients.values())


def test_it_leaves_the_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    check_gradients(CPU)
    assert torch.equal(torch.rand(3), expected)
