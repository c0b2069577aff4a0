"""Sentences of a verdict, each bound to the numbers that it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.compare.figure import Figure
from pipeline.compare.rule import SupportedRung
from pipeline.compare.scorer import PRIMARY, Scored, Scorer
from pipeline.evaluation.intervals import MIN_GROUPS_FOR_INTERVAL


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer of a verdict.

    Attributes:
        topic: what it answers: head, order, clips or shrink.
        answer: in a word or two, one of a few for each topic.
        sentence: in plain words.
        numbers: JSON-ready, all that the sentence says and what it rests on.
    """

    topic: str
    answer: str
    sentence: str
    numbers: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "topic": self.topic,
            "answer": self.answer,
            "sentence": self.sentence,
            "numbers": self.numbers,
        }


@dataclass(frozen=True, kw_only=True)
class Scoreboard:
    """All heads on one kind of features, scored on all clips.

    Attributes:
        scorer: that scored them.
        scored: by name of the head, the ladder first, simplest first.
        shuffled: of those that read the order of the frames, on shuffled frames.
        reads_order: names of the heads whose answer may hang on the order of the frames.
        titles: of each head, in words.
        rung: which rung they support.
    """

    scorer: Scorer
    scored: Mapping[str, Scored]
    shuffled: Mapping[str, Scored]
    reads_order: frozenset[str]
    titles: Mapping[str, str]
    rung: SupportedRung

    @property
    def over(self) -> str:
        """What the figures rest on: `300 clips of 60 groups`, or `300 clips` where each is its own group."""
        clips = f"{self.scorer.num_clips} clips"
        return clips if self._is_ungrouped else f"{clips} of {self.scorer.num_groups} groups"

    @property
    def _is_ungrouped(self) -> bool:
        return self.scorer.num_groups == self.scorer.num_clips

    @property
    def size(self) -> dict[str, Any]:
        """The same as numbers."""
        return {"num_clips": self.scorer.num_clips, "num_groups": self.scorer.num_groups}

    @property
    def too_few(self) -> str:
        """Why nothing can be told, where that is so."""
        return f"cannot be told from {self.over}: {self.needs}"

    @property
    def needs(self) -> str:
        """What it takes to tell something."""
        what = "clips" if self._is_ungrouped else "groups"
        return f"it takes {MIN_GROUPS_FOR_INTERVAL} independent {what} at least"

    def macro_f1(self, name: str) -> float:
        """Of a head on all clips."""
        return self.scored[name].values[PRIMARY]

    def difference(self, first: str, second: str) -> Figure:
        """In macro-F1, paired, first minus second."""
        return self.scorer.differences(self.scored[first], self.scored[second])[PRIMARY]

    def best_of(self, names: list[str]) -> str:
        """The one with the highest macro-F1; of equals the first."""
        return max(names, key=self.macro_f1)
