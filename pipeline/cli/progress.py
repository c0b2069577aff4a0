"""Progress on stderr: tqdm bars that look alike in every command."""

import sys
from collections.abc import Iterable
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Iterable[Item], description: str, *, unit: str) -> Iterable[Item]:
    """The items, with a bar that moves as they are taken."""
    bar: Iterable[Item] = tqdm(items, desc=description, unit=f" {unit}", **_style())
    return bar


def epoch_bar(num_epochs: int) -> "tqdm[None]":
    """A bar over the epochs of a training."""
    return tqdm(total=num_epochs, desc="training", unit=" epoch", **_style())


def _style() -> dict[str, Any]:
    """A line that follows the terminal's width; in a log, where each step is a line more, a step in 10 s."""
    is_terminal = sys.stderr.isatty()
    return {"dynamic_ncols": is_terminal, "mininterval": 0.1 if is_terminal else 10.0}
