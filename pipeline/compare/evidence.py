"""All answers of a comparison, put together by head: each clip held back once a repeat."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from pipeline.compare.answers import Answers
from pipeline.compare.choice import Chosen
from pipeline.compare.heads import Head
from pipeline.compare.jobs import FitKey
from pipeline.compare.one_fit import FitAnswers
from pipeline.compare.options import CompareOptions
from pipeline.compare.plan import Plan
from pipeline.compare.scorer import Scored, Scorer
from pipeline.compare.settings import Setting
from pipeline.compare.variants import Variant


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What all fits said.

    Attributes:
        name: of the clips.
        plan: which clips each fit learned from and was judged on.
        options: of the comparison.
        num_frames: T.
        variants: the kinds of features, the reference first.
        feature_dims: D of each.
        answers: of each fit.
        settings: of each fit.
        chosen: the setting kept in each fold.
    """

    name: str
    plan: Plan
    options: CompareOptions
    num_frames: int
    variants: tuple[Variant, ...]
    feature_dims: Mapping[str, int]
    answers: Mapping[FitKey, FitAnswers] = field(repr=False)
    settings: Mapping[FitKey, Setting] = field(repr=False)
    chosen: Chosen = field(repr=False)

    @property
    def reference(self) -> str:
        """Name of the features that verdicts are about."""
        return next(variant.name for variant in self.variants if variant.is_reference)

    @property
    def true(self) -> np.ndarray:
        """Classes (N,) of the clips that are held back."""
        return np.asarray(self.plan.class_indices[self.plan.held])

    @property
    def groups(self) -> list[str]:
        """Their groups."""
        return [self.plan.clips[row].group for row in self.plan.held]

    @cached_property
    def scorer(self) -> Scorer:
        """Scores all heads on the same draws."""
        return Scorer(
            self.true,
            self.groups,
            num_classes=len(self.plan.labels),
            folds_by_share=self.options.folds * self.plan.test_share,
            seed=self.options.seed,
        )

    def heads_of(self, variant: str) -> tuple[Head, ...]:
        """The heads that were fitted on these features."""
        fitted = {key.head for key in self.answers if key.variant == variant}
        return tuple(head for head in self.options.chosen_heads if head.name in fitted)

    def fits(
        self, variant: str, head: str, *, fraction: float = 1.0, setting: int | None = None
    ) -> list[FitAnswers]:
        """The fit of each fold of each repeat, with the setting kept there or a given one."""
        return [self.answers[key] for key in self.keys(variant, head, fraction=fraction, setting=setting)]

    def keys(
        self, variant: str, head: str, *, fraction: float = 1.0, setting: int | None = None
    ) -> list[FitKey]:
        """Their names."""
        return [
            FitKey(
                variant,
                head,
                fraction,
                self.chosen[variant, head, fold.repeat, fold.fold] if setting is None else setting,
                fold.repeat,
                fold.fold,
            )
            for fold in self.plan.folds
        ]

    def pooled(
        self, variant: str, head: str, *, fraction: float = 1.0, setting: int | None = None
    ) -> Answers:
        """Answers (R, N) on all clips that are held back."""
        fits = self.fits(variant, head, fraction=fraction, setting=setting)
        predicted = self._spread([fit.predicted for fit in fits]).astype(np.int64)
        losses = self._spread([fit.losses for fit in fits])
        shuffled = None
        if all(fit.shuffled is not None for fit in fits):
            orders = [np.asarray(fit.shuffled) for fit in fits]
            rounds = [self._spread([each[number] for each in orders]) for number in range(len(orders[0]))]
            shuffled = np.stack(rounds, axis=1).astype(np.int64)  # (R, S, N)
        return Answers(predicted=predicted, losses=losses, shuffled=shuffled)

    def scored(self, variant: str, head: str, *, fraction: float = 1.0, setting: int | None = None) -> Scored:
        """The scores of these answers."""
        return self.scorer.score(self.pooled(variant, head, fraction=fraction, setting=setting))

    def trained_macro_f1(self, variant: str, head: str) -> np.ndarray:
        """On the clips learned from, of each fold (folds of all repeats,)."""
        return np.array([fit.figures["train_macro_f1"] for fit in self.fits(variant, head)])

    def epochs_to_best(self, variant: str, head: str) -> np.ndarray | None:
        """Epochs until the lowest validation loss, of each fold; None for what is not trained in epochs."""
        fits = self.fits(variant, head)
        if not all(fit.figures["epochs"] for fit in fits):
            return None
        return np.array([fit.figures["best_epoch"] for fit in fits])

    def top_frame_gains(self, variant: str, head: str) -> np.ndarray | None:
        """What the frame with most attention is worth beside another one; None without attention.

        Returns:
            (N,) how much more the probability of the answer falls without it than, on average, without
            another frame; averaged over repeats.
        """
        fits = self.fits(variant, head)
        if any(fit.falls is None or fit.attention is None for fit in fits):
            return None
        gains = [top_frame_gains(np.asarray(fit.falls), np.asarray(fit.attention)) for fit in fits]
        return np.asarray(self._spread(gains).mean(axis=0))

    def _spread(self, of_folds: list[np.ndarray]) -> np.ndarray:
        """Values of the clips of each fold as (R, N) of all clips held back."""
        place = {int(row): column for column, row in enumerate(self.plan.held)}
        values = np.full((self.plan.num_repeats, len(self.plan.held)), np.nan)
        for fold, found in zip(self.plan.folds, of_folds, strict=True):
            columns = [place[int(row)] for row in fold.test]
            values[fold.repeat, columns] = found
        return values


def top_frame_gains(falls: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """How much more the probability falls without the frame with most attention than without another (n,).

    Args:
        falls: (n, T), NaN where it was not tried; it was for the frame with most attention.
        attention: (n, T).

    Returns:
        Its fall minus the mean of the others that were tried; 0 where there is no other.
    """
    places = attention.argmax(axis=1)[:, None]
    top = np.take_along_axis(falls, places, axis=1)[:, 0]
    others = falls.copy()
    np.put_along_axis(others, places, np.nan, axis=1)
    number = np.isfinite(others).sum(axis=1)
    mean = np.nansum(others, axis=1) / np.maximum(number, 1)
    return np.asarray(np.where(number > 0, top - mean, 0.0))
