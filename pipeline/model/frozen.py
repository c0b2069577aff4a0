"""Modules that can be frozen for good: `requires_grad=False` alone leaves BatchNorm statistics drifting."""

from typing import Self

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


class Freezable(nn.Module):
    """A module whose weights and statistics can be kept bit-equal through training.

    Attributes:
        frozen: after `freeze`: eval mode whatever `train()` says, and no parameter takes gradients.
        batchnorm_frozen: after `freeze_batchnorm`: the same for its BatchNorm layers alone.
    """

    frozen = False
    batchnorm_frozen = False

    def freeze(self) -> None:
        """Keeps all weights and statistics as they are, from now on."""
        self.frozen = True
        self.requires_grad_(False)
        self.train(self.training)

    def freeze_batchnorm(self) -> None:
        """Keeps BatchNorm layers (statistics, scale and shift) as they are while the rest is fine-tuned."""
        self.batchnorm_frozen = True
        for layer in self._batchnorms():
            layer.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Sets training mode, but never for what is frozen."""
        super().train(mode and not self.frozen)
        if self.batchnorm_frozen:
            for layer in self._batchnorms():
                layer.eval()
        return self

    def _batchnorms(self) -> list[nn.Module]:
        return [module for module in self.modules() if isinstance(module, _BatchNorm)]
