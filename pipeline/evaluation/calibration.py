"""How a model's probabilities are made to fit: what is stored with it, and applied to every answer."""

import math
from dataclasses import dataclass, fields
from typing import Any, Self

from pipeline.errors import CheckpointError


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What stands between a model's logits and its answers.

    Attributes:
        temperature: logits are divided by it; 1: they are left as they are.
        temperature_reason: why it is what it is.
        wanted_precision: the share of right answers that was asked for among those not unsure; None: no
            threshold was asked for.
        threshold: answers with a lower probability are unsure; None: there is none.
        threshold_reason: why it is what it is.
    """

    temperature: float = 1.0
    temperature_reason: str = "the probabilities are those of training"
    wanted_precision: float | None = None
    threshold: float | None = None
    threshold_reason: str = "no threshold was asked for"

    def __post_init__(self) -> None:
        if not (_is_number(self.temperature) and 0 < self.temperature < math.inf):
            raise CheckpointError(f"the temperature is {self.temperature!r}; allowed: a number above 0.")
        for name in ("wanted_precision", "threshold"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and 0 <= value <= 1):
                raise CheckpointError(f"{name} is {value!r}; allowed: a number from 0 to 1, or none.")
        for name in ("temperature_reason", "threshold_reason"):
            if not isinstance(getattr(self, name), str):
                raise CheckpointError(f"{name} is {getattr(self, name)!r}; it is a text.")

    def is_unsure(self, probability: float) -> bool:
        """Whether an answer with this probability is below the threshold."""
        return self.threshold is not None and probability < self.threshold

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any] | None) -> Self:
        """The calibration of a model file; None: the model has none.

        Raises:
            CheckpointError: missing or unknown fields, values that cannot be.
        """
        if values is None:
            return cls()
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            wrong = ", ".join(sorted(known.symmetric_difference(values)))
            raise CheckpointError(f"the model's calibration has missing or unknown fields: {wrong}.")
        return cls(**values)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
