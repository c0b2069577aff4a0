"""Kill training at any moment, run it again: the model is equal, byte for byte, to an undisturbed run's.

    python -m scripts.fault_resume [--kills 100] [--seed 0] [--kinds frozen pixels fine-tuned]

Three kinds of runs take turns: the head on a frozen backbone, all of `tiny` from pixels, and fine-tuning with
its two stages (mirrored clips, two batches a step). Each round starts `clipwise train`, stops it at a random
moment, up to three times before it may end: mostly by SIGKILL, else by SIGTERM or Ctrl-C, which must end with
143 and 130. The features cached beside the store are removed before each round, so that embedding is killed
too. The state is saved as often as it can be, more often than outside of this command, and the commands are
forked from a process that has imported everything: kills fall into the work, not into imports.
"""

import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: a process with threads of its own must not fork

import torch

from pipeline.cli.main import main as clipwise
from pipeline.model.torchvision_models import build_full
from pipeline.model.weights import read_state
from pipeline.training import fit_state
from pipeline.training.run_folder import RESUME_FILE, RESUME_HEAD_FILE
from scripts.fault_common import SPEC, Promises, make_videos, parser, run_command

BACKBONE = "mobilenet_v3_small"
IMPORTED = ("albumentations", "matplotlib.backends.backend_agg", "matplotlib.ticker", "pipeline.training.run")
COMPARED = ("model.safetensors", "history.csv", "metrics.json", "baselines.safetensors", "config.json")
KINDS = ("frozen", "pixels", "fine-tuned")
EXIT_CODES = {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130, signal.SIGTERM: 143}
SMALL_HEAD = ("--lstm-dim", "16", "--attention-dim", "8", "--batch-size", "4")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A kind of run.

    Attributes:
        name: of the kind.
        words: of the command, but for `--out`.
        expected: the files of an undisturbed run.
        seconds: what it took.
    """

    name: str
    words: tuple[str, ...]
    expected: dict[str, bytes]
    seconds: float


def start(words: Sequence[str], log: Path) -> int:
    """Runs a clipwise command in a fork of this process; its process id."""
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        fit_state._LEAST_SECONDS_BETWEEN_SAVES = fit_state._WORK_FOR_EACH_SAVE = 0
        code = clipwise(words)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def end_of(child: int) -> int:
    """Waits; the exit code, or minus the signal's number."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def files_of(run: Path) -> dict[str, bytes]:
    """What is compared."""
    return {name: (run / name).read_bytes() for name in COMPARED if (run / name).exists()}


def prepare(folder: Path, num_videos: int, names: Sequence[str]) -> list[Case]:
    """A store, weights to start from, and an undisturbed run of each kind."""
    videos = make_videos(folder / "videos", num_videos)
    spec = ("--num-frames", str(SPEC.num_frames), "--image-size", str(SPEC.image_size))
    code, errors = run_command("preprocess", videos, "--out", folder / "clips", *spec)
    if code:
        sys.exit(f"preprocess ended with {code}: {errors}")
    torch.manual_seed(0)
    weights = folder / "weights.pth"
    torch.save(build_full(BACKBONE, SPEC.image_size).state_dict(), weights)
    pretrained = ("--backbone", BACKBONE, "--weights", str(weights))
    kinds = {
        "frozen": (*pretrained, "--epochs", "20", "--patience", "99"),
        "pixels": ("--backbone", "tiny", "--weights", "none", "--epochs", "5"),
        "fine-tuned": (
            *(*pretrained, "--finetune", "--head-epochs", "6", "--epochs", "2"),
            *("--accumulate", "2", "--flip-labels", "down=up"),
        ),
    }
    cases = []
    for name in names:
        words = kinds[name]
        command = ("train", str(folder / "clips"), *words, *SMALL_HEAD)
        shutil.rmtree(folder / "clips" / "features", ignore_errors=True)
        out, log, started = folder / f"undisturbed-{name}", folder / "log", time.monotonic()
        code = end_of(start((*command, "--out", str(out)), log))
        if code:
            sys.exit(f"the undisturbed run ended with {code}: {log.read_text('utf-8')[-2000:]}")
        seconds = time.monotonic() - started
        print(f"undisturbed, {name}: {seconds:.1f} s", flush=True)
        cases.append(Case(name=name, words=command, expected=files_of(out), seconds=seconds))
    return cases


def one_round(
    case: Case, out: Path, rng: random.Random, promises: Promises, *, kills: int
) -> tuple[int, int]:
    """Stops a run several times, lets it end, compares; stops that met a run, and those that met a state."""
    met = with_state = 0
    log = out.with_suffix(".log")
    words = (*case.words, "--out", str(out))
    for _ in range(kills):
        number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
        child = start(words, log)
        time.sleep(rng.uniform(0.0, case.seconds))
        os.kill(child, number)  # it was not waited for: the number is still its own
        code = end_of(child)
        if code == 0:  # it had ended, or was about to
            continue
        met += 1
        right = code == EXIT_CODES[number]
        promises.check(right, f"{number.name} ends with {EXIT_CODES[number]}", (code, tail(log)))
        states = [path for path in (out / RESUME_HEAD_FILE, out / RESUME_FILE) if path.exists()]
        with_state += bool(states)
        for path in states:
            promises.check(is_whole(path), "a saved state is whole", path)
    code = end_of(start(words, log))
    promises.check(code == 0, "the same command goes on and ends with 0", (code, tail(log)))
    found = files_of(out)
    different = [name for name in COMPARED if found.get(name) != case.expected[name]]
    promises.check(not different, f"{case.name}: all files are equal to an undisturbed run's", different)
    leftovers = [*out.glob(".unfinished-*"), *out.glob("resume*")]
    promises.check(not leftovers, "nothing unfinished is left", leftovers)
    return met, with_state


def is_whole(path: Path) -> bool:
    """Whether a state can be read."""
    try:
        return "steps_done" in read_state(path)
    except Exception:
        return False


def tail(log: Path) -> str:
    """The end of what a command said."""
    return log.read_text("utf-8", "replace")[-500:] if log.exists() else ""


def run(
    folder: Path, *, kills: int, seed: int, names: Sequence[str] = KINDS, num_videos: int = 30
) -> tuple[Promises, int, int]:
    """Rounds of one to three stops; the promises, and how many stops met a run and a saved state."""
    for name in IMPORTED:
        importlib.import_module(name)
    promises, rng = Promises(), random.Random(seed)
    cases = prepare(folder, num_videos, names)
    left, number, met, with_state = kills, 0, 0, 0
    while left:
        now = min(left, rng.randint(1, 3))
        out = folder / f"run-{number}"
        shutil.rmtree(folder / "clips" / "features", ignore_errors=True)
        found = one_round(cases[number % len(cases)], out, rng, promises, kills=now)
        met, with_state = met + found[0], with_state + found[1]
        shutil.rmtree(out, ignore_errors=True)
        left, number = left - now, number + 1
    return promises, met, with_state


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        promises, met, with_state = run(
            Path(folder), kills=chosen.kills, seed=chosen.seed, names=chosen.kinds
        )
    print(f"{chosen.kills} stops, {met} before the run had ended, {with_state} with a state to go on from")
    return promises.report()


if __name__ == "__main__":
    sys.exit(main())
