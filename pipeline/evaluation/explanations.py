"""Are a model's explanations true? Its orders of frames against random ones, and models against another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.evaluation.agreement import Agreement, likeness
from pipeline.evaluation.attention_finding import Advantage, AttentionFinding
from pipeline.evaluation.draws import Interval
from pipeline.evaluation.frame_curves import FrameCurves, frame_curves, mean_curves, order_of
from pipeline.evaluation.importance import leave_one_out
from pipeline.evaluation.intervals import mean_interval
from pipeline.evaluation.predict import Prediction, predict
from pipeline.model.head import SequenceHead
from pipeline.model.lengths import valid_steps

ATTENTION, LEAVE_ONE_OUT, RANDOM = "attention", "leave_one_out", "random"
ORDER_TEXTS = {ATTENTION: "attention", LEAVE_ONE_OUT: "leave-one-out", RANDOM: "random order"}
"""The orders, as they are called in tables."""
NUM_RANDOM_ORDERS = 4
"""A clip; every other one is the one before reversed, which costs nothing (see `frame_curves`)."""

_SEED = 20_202


@dataclass(frozen=True, kw_only=True)
class Explained:
    """A model on the clips whose explanations are measured.

    Attributes:
        head: in eval mode.
        features: (N, T, D) of the clips by its backbone; each has at least 2 steps that are not padding.
        temperature: of its calibration.
    """

    head: SequenceHead
    features: np.ndarray
    temperature: float


@dataclass(frozen=True, kw_only=True)
class OrderFigures:
    """How one order of the frames did, on average over the clips.

    Attributes:
        curves: the mean curves.
        deletion_gain: how much smaller its deletion area is than that of random orders.
        insertion_gain: how much larger its insertion area is than that of random orders.
        deletion_interval, insertion_interval: their 95 % intervals; None with too few groups.
        advantage: the mean of both gains, which does not depend on the random orders that were drawn.
    """

    curves: FrameCurves
    deletion_gain: float
    insertion_gain: float
    deletion_interval: Interval | None
    insertion_interval: Interval | None
    advantage: Advantage

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            **curves_to_dict(self.curves),
            "deletion_gain": {
                "mean": self.deletion_gain,
                "interval": list(self.deletion_interval) if self.deletion_interval else None,
            },
            "insertion_gain": {
                "mean": self.insertion_gain,
                "interval": list(self.insertion_interval) if self.insertion_interval else None,
            },
            "advantage": self.advantage.to_dict(),
            "beats_random": self.advantage.beats_random,
        }


@dataclass(frozen=True, kw_only=True)
class Explanations:
    """What was found of a model's explanations on a set of clips.

    Attributes:
        finding: whether attention and leave-one-out are better than random order.
        orders: figures of `leave_one_out`, and of `attention` where the model has one.
        random: the mean curves of `NUM_RANDOM_ORDERS` random orders a clip.
        agreement: with models trained with other seeds; None: there was none to compare with.
    """

    finding: AttentionFinding
    orders: Mapping[str, OrderFigures]
    random: FrameCurves
    agreement: Agreement | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            **self.finding.to_dict(),
            "attention_trusted": self.finding.attention_trusted,
            "attention_note": self.finding.attention_note,
            "num_random_orders": NUM_RANDOM_ORDERS,
            "orders": {
                **{name: figures.to_dict() for name, figures in self.orders.items()},
                RANDOM: curves_to_dict(self.random),
            },
            "agreement": self.agreement.to_dict() if self.agreement else None,
        }


def curves_to_dict(curves: FrameCurves) -> dict[str, Any]:
    """JSON-ready values."""
    return {
        "deletion": curves.deletion.tolist(),
        "insertion": curves.insertion.tolist(),
        "deletion_area": curves.deletion_area,
        "insertion_area": curves.insertion_area,
    }


def measure_explanations(
    model: Explained,
    predictions: Sequence[Prediction],
    groups: Sequence[str],
    *,
    split: str,
    others: Sequence[Explained] = (),
) -> Explanations:
    """Takes frames out of clips and puts them in, in the order of attention, of leave-one-out, and at random.

    Args:
        model: the one that is judged.
        predictions: what it says of each clip.
        groups: the group of each clip.
        split: which clips these are.
        others: models that it is compared with, on the same clips.
    """
    random = np.random.default_rng(_SEED)
    has_attention = model.head.config.has_attention
    names = (ATTENTION, LEAVE_ONE_OUT) if has_attention else (LEAVE_ONE_OUT,)
    of_clips: dict[str, list[FrameCurves]] = {name: [] for name in (*names, RANDOM)}
    weights = [prediction.attention_weights for prediction in predictions]  # N of (T,)
    classes = [prediction.class_index for prediction in predictions]
    falls = _falls(model, classes)
    for row, clip in enumerate(map(valid_steps, model.features)):
        drawn = [random.permutation(len(clip)) for _ in range(NUM_RANDOM_ORDERS // 2)]
        told = {ATTENTION: weights[row], LEAVE_ONE_OUT: falls[row]}
        curves = frame_curves(
            model.head,
            clip,
            classes[row],
            [
                *(order_of(told[name], random) for name in names),
                *(each for order in drawn for each in (order, order[::-1])),
            ],
            temperature=model.temperature,
        )
        for name, own in zip(names, curves, strict=False):
            of_clips[name].append(own)
        of_clips[RANDOM].append(mean_curves(curves[len(names) :]))
    figures = {name: _figures(of_clips[name], of_clips[RANDOM], groups) for name in names}
    return Explanations(
        finding=AttentionFinding(
            split=split,
            num_clips=len(classes),
            num_groups=len(set(groups)),
            attention=figures[ATTENTION].advantage if has_attention else None,
            leave_one_out=figures[LEAVE_ONE_OUT].advantage,
        ),
        orders=figures,
        random=mean_curves(of_clips[RANDOM]),
        agreement=Agreement(
            num_models=1 + len(others),
            attention=likeness([weights, *map(_weights, others)], groups)
            if has_attention and all(other.head.config.has_attention for other in others)
            else None,
            leave_one_out=likeness([falls, *(_falls(other, classes) for other in others)], groups),
        )
        if others
        else None,
    )


def _falls(model: Explained, classes: Sequence[int]) -> list[np.ndarray]:
    """Leave-one-out importances, N of (T,), for a class of each clip."""
    return [
        leave_one_out(model.head, clip, index, temperature=model.temperature)
        for clip, index in zip(model.features, classes, strict=True)
    ]


def _weights(model: Explained) -> list[np.ndarray]:
    """Attention weights, N of (T,)."""
    return [predict(model.head, clip).attention_weights for clip in model.features]


def _figures(
    own: Sequence[FrameCurves], random: Sequence[FrameCurves], groups: Sequence[str]
) -> OrderFigures:
    """The figures of an order: each clip's areas beside those of its random orders."""
    deletion = np.array(
        [other.deletion_area - each.deletion_area for each, other in zip(own, random, strict=True)]
    )
    insertion = np.array(
        [each.insertion_area - other.insertion_area for each, other in zip(own, random, strict=True)]
    )
    advantages = np.array([each.advantage for each in own])
    return OrderFigures(
        curves=mean_curves(own),
        deletion_gain=float(deletion.mean()),
        insertion_gain=float(insertion.mean()),
        deletion_interval=mean_interval(deletion, groups),
        insertion_interval=mean_interval(insertion, groups),
        advantage=Advantage(mean=float(advantages.mean()), interval=mean_interval(advantages, groups)),
    )
