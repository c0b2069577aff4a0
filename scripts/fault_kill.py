"""Kill -9 at any moment, run again: the store is equal, byte for byte, and no half file was ever visible.

    python -m scripts.fault_kill [--kills 60] [--videos 60] [--workers 2] [--seed 0]

Each round starts `clipwise preprocess`, kills it at a random moment (by chance its process group or the
parent alone), and does so up to three times before the command may end. A third of the rounds begin with a
finished store of which some videos have changed and others are new. While a run goes on and after each kill,
whatever has its final name must be whole: each .npy as an undisturbed run makes it, clips.csv as before or
after, store.json absent or one of these two. After each kill all processes must be gone within 5 seconds.
"""

import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from scripts.fault_common import (
    SPEC_WORDS,
    Promises,
    content,
    make_videos,
    parser,
    run_command,
    start_command,
)

WORKERS_GONE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something to preprocess, and what may be seen of it.

    Attributes:
        videos: the folder.
        begun: a finished store to begin with; None: an empty place.
        expected: the bytes of an undisturbed store.
        seconds: what an undisturbed run took.
    """

    videos: Path
    begun: Path | None
    expected: dict[str, bytes]
    seconds: float

    @property
    def may_be_seen(self) -> dict[str, set[bytes]]:
        """For each file of a store the contents that are whole."""
        stores = [self.expected] + ([content(self.begun)] if self.begun is not None else [])
        return {
            name: {store[name] for store in stores if name in store} for store in stores for name in store
        }


def prepare(folder: Path, num_videos: int, words: Sequence[object]) -> list[Case]:
    """A new store, and an old one whose videos have changed since."""
    fresh = make_videos(folder / "fresh", num_videos)
    changed = make_videos(folder / "changed", num_videos // 2)
    cases = []
    for name, videos in (("new", fresh), ("old", changed)):
        out = folder / f"undisturbed-{name}"
        begun = None
        if name == "old":
            begun = folder / "begun"
            code, errors = run_command("preprocess", videos, "--out", begun, *words)
            if code:
                sys.exit(f"the first run ended with {code}: {errors}")
            for number, path in enumerate(sorted(videos.rglob("*.avi"))):
                if number % 2:
                    path.write_bytes((fresh / path.relative_to(videos)).read_bytes() + b"\0")
            make_videos(folder / "more", num_videos)
            for path in sorted((folder / "more").rglob("*.avi"))[: num_videos // 2]:
                path.rename(path.parent / f"new-{path.name}")
            shutil.copytree(folder / "more", videos, dirs_exist_ok=True)
            shutil.copytree(begun, out)
        started = time.monotonic()
        code, errors = run_command("preprocess", videos, "--out", out, *words)
        if code:
            sys.exit(f"the undisturbed run ended with {code}: {errors}")
        seconds = time.monotonic() - started
        cases.append(Case(videos=videos, begun=begun, expected=content(out), seconds=seconds))
    return cases


def half_files(out: Path, may_be_seen: Mapping[str, set[bytes]]) -> list[str]:
    """Files under a final name that are not whole."""
    found = []
    for path in [out / "store.json", out / "clips.csv", *(out / "frames").glob("*")]:
        name = str(path.relative_to(out))
        if path.name.startswith(".unfinished-"):
            continue
        with contextlib.suppress(FileNotFoundError):  # moved aside, or replaced while we looked
            data = path.read_bytes()
            if data not in may_be_seen.get(name, ()):
                found.append(f"{name} ({len(data)} bytes)")
    return found


def kill_once(
    case: Case, out: Path, words: Sequence[object], rng: random.Random, promises: Promises, *, group: bool
) -> bool:
    """Starts the command, watches it, kills it; False where it ended before."""
    process = start_command("preprocess", case.videos, "--out", out, *words)
    deadline = time.monotonic() + rng.uniform(0.0, 1.1) * case.seconds
    watched = psutil.Process(process.pid)
    family: list[psutil.Process] = []
    seen: list[str] = []
    while process.poll() is None and time.monotonic() < deadline:
        seen += half_files(out, case.may_be_seen)
        with contextlib.suppress(psutil.Error):
            family = watched.children(recursive=True)
        time.sleep(min(0.02, max(0.0, deadline - time.monotonic())))
    was_running = process.poll() is None
    if was_running:
        with contextlib.suppress(psutil.Error):
            family = watched.children(recursive=True)
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.communicate()
    _, alive = psutil.wait_procs(family, timeout=WORKERS_GONE_SECONDS)
    name = "no process is left after a kill of the " + ("group" if group else "parent alone")
    promises.check(not alive, name, alive)
    seen += half_files(out, case.may_be_seen)
    promises.check(not seen, "no half file was visible", seen[:3])
    return was_running


def one_round(
    case: Case, out: Path, words: Sequence[object], rng: random.Random, promises: Promises, *, kills: int
) -> int:
    """Kills a run several times, lets it end, compares; how many kills met a run."""
    if case.begun is not None:
        shutil.copytree(case.begun, out)
    met = 0
    for _ in range(kills):
        met += kill_once(case, out, words, rng, promises, group=rng.random() < 0.5)
    code, errors = run_command("preprocess", case.videos, "--out", out, *words)
    promises.check(code == 0, "the same command goes on and ends with 0", (code, errors[-300:]))
    same = content(out) == case.expected
    promises.check(same, "the store is equal to an undisturbed one", out)
    leftovers = list(out.rglob(".unfinished-*"))
    promises.check(not leftovers, "nothing unfinished is left", leftovers)
    return met


def run(folder: Path, *, kills: int, num_videos: int, num_workers: int, seed: int) -> tuple[Promises, int]:
    """Rounds of one to three kills; the promises and how many kills met a run that had not ended."""
    promises, rng = Promises(), random.Random(seed)
    words = (*SPEC_WORDS, "--workers", num_workers)
    new, old = prepare(folder, num_videos, words)
    left, met, number = kills, 0, 0
    while left:
        now = min(left, rng.randint(1, 3))
        out = folder / f"store-{number}"
        met += one_round(old if number % 3 == 1 else new, out, words, rng, promises, kills=now)
        shutil.rmtree(out, ignore_errors=True)
        left, number = left - now, number + 1
    return promises, met


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--kills", type=int, default=60)
    options.add_argument("--videos", type=int, default=60)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        promises, met = run(
            Path(folder),
            kills=chosen.kills,
            num_videos=chosen.videos,
            num_workers=chosen.workers,
            seed=chosen.seed,
        )
    print(f"{chosen.kills} kills, {met} of them before the command had ended")
    return promises.report()


if __name__ == "__main__":
    sys.exit(main())
