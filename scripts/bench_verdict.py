"""Do the intervals of `clipwise compare` hold what they promise, and does its rule name the right rung?

    python -m scripts.bench_verdict [--runs 1000] [--first-run 0] [--gaps 3 8] [--coverage-runs 400]

First table: how often 95 % intervals held the truth, with 40 groups. Of regressions really refitted on
made-up clips in 5 folds, where the truth is the mean score of fits on as many new clips, judged on 2,000 new
groups; and of answers drawn with fixed chances of being right, where nothing is refitted. `plain` is without
widening.

Second table: how often the rule named the right rung of made-up tables (`made_up_ladders.py`), by how many
standard errors of the difference (widened as intervals are) the rungs before it were behind; how often a
simpler one; and how often the rule of one standard error alone was right. To choose another rule, take other
runs than those that will be told of it (`--first-run`).
"""

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import norm

if __package__ in (None, ""):  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.compare.answers import Answers
from pipeline.compare.figure import Figure
from pipeline.compare.rule import SupportedRung, supported_rung
from pipeline.compare.scorer import Scored, Scorer
from pipeline.evaluation.metrics import log_losses, score
from scripts.made_up_clips import KINDS, Source, cross_validated, fitted, log_probabilities
from scripts.made_up_ladders import FOLDS_BY_SHARE, LADDER, RIGHT, make_table

NUM_GROUPS, NUM_FOLDS = 40, 5
SCORES = ("macro_f1", "accuracy", "balanced_accuracy", "log_loss")
GAPS = (3.0, 8.0)
FINDABLE = 5.0
"""From this gap on the rule is asked to be right in 95 %."""
Truth = dict[str, float]

