"""Which head settings suit a small real data set? Folds of the training split; the test split is not read.

    python scripts/bench_recipe.py CLIPS --weights FILE [--seeds 1]

CLIPS is a store with a training split (tank_state's, say). Each setting trains the full head on four fifths
of the training and validation clips, a sixth of which decide when to stop, and is judged on the last fifth.
Clips of one group stay together. The linear baselines are fitted on the whole four fifths.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.model_selection import StratifiedGroupKFold

from pipeline.clips.store import ClipStore
from pipeline.embedding.cache import embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.evaluation.baselines import BASELINE_NAMES, fit_baselines, predict_baselines
from pipeline.evaluation.judge import baseline_inputs
from pipeline.evaluation.metrics import Scores, score
from pipeline.evaluation.predict import predict
from pipeline.model.threads import one_thread
from pipeline.training.assembly import assemble
from pipeline.training.batches import FeatureBatches, class_indices_of
from pipeline.training.fit import fit
from pipeline.training.options import TrainOptions
from pipeline.training.task import Task

NUM_FOLDS, NUM_INNER_FOLDS = 5, 6
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"normalise": "standardise"},
    {"differences": True},
    {"projection_dim": 64},
    {"lstm_dim": 32},
    {"dropout": 0.5, "input_dropout": 0.5},
    {"class_weights": False},
)


def folds(targets: np.ndarray, groups: list[str], count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=0)
    return list(splitter.split(np.zeros(len(targets)), targets, groups))


def train_and_judge(
    store: ClipStore, features: np.ndarray, options: TrainOptions, *, train: np.ndarray, test: np.ndarray
) -> Scores:
    clips = [*store.usable("train"), *store.usable("val")]
    targets = class_indices_of(clips, store.labels)
    groups = [clips[row].group for row in train]
    fitted, stopping = folds(targets[train], groups, NUM_INNER_FOLDS)[options.seed % NUM_INNER_FOLDS]
    head = assemble(store, options, init=None, say=lambda sentence: None).head
    head.fit_normalisation(torch.from_numpy(features[train][fitted]))
    task = Task(
        model=head,
        logits=lambda inputs: head(inputs).logits,
        parameter_groups=[{"params": list(head.parameters()), "rate": 1.0}],
        train=FeatureBatches(features[train][fitted], targets[train][fitted]),
        val=FeatureBatches(features[train][stopping], targets[train][stopping]),
        num_classes=len(store.labels),
        device=torch.device("cpu"),
    )
    with tempfile.TemporaryDirectory() as folder, one_thread():
        fit(task, options, resume_file=Path(folder) / "resume.pt")
    head.eval()
    predicted = np.array([predict(head, features[row]).class_index for row in test])
    return score(targets[test], predicted, len(store.labels))


def show(name: str, results: list[Scores], seconds: float) -> None:
    accuracy, macro_f1 = [each.accuracy for each in results], [each.macro_f1 for each in results]
    errors = [statistics.stdev(values) / len(values) ** 0.5 for values in (accuracy, macro_f1)]
    print(
        f"{name:<44} {statistics.mean(accuracy):.3f} +- {errors[0]:.3f}   "
        f"{statistics.mean(macro_f1):.3f} +- {errors[1]:.3f}   {seconds / len(results):5.1f} s",
        flush=True,
    )


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
    options = TrainOptions(weights=arguments.weights)
    embedder = Embedder(assemble(store, options, init=None, say=print))
    features = embed_clips(store, clips, embedder)
    outer = folds(targets, [clip.group for clip in clips], NUM_FOLDS)
    print(f"{len(clips)} clips, {NUM_FOLDS} folds, {arguments.seeds} seeds; mean +- standard error over fits")
    print(f"{'':<44} {'accuracy':<15}   {'macro-F1':<15}   CPU a fit")
    inputs = baseline_inputs(store, clips, embedder, features)
    judged: dict[str, list[Scores]] = {name: [] for name in BASELINE_NAMES}
    start = time.process_time()
    for train, test in outer:
        parts = [
            type(inputs)(features=inputs.features[rows], centre=inputs.centre[rows]) for rows in (train, test)
        ]
        fitted = fit_baselines(parts[0], targets[train], num_classes=len(store.labels))
        for name, predicted in predict_baselines(fitted, parts[1]).items():
            judged[name].append(score(targets[test], predicted, len(store.labels)))
    for name, results in judged.items():
        show(name, results, (time.process_time() - start) / len(judged))
    for changes in SETTINGS:
        start = time.process_time()
        results = [
            train_and_judge(
                store,
                features,
                TrainOptions(weights=arguments.weights, seed=seed, **changes),
                train=train,
                test=test,
            )
            for train, test in outer
            for seed in range(arguments.seeds)
        ]
        name = ", ".join(f"{key} {value}" for key, value in changes.items()) or "full head, as shipped"
        show(name, results, time.process_time() - start)


if __name__ == "__main__":
    main()
