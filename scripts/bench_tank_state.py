"""From 496 real videos to trained, evaluated models: accuracy over seeds, and what each stage costs.

    python scripts/bench_tank_state.py DATA --out OUT [--seeds 5]

DATA has `tank_state.csv`, its videos, and `weights/mobilenet_v2_imagenet.pth`. The script runs the commands
that a user would type and shows them; CPU seconds are of the whole command, start-up included. The
publisher's split shares cameras between its sides. What lies in OUT is gone on with; use a new OUT to
measure times.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.evaluation.baselines import BASELINE_NAMES


def clipwise(*arguments: str | Path, allowed: Sequence[int] = (0,)) -> tuple[str, float, float]:
    """Runs a command; returns what it printed, its wall seconds and its CPU seconds."""
    words = [str(argument) for argument in arguments]
    print(f"$ clipwise {' '.join(words)}", flush=True)
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli.main", *words], stdout=subprocess.PIPE, text=True, check=False
    )
    wall_seconds, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in allowed:
        sys.exit(f"clipwise {words[0]} ended with exit code {done.returncode}")
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"  {wall_seconds:.1f} s, {cpu_seconds:.1f} s of CPU", flush=True)
    return done.stdout, wall_seconds, cpu_seconds


def mean_and_sd(results: list[dict[str, Any]], key: str) -> str:
    values = [result[key] for result in results]
    spread = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} +- {spread:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    clips, runs = options.out / "clips", [options.out / f"run-{seed}" for seed in range(options.seeds)]
    weights = options.data / "weights" / "mobilenet_v2_imagenet.pth"
    stages: list[tuple[str, float, float]] = []

    _, wall, cpu = clipwise("preprocess", options.data / "tank_state.csv", "--out", clips)
    stages.append(("preprocess 496 videos", wall, cpu))
    results = []
    for seed, run in enumerate(runs):
        arguments = ["--backbone", "mobilenet_v2", "--weights", weights, "--seed", str(seed)]
        _, wall, cpu = clipwise("train", clips, "--out", run, *arguments)
        if seed < 2:
            name = "embed train and val clips, train" if seed == 0 else "train alone, features cached"
            stages.append((name, wall, cpu))
        printed, wall, cpu = clipwise("evaluate", clips, "--model", run, "--json")
        if seed == 0:
            stages.append(("evaluate (embeds the test clips)", wall, cpu))
        results.append(json.loads(printed))

    print(f"\n{results[0]['num_used']} of {results[0]['num_total']} test clips, {options.seeds} seeds")
    print(f"{'':<24} {'accuracy':>16} {'macro-F1':>16}")
    for name in BASELINE_NAMES:
        scores = results[0]["baselines"][name]
        print(f"{name:<24} {scores['accuracy']:>16.3f} {scores['macro_f1']:>16.3f}")
    shuffled = [result["baselines"]["shuffled"] for result in results]
    for name, rows in (("shuffled frames", shuffled), ("full head", results)):
        print(f"{name:<24} {mean_and_sd(rows, 'accuracy'):>16} {mean_and_sd(rows, 'macro_f1'):>16}")
    print(f"\n{'stage':<36} {'wall s':>8} {'CPU s':>8}   ({os.cpu_count()} cores)")
    for name, wall_seconds, cpu_seconds in stages:
        print(f"{name:<36} {wall_seconds:>8.1f} {cpu_seconds:>8.1f}")
    total = sum(wall for name, wall, _ in stages if "alone" not in name)
    print(f"{'from videos to one evaluated model':<36} {total:>8.1f}")
    free = shutil.disk_usage(options.out).free
    print(f"\nkept in {options.out}; {free / 1e9:.0f} GB free there", file=sys.stderr)


if __name__ == "__main__":
    main()
