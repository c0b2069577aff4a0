"""What a training run is asked to do. The same fields are the command line's options and `config.json`."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from pipeline.errors import UsageError

TINY = "tiny"
NO_WEIGHTS = "none"


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of one training run."""

    backbone: str = "mobilenet_v2"
    """CNN that embeds each frame: `tiny`, or any torchvision classification model by name."""
    weights: str = "imagenet"
    """Where its weights come from: `imagenet` (downloaded once by torchvision), a FILE (.pth or
    .safetensors), or `none` (random, to be trained)."""
    finetune: bool = False
    """Train the backbone too, from pixels, instead of keeping it frozen. Always so with `--weights none`."""

    normalise: Literal["auto", "none", "standardise", "layer"] = "auto"
    """Normalisation of frame features before the head. auto: none for `tiny`, which normalises itself,
    else layer."""
    projection_dim: int | None = None
    """Project features to this many dimensions first; default: no projection."""
    differences: bool = False
    """Give the head x_t - x_(t-1) beside x_t."""
    lstm_layers: int = 2
    """Unidirectional LSTM layers before the bidirectional one."""
    lstm_dim: int = 64
    """Units of each LSTM."""
    bidirectional: bool = True
    """A bidirectional LSTM on top of them."""
    time_dense: bool = True
    """The time-distributed dense layer."""
    pooling: Literal["attention", "dot", "mean", "last"] = "attention"
    """How the frames' hidden states become one vector: additive attention, dot product, mean, last frame."""
    attention_dim: int = 32
    """Width of the additive attention."""
    dropout: float = 0.3
    """Dropout after each recurrent layer and before the output."""
    input_dropout: float = 0.0
    """Dropout on what the recurrent part reads."""

    epochs: int = 30
    """Passes over the training clips, at most."""
    patience: int = 15
    """Stop after this many epochs without a lower validation loss (at its best temperature)."""
    batch_size: int = 16
    """Clips in a step."""
    learning_rate: float | None = None
    """Peak rate of AdamW. Default: 2e-3 from random weights, else 1e-3. A pretrained backbone that is
    fine-tuned learns at a tenth of it."""
    weight_decay: float = 0.02
    """Weight decay of AdamW."""
    warmup_steps: int = 50
    """Steps over which the rate rises, before it falls along a cosine."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient; 0 for no limit."""
    class_weights: bool = True
    """Weigh classes alike in the loss, instead of clips."""
    augment: bool = True
    """Change colours and geometry of training clips a little when training from pixels."""
    flip: bool = False
    """Also mirror training clips left to right. Only where left and right mean the same."""
    seed: int = 0
    """Seed of everything random."""
    abstain_precision: float | None = 0.9
    """Choose a threshold on the validation clips: of the answers at least as sure, this share is right.
    Answers below it are called unsure. None: no threshold."""

    def __post_init__(self) -> None:
        if self.abstain_precision is not None and not 0 < self.abstain_precision < 1:
            raise UsageError(
                f"--abstain-precision is {self.abstain_precision}; allowed: more than 0 and less than 1, or "
                "None."
            )
        for name, low in _LOWEST.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise UsageError(f"--{_flag(name)} is {value}; allowed: {low} or more.")
        for name in ("dropout", "input_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"--{_flag(name)} is {getattr(self, name)}; allowed: 0 to below 1.")
        if self.learning_rate is not None and self.learning_rate <= 0:
            raise UsageError(f"--learning-rate is {self.learning_rate}; allowed: more than 0.")
        if self.flip and not self.augment:
            raise UsageError("--flip is an augmentation: it cannot go with --no-augment.")
        if self.flip and not self.trains_backbone:
            raise UsageError("--flip changes pixels, which a frozen backbone sees only once: add --finetune.")

    @property
    def trains_backbone(self) -> bool:
        """Whether the backbone is trained, from pixels."""
        return self.finetune or self.weights == NO_WEIGHTS

    @property
    def peak_learning_rate(self) -> float:
        """The rate that warm-up ends with."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 2e-3 if self.weights == NO_WEIGHTS else 1e-3

    @property
    def feature_normalisation(self) -> Literal["none", "standardise", "layer"]:
        """`normalise` with `auto` decided."""
        if self.normalise != "auto":
            return self.normalise
        # Frozen mobilenet_v2, the full head, five folds of 320 clips: layer .934 accuracy, standardise .903.
        return "none" if self.backbone == TINY else "layer"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any, *, source: str) -> "TrainOptions":
        """Options from a `config.json`; fields that are left out keep their defaults.

        Raises:
            UsageError: unknown fields or wrong types; names the source.
        """
        if not isinstance(values, dict):
            raise UsageError(f"{source}: a configuration is a JSON object, not {type(values).__name__}.")
        known = {field.name: field for field in fields(cls)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UsageError(f"{source}: unknown options {', '.join(unknown)}; known: {', '.join(known)}.")
        for name, value in values.items():
            _check_type(source, name, value, known[name].default)
        return cls(**values)


_LOWEST = {
    "projection_dim": 1,
    "lstm_layers": 0,
    "lstm_dim": 1,
    "attention_dim": 1,
    "epochs": 1,
    "patience": 1,
    "batch_size": 1,
    "weight_decay": 0,
    "warmup_steps": 0,
    "gradient_clip": 0,
    "seed": 0,
}
_OPTIONAL_NUMBERS: dict[str, tuple[type, ...]] = {
    "projection_dim": (int,),
    "learning_rate": (int, float),
    "abstain_precision": (int, float),
}
_CHOICES = {
    "normalise": ("auto", "none", "standardise", "layer"),
    "pooling": ("attention", "dot", "mean", "last"),
}


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _check_type(source: str, name: str, value: object, default: object) -> None:
    if name in _OPTIONAL_NUMBERS:
        good = value is None or (isinstance(value, _OPTIONAL_NUMBERS[name]) and not isinstance(value, bool))
    elif isinstance(default, bool):
        good = isinstance(value, bool)
    elif isinstance(default, float):
        good = isinstance(value, int | float) and not isinstance(value, bool)
    elif isinstance(default, int):
        good = isinstance(value, int) and not isinstance(value, bool)
    else:
        good = isinstance(value, str) and value in _CHOICES.get(name, (value,))
    if not good:
        allowed = f"one of {', '.join(_CHOICES[name])}" if name in _CHOICES else f"a value like {default!r}"
        raise UsageError(f"{source}: {name} is {value!r}; allowed: {allowed}.")
