"""Progress on stderr: tqdm bars that look alike in every command."""

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Iterable[Item], description: str, *, unit: str) -> Iterable[Item]:
    """The items, with a bar that moves as they are taken."""
    bar: Iterable[Item] = tqdm(items, desc=description, unit=f" {unit}", dynamic_ncols=True)
    return bar


def epoch_bar(num_epochs: int) -> "tqdm[None]":
    """A bar over the epochs of a training."""
    return tqdm(total=num_epochs, desc="training", unit=" epoch", dynamic_ncols=True)
