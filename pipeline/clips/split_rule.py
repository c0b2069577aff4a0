"""How a store's clips came to their splits: given, made, given with a val of our own, or made anew."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pipeline.clips.clip import SPLITS, Split
from pipeline.clips.source import SourceList, SplitOrigin
from pipeline.clips.splits import Dealt, deal, describe_gaps
from pipeline.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class SplitRule:
    """What decides the split of each clip; written into store.json.

    Attributes:
        origin: `csv`, `folders`, `lists` or `file` (of features): given, and kept as given; `made`:
            stratified, group-aware and seeded.
        makes: which splits are made here: all; val alone, where a given split has none; or nothing.
        seed: draws the order among groups of equal size.
        val_fraction: of all clips when the split is made; of train when a given split has no val.
        test_fraction: of all clips when the split is made.
        list_number: which of numbered lists the split was given by.
        grouping: what the groups come from, as in `SourceList`; "": there are none.
        regroup: a split is given but set aside, so that no group stands on two sides.
    """

    origin: SplitOrigin
    makes: Literal["all", "val", "nothing"]
    seed: int = 0
    val_fraction: float = 0.15
    test_fraction: float = 0.15
    list_number: int | None = None
    grouping: str = ""
    regroup: bool = False

    def __post_init__(self) -> None:
        for flag, value in (("--val-fraction", self.val_fraction), ("--test-fraction", self.test_fraction)):
            if not 0 <= value < 1:
                raise UsageError(f"{flag} is {value}; allowed: 0 or more and less than 1.")
        if self.val_fraction + self.test_fraction >= 1:
            raise UsageError(
                f"--val-fraction {self.val_fraction} and --test-fraction {self.test_fraction} leave nothing "
                "to train on; together they must be less than 1."
            )

    @classmethod
    def of(
        cls, listed: SourceList, *, regroup: bool, seed: int, val_fraction: float, test_fraction: float
    ) -> "SplitRule":
        """The rule for a list of sources.

        Raises:
            UsageError: no split is given that could be set aside, or a given one leaves a class untrained.
        """
        if regroup and listed.split_origin == "made":
            raise UsageError(
                f"--regroup sets a given split aside, but none is given (read as {listed.read_as}): the "
                "split is made here anyway. Leave --regroup out."
            )
        if not regroup:
            _check_trained(listed)
        return cls(
            origin="made" if regroup else listed.split_origin,
            makes="all" if regroup else cls.makes_of(source.split for source in listed.sources),
            seed=seed,
            val_fraction=val_fraction,
            test_fraction=test_fraction,
            list_number=None if regroup else listed.list_number,
            grouping=listed.grouping,
            regroup=regroup,
        )

    @staticmethod
    def makes_of(given: Iterable[Split | None]) -> Literal["all", "val", "nothing"]:
        """What is to be made, from the splits as given (None where none is)."""
        splits = set(given)
        if None in splits:
            return "all"
        return "val" if "train" in splits and "val" not in splits else "nothing"

    def to_dict(self) -> dict[str, Any]:
        """The rule as JSON-ready values."""
        return asdict(self)

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """In what a stored rule differs such that old clips would lie elsewhere; for messages."""
        if stored and bool(stored.get("regroup")) != self.regroup:
            return ["--regroup is new" if self.regroup else "--regroup was given, now it is not"]
        if stored and stored.get("list_number") != self.list_number:
            return [f"--list-number was {stored.get('list_number')!r}, now {self.list_number!r}"]
        if self.makes == "nothing" or stored.get("makes") != self.makes:
            return []  # a given split is followed as it is now
        flags = {"seed": "--seed", "val_fraction": "--val-fraction", "grouping": "grouping"}
        if self.makes == "all":
            flags["test_fraction"] = "--test-fraction"
        return [
            f"{flag} was {stored.get(name)!r}, now {getattr(self, name)!r}"
            for name, flag in flags.items()
            if stored.get(name) != getattr(self, name)
        ]

    def assign(
        self,
        *,
        usable: Iterable[Dealt],
        failed: Iterable[Dealt],
        given: Mapping[str, Split | None],
        kept: Mapping[str, Split],
    ) -> tuple[dict[str, Split], list[str]]:
        """Gives each clip its split.

        Failed clips are dealt after the others, so that they take no place from them; they keep their
        split if they can be read one day, and until then count as not used.

        Args:
            usable: the clips with frames.
            failed: those without.
            given: the split of each clip id as given; None where it is to be made.
            kept: the split of each clip id that was dealt in an earlier run.

        Returns:
            The split of each clip id, and sentences on what could not be stratified.
        """
        with_frames, all_clips = list(usable), [*usable, *failed]
        fixed: dict[str, Split] = {clip_id: split for clip_id, split in given.items() if split is not None}
        if self.makes == "all":
            made_of = {clip.id for clip in all_clips}
            shares: dict[Split, float] = {
                "train": 1 - self.val_fraction - self.test_fraction,
                "val": self.val_fraction,
                "test": self.test_fraction,
            }
        elif self.makes == "val":
            made_of = {clip_id for clip_id, split in fixed.items() if split == "train"}
            shares = {"train": 1 - self.val_fraction, "val": self.val_fraction, "test": 0.0}
        else:
            made_of, shares = set(), {}
        result = {clip_id: split for clip_id, split in fixed.items() if clip_id not in made_of}
        if not made_of:
            return result, []
        stay = {i: split for i, split in kept.items() if i in made_of and shares[split] > 0}
        wave = [clip for clip in with_frames if clip.id in made_of]
        first = deal(wave, shares=shares, seed=self.seed, kept=stay)
        everything = [clip for clip in all_clips if clip.id in made_of]
        result |= deal(everything, shares=shares, seed=self.seed, kept=stay | first)
        asked = [split for split in SPLITS if shares[split] > 0]
        notes = describe_gaps(wave, result, asked)
        if self.makes == "val":
            notes.append(f"the given split has no val: {self.val_fraction:.0%} of train is taken for it.")
        if self.regroup:
            num_moved = sum(result[clip_id] != split for clip_id, split in fixed.items())
            notes.append(
                f"--regroup: {num_moved} of {len(fixed)} clips stand on another side than the given split "
                "has them."
            )
        return result, notes


def _check_trained(listed: SourceList) -> None:
    """Refuses a given split in which a class is judged that was never trained."""
    in_train = {source.label for source in listed.sources if source.split in (None, "train")}
    unknown = {source.label: source for source in listed.sources if source.label not in in_train}
    if in_train and unknown:
        label, source = next(iter(sorted(unknown.items())))
        raise UsageError(
            f"label {label!r} ({source.path}, split {source.split}) has no clip in train, so it could never "
            f"be learned; train has: {', '.join(sorted(in_train))}. Correct the label or the split."
        )
