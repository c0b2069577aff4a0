"""A worker that tells while it works: events in order and with back-pressure, faults named, nothing left."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.errors import VideoError
from pipeline.video.streaming import stream_isolated
from pipeline.video.worker import WorkerFailure
from tests.helpers.faults import run_fault


def count_and_fault(job: str) -> Iterator[object]:
    """Tells three numbers, then does what the job says; `keep` tells it back."""
    yield from range(3)
    yield run_fault(job)


def tell_of_many(folder: str) -> Iterator[bytes]:
    """Large events without end; notes in a file how many were made."""
    for number in range(10_000):
        (Path(folder) / "made").write_text(str(number), "utf-8")
        yield bytes(1 << 20)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ("crash:1", "its worker process was ended by SIGSEGV"),
        ("exit:1", "its worker process ended with code 3"),
        ("hang:1", "its worker said nothing for 6 s"),
        ("hog:1", r"needs too much memory \(the limit of a worker is 2.0 GiB\)"),
    ],
)
def test_a_fault_is_named_after_what_was_told(job: str, reason: str) -> None:
    events = stream_isolated(count_and_fault, job, silence_limit_seconds=6, memory_limit_bytes=2 << 30)
    assert [next(events) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(WorkerFailure, match=reason):
        next(events)
    assert not [child for child in psutil.Process().children() if "clipwise" in child.name()]


def test_what_the_function_raises_is_raised_here() -> None:
    assert list(stream_isolated(count_and_fault, "keep")) == [0, 1, 2, "keep"]
    with pytest.raises(VideoError, match=r"v.mp4: a reason"):
        list(stream_isolated(count_and_fault, "video"))
    with pytest.raises(ZeroDivisionError, match="a bug in the job"):
        list(stream_isolated(count_and_fault, "bug"))


def test_a_function_of_the_users_script_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count_and_fault, "__module__", "__main__")
    with pytest.raises(ValueError, match="__main__"):
        list(stream_isolated(count_and_fault, "keep"))


def test_the_worker_waits_for_us_and_ends_with_us(tmp_path: Path) -> None:
    events = stream_isolated(tell_of_many, str(tmp_path))
    for _ in range(3):
        next(events)
    time.sleep(0.5)
    assert int((tmp_path / "made").read_text("utf-8")) <= 4  # not 10,000: memory stays flat
    before = {child.pid for child in psutil.Process(os.getpid()).children()}
    events.close()
    after = {child.pid for child in psutil.Process(os.getpid()).children()}
    assert len(before - after) == 1
