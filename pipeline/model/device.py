"""Which device a model runs on."""

from typing import Literal

import torch

from pipeline.errors import MachineError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


def choose_device(name: DeviceName) -> torch.device:
    """The device of that name; `auto` takes a CUDA GPU where there is one, else the CPU.

    Raises:
        MachineError: the machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available[name]:
        there = ", ".join(key for key, value in available.items() if value)
        raise MachineError(f"--device {name}: this machine has no such device for torch; it has: {there}.")
    return torch.device(name)
