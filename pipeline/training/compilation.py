"""`--compile`: torch.compile for the part of a backbone that works on frames, if this machine can."""

import contextlib
import copy
from collections.abc import Callable, Iterator

import torch

from pipeline.model.backbone import Backbone
from pipeline.model.tiny import TinyBackbone


@contextlib.contextmanager
def compiled(backbone: Backbone, batch: torch.Tensor, *, say: Callable[[str], None]) -> Iterator[None]:
    """Computes with compiled code inside the block, where one step can be compiled; else says why not.

    The weights stay where they are, and afterwards the backbone is as before: what judges and classifies is
    never compiled code.

    Args:
        backbone: to be compiled.
        batch: (B, T, 3, S, S) float, what it will read, to try it on.
        say: is told what became of it.
    """
    is_tiny = isinstance(backbone, TinyBackbone)
    network = backbone.get_submodule("convolutions" if is_tiny else "network")
    before = copy.deepcopy(network.state_dict())  # the trial moves statistics
    # One set of kernels for each size of batch: with sizes left open, which kernels there are would depend on
    # the order in which the sizes came, and a resumed run would not end in the same bits.
    network.compile(dynamic=False)
    try:
        backbone(batch).float().square().mean().backward()
        say("the backbone is compiled")
    except Exception as error:
        network._compiled_call_impl = None  # what `compile` sets; there is no call that takes it back
        reason = " ".join(str(error).split())[:200]
        say(f"the backbone cannot be compiled here ({type(error).__name__}: {reason}); going on without")
    finally:
        network.load_state_dict(before)
        backbone.zero_grad(set_to_none=True)
    try:
        yield
    finally:
        network._compiled_call_impl = None
