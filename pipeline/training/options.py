"""What a training run is asked to do. The same fields are the command line's options and `config.json`."""

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from pipeline.errors import UsageError

TINY = "tiny"
GIVEN = "given"
NO_WEIGHTS = "none"
FITTED_DIM = 64
LINEAR_POOLINGS = ("centre", "mean", "statistics")
MAX_SEED = 2**31 - 1  # folds count on from it, and scikit-learn takes 32 bits


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """Options of one training run."""

    backbone: str = "mobilenet_v3_large"
    """CNN that embeds each frame: `tiny`, or any torchvision classification model by name. With an .npz file
    of features there is none (`given`)."""
    weights: str = "imagenet"
    """Where its weights come from: `imagenet` (downloaded once by torchvision), a FILE (.pth or
    .safetensors), or `none` (random, to be trained)."""
    finetune: bool = False
    """Train the backbone too, from pixels, instead of keeping it frozen. Always so with `--weights none`."""
    head_epochs: int = 30
    """With --finetune, before a pretrained backbone learns: passes of the head alone, on cached features, at
    most. A head that knows nothing yet would spoil the backbone; 0 for none."""
    backbone_rate: float = 0.1
    """Learning rate of a pretrained backbone that is fine-tuned, as a share of the head's."""
    precision: Literal["float32", "float16"] = "float32"
    """What a frozen backbone's features are rounded to. float16: they take half the disk."""

    input: Literal["auto", "fitted", "plain"] = "auto"
    """What the recurrent part reads: projections that are fitted to the training clips first, or the plain
    features. auto: fitted with a pretrained backbone and with features given directly, plain with `tiny`,
    with random weights, with a linear head, and where --normalise or --differences is given."""
    class_directions: bool = True
    """Let a fitted input hold the directions of a logistic regression. They help where appearance tells the
    classes, and cost a little where the order of things does."""
    normalise: Literal["auto", "none", "standardise", "layer"] = "auto"
    """Normalisation of plain features. auto: none for `tiny`, which normalises itself, and for a linear head
    on a frozen backbone, standardise for features given directly, else layer."""
    projection_dim: int | None = None
    """Project features to this many dimensions first. Default: 64 principal components with a fitted input,
    no projection with a plain one."""
    differences: bool = False
    """Give the head x_t - x_(t-1) beside plain x_t."""
    recurrence: Literal["lstm", "gru", "convolution"] = "lstm"
    """What the layers that read the frames in order are: LSTM, GRU, or as many layers of convolution over 3
    steps, with channels that make the head as large as with LSTMs."""
    lstm_layers: int = 2
    """Unidirectional LSTM layers before the bidirectional one."""
    lstm_dim: int | None = None
    """Units of each LSTM. Default: 128 with a fitted input, else 64."""
    bidirectional: bool = True
    """A bidirectional LSTM on top of them."""
    bidirectional_dim: int | None = None
    """Its units in each direction. Default: as many as --lstm-dim."""
    time_dense: bool = True
    """The time-distributed dense layer."""
    pooling: Literal["attention", "dot", "mean", "last", "centre", "statistics"] = "attention"
    """How the frames' hidden states become one vector: additive attention, dot product, mean, last frame,
    centre frame, or statistics: mean, standard deviation and mean difference, side by side."""
    attention_dim: int = 32
    """Width of the additive attention."""
    dropout: float | None = None
    """Dropout after each recurrent layer and before the output. Default: .5 with a fitted input, else .3."""
    input_dropout: float | None = None
    """Dropout on what the recurrent part reads. Default: .3 with a fitted input, else 0."""
    linear_penalty: float = 1.0
    """L2 penalty of a linear head on a frozen backbone, which is fitted as a logistic regression instead of
    trained in epochs: --lstm-layers 0 --no-bidirectional --no-time-dense, and --pooling centre, mean or
    statistics. 1 / C of scikit-learn."""

    epochs: int = 30
    """Passes over the training clips, at most."""
    patience: int = 15
    """Stop after this many epochs without a lower validation loss (at its best temperature)."""
    batch_size: int | None = None
    """Clips that go through the model together. Default: 32 with a frozen backbone, else 16."""
    accumulate: int = 1
    """Batches whose gradients make one step: 4 of 16 clips act like one of 64, in the memory of 16."""
    learning_rate: float | None = None
    """Peak rate of AdamW. Default: 2e-3 from random weights, else 1e-3."""
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
    flip_labels: tuple[str, ...] = ()
    """Mirror training clips, and swap two labels where a clip is mirrored: left=right. May be repeated."""
    amp: Literal["auto", "off"] = "auto"
    """Mixed precision. auto: bfloat16 in the backbone on a CUDA GPU; the head stays in float32."""
    compile: bool = False
    """Compile the backbone with torch.compile when it is trained. Needs a C++ compiler; goes on without."""
    seed: int = 0
    """Seed of everything random."""
    abstain_precision: float | None = 0.9
    """Choose a threshold on the validation clips: of the answers at least as sure, this share is right.
    Answers below it are called unsure. None: no threshold."""

    def __post_init__(self) -> None:
        self._check_ranges()
        if self.precision == "float16" and self.trains_backbone:
            raise UsageError(
                "--precision float16 halves what kept features take, and a backbone that is trained keeps "
                "none: leave it out."
            )
        for flag, given in (("--flip", self.flip), ("--flip-labels", bool(self.flip_labels))):
            if given and not self.augment:
                raise UsageError(f"{flag} is an augmentation: it cannot go with --no-augment.")
            if given and not self.trains_backbone:
                raise UsageError(
                    f"{flag} changes pixels, which a frozen backbone sees only once: add --finetune."
                )
        if self.input == "fitted" and self._is_about_plain:
            raise UsageError(
                "--input fitted has a normalisation of its own: no --normalise or --differences goes with it."
            )
        if not self.class_directions and self.head_input == "plain":
            raise UsageError("--no-class-directions is about a fitted input, and this run has a plain one.")
        if self.compile and not self.trains_backbone:
            raise UsageError("--compile is for a backbone that is trained: add --finetune.")
        if self.linear_penalty != 1.0 and not self.fits_regression:
            raise UsageError(
                "--linear-penalty is for a linear head on a frozen backbone: --lstm-layers 0 "
                "--no-bidirectional --no-time-dense --pooling mean, centre or statistics, without --finetune "
                "and --projection-dim."
            )

    def _check_ranges(self) -> None:
        if self.abstain_precision is not None and not 0 < self.abstain_precision < 1:
            raise UsageError(
                f"--abstain-precision is {self.abstain_precision}; allowed: more than 0 and less than 1, or "
                "None."
            )
        for name, low in _LOWEST.items():
            value = getattr(self, name)
            if value is not None and not low <= value < math.inf:
                raise UsageError(f"--{_flag(name)} is {value}; allowed: {low} or more.")
        if self.seed > MAX_SEED:
            raise UsageError(f"--seed is {self.seed}; allowed: 0 to {MAX_SEED}.")
        for name in ("dropout", "input_dropout"):
            share = getattr(self, name)
            if share is not None and not 0 <= share < 1:
                raise UsageError(f"--{_flag(name)} is {getattr(self, name)}; allowed: 0 to below 1.")
        for name in ("learning_rate", "backbone_rate", "linear_penalty"):
            rate = getattr(self, name)
            if rate is not None and not 0 < rate < math.inf:
                raise UsageError(f"--{_flag(name)} is {rate}; allowed: more than 0.")

    @property
    def trains_backbone(self) -> bool:
        """Whether the backbone is trained, from pixels."""
        return not self.takes_features and (self.finetune or self.weights == NO_WEIGHTS)

    @property
    def takes_features(self) -> bool:
        """Whether features are given directly: there is no backbone."""
        return self.backbone == GIVEN

    @property
    def mirrors(self) -> bool:
        """Whether training clips are mirrored."""
        return self.flip or bool(self.flip_labels)

    @property
    def pretrained(self) -> bool:
        """Whether the backbone knows something before the run."""
        return self.weights != NO_WEIGHTS

    @property
    def head_first(self) -> bool:
        """Whether the head learns alone before the whole model does."""
        return self.trains_backbone and self.pretrained and self.head_epochs > 0

    @property
    def most_epochs(self) -> int:
        """Epochs of all stages, if none stops early."""
        if self.fits_regression:
            return 1
        return self.epochs + (self.head_epochs if self.head_first else 0)

    @property
    def of_head_stage(self) -> "TrainOptions":
        """The options of the head's epochs before fine-tuning: the same steps, but on features."""
        return replace(
            self, epochs=self.head_epochs, batch_size=self.chosen_batch_size * self.accumulate, accumulate=1
        )

    @property
    def peak_learning_rate(self) -> float:
        """The rate that warm-up ends with."""
        if self.learning_rate is not None:
            return self.learning_rate
        return 2e-3 if self.trains_backbone and not self.pretrained else 1e-3

    @property
    def is_linear(self) -> bool:
        """Whether the head is linear in what it measures of a clip's frames (`HeadConfig.is_linear`)."""
        return (
            self.lstm_layers == 0
            and not (self.bidirectional or self.time_dense)
            and self.pooling in LINEAR_POOLINGS
            and self.input != "fitted"
            and self.projection_dim is None
        )

    @property
    def fits_regression(self) -> bool:
        """Whether the head is fitted as a logistic regression, in one step instead of epochs."""
        return self.is_linear and not self.trains_backbone

    @property
    def _is_about_plain(self) -> bool:
        return self.normalise != "auto" or self.differences

    @property
    def head_input(self) -> Literal["fitted", "plain"]:
        """`input` with `auto` decided: features of random weights are not worth fitting to.

        Features given directly are. (400 sequences of 12 steps of 10 numbers in units of their own, 4
        classes, 2 seeds, `scripts/bench_given.py`: weak evidence in each step .53 accuracy fitted, .54 plain
        and standardised, .30 plain with layer norm; strong evidence in two steps .85, .77, .40; order of
        events .66, .56, .32.)
        """
        if self.input != "auto":
            return self.input
        knows = self.takes_features or (self.pretrained and self.backbone != TINY)
        return "fitted" if knows and not self._is_about_plain and not self.is_linear else "plain"

    @property
    def projected_to(self) -> int | None:
        """`projection_dim` with the default decided."""
        if self.projection_dim is None and self.head_input == "fitted":
            return FITTED_DIM
        return self.projection_dim

    @property
    def chosen_dropout(self) -> float:
        """`dropout` with the default decided."""
        if self.dropout is not None:
            return self.dropout
        return 0.5 if self.head_input == "fitted" else 0.3

    @property
    def chosen_input_dropout(self) -> float:
        """`input_dropout` with the default decided."""
        if self.input_dropout is not None:
            return self.input_dropout
        return 0.3 if self.head_input == "fitted" else 0.0

    @property
    def chosen_lstm_dim(self) -> int:
        """`lstm_dim` with the default decided."""
        if self.lstm_dim is not None:
            return self.lstm_dim
        return 128 if self.head_input == "fitted" else 64

    @property
    def chosen_batch_size(self) -> int:
        """`batch_size` with the default decided."""
        if self.batch_size is not None:
            return self.batch_size
        return 16 if self.trains_backbone else 32

    @property
    def feature_normalisation(self) -> Literal["none", "standardise", "layer"]:
        """`normalise` with `auto` decided."""
        if self.head_input == "fitted":
            return "none"
        if self.normalise != "auto":
            return self.normalise
        if self.fits_regression:  # which has each column on one scale
            return "none"
        if self.takes_features:  # layer norm lets columns of large numbers drown the rest: see `head_input`
            return "standardise"
        # Frozen mobilenet_v2, the full head, five folds of 320 clips: layer .934 accuracy, standardise .903.
        return "none" if self.backbone == TINY else "layer"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {**asdict(self), "flip_labels": list(self.flip_labels)}

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
        return cls(**{**values, "flip_labels": tuple(values.get("flip_labels", ()))})


