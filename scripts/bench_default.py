"""Should the default head have other parts? Changes of one part each, on the folds of `clipwise compare`.

    python -m scripts.bench_default SET ... --out OUT [--backbone mobilenet_v2 --weights FILE] [--workers 2]

A SET is a clip store or an .npz of features. Each setting is fitted with the budget of `compare --quick` on
five group-aware folds; all clips have a part in it. Said are macro-F1 on clips held back and the paired
difference to the default, with its 95 % interval. Finished pieces are kept in OUT.
"""

import argparse
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from pipeline.clips.store import ClipStore
from pipeline.compare.answers import Answers
from pipeline.compare.jobs import read_answers, save_answers
from pipeline.compare.one_fit import FitData, fit_head
from pipeline.compare.options import CompareOptions
from pipeline.compare.plan import Plan, make_plan
from pipeline.compare.scorer import Scorer
from pipeline.compare.variants import embed_variant, variants_of
from pipeline.files import make_folder
from pipeline.training.options import TrainOptions

NUM_FOLDS = 5
DEFAULT = "default"
SETTINGS: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "dot attention": {"pooling": "dot"},
    "mean pooling": {"pooling": "mean"},
    "no dense layer": {"time_dense": False},
    "GRUs": {"recurrence": "gru"},
    "convolutions": {"recurrence": "convolution"},
    "64 units": {"lstm_dim": 64},
}


def fit_piece(data: FitData, options: TrainOptions, path: Path) -> None:
    """One fit, kept in a file."""
    save_answers(path, fit_head(data, options, reads_order=False, others_left_out=0))


def load(path: Path, base: CompareOptions) -> tuple[Plan, np.ndarray, TrainOptions]:
    """The folds of a set, its features (N, T, D), and what its fits have in common."""
    store = ClipStore.open(path)
    if store.features is not None:
        base = replace(base, backbone=CompareOptions.backbone, weights=CompareOptions.weights)
    (variant,) = variants_of(store, base)
    plan = make_plan(store, num_folds=NUM_FOLDS, num_repeats=1, seed=0, all_clips=True, curve=False)
    features = embed_variant(
        store,
        plan.clips,
        variant.options,
        device=torch.device("cpu"),
        runtime="auto",
        progress=iter,
        say=lambda sentence: print(sentence, file=sys.stderr),
    )
    return plan, features, variant.options


def measure(path: Path, base: CompareOptions, *, names: Sequence[str], out: Path, num_workers: int) -> None:
    """Fits all settings on a set, and prints its table."""
    plan, features, common = load(path, base)
    files = {
        (name, fold.fold): out / path.stem / f"{name.replace(' ', '-')}-{fold.fold}.npz"
        for name in names
        for fold in plan.folds
    }
    make_folder(out / path.stem)
    missing = [key for key, file in files.items() if read_answers(file) is None]
    pieces = []
    for name, number in missing:
        fold = plan.folds[number]
        data = FitData(
            features=features,
            class_indices=plan.class_indices,
            groups=plan.groups,
            num_classes=len(plan.labels),
            train=fold.train[1.0],
            val=fold.val,
            test=fold.test,
        )
        options = replace(common, **SETTINGS[name], seed=fold.seed)
        pieces.append((data, options, files[name, number]))
    if num_workers == 1:
        for piece in tqdm(pieces, desc=path.stem):
            fit_piece(*piece)
    else:
        with ProcessPoolExecutor(num_workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            started = [pool.submit(fit_piece, *piece) for piece in pieces]
            for each in tqdm(started, desc=path.stem):
                each.result()
    show(path.stem, plan, files, names)


def show(title: str, plan: Plan, files: dict[tuple[str, int], Path], names: Sequence[str]) -> None:
    scorer = Scorer(
        plan.class_indices[plan.held],
        [plan.clips[row].group for row in plan.held],
        num_classes=len(plan.labels),
        folds_by_share=NUM_FOLDS * plan.test_share,
    )
    place = {int(row): column for column, row in enumerate(plan.held)}
    scored = {}
    for name in names:
        predicted, losses = np.zeros((1, len(plan.held)), np.int64), np.zeros((1, len(plan.held)))
        for fold in plan.folds:
            answers = read_answers(files[name, fold.fold])
            assert answers is not None  # noqa: S101 - was just made
            columns = [place[int(row)] for row in fold.test]
            predicted[0, columns], losses[0, columns] = answers.predicted, answers.losses
        scored[name] = scorer.score(Answers(predicted=predicted, losses=losses))
    print(f"\n{title}: {scorer.num_clips} clips of {scorer.num_groups} groups")
    for name in names:
        figures = scorer.figures(scored[name])
        text = (
            f"  {name:<16} macro-F1 {figures['macro_f1'].mean:.3f}, log-loss {figures['log_loss'].mean:.3f}"
        )
        if name != DEFAULT:
            differences = scorer.differences(scored[name], scored[DEFAULT])
            text += f"; to the default {differences['macro_f1'].words()}"
        print(text, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--backbone", default="mobilenet_v3_large")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    base = CompareOptions(quick=True, backbone=(options.backbone,), weights=(options.weights,))
    names = list(dict.fromkeys((DEFAULT, *options.settings)))
    for path in options.sets:
        measure(path, base, names=names, out=options.out, num_workers=options.workers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
