"""How many threads torch computes with."""

import contextlib
import os
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Computes on so many CPU threads inside the block.

    Where torch's last bits depend on their number it must be said for each computation: a thread that calls
    torch for the first time takes over what any other thread has set at that moment.
    """
    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread() -> contextlib.AbstractContextManager[None]:
    """Computes on one CPU thread inside the block.

    A head's matrices are too small to share out: a second thread saves nothing on a quiet machine, and on a
    busy one the threads wait for each other at every step (12 epochs of a small head: 1.3 s of CPU with one
    thread, over 40 s with two). It also makes results independent of the number of cores.
    """
    return on_threads(1)


def processors() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
