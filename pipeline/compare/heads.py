"""The heads that are compared: a ladder, on which each rung has one part more, and some beside it.

Every head but the majority is a set of training options, so that what is found can be trained as it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.errors import UsageError

MAJORITY = "majority"
FULL, PLAIN_LSTM = "full", "lstm_last"

Tuned = Literal["nothing", "penalty", "attention", "recurrent"]


@dataclass(frozen=True, kw_only=True)
class Head:
    """One of the heads.

    Attributes:
        name: in files and options.
        title: in tables.
        what: in a sentence, for someone who has not met it.
        place: on the ladder, or beside it.
        rung: from 1; None beside the ladder.
        reads_order: whether its answer can depend on the order of the frames.
        adds_to: the head that it is compared with: the rung below, or what it changes; None: the first.
        options: training options that make it, as far as they are not the default.
        tuned: which settings are tried for it.
    """

    name: str
    title: str
    what: str
    rung: int | None
    reads_order: bool
    adds_to: str | None
    options: Mapping[str, Any] = field(default_factory=dict)
    tuned: Tuned = "recurrent"

    @property
    def place(self) -> Literal["ladder", "beside"]:
        """On the ladder, or beside it."""
        return "beside" if self.rung is None else "ladder"

    @property
    def is_linear(self) -> bool:
        """Whether it is a logistic regression, which is solved and not trained in epochs."""
        return self.tuned == "penalty"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "name": self.name,
            "title": self.title,
            "what": self.what,
            "place": self.place,
            "rung": self.rung,
            "reads_order": self.reads_order,
            "adds_to": self.adds_to,
        }


_NO_RECURRENCE = {"input": "plain", "lstm_layers": 0, "bidirectional": False, "time_dense": False}
_ONE_WAY = {"input": "plain", "bidirectional": False, "time_dense": False, "pooling": "mean"}
_FULL = {"input": "plain", "lstm_layers": 2}

LADDER: tuple[Head, ...] = (
    Head(
        name=MAJORITY,
        title="majority class",
        what="Always says the class with the most training clips; its probabilities are the classes' shares.",
        rung=1,
        reads_order=False,
        adds_to=None,
        tuned="nothing",
    ),
    Head(
        name="single_frame",
        title="single frame + linear",
        what="Looks at the middle frame alone and draws straight lines between the classes (logistic "
        "regression).",
        rung=2,
        reads_order=False,
        adds_to=MAJORITY,
        options={**_NO_RECURRENCE, "pooling": "centre"},
        tuned="penalty",
    ),
    Head(
        name="mean",
        title="mean + linear",
        what="Draws straight lines between the classes on the average of all frames: what is in the clip, "
        "whenever it is there.",
        rung=3,
        reads_order=False,
        adds_to="single_frame",
        options={**_NO_RECURRENCE, "pooling": "mean"},
        tuned="penalty",
    ),
    Head(
        name="mean_std_difference",
        title="mean, std, difference + linear",
        what="Draws straight lines on the average of all frames, how much each feature varies in the clip, "
        "and its last frame minus its first.",
        rung=4,
        reads_order=True,
        adds_to="mean",
        options={**_NO_RECURRENCE, "pooling": "statistics"},
        tuned="penalty",
    ),
    Head(
        name="attention_pooling",
        title="attention pooling",
        what="A weighted average of the frames, with weights that are learned from what a frame shows; blind "
        "to their order.",
        rung=5,
        reads_order=False,
        adds_to="mean_std_difference",
        options={**_NO_RECURRENCE, "pooling": "attention"},
        tuned="attention",
    ),
    Head(
        name="lstm",
        title="LSTM",
        what="Reads the frames in their order with one LSTM layer, and averages its states.",
        rung=6,
        reads_order=True,
        adds_to="attention_pooling",
        options={**_ONE_WAY, "lstm_layers": 1},
    ),
    Head(
        name="lstm2",
        title="2x LSTM",
        what="Two LSTM layers, one on top of the other; averaged.",
        rung=7,
        reads_order=True,
        adds_to="lstm",
        options={**_ONE_WAY, "lstm_layers": 2},
    ),
    Head(
        name="lstm2_bi",
        title="2x LSTM + Bi-LSTM",
        what="Two LSTM layers, and a third that reads the clip forwards and backwards; averaged.",
        rung=8,
        reads_order=True,
        adds_to="lstm2",
        options={**_FULL, "time_dense": False, "pooling": "mean"},
    ),
    Head(
        name="attention",
        title="2x LSTM + Bi-LSTM + attention",
        what="The same three layers, their states weighed by a learned (additive) attention.",
        rung=9,
        reads_order=True,
        adds_to="lstm2_bi",
        options={**_FULL, "time_dense": False},
    ),
    Head(
        name=FULL,
        title="full design (with dense)",
        what="The same, each state shrunk to half its width before the attention: all parts of the design.",
        rung=10,
        reads_order=True,
        adds_to="attention",
        options=_FULL,
    ),
)

BESIDE: tuple[Head, ...] = (
    Head(
        name=PLAIN_LSTM,
        title="plain LSTM, last state",
        what="One LSTM layer whose last state decides: what the design set out to beat.",
        rung=None,
        reads_order=True,
        adds_to="lstm",
        options={**_ONE_WAY, "lstm_layers": 1, "pooling": "last"},
    ),
    Head(
        name="dot_attention",
        title="full design, dot attention",
        what="The full design with the simpler attention: one product with a learned vector for each frame.",
        rung=None,
        reads_order=True,
        adds_to=FULL,
        options={**_FULL, "pooling": "dot"},
    ),
    Head(
        name="half_bidirectional",
        title="full design, half the Bi-LSTM",
        what="The full design with half as many units in each direction of the Bi-LSTM, so that its state is "
        "as wide as that of a one-way layer, of about as many parameters.",
        rung=None,
        reads_order=True,
        adds_to=FULL,
        options=_FULL,
    ),
    Head(
        name="gru",
        title="full design of GRUs",
        what="The full design with gated recurrent units, which have one gate less.",
        rung=None,
        reads_order=True,
        adds_to=FULL,
        options={**_FULL, "recurrence": "gru"},
    ),
    Head(
        name="convolution",
        title="full design of convolutions",
        what="The full design with convolutions over three neighbouring frames instead of recurrent layers, "
        "of about the same size.",
        rung=None,
        reads_order=True,
        adds_to=FULL,
        options={**_FULL, "recurrence": "convolution"},
    ),
    Head(
        name="default",
        title="Clipwise's default",
        what="The full design as `train` builds it without options: on features that are normalised and "
        "projected, with what changes within the clip beside them.",
        rung=None,
        reads_order=True,
        adds_to=FULL,
        options={},
    ),
)

HEADS: dict[str, Head] = {head.name: head for head in (*LADDER, *BESIDE)}
"""By name: the ladder from below, then those beside it."""


def heads_named(names: Sequence[str]) -> tuple[Head, ...]:
    """The heads of these names in the order of the ladder, the majority among them; all where none is named.

    Raises:
        UsageError: an unknown name, or none but the majority.
    """
    if not names:
        return tuple(HEADS.values())
    unknown = sorted(set(names) - set(HEADS))
    if unknown:
        raise UsageError(f"--heads has {', '.join(unknown)}; allowed: {', '.join(HEADS)}.")
    chosen = tuple(head for head in HEADS.values() if head.name in (MAJORITY, *names))
    if len(chosen) < 2:
        raise UsageError(f"--heads names the majority alone; add others of: {', '.join(HEADS)}.")
    return chosen
