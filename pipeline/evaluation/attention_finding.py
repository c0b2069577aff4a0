"""Whether a model's attention was found to tell which frames count: kept in its file, said in its reports."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Self

from pipeline.errors import CheckpointError
from pipeline.model.checkpoint import Checkpoint

LEAST_ADVANTAGE = 0.001
"""An order that is better than random ones by less, as a mean of probabilities, is not called better."""


@dataclass(frozen=True, kw_only=True)
class Advantage:
    """What an order of frames is better by than random orders (`frame_curves`), on average over clips.

    Attributes:
        mean: over the clips; 0 is none.
        interval: its 95 % interval; None with too few groups.
    """

    mean: float
    interval: tuple[float, float] | None

    @property
    def beats_random(self) -> bool | None:
        """Whether the order is better than random ones, beyond the interval; None: that cannot be told."""
        return self.interval[0] > LEAST_ADVANTAGE if self.interval else None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {"mean": self.mean, "interval": list(self.interval) if self.interval else None}

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Rebuilds it; raises ValueError or TypeError."""
        mean, interval = values["mean"], values["interval"]
        ends = [] if interval is None else list(interval)
        if len(ends) not in (0, 2) or not all(isinstance(each, int | float) for each in (mean, *ends)):
            raise ValueError(f"an advantage of {values!r}")
        return cls(mean=float(mean), interval=(float(ends[0]), float(ends[1])) if ends else None)

    def words(self) -> str:
        """The figure with its interval."""
        sure = f", 95 % interval {self.interval[0]:+.3f} to {self.interval[1]:+.3f}" if self.interval else ""
        return f"{self.mean:+.3f}{sure}"


@dataclass(frozen=True, kw_only=True)
class AttentionFinding:
    """What was found on some clips.

    Attributes:
        split: which clips: train, val, test or all.
        num_clips: how many; num_groups: independent groups among them.
        attention: the advantage of the order of the attention weights; None: the model has no attention.
        leave_one_out: that of the order of the leave-one-out importances.
    """

    split: str
    num_clips: int
    num_groups: int
    attention: Advantage | None
    leave_one_out: Advantage

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "AttentionFinding | None":
        """What a model's file says was found; None if nothing does.

        Raises:
            CheckpointError: it says what cannot be.
        """
        finding = cls.from_dict(checkpoint.explanations)
        if finding is None or checkpoint.model.head.has_attention:
            return finding
        return replace(finding, attention=None)  # older files judge a fixed rule like an attention

    @property
    def attention_trusted(self) -> bool | None:
        """Whether attention is better than random order; None: too few groups to tell, or no attention."""
        return self.attention.beats_random if self.attention else None

    @property
    def attention_note(self) -> str:
        """The same in words, and how leave-one-out did."""
        clips = f"{self.num_clips} {_SPLITS.get(self.split, self.split)}"
        other = self.leave_one_out.words()
        if self.attention is None:
            return f"{_NO_ATTENTION} On {clips}, {self._leave_one_out_words} ({other})."
        own = self.attention.words()
        if self.attention_trusted is None:
            return (
                f"Whether this model's attention tells which frames count cannot be told from "
                f"{self.num_groups} independent groups. On {clips}, its order was better than random order "
                f"by {own}; that of leave-one-out by {other}."
            )
        said = f"On {clips}, this model's attention was {{}} than random order at telling which frames count"
        if self.attention_trusted:
            too = "Leave-one-out was too" if self.leave_one_out.beats_random else "Leave-one-out was not"
            return f"{said.format('better')} ({own}). {too} ({other})."
        highest = self.attention.interval[1] if self.attention.interval else 0.0
        how = "not surely better" if highest > LEAST_ADVANTAGE else "no better"
        how = "worse" if highest < -LEAST_ADVANTAGE else how
        advice = (
            f"Go by leave-one-out, which was better than random order ({other})."
            if self.leave_one_out.beats_random
            else f"Nor was leave-one-out ({other}): no single frame counts much more than the others."
        )
        return f"{said.format(how)} ({own}). {advice}"

    @property
    def _leave_one_out_words(self) -> str:
        """How leave-one-out did, where there is no attention beside it."""
        beats = self.leave_one_out.beats_random
        if beats is None:
            return (
                "the order of leave-one-out was compared with random order, and whether it is better cannot "
                f"be told from {self.num_groups} independent groups"
            )
        how = "was better" if beats else "was not surely better"
        return f"leave-one-out {how} than random order at telling which frames count"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            **asdict(self),
            "attention": self.attention.to_dict() if self.attention else None,
            "leave_one_out": self.leave_one_out.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any] | None) -> "AttentionFinding | None":
        """Rebuilds a finding from a checkpoint; None if it has none.

        Raises:
            CheckpointError: it says what cannot be.
        """
        if values is None:
            return None
        try:
            if set(values) != {field.name for field in fields(cls)}:
                raise ValueError("missing or unknown fields")
            whole = [values["num_clips"], values["num_groups"]]
            if not isinstance(values["split"], str) or not all(isinstance(number, int) for number in whole):
                raise ValueError("values that cannot be")
            return cls(
                split=values["split"],
                num_clips=values["num_clips"],
                num_groups=values["num_groups"],
                attention=None if values["attention"] is None else Advantage.from_dict(values["attention"]),
                leave_one_out=Advantage.from_dict(values["leave_one_out"]),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise CheckpointError(
                f"what the model's file says of its attention cannot be ({error}). Train the model again."
            ) from error


_NO_ATTENTION = "This model has no attention: it puts the frames together by a fixed rule."
_SPLITS = {"train": "training clips", "val": "validation clips", "test": "test clips", "all": "clips"}
