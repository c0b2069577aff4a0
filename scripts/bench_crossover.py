"""Which head wins depends on the data: made-up sequences of three kinds, from few clips to many.

    python -m scripts.bench_crossover --out OUT

For each kind, size and seed, heads are fitted with the settings of `clipwise compare --quick` (no tuning) and
judged on 600 fresh sequences: accuracy over the seeds, with its 95 % t interval; and, where the steps that
tell are known, how often the step with most attention, and the one without which the probability falls most,
is one of them. 15 % of the clips tell when to stop, as in a training. Finished pieces are kept in OUT.
"""

import argparse
import json
import multiprocessing
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t
from tqdm import tqdm

from pipeline.compare.heads import HEADS
from pipeline.compare.one_fit import FitData, fit_head
from pipeline.compare.options import CompareOptions
from pipeline.compare.settings import settings_of
from pipeline.files import make_folder, write_json
from scripts.made_up_sequences import Kind, make_sequences

KINDS: tuple[Kind, ...] = ("weak", "strong", "order")
HEAD_NAMES = ("mean", "attention_pooling", "lstm_last", "full")
SIZES = (100, 400, 1000, 3000)
MANY_SEEDS, FEW_SEEDS, FEW_FROM = 20, 5, 1001
NUM_TEST = 600
_TEST_SEED = 10_000
_VAL_SHARE = 0.15

Piece = tuple[Kind, int, int]


def judge(piece: Piece) -> dict[str, dict[str, float]]:
    """Accuracy of each head on fresh sequences, and how often its explanations name a step that tells."""
    kind, num_clips, seed = piece
    learned, fresh = make_sequences(kind, num_clips, seed), make_sequences(kind, NUM_TEST, _TEST_SEED + seed)
    num_val = round(_VAL_SHARE * num_clips)
    rows = np.arange(num_clips + NUM_TEST)
    data = FitData(
        features=np.concatenate([learned.features, fresh.features]),
        class_indices=np.concatenate([learned.class_indices, fresh.class_indices]),
        groups=[str(row) for row in rows],
        num_classes=learned.num_classes,
        train=rows[num_val:num_clips],
        val=rows[:num_val],
        test=rows[num_clips:],
    )
    base = replace(CompareOptions(quick=True).training, backbone="given", weights="none", seed=seed)
    found: dict[str, dict[str, float]] = {}
    for name in HEAD_NAMES:
        head = HEADS[name]
        (setting,) = settings_of(head, base, quick=True)
        options = replace(base, **setting.options(head))
        answers = fit_head(data, options, reads_order=False, others_left_out=None)
        found[name] = {"accuracy": float((answers.predicted == fresh.class_indices).mean())}
        if answers.attention is not None and answers.falls is not None and kind != "weak":
            place = np.arange(NUM_TEST)
            found[name]["attention_hits"] = float(
                fresh.key_steps[place, answers.attention.argmax(axis=1)].mean()
            )
            found[name]["leave_one_out_hits"] = float(
                fresh.key_steps[place, answers.falls.argmax(axis=1)].mean()
            )
    return found


def show(results: dict[Piece, dict[str, dict[str, float]]]) -> None:
    for kind in KINDS:
        print(f"\n{kind}")
        for size in sorted({key[1] for key in results if key[0] == kind}):
            of_size = [found for key, found in results.items() if key[:2] == (kind, size)]
            words = []
            for name in HEAD_NAMES:
                text = f"{name} {_words([found[name]['accuracy'] for found in of_size])}"
                for hits in ("attention_hits", "leave_one_out_hits"):
                    if hits in of_size[0][name]:
                        text += f", {hits} {np.mean([found[name][hits] for found in of_size]):.2f}"
                words.append(text)
            print(f"  {size} clips, {len(of_size)} seeds: " + "; ".join(words))
            for other in ("lstm_last", "full"):
                lead = [
                    found[other]["accuracy"] - found["attention_pooling"]["accuracy"] for found in of_size
                ]
                print(f"    {other} - attention_pooling {_words(lead, sign='+')}")


def _words(values: Sequence[float], *, sign: str = "") -> str:
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return f"{mean:{sign}.3f}"
    half = float(t.ppf(0.975, n - 1)) * float(np.std(values, ddof=1)) / n**0.5
    return f"{mean:{sign}.3f} ({mean - half:{sign}.3f} to {mean + half:{sign}.3f})"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seeds", type=int, help="instead of 20 up to 1,000 clips and 5 above")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    make_folder(options.out)
    pieces: list[Piece] = [
        (kind, size, seed)
        for size in options.sizes
        for kind in KINDS
        for seed in range(options.seeds or (MANY_SEEDS if size < FEW_FROM else FEW_SEEDS))
    ]
    results: dict[Piece, Any] = {}
    missing = []
    for piece in pieces:
        path = _file(options.out, piece)
        if path.exists():
            results[piece] = json.loads(path.read_bytes())
        else:
            missing.append(piece)
    with ProcessPoolExecutor(options.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for piece, found in zip(missing, tqdm(pool.map(judge, missing), total=len(missing)), strict=True):
            write_json(_file(options.out, piece), found)
            results[piece] = found
    show(results)
    return 0


def _file(out: Path, piece: Piece) -> Path:
    kind, size, seed = piece
    return out / f"{kind}-{size}-{seed}.json"


if __name__ == "__main__":
    sys.exit(main())