SOURCES = {
    "3 classes, mixed groups, 1 repeat": (Source(num_classes=3, separation=2.0, group_spread=0.7), 1),
    "3 classes, pure groups, 1 repeat": (
        Source(num_classes=3, separation=2.0, group_spread=0.7, pure=True),
        1,
    ),
    "2 classes, mixed groups, 2 repeats": (Source(num_classes=2, separation=1.5, group_spread=0.3), 2),
    "3 classes, 40 features, pure groups, 2 repeats": (
        Source(num_classes=3, separation=3.0, group_spread=0.7, pure=True, num_features=40),
        2,
    ),
    "4 classes, 40 features, mixed groups, 1 repeat": (
        Source(num_classes=4, separation=4.0, group_spread=0.2, num_features=40),
        1,
    ),
}
CHANCES = {"2 classes, .60 and .60": (2, (0.6, 0.6)), "3 classes, .80 and .72": (3, (0.8, 0.72))}


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Share of intervals that held the truth, and of the same intervals without widening."""

    held: float
    plain: float


def coverage(found: list[Figure], truth: float, widening: float) -> Coverage:
    ends = np.array([each.interval for each in found if each.interval is not None])
    means = np.array([[each.mean] for each in found if each.interval is not None])
    plain = means + (ends - means) / widening
    held, held_plain = (
        float(((both[:, 0] <= truth) & (truth <= both[:, 1])).mean()) for both in (ends, plain)
    )
    return Coverage(held=held, plain=held_plain)


def covered(
    draw: Callable[[int], tuple[Scorer, list[Scored]]], truths: list[Truth], runs: int
) -> dict[str, Coverage]:
    """By score, of each head and of each pair of heads; `draw` makes a run."""
    found: dict[str, tuple[list[Figure], float]] = {}
    for run in range(runs):
        scorer, heads = draw(run)
        for one, head in enumerate(heads):
            for key, figure in scorer.figures(head).items():
                found.setdefault(f"{key} of {one}", ([], truths[one].get(key, 0.0)))[0].append(figure)
            for two in range(one):
                for key, figure in scorer.differences(heads[two], head).items():
                    truth = truths[two].get(key, 0.0) - truths[one].get(key, 0.0)
                    found.setdefault(f"{key} of {two} - {one}", ([], truth))[0].append(figure)
    return {
        name: coverage(
            figures,
            truth,
            scorer.log_loss_widening if name.startswith("log_loss") else scorer.widening,
        )
        for name, (figures, truth) in found.items()
        if name.split(" of ")[0] in truths[0]
    }


def refitted(source: Source, repeats: int, runs: int) -> dict[str, Coverage]:
    random = np.random.default_rng(99)
    judged = source.draw(random, 2000)
    truths = []
    for kind in KINDS:
        rows = []
        for _ in range(80):
            clips = source.draw(random, NUM_GROUPS * (NUM_FOLDS - 1) // NUM_FOLDS)
            model = fitted(kind, clips.features, clips.classes)
            found = log_probabilities(kind, model, judged.features, source.num_classes)
            scores = score(judged.classes, found.argmax(axis=1), source.num_classes).to_dict()
            rows.append({**scores, "log_loss": float(log_losses(judged.classes, np.exp(found)).mean())})
        truths.append({key: float(np.mean([row[key] for row in rows])) for key in SCORES})

    def draw(run: int) -> tuple[Scorer, list[Scored]]:
        clips = source.draw(np.random.default_rng(1000 + run), NUM_GROUPS)
        scorer = Scorer(
            clips.classes,
            clips.groups.tolist(),
            num_classes=source.num_classes,
            folds_by_share=FOLDS_BY_SHARE,
            seed=run,
        )
        heads = [
            cross_validated(
                kind, clips, num_classes=source.num_classes, num_folds=NUM_FOLDS, repeats=repeats, seed=run
            )
            for kind in KINDS
        ]
        return scorer, [scorer.score(each) for each in heads]

    return covered(draw, truths, runs)


def fixed(num_classes: int, accuracies: tuple[float, ...], runs: int) -> dict[str, Coverage]:
    def made(random: np.random.Generator, num_groups: int) -> tuple[np.ndarray, list[str], list[np.ndarray]]:
        groups = np.repeat(np.arange(num_groups), random.integers(1, 9, num_groups))
        shares = np.arange(num_classes, 0, -1) / np.arange(num_classes, 0, -1).sum()
        true = random.choice(num_classes, len(groups), p=shares)
        hard = 0.4 * random.normal(size=num_groups)[groups] + 0.6 * random.normal(size=len(groups))
        wrong = (true + random.integers(1, num_classes, len(groups))) % num_classes
        rest = (1 - 0.4**2 - 0.6**2) ** 0.5
        heads = [
            np.where(hard + rest * random.normal(size=len(groups)) < norm.ppf(accuracy), true, wrong)
            for accuracy in accuracies
        ]
        return true, groups.astype(str).tolist(), heads

    true, _, heads = made(np.random.default_rng(99), 40_000)
    truths = [score(true, each, num_classes).to_dict() for each in heads]

    def draw(run: int) -> tuple[Scorer, list[Scored]]:
        true, groups, heads = made(np.random.default_rng(1000 + run), NUM_GROUPS)
        scorer = Scorer(true, groups, num_classes=num_classes, folds_by_share=FOLDS_BY_SHARE, seed=run)
        losses = np.ones((1, len(true)))
        return scorer, [scorer.score(Answers(predicted=each[None], losses=losses)) for each in heads]

    return covered(draw, truths, runs)


@dataclass(frozen=True, kw_only=True)
class Named:
    """What the rule named in one made-up table, and what one standard error alone would have."""

    gap: float
    right: bool
    too_simple: bool
    right_by_one_standard_error: bool


def named(right: str, run: int, *, gaps: tuple[float, float] = GAPS) -> Named:
    """In half of the runs the later rungs are as good as the right one, in the others somewhat worse."""
    random = np.random.default_rng([run, RIGHT.index(right)])
    gap = float(random.uniform(*gaps))
    table = make_table(random, right, gap=gap, worse=3.0 * (run % 2))
    scorer = table.scorer(run)
    rung = supported_rung(scorer, {name: scorer.score(table.answers[name]) for name in LADDER})
    return Named(
        gap=gap,
        right=rung.supported == right,
        too_simple=LADDER.index(str(rung.supported)) < LADDER.index(right),
        right_by_one_standard_error=by_one_standard_error(rung) == right,
    )


def by_one_standard_error(rung: SupportedRung) -> str:
    error = rung.one_standard_error or 0.0
    within = [name for name, each in rung.shortfalls.items() if each.behind <= error]
    return within[0] if rung.above_chance.found else LADDER[0]


def show_coverage(title: str, found: dict[str, Coverage]) -> None:
    print(f"\n{title}")
    for key in SCORES:
        for what, pairs in (("scores", False), ("differences", True)):
            rows = [
                each
                for name, each in found.items()
                if name.startswith(f"{key} of") and (" - " in name) == pairs
            ]
            if rows:
                held, plain = [each.held for each in rows], [each.plain for each in rows]
                print(
                    f"  {key:<18} {what:<12} {min(held):.3f} to {max(held):.3f}"
                    f"   plain {min(plain):.3f} to {max(plain):.3f}",
                    flush=True,
                )


def show_named(right: str, rows: list[Named], gaps: tuple[float, float]) -> None:
    text = f"  {right:<18} {np.mean([row.right for row in rows]):.3f}"
    for low in range(int(gaps[0]), int(gaps[1])):
        some = [row.right for row in rows if low <= row.gap < low + 1]
        text += f"   {np.mean(some) if some else np.nan:.3f}"
    simple = np.mean([row.too_simple for row in rows])
    one_error = np.mean([row.right_by_one_standard_error for row in rows])
    print(f"{text}      {simple:.3f}        {one_error:.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--first-run", type=int, default=0)
    parser.add_argument("--gaps", type=float, nargs=2, default=GAPS)
    parser.add_argument("--coverage-runs", type=int, default=400)
    arguments = parser.parse_args()
    gaps = (arguments.gaps[0], arguments.gaps[1])
    start = time.process_time()
    runs = range(arguments.first_run, arguments.first_run + arguments.runs)
    if runs:
        print(f"The right rung named, {arguments.runs} runs of each kind; by gap in standard errors")
        spans = "   ".join(f"{low}-{low + 1}  " for low in range(int(gaps[0]), int(gaps[1])))
        print(f"  {'needed and enough':<18} all     {spans}  too simple   one standard error alone")
        for right in RIGHT:
            show_named(right, [named(right, run, gaps=gaps) for run in runs], gaps)
    if arguments.coverage_runs:
        print(f"\n95 % intervals that held the truth, {arguments.coverage_runs} runs, lowest to highest")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a fold without a class, a regression not quite at its end
            for title, (source, repeats) in SOURCES.items():
                show_coverage(f"refitted, {title}", refitted(source, repeats, arguments.coverage_runs))
        for title, (num_classes, accuracies) in CHANCES.items():
            show_coverage(f"not refitted, {title}", fixed(num_classes, accuracies, arguments.coverage_runs))
    print(f"\n{time.process_time() - start:.0f} s of CPU")


if __name__ == "__main__":
    main()
