"""What does `--precision float16` cost in accuracy? Folds of the training split; the test split is not read.

    python -m scripts.bench_precision CLIPS --weights FILE [--seeds 1]

The same folds and fits as in bench_head.py, once on features as they are and once on features rounded to
half floats, with the linear baselines beside them. A difference is paired: rounded minus not, fit by fit.
"""

import argparse
import statistics
import sys
from pathlib import Path

if not __package__:  # run as a script: its own folder is on the path, the project's root is not
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from pipeline.clips.store import ClipStore
from pipeline.embedding.cache import embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.evaluation.baselines import MEAN, MEAN_STD_DIFFERENCE, fit_baselines, predict_baselines
from pipeline.evaluation.judge import baseline_inputs
from pipeline.evaluation.metrics import Scores, score
from pipeline.training.assembly import assemble
from pipeline.training.batches import class_indices_of
from pipeline.training.options import TrainOptions
from scripts.bench_head import BACKBONE, NUM_FOLDS, NUM_INNER_FOLDS, Clips, train_and_judge


def show(name: str, whole: list[Scores], half: list[Scores]) -> None:
    cells = []
    for key in ("accuracy", "macro_f1"):
        values = [[getattr(each, key) for each in results] for results in (whole, half)]
        differences = [after - before for before, after in zip(*values, strict=True)]
        error = statistics.stdev(differences) / len(differences) ** 0.5
        means = [statistics.mean(each) for each in (*values, differences)]
        cells.append(f"{means[0]:>9.4f} {means[1]:>9.4f} {means[2]:>+9.4f} +- {error:.4f}")
    print(f"{name:<34}" + "  ".join(cells), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    store = ClipStore.open(arguments.clips)
    clips = [*store.usable("train"), *store.usable("val")]
    targets = class_indices_of(clips, store.labels)
    embedder = Embedder(
        assemble(store, TrainOptions(backbone=BACKBONE, weights=arguments.weights), init=None, say=print)
    )
    features = embed_clips(store, clips, embedder)
    both = (features, features.astype(np.float16).astype(np.float32))
    moved = np.abs(both[1] - both[0]).max() / np.abs(features).max()
    print(
        f"{len(clips)} clips, {NUM_FOLDS} folds; rounding moves features by up to {moved:.1e} of the largest"
    )
    header = f"{'float32':>9} {'float16':>9} {'difference':>19}"
    print(f"{'':<34}{'accuracy':<39}  macro-F1\n{'':<34}{header}  {header}")
    groups = [clip.group for clip in clips]
    outer = Clips(features, targets, groups).folds(np.arange(len(clips)), NUM_FOLDS, 0)
    linear: dict[str, list[list[Scores]]] = {MEAN: [[], []], MEAN_STD_DIFFERENCE: [[], []]}
    for number, used in enumerate(both):
        inputs = baseline_inputs(store, clips, embedder, used)
        for train, test in outer:
            parts = [
                type(inputs)(features=inputs.features[rows], centre=inputs.centre[rows])
                for rows in (train, test)
            ]
            fitted = fit_baselines(parts[0], targets[train], num_classes=len(store.labels))
            predicted = predict_baselines(fitted, parts[1])
            for name, results in linear.items():
                results[number].append(score(targets[test], predicted[name], len(store.labels)))
    for name, results in linear.items():
        show(f"{name} + logistic regression", *results)
    heads: list[list[Scores]] = []
    for used in both:
        held = Clips(used, targets, groups)
        results_of_heads: list[Scores] = []
        for train, test in outer:
            for seed in range(arguments.seeds):
                options = TrainOptions(backbone=BACKBONE, weights=arguments.weights, seed=seed)
                rows, stopping = held.folds(train, NUM_INNER_FOLDS, seed)[0]
                said = train_and_judge(held, options, fitted=rows, stopping=stopping, test=test)
                results_of_heads.append(score(targets[test], said, len(store.labels)))
        heads.append(results_of_heads)
    show("the default head", *heads)


if __name__ == "__main__":
    main()
