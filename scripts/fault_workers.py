"""One video can cost itself only: crashes, kills, hangs and memory eaters among good videos.

    python -m scripts.fault_workers [--rounds 50] [--videos 200] [--workers 2] [--seed 0]

In each round a decoder crashes, is killed, hangs and eats memory, each at a position of its own among the
videos, in the real `preprocess`. Exactly those videos must be failed, each with its reason, and every other
row and clip must be equal, byte for byte, to those of an undisturbed store. Then the faults are taken away
and the videos read again: the whole store must be equal.
"""

import random
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from unittest import mock

from pipeline.clips import preprocess as preprocess_module
from pipeline.video.worker import WorkerPool
from scripts.fault_common import SPEC, Promises, content, make_videos, parser, rows_by_path
from scripts.fault_jobs import extract_with_faults

TIME_LIMIT_SECONDS = 8.0  # eating all that memory takes a busy machine seconds
MEMORY_LIMIT_BYTES = 3 << 28
REASONS = {
    "crash": "its worker process was ended by SIGSEGV",
    "kill": "its worker process was ended by SIGKILL",
    "hang": f"took longer than {TIME_LIMIT_SECONDS:g} s",
    "deaf": f"took longer than {TIME_LIMIT_SECONDS:g} s",
    "memory": "needs too much memory (the limit of a worker is 0.8 GiB)",
}


def preprocess(videos: Path, out: Path, *, faults: Mapping[str, str], num_workers: int) -> dict[str, bytes]:
    """The real preprocess with faults laid on some videos; the store's bytes."""
    job = partial(extract_with_faults, faults=faults)
    pool = partial(WorkerPool, memory_limit_bytes=MEMORY_LIMIT_BYTES)
    with (
        mock.patch.object(preprocess_module, "extract", job),
        mock.patch.object(preprocess_module, "_time_limit", return_value=TIME_LIMIT_SECONDS),
        mock.patch.object(preprocess_module, "WorkerPool", pool),
    ):
        preprocess_module.preprocess(videos, out, spec=SPEC, num_workers=num_workers, retry=True)
    return content(out)


def one_round(
    videos: Path,
    out: Path,
    undisturbed: Mapping[str, bytes],
    faults: Mapping[str, str],
    promises: Promises,
    *,
    num_workers: int,
) -> None:
    """One run with faults, and one without them in the same store."""
    disturbed = preprocess(videos, out, faults=faults, num_workers=num_workers)
    before, after = rows_by_path(undisturbed["clips.csv"]), rows_by_path(disturbed["clips.csv"])
    failed = {path: row["reason"] for path, row in after.items() if row["status"] == "failed"}
    expected = {path: REASONS[kind] for path, kind in faults.items()}
    for path, kind in faults.items():
        promises.check(failed.get(path) == REASONS[kind], f"a {kind} is named", failed.get(path))
    promises.check(failed == expected, "no other video fails", failed.keys() ^ expected.keys())
    same = sum(before[path] == after.get(path) for path in before if path not in faults)
    promises.check(same == len(before) - len(faults), "all other rows are equal", f"{same} of {len(before)}")
    lost = {f"frames/{before[path]['id']}.npy" for path in faults}
    frames = {name: data for name, data in disturbed.items() if name.endswith(".npy")}
    kept = {name: data for name, data in undisturbed.items() if name.endswith(".npy") and name not in lost}
    promises.check(frames == kept, "all other clips are equal", sorted(frames.keys() ^ kept.keys())[:4])
    mended = preprocess(videos, out, faults={}, num_workers=num_workers)
    promises.check(mended == undisturbed, "read again without the faults: an equal store")


def run(folder: Path, *, rounds: int, num_videos: int, num_workers: int, seed: int) -> Promises:
    """All rounds; `folder` is for videos and stores."""
    promises = Promises()
    videos = make_videos(folder / "videos", num_videos)
    undisturbed = preprocess(videos, folder / "undisturbed", faults={}, num_workers=num_workers)
    paths = sorted(rows_by_path(undisturbed["clips.csv"]))
    rng = random.Random(seed)
    for number in range(rounds):
        kinds = ["crash", "kill", "deaf" if number % 5 == 4 else "hang", "memory"]
        rng.shuffle(kinds)
        faults = dict(zip(rng.sample(paths, len(kinds)), kinds, strict=True))
        one_round(videos, folder / f"round-{number}", undisturbed, faults, promises, num_workers=num_workers)
    return promises


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=50)
    options.add_argument("--videos", type=int, default=200)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        promises = run(
            Path(folder),
            rounds=chosen.rounds,
            num_videos=chosen.videos,
            num_workers=chosen.workers,
            seed=chosen.seed,
        )
    print(f"{chosen.rounds} rounds of 4 faults among {chosen.videos} videos, {chosen.workers} workers")
    return promises.report()


if __name__ == "__main__":
    sys.exit(main())
