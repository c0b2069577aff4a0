"""What a comparison is asked to do. The same fields are the command line's options."""

from dataclasses import dataclass
from typing import Any, get_args

from pipeline.compare.heads import Head, heads_named
from pipeline.compare.settings import HIDDEN_SIZES, check_hidden_sizes
from pipeline.errors import UsageError
from pipeline.spec import Fit
from pipeline.training.options import MAX_SEED, TrainOptions

QUICK_REPEATS, FULL_REPEATS = 1, 2


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """Options of one comparison."""

    backbone: tuple[str, ...] = ("mobilenet_v3_large",)
    """CNN whose frame features the heads read; any torchvision classification model by name. Several may
    follow one another (`--backbone A B`): verdicts are about the first, a table compares them."""
    weights: tuple[str, ...] = ("imagenet",)
    """Where its weights come from: `imagenet` (downloaded once by torchvision) or a FILE (.pth or
    .safetensors). One for all backbones, or one for each in the same order."""
    quick: bool = False
    """One setting for each head, one repeat, and the learning curves of few heads: minutes, not an hour."""
    heads: tuple[str, ...] = ()
    """Compare only these heads (and the majority). Default: all of them."""
    hidden_sizes: tuple[int, ...] = HIDDEN_SIZES
    """Units of recurrent layers (width of attention pooling) to try, up to four of 1 to 512. Clipwise's
    default is tried with its own too."""
    folds: int = 5
    """Parts that the clips are dealt to; each is held back once."""
    repeats: int | None = None
    """How often all clips are dealt and fitted anew. Default: 2, with --quick 1."""
    # 30 epochs and a patience of 10 took 1.8 times as long on 218 clips of tank_state, and the log-loss held
    # back was no lower: .376, and .355 with these (mean of five trained heads in three folds, `--epochs 30
    # --patience 10`).
    epochs: int = 20
    """Epochs, at most: passes over the training clips, several to an epoch where one is very few steps."""
    patience: int = 6
    """Stop a fit after this many epochs without a lower validation loss."""
    fit: tuple[str, ...] = ()
    """Also compare how frames are fitted into the square: letterbox,stretch,crop. The clips are made again
    from the videos that the store was made from."""
    all_clips: bool = False
    """Use the clips of the test split too. It is left alone otherwise, so that what is chosen here can be
    judged on it."""
    curve: bool = True
    """Learning curves: fits on parts of the clips too. `--no-curve` leaves them out."""
    seed: int = 0
    """Seed of everything random."""

    def __post_init__(self) -> None:
        if not self.backbone:
            raise UsageError("--backbone names none; give at least one.")
        for flag, value, low in (
            ("--folds", self.folds, 2),
            ("--repeats", self.chosen_repeats, 1),
            ("--epochs", self.epochs, 1),
            ("--patience", self.patience, 1),
            ("--seed", self.seed, 0),
        ):
            if value < low:
                raise UsageError(f"{flag} is {value}; allowed: {low} or more.")
        if self.seed > MAX_SEED - self.chosen_repeats * self.folds:
            raise UsageError(
                f"--seed is {self.seed}; allowed: 0 to {MAX_SEED - self.chosen_repeats * self.folds}."
            )
        check_hidden_sizes(self.hidden_sizes)
        heads_named(self.heads)
        if unknown := sorted(set(self.chosen_fits) - set(get_args(Fit))):
            raise UsageError(f"--fit has {', '.join(unknown)}; allowed: {', '.join(get_args(Fit))}.")

    @property
    def chosen_fits(self) -> tuple[str, ...]:
        """`fit`, one by one: commas and several arguments mean the same."""
        return tuple(name.strip() for text in self.fit for name in text.split(",") if name.strip())

    @property
    def chosen_heads(self) -> tuple[Head, ...]:
        """The heads that are compared."""
        return heads_named(self.heads)

    @property
    def chosen_repeats(self) -> int:
        """`repeats` with the default decided."""
        if self.repeats is not None:
            return self.repeats
        return QUICK_REPEATS if self.quick else FULL_REPEATS

    @property
    def training(self) -> TrainOptions:
        """What all fits have in common."""
        return TrainOptions(epochs=self.epochs, patience=self.patience, seed=self.seed)

    def to_dict(self) -> dict[str, Any]:
        """What decides how a comparison ends, JSON-ready."""
        return {
            "backbone": list(self.backbone),
            "quick": self.quick,
            "heads": [head.name for head in self.chosen_heads],
            "hidden_sizes": sorted(set(self.hidden_sizes)),
            "folds": self.folds,
            "repeats": self.chosen_repeats,
            "epochs": self.epochs,
            "patience": self.patience,
            "fit": list(self.chosen_fits),
            "all_clips": self.all_clips,
            "curve": self.curve,
            "seed": self.seed,
        }
