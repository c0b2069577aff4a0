"""Building modules whose weights are about to be loaded, without drawing random ones first."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_RANDOM_FILLS = (torch.Tensor.uniform_, torch.Tensor.normal_)


class SkipInit(TorchFunctionMode):
    """`with SkipInit():` fills with zeros what would be random; all of it is to be loaded afterwards.

    Unlike building on the meta device, buffers and constants that are computed come out right. Zeros, because
    torch draws truncated normals until all lie within bounds: memory as it was would never end that loop.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Passes every call on, but for those that fill a tensor at random."""
        kwargs = kwargs or {}
        if func in _RANDOM_FILLS:
            return args[0].zero_()
        return func(*args, **kwargs)
