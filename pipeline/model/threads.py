"""How many threads torch computes with."""

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Computes on one CPU thread inside the block.

    A head's matrices are too small to share out: a second thread saves nothing on a quiet machine, and on a
    busy one the threads wait for each other at every step (12 epochs of a small head: 1.3 s of CPU with one
    thread, over 40 s with two). It also makes results independent of the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
