"""Workers that are kept: one borrower each, none too many, none left, and not the parent's after a fork."""

import contextlib
import os
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from pipeline.video.worker_reserve import WorkerReserve
from tests.helpers.faults import run_fault

ROOT = Path(__file__).resolve().parents[2]


def worker_ids(reserve: WorkerReserve, count: int = 1) -> set[int]:
    """Process ids that a pool's jobs see."""
    with reserve.pool(1) as pool:
        return {int(str(result)) for _, result in pool.map(run_fault, ["pid"] * count)}


def test_the_next_borrower_gets_the_same_worker() -> None:
    reserve = WorkerReserve()
    with contextlib.closing(reserve):
        (first,) = worker_ids(reserve)
        assert worker_ids(reserve, 2) == {first}
        with reserve.pool(1) as pool, reserve.pool(1) as other:
            assert pool is not other
        assert worker_ids(reserve) == {first}
    assert not psutil.pid_exists(first)
    (again,) = worker_ids(reserve)  # after close: a new one
    assert again != first
    reserve.close()


def test_no_more_are_kept_than_allowed_and_none_after_an_error() -> None:
    reserve = WorkerReserve(most_kept=1)
    with contextlib.closing(reserve):
        with reserve.pool(1) as one, reserve.pool(1) as two:
            ids = [int(str(next(pool.map(run_fault, ["pid"]))[1])) for pool in (one, two)]
        assert [psutil.pid_exists(pid) for pid in ids].count(True) == 1
        (kept,) = worker_ids(reserve)
        assert kept in ids
        with pytest.raises(KeyboardInterrupt), reserve.pool(1):
            raise KeyboardInterrupt
        assert not psutil.pid_exists(kept)


def test_threads_do_not_wait_for_each_other() -> None:
    reserve = WorkerReserve()
    both = threading.Barrier(2, timeout=60)
    found: list[set[int]] = []

    def borrow() -> None:
        with reserve.pool(1) as pool:
            both.wait()  # both have one
            found.append({int(str(result)) for _, result in pool.map(run_fault, ["pid"])})

    with contextlib.closing(reserve):
        threads = [threading.Thread(target=borrow) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert len(found) == 2
    assert found[0].isdisjoint(found[1])


FORKED = """
import os, sys
from pipeline.video.worker_reserve import WorkerReserve
from tests.helpers.faults import run_fault
reserve = WorkerReserve()
def worker():
    with reserve.pool(1) as pool:
        return int(next(pool.map(run_fault, ["pid"]))[1])
first = worker()
child = os.fork()
if child == 0:
    own = worker()
    reserve.close()
    os._exit(0 if own != first else 1)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), worker() == first, first)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
def test_a_forked_child_has_workers_of_its_own_and_the_end_leaves_none() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    status, is_kept, worker = done.stdout.split()
    assert (status, is_kept, done.stderr, done.returncode) == ("0", "True", "", 0)
    assert not psutil.pid_exists(int(worker))
