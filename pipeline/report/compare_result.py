"""A finished comparison as its page and its tables look at it: heads in their order, figures in words."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.evaluation.baselines import MAJORITY
from pipeline.evaluation.intervals import MIN_GROUPS_FOR_INTERVAL

Figure = Mapping[str, Any]
"""A figure of a comparison: `mean`, `interval` (low, high) or None, `se` or None."""

ANSWERS = ("true", "false", "depends", "cannot be told")
"""What can be said of a claim."""

_SETTINGS = {"hidden": "size", "learning_rate": "rate", "dropout": "dropout", "penalty": "penalty"}


@dataclass(frozen=True, kw_only=True)
class CompareResult:
    """Looks things up in the content of result.json.

    Attributes:
        result: that content.
    """

    result: Mapping[str, Any]

    @property
    def reference(self) -> str:
        """The variant of features that sections speak of unless they compare variants: the first."""
        return str(self.result["variants"][0]["name"])

    @property
    def heads(self) -> list[Mapping[str, Any]]:
        """The ladder from below, then the heads beside it."""
        ranked = sorted(
            enumerate(self.result["heads"]),
            key=lambda item: (item[1]["place"] != "ladder", item[1]["rung"] or 0, item[0]),
        )
        return [head for _, head in ranked]

    @property
    def supported(self) -> str | None:
        """The head that the data supports."""
        name = self.result["verdict"].get("supported")
        return None if name is None else str(name)

    @property
    def best(self) -> str | None:
        """The head with the highest score."""
        name = self.result["verdict"].get("best")
        return None if name is None else str(name)

    @property
    def beats_nothing(self) -> bool:
        """Whether no head is surely better than guessing: then the majority is the one supported."""
        return self.supported == MAJORITY

    @property
    def best_words(self) -> str:
        """What the best is: it was looked for on the ladder, and a head beside it may have more."""
        places = {head["name"]: head["place"] for head in self.result["heads"]}
        return "best on the ladder" if places.get(self.best) == "ladder" else "best score"

    @property
    def num_groups(self) -> int:
        """How many groups the clips come from."""
        return int(self.result["data"]["num_groups"])

    @property
    def has_intervals(self) -> bool:
        """Whether there are groups enough for intervals."""
        return self.num_groups >= MIN_GROUPS_FOR_INTERVAL

    @property
    def is_given(self) -> bool:
        """Whether features were given instead of videos."""
        return all(each["backbone"] == "given" for each in self.result["variants"])

    @property
    def is_quick(self) -> bool:
        """Whether nothing was tuned."""
        return bool(self.result["plan"]["quick"])

    def title(self, name: str) -> str:
        """What a head is called."""
        return next((str(head["title"]) for head in self.result["heads"] if head["name"] == name), name)

    def rows(self, variant: str | None = None) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Each head with its results on a variant of the features (default: the reference), in order."""
        found = self._results(variant or self.reference)
        return [(head, found[head["name"]]) for head in self.heads if head["name"] in found]

    def pairs(self) -> list[Mapping[str, Any]]:
        """The compared pairs on the reference features: the ladder from below, then those beside it.

        Beside the ladder, all that are compared with the same head stand together.
        """
        order = {head["name"]: place for place, head in enumerate(self.heads)}
        is_beside = {head["name"]: head["place"] != "ladder" for head in self.heads}

        def place(pair: Mapping[str, Any]) -> tuple[bool, int, int]:
            beside = is_beside.get(pair["first"], True)
            first, second = (order.get(pair[side], len(order)) for side in ("first", "second"))
            return beside, second if beside else first, first

        return sorted((pair for pair in self.result["pairs"] if pair["variant"] == self.reference), key=place)

    def lines(self, key: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
        """Each head with its entry in `curves` or `hidden_sizes` of the reference; without empty ones."""
        entries = {
            entry["head"]: entry
            for entry in self.result.get(key) or ()
            if entry["variant"] == self.reference and entry["points"]
        }
        return [(head, entries[head["name"]]) for head in self.heads if head["name"] in entries]

    def sentences(self, *topics: str) -> list[str]:
        """What the verdict says on these topics; all of it where none is named."""
        return [
            str(each["sentence"])
            for each in self.result["verdict"]["sentences"]
            if not topics or each["topic"] in topics
        ]

    def shortfall(self, name: str) -> Mapping[str, Any] | None:
        """How far a head is `behind` the best, and how far chance alone may leave it, `allowed` (or None).

        None: it is no rung of the ladder, or the majority.
        """
        found: Mapping[str, Any] | None = self.result["verdict"].get("shortfalls", {}).get(name)
        return found

    def backbones(self) -> list[str]:
        """Variants that differ from the reference in the backbone alone, itself first."""
        fit = self.result["variants"][0]["fit"]
        return [str(each["name"]) for each in self.result["variants"] if each["fit"] == fit]

    def fits(self) -> list[str]:
        """The ways in which frames were fitted into the square, that of the reference first."""
        return list(dict.fromkeys(str(each["fit"]) for each in self.result["variants"]))

    def _results(self, variant: str) -> dict[str, Mapping[str, Any]]:
        return {row["head"]: row for row in self.result["results"] if row["variant"] == variant}


def value(figure: Figure | None, *, signed: bool = False) -> str:
    """A figure's mean with three digits; "-": there is none."""
    if figure is None or not math.isfinite(figure["mean"]):
        return "-"
    return _digits(figure["mean"], signed=signed)


def _digits(number: float, *, signed: bool) -> str:
    """Three digits, and never a zero with a minus."""
    rounded = round(number, 3) + 0.0
    return f"{rounded:+.3f}" if signed else f"{rounded:.3f}"


def spread(figure: Figure | None, *, signed: bool = False) -> str:
    """A figure's 95 % interval; nothing where there is none."""
    if figure is None or not figure["interval"]:
        return ""
    low, high = figure["interval"]
    return f"{_digits(low, signed=signed)} to {_digits(high, signed=signed)}"


def with_spread(figure: Figure | None, *, signed: bool = False) -> str:
    """Both in one text."""
    around = spread(figure, signed=signed)
    return value(figure, signed=signed) + (f" ({around})" if around else "")


def cell(figure: Figure | None, *, signed: bool = False) -> dict[str, str]:
    """A table cell: the mean, and the interval that stands under it."""
    return {"figure": value(figure, signed=signed), "interval": spread(figure, signed=signed)}


def sign(figure: Figure | None) -> int | None:
    """1 or -1: surely above or below 0; 0: that is not sure; None: there is no interval to tell by."""
    if figure is None or not figure["interval"]:
        return None
    low, high = figure["interval"]
    return 1 if low > 0 else -1 if high < 0 else 0


def setting_words(setting: Mapping[str, Any]) -> str:
    """A setting in a line: `size 64, rate 0.001, dropout 0.3`."""
    return ", ".join(
        f"{_SETTINGS.get(name, name)} {setting[name]:g}"
        for name in (*_SETTINGS, *sorted(set(setting) - set(_SETTINGS)))
        if name in setting
    )


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: `1 clip`, `2 clips`, `3 classes`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(words: Sequence[str]) -> str:
    """Words as people list them: `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
