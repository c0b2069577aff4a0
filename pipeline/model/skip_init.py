"""Building modules whose weights are about to be loaded, without drawing random ones first."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_RANDOM_FILLS = (torch.Tensor.uniform_, torch.Tensor.normal_)
_CONSTANT_FILLS = ("constant_", "ones_", "zeros_", "eye_", "dirac_")


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
        # Some functions of torch.nn.init show up as a whole; the others by the fills within.
        initialises = (
            getattr(func, "__module__", None) == "torch.nn.init" and func.__name__ not in _CONSTANT_FILLS
        )
        if func in _RANDOM_FILLS or initialises:
            tensor = args[0] if args else kwargs["tensor"]
            with torch.no_grad():
                return tensor.zero_()
        if func is torch.linalg.qr:  # of what is zero by now: orthogonal weights, the slowest to draw
            drawn = args[0] if args else kwargs["A"]
            return drawn, drawn.new_zeros(drawn.shape[1], drawn.shape[1])
        return func(*args, **kwargs)
