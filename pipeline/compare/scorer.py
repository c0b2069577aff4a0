"""Scores of heads, and of their differences, with intervals over groups that hold.

Drawing groups again tells how a score would vary with other clips to be judged by, not with other clips to
learn from. For the mean score of a k-fold cross-validation Nadeau and Bengio (Inference for the
Generalization Error, 2003) multiply the variance of independent folds by 1 + k x test / train, which is too
much here: an interval over groups holds a part of it. Simulated with 40 groups and 5 folds
(`scripts/bench_verdict.py`; the truth is the mean score of fits on as many clips), `RETRAINING_SHARE` of the
second term, and all of it for the log-loss, made 95 % intervals hold the truth in

                                                              plain          widened
    regressions refitted, macro-F1 of a head                  .89 to .94     .94 to .98
    the same, paired differences                              .91 to .96     .95 to .99
    the same, log-loss, both                                  .80 to 1.00    .92 to 1.00
    refitted on 40 features of few clips, macro-F1, both      .83 to .95     .91 to .98
    the same, log-loss, both                                  .63 to .96     .81 to 1.00
    nothing refitted, macro-F1, both                          .93 to .95     .97 to .98

of 400 runs each, lowest to highest of three kinds of regression and of two or three kinds of clips.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from pipeline.compare.answers import Answers
from pipeline.compare.figure import Figure
from pipeline.evaluation.draws import GroupDraws, class_counts, scores_of_sums
from pipeline.evaluation.intervals import MIN_GROUPS_FOR_INTERVAL, SCORE_KEYS

PRIMARY = "macro_f1"
LOG_LOSS = "log_loss"
RETRAINING_SHARE, LOG_LOSS_SHARE = 0.4, 1.0


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores of one head, and the same scores of each draw of groups.

    Attributes:
        values: by name: `SCORE_KEYS`, and `log_loss` where losses are known.
        draws: (B,) for each of them; None with too few groups.
        sure: whether the draws say something: not where every answer is right, or every one wrong, which
            each draw repeats.
    """

    values: dict[str, float]
    draws: dict[str, np.ndarray] | None
    sure: bool