_LOWEST = {
    "projection_dim": 1,
    "lstm_layers": 0,
    "lstm_dim": 1,
    "bidirectional_dim": 1,
    "attention_dim": 1,
    "head_epochs": 0,
    "epochs": 1,
    "patience": 1,
    "batch_size": 1,
    "accumulate": 1,
    "weight_decay": 0,
    "warmup_steps": 0,
    "gradient_clip": 0,
    "seed": 0,
}
_OPTIONAL_NUMBERS: dict[str, tuple[type, ...]] = {
    "projection_dim": (int,),
    "dropout": (int, float),
    "input_dropout": (int, float),
    "lstm_dim": (int,),
    "bidirectional_dim": (int,),
    "batch_size": (int,),
    "learning_rate": (int, float),
    "abstain_precision": (int, float),
}
_CHOICES = {
    "precision": ("float32", "float16"),
    "input": ("auto", "fitted", "plain"),
    "normalise": ("auto", "none", "standardise", "layer"),
    "recurrence": ("lstm", "gru", "convolution"),
    "pooling": ("attention", "dot", "mean", "last", "centre", "statistics"),
    "amp": ("auto", "off"),
}


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _check_type(source: str, name: str, value: object, default: object) -> None:
    if name in _OPTIONAL_NUMBERS:
        good = value is None or (isinstance(value, _OPTIONAL_NUMBERS[name]) and not isinstance(value, bool))
    elif isinstance(default, tuple):
        good = isinstance(value, list) and all(isinstance(text, str) for text in value)
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
        if isinstance(default, tuple):
            allowed = "a list of texts"
        raise UsageError(f"{source}: {name} is {value!r}; allowed: {allowed}.")
