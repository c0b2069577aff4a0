"""What a judgement holds: all figures of one model on one set of clips."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.clips.store import Clip
from pipeline.evaluation.abstention import Abstention
from pipeline.evaluation.calibration import Calibration
from pipeline.evaluation.draws import Interval
from pipeline.evaluation.explanations import Explanations
from pipeline.evaluation.intervals import GroupScore
from pipeline.evaluation.metrics import ClassScores, Scores
from pipeline.evaluation.predict import Prediction
from pipeline.evaluation.reliability import Reliability
from pipeline.evaluation.verdict import Verdict
from pipeline.labels import Labels


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What a model did on a set of clips.

    Attributes:
        split: which clips: train, val, test or all.
        labels: the model's classes.
        num_used: clips that were judged; num_total: clips of the split, unreadable ones included.
        num_groups: independent groups among the judged clips.
        scores: of the model.
        log_loss: mean of -log p of the true class.
        top_k: share of clips whose true class is among the k most probable, for each k below K.
        intervals: 95 % intervals of these figures; None with too few groups.
        per_group: the accuracy on each group, where there are too few of them for intervals.
        per_class: figures of each class.
        confusion: (K, K) counts, rows true, columns predicted.
        baselines: scores of simpler methods on the same clips; None where one is not available.
        verdict: the model beside the best of them.
        calibration: how the model's probabilities were made to fit, and the answers it is unsure of.
        reliability: whether its probabilities mean what they say.
        abstention: what is left when unsure answers are withheld; None without a threshold.
        clips, predictions: the judged clips and what the model said of each.
        notes: sentences that belong to the figures.
        explanations: whether what is said of single frames is true; None: it was not asked for.
    """

    split: str
    labels: Labels
    num_used: int
    num_total: int
    num_groups: int
    scores: Scores
    log_loss: float
    top_k: dict[int, float]
    intervals: dict[str, Interval] | None
    per_group: tuple[GroupScore, ...] | None
    per_class: tuple[ClassScores, ...]
    confusion: np.ndarray
    baselines: dict[str, Scores | None]
    verdict: Verdict
    calibration: Calibration
    reliability: Reliability
    abstention: Abstention | None
    clips: tuple[Clip, ...]
    predictions: tuple[Prediction, ...]
    notes: tuple[str, ...]
    explanations: Explanations | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values, without the predictions of single clips."""
        return {
            "split": self.split,
            "num_used": self.num_used,
            "num_total": self.num_total,
            "num_groups": self.num_groups,
            **self.scores.to_dict(),
            "log_loss": self.log_loss,
            "top_k": {str(k): share for k, share in self.top_k.items()},
            "intervals": {key: list(pair) for key, pair in self.intervals.items()}
            if self.intervals
            else None,
            "per_group": [row.to_dict() for row in self.per_group] if self.per_group is not None else None,
            "per_class": [row.to_dict() for row in self.per_class],
            "confusion_matrix": self.confusion.tolist(),
            "baselines": {
                name: scores.to_dict() if scores else None for name, scores in self.baselines.items()
            },
            "verdict": self.verdict.to_dict(),
            "calibration": {**self.calibration.to_dict(), **self.reliability.to_dict()},
            "abstention": self.abstention.to_dict() if self.abstention else None,
            "notes": list(self.notes),
            **({"explanations": self.explanations.to_dict()} if self.explanations else {}),
        }
