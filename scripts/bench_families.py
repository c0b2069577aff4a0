"""Does `clipwise compare` name the right kind of head, from features to the sentence?

    python -m scripts.bench_families --out OUT [--runs 20] [--workers 2]

Four families of made-up sequences (`made_up_sequences.py`), four clips of each source, where it is known
which kind of head is needed and enough:

    nothing       classes in name only            none: "Nothing here beats the majority"
    appearance    every frame shows the class     one that is blind to order and needs no attention
    few frames    two marked frames show it       attention pooling
    order         which of two events is first    a recurrent one

Each run is a comparison of new clips with a seed of its own, as `--quick` makes it (its folds, epochs and
settings), of five heads. Said are the runs whose verdict names the right kind, 18 of 20 being asked for, and
the misses with their sentences; beside them, whether the sentence on the order of the frames is right.
Finished runs are kept in OUT.
"""

import argparse
import json
import multiprocessing
import shutil
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from pipeline.compare.comparison import compare
from pipeline.compare.options import CompareOptions
from pipeline.files import make_folder, write_json
from scripts.made_up_sequences import Kind, make_sequences, write_sequences

CLIPS_A_GROUP = 4
HEADS = ("single_frame", "mean", "mean_std_difference", "attention_pooling", "lstm")
OPTIONS = CompareOptions(heads=HEADS, quick=True, curve=False, all_clips=True)
ASKED = 0.9
NOTHING = "Nothing here beats the majority"


@dataclass(frozen=True, kw_only=True)
class Family:
    """Clips of one kind, and what is true of them.

    Attributes:
        name: in tables and files.
        kind: of sequences.
        num_clips: of a run.
        right: heads that the verdict may name.
        order_matters: whether it may say that the order of the frames matters.
    """

    name: str
    kind: Kind
    num_clips: int
    right: tuple[str, ...]
    order_matters: bool = False


FAMILIES = (
    Family(name="nothing", kind="nothing", num_clips=300, right=("majority",)),
    Family(name="appearance", kind="appearance", num_clips=300, right=("single_frame", "mean")),
    Family(name="few_frames", kind="strong", num_clips=500, right=("attention_pooling",)),
    Family(name="order", kind="order", num_clips=600, right=("lstm",), order_matters=True),
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a comparison said.

    Attributes:
        supported: name of the head; None: cannot be told.
        sentence: on the head.
        order: the answer on the order of the frames.
        macro_f1: of each head.
    """

    supported: str | None
    sentence: str
    order: str
    macro_f1: dict[str, float]

    def is_right(self, family: Family) -> bool:
        """Whether the head is of the right kind, and said so."""
        said_nothing = self.sentence.startswith(NOTHING)
        return self.supported in family.right and said_nothing == (family.kind == "nothing")

    def is_right_on_order(self, family: Family) -> bool:
        """Whether the order of the frames is said to matter where it does, and only there."""
        return (self.order == "matters") == family.order_matters


def judge(family: Family, seed: int, folder: Path, options: CompareOptions = OPTIONS) -> Run:
    """Makes the clips of a run and compares heads on them; killed and called again, it goes on."""
    make_folder(folder)
    options = replace(options, seed=seed)
    made = make_sequences(family.kind, family.num_clips, seed, clips_a_group=CLIPS_A_GROUP)
    write_sequences(folder / "clips.npz", made)
    result = compare(folder / "clips.npz", folder / "compared", options).result
    said = {each["topic"]: each for each in result["verdict"]["sentences"]}
    return Run(
        supported=result["verdict"]["supported"],
        sentence=said["head"]["sentence"],
        order=said["order"]["answer"],
        macro_f1={each["head"]: each["macro_f1"]["mean"] for each in result["results"]},
    )


def kept(family: Family, seed: int, out: Path) -> Run:
    """A run from OUT, made if it is not there."""
    name = f"{family.name}-{family.num_clips}-{seed}"
    path, folder = out / f"{name}.json", out / name
    if not path.exists():
        write_json(path, vars(judge(family, seed, folder)))
        shutil.rmtree(folder)
    return Run(**json.loads(path.read_bytes()))


def show(runs: dict[tuple[Family, int], Run]) -> bool:
    """The table, then all misses; whether each family is right as often as asked for."""
    print("family        right kind of head   right on order   heads named; mean macro-F1")
    enough = True
    for family in FAMILIES:
        some = [run for (of, _), run in sorted(runs.items(), key=lambda item: item[0][1]) if of == family]
        if not some:
            continue
        right = sum(run.is_right(family) for run in some)
        enough = enough and right >= ASKED * len(some)
        on_order = sum(run.is_right_on_order(family) for run in some)
        names = [str(run.supported) for run in some]
        named = ", ".join(f"{name} {names.count(name)}" for name in sorted(set(names)))
        means = ", ".join(
            f"{head} {sum(run.macro_f1[head] for run in some) / len(some):.2f}" for head in some[0].macro_f1
        )
        share = f"{right:>2} of {len(some):<14} {on_order:>2} of {len(some):<10}"
        print(f"{family.name:<13} {share} {named}; {means}")
    for (family, seed), run in runs.items():
        if not run.is_right(family):
            print(f"\n{family.name}, seed {seed}: {run.sentence}\n  {_scores(run)}")
        if not run.is_right_on_order(family):
            print(f"\n{family.name}, seed {seed}: the order of the frames {run.order}\n  {_scores(run)}")
    return enough


def _scores(run: Run) -> str:
    return ", ".join(f"{head} {score:.3f}" for head, score in run.macro_f1.items())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    names = [family.name for family in FAMILIES]
    parser.add_argument("--families", nargs="+", choices=names, default=names)
    parser.add_argument("--runs", type=int, default=20, help="of each family")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    make_folder(options.out)
    runs: dict[tuple[Family, int], Any] = {}
    with ProcessPoolExecutor(options.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        pieces = {
            pool.submit(kept, family, seed, options.out): (family, seed)
            for seed in range(options.runs)
            for family in FAMILIES
            if family.name in options.families
        }
        for piece in tqdm(as_completed(pieces), total=len(pieces)):
            runs[pieces[piece]] = piece.result()
    return 0 if show(runs) else 1


if __name__ == "__main__":
    sys.exit(main())