class Scorer:
    """Scores all heads on the same draws of groups, so that differences of heads are paired.

    The score of a head is that of its held-back answers of a repeat together, averaged over repeats.

    Attributes:
        num_clips: N.
        num_groups: G; with fewer than `MIN_GROUPS_FOR_INTERVAL` there are no intervals.
        chance: the balanced accuracy of any head that looks at nothing: 1 by the classes that occur.
        widening: what the distances of the ends of an interval from the figure are multiplied with;
            log_loss_widening: the same where it is a log-loss.
    """

    def __init__(
        self,
        true: np.ndarray,
        groups: Sequence[str],
        *,
        num_classes: int,
        folds_by_share: float,
        seed: int = 0,
    ) -> None:
        """Takes what is true of the clips.

        Args:
            true: class indices (N,).
            groups: the group of each clip.
            num_classes: K.
            folds_by_share: folds of a repeat times the clips judged by the clips trained on in one of them:
                5 x 0.2 / 0.8 = 1.25 where nothing else is held back.
            seed: of the draws.
        """
        self._true, self.num_classes = np.asarray(true), num_classes
        self.num_clips = len(self._true)
        if len(groups) != self.num_clips:
            raise ValueError(f"{len(groups)} groups for {self.num_clips} clips; each clip has one.")
        self._draws = GroupDraws(groups, seed=seed)
        self.num_groups = self._draws.num_groups
        self.widening = math.sqrt(1 + RETRAINING_SHARE * folds_by_share)
        self.log_loss_widening = math.sqrt(1 + LOG_LOSS_SHARE * folds_by_share)
        self.chance = 1 / len(np.unique(self._true))

    @property
    def can_tell(self) -> bool:
        """Whether there are groups enough for intervals."""
        return self.num_groups >= MIN_GROUPS_FOR_INTERVAL

    def score(self, answers: Answers) -> Scored:
        """Scores of a head on the true order of the frames."""
        return self._score(answers.predicted, answers.losses)

    def score_shuffled(self, answers: Answers) -> Scored:
        """Scores of a head on shuffled frames, averaged over the orders; raises ValueError without them."""
        if answers.shuffled is None:
            raise ValueError("these answers hold none on shuffled frames.")
        return self._score(answers.shuffled.reshape(-1, self.num_clips), None)

    def figures(self, scored: Scored) -> dict[str, Figure]:
        """Each score with its interval."""
        highest = {LOG_LOSS: math.inf}
        return {
            key: self._figure(value, scored.draws[key], key, (0.0, highest.get(key, 1.0)))
            if scored.draws is not None and scored.sure
            else Figure(mean=value)
            for key, value in scored.values.items()
        }

    def differences(self, first: Scored, second: Scored) -> dict[str, Figure]:
        """First minus second, of each score that both have, paired over the same draws.

        Where both gave the same answers on all clips the difference of their scores is 0, and so are the
        ends of its interval: no clip here tells them apart.
        """
        return self.contrast(((1.0, first), (-1.0, second)))

    def contrast(self, terms: Sequence[tuple[float, Scored]]) -> dict[str, Figure]:
        """The weighted sum of the scores of several heads, of each score that all have, on the same draws."""
        found = self.combined(terms)
        return {
            key: Figure(mean=value) if found.draws is None else self._figure(value, found.draws[key], key)
            for key, value in found.values.items()
        }

    def combined(self, terms: Sequence[tuple[float, Scored]]) -> Scored:
        """The same sums, and those of each draw."""
        keys = [key for key in terms[0][1].values if all(key in each.values for _, each in terms)]
        values = {key: sum(weight * each.values[key] for weight, each in terms) for key in keys}
        draws: dict[str, np.ndarray] | None = None
        if self.can_tell:
            draws = {
                key: np.sum([weight * each.draws[key] for weight, each in terms if each.draws], axis=0)
                for key in keys
            }
        return Scored(values=values, draws=draws, sure=True)

    def mean(self, values: np.ndarray) -> Figure:
        """The mean of figures (N,) of single clips, averaged over repeats before."""
        values = np.asarray(values, dtype=float)
        if values.shape != (self.num_clips,):
            raise ValueError(f"figures of shape {values.shape}; one for each of {self.num_clips} clips.")
        mean = float(values.mean())
        if not self.can_tell or np.ptp(values) == 0:
            return Figure(mean=mean)
        return self._figure(mean, self._means(values))

    def _score(self, predicted: np.ndarray, losses: np.ndarray | None) -> Scored:
        """Of answers (R, N)."""
        if predicted.shape[1] != self.num_clips:
            raise ValueError(f"answers on {predicted.shape[1]} clips; there are {self.num_clips}.")
        counts = [class_counts(self._true, row, self.num_classes) for row in predicted]
        own = np.mean([scores_of_sums(each.sum(axis=0)[None])[0] for each in counts], axis=0)
        values = dict(zip(SCORE_KEYS, own.tolist(), strict=True))
        draws: dict[str, np.ndarray] | None = None
        if self.can_tell:
            drawn = np.mean([scores_of_sums(self._draws.sums(each)) for each in counts], axis=0)
            draws = dict(zip(SCORE_KEYS, drawn.T, strict=True))
        if losses is not None:
            of_clip = losses.mean(axis=0)
            values[LOG_LOSS] = float(of_clip.mean())
            if draws is not None:
                draws[LOG_LOSS] = self._means(of_clip)
        right = int((predicted == self._true).sum())
        return Scored(values=values, draws=draws, sure=0 < right < predicted.size)

    def _means(self, values: np.ndarray) -> np.ndarray:
        sums = self._draws.sums(csr_array(np.stack([np.ones(len(values)), values], axis=1)))
        return np.asarray(sums[:, 1] / sums[:, 0])

    def _figure(
        self,
        mean: float,
        drawn: np.ndarray,
        key: str = PRIMARY,
        bounds: tuple[float, float] = (-math.inf, math.inf),
    ) -> Figure:
        ((low, high),) = self._draws.intervals(drawn[:, None])
        wider = self.log_loss_widening if key == LOG_LOSS else self.widening
        lowest, highest = bounds
        return Figure(
            mean=mean,
            interval=(
                max(lowest, mean + wider * (low - mean)),
                min(highest, mean + wider * (high - mean)),
            ),
            se=wider * float(self._draws.standard_errors(drawn[:, None])[0]),
        )
