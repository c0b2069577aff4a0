"""Workers: a fault costs its own job only; they start clean and leave nothing behind."""

import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video import worker
from pipeline.video.worker import WorkerFailure, WorkerPool, read_clip_isolated, read_clips_isolated
from tests.helpers.faults import run_fault
from tests.helpers.processes import workers_of
from tests.helpers.videos import write_numbered_video

ROOT = Path(__file__).resolve().parent.parent.parent
SPEC = ClipSpec(num_frames=3, image_size=48)
SIGSEGV = "its worker process was ended by SIGSEGV"

SCRIPT = """
import sys
from pipeline.video.worker import WorkerPool, read_clip_isolated
from pipeline.spec import ClipSpec
import cv2
print("main runs", flush=True)
clip = read_clip_isolated(sys.argv[1], ClipSpec(num_frames=3, image_size=48))
print(clip.num_frames, flush=True)
"""


def outcomes_of(jobs: list[str], **options: float) -> dict[str, object]:
    with WorkerPool(**options) as pool:  # type: ignore[arg-type]
        pairs = list(pool.map(run_fault, jobs))
    assert [job for job, _ in pairs] == jobs
    return {job: o.reason if isinstance(o, VideoError) else o for job, o in pairs}


def test_a_fault_costs_its_own_job_only() -> None:
    faults = {
        "crash:1": SIGSEGV,
        "kill:1": "its worker process was ended by SIGKILL",
        "exit:1": "its worker process ended with code 3",
        "hang:1": "took longer than 1.5 s",
        "hog:1": "needs too much memory (the limit of a worker is 2.0 GiB)",
        "crash:2": SIGSEGV,
        "video:1": "a reason",
    }
    jobs = []
    for i, fault in enumerate(faults):
        jobs += [f"keep:{i}", fault]
    jobs.append("keep:last")
    expected = {job: faults.get(job, job) for job in jobs}
    assert outcomes_of(jobs, num_workers=2, time_limit_seconds=1.5, memory_limit_bytes=2 << 30) == expected


def limit_of(job: str) -> float:
    return 1.0 if job == "hang:short" else 60.0


def test_a_time_limit_may_depend_on_the_job() -> None:
    with WorkerPool(num_workers=2, time_limit_seconds=limit_of) as pool:
        reasons = [
            getattr(outcome, "reason", outcome) for _, outcome in pool.map(run_fault, ["hang:short", "a"])
        ]
    assert reasons == ["took longer than 1 s", "a"]


def test_what_ran_out_of_memory_leaves_room_for_the_next() -> None:
    jobs = ["fill:1", "fit:1", "fill:2", "fit:2"]
    reason = "needs too much memory (the limit of a worker is 2.0 GiB)"
    found = outcomes_of(jobs, memory_limit_bytes=2 << 30)
    assert found == {"fill:1": reason, "fit:1": str(1 << 30), "fill:2": reason, "fit:2": str(1 << 30)}


@pytest.mark.parametrize("times", [1, 3])
def test_jobs_that_got_lost_on_the_way_are_sent_again(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """As when a worker is killed between taking a job and saying so."""

    class Deaf:
        def schedule(self, *_: object, **__: object) -> Future[object]:
            return Future()

        def stop(self) -> None:
            pass

        def join(self) -> None:
            pass

    monkeypatch.setattr(worker, "_LOST_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(worker, "_LOOK_EVERY_SECONDS", 0.1)
    real, made = WorkerPool._new_pool, 0

    def new_pool(self: WorkerPool) -> object:
        nonlocal made
        made += 1
        if made > times:
            monkeypatch.setattr(worker, "_LOST_AFTER_SECONDS", 60.0)
            return real(self)
        return Deaf()

    monkeypatch.setattr(WorkerPool, "_new_pool", new_pool)
    found = outcomes_of(["a", "b", "c"])
    if times == 1:
        assert found == {"a": "a", "b": "b", "c": "c"}
    else:
        assert found["a"] == found["b"] == "its worker process died each time"
        assert found["c"] == "c"


def test_a_function_of_the_main_script_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers do not import it: the job would wait for ever."""
    monkeypatch.setattr(run_fault, "__module__", "__main__")
    with WorkerPool() as pool, pytest.raises(ValueError, match="defined in __main__"):
        list(pool.map(run_fault, ["keep"]))


def test_many_crashes_in_a_row_and_a_good_job_after_them() -> None:
    jobs = [*(f"crash:{i}" for i in range(4)), "keep:1"]
    assert outcomes_of(jobs) == {**dict.fromkeys(jobs[:-1], SIGSEGV), "keep:1": "keep:1"}


def test_failures_name_the_job() -> None:
    with WorkerPool() as pool:
        ((_, outcome),) = pool.map(run_fault, ["crash:film.mp4"])
    assert isinstance(outcome, WorkerFailure)
    assert str(outcome) == f"crash:film.mp4: {SIGSEGV}"


def test_a_bug_in_the_job_is_raised_here_with_its_traceback() -> None:
    with WorkerPool() as pool, pytest.raises(ZeroDivisionError, match="a bug in the job") as caught:
        list(pool.map(run_fault, ["keep", "bug"]))
    assert "run_fault" in str(caught.value.__cause__)


def test_a_pool_is_used_again_after_a_left_map() -> None:
    with WorkerPool(num_workers=1) as pool:
        first = pool.map(run_fault, (f"keep:{i}" for i in itertools.count()))
        assert next(first) == ("keep:0", "keep:0")
        first.close()
        assert list(pool.map(run_fault, ["a", "b"])) == [("a", "a"), ("b", "b")]


def test_an_idle_worker_that_is_killed_is_replaced() -> None:
    with WorkerPool(num_workers=1) as pool:
        assert list(pool.map(run_fault, ["a"])) == [("a", "a")]
        (worker,) = workers_of(os.getpid())
        worker.kill()
        time.sleep(0.5)  # not worker.wait(): it would reap what multiprocessing has to reap
        assert list(pool.map(run_fault, ["b", "c"])) == [("b", "b"), ("c", "c")]


def test_jobs_are_taken_lazily_and_memory_stays_flat() -> None:
    taken = 0

    def jobs() -> Iterator[str]:
        nonlocal taken
        for i in range(100):
            taken += 1
            yield f"big:{i}"

    with WorkerPool(num_workers=2) as pool:
        for number, (_, outcome) in enumerate(pool.map(run_fault, jobs())):
            assert len(outcome) == 1 << 20  # type: ignore[arg-type]
            assert taken - number <= 9  # 4 a worker, and the one in hand
    assert taken == 100


def test_workers_start_without_torch_and_with_the_decoders_environment() -> None:
    with WorkerPool() as pool:
        (_, modules), (_, environment) = pool.map(run_fault, ["modules", "environment"])
    assert not isinstance(modules, VideoError)
    assert not isinstance(environment, VideoError)
    assert "cv2" in modules
    assert not {"torch", "sklearn", "matplotlib", "albumentations", "pytest"} & set(modules)
    assert environment["OPENCV_FFMPEG_LOGLEVEL"] == "24"
    assert environment["OMP_NUM_THREADS"] == "1"
    assert "format_whitelist;mov" in environment["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
    assert "concat" not in environment["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
    assert "OPENCV_FFMPEG_LOGLEVEL" not in os.environ  # ours alone


def test_read_clips_isolated_goes_on_after_bad_files(tmp_path: Path) -> None:
    good = write_numbered_video(tmp_path / "good.avi", 9)
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video")
    paths = [good, bad, tmp_path / "nothing.mp4", good]
    outcomes = list(read_clips_isolated(paths, SPEC, num_workers=2))
    assert [path for path, _ in outcomes] == paths
    reasons = [o.reason if isinstance(o, VideoError) else o.frame_indices for _, o in outcomes]
    assert reasons == [(1, 4, 7), "not a supported video", "no such file", (1, 4, 7)]
    with pytest.raises(VideoError, match="no such file"):
        read_clip_isolated(tmp_path / "nothing.mp4", SPEC)


def test_num_workers_must_be_positive() -> None:
    with pytest.raises(ValueError, match="num_workers is 0"):
        WorkerPool(num_workers=0)


@pytest.mark.parametrize("way", ["file", "command", "stdin"])
def test_a_script_without_a_main_guard_runs_once(tmp_path: Path, way: str) -> None:
    video = write_numbered_video(tmp_path / "video.avi", 9)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    arguments = {"file": [str(script)], "command": ["-c", SCRIPT], "stdin": ["-"]}[way]
    done = subprocess.run(
        [sys.executable, *arguments, str(video)],
        input=SCRIPT if way == "stdin" else None,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n")[:2] == ["main runs", "9"]


# --- the end of the parent ----------------------------------------------------------------------

HANGING = """
import sys
from pipeline.video.worker import WorkerPool
from tests.helpers.faults import sleep_and_tell
with WorkerPool(num_workers=2) as pool:
    list(pool.map(sleep_and_tell, [sys.argv[1]] * 8))
"""


def wait_until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_parent(tmp_path: Path, ending: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", HANGING, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        family = psutil.Process(parent.pid).children(recursive=True)
        assert len(workers_of(parent.pid)) == 2
        began = time.monotonic()
        if ending is signal.SIGINT:
            os.killpg(parent.pid, ending)  # the terminal sends Ctrl-C to the whole group
        else:
            parent.send_signal(ending)
        _, errors = parent.communicate(timeout=30)
        _, alive = psutil.wait_procs(family, timeout=10)
        assert alive == []
        assert time.monotonic() - began < 8
        if ending is signal.SIGINT:
            assert errors.count(b"Traceback") == 1  # the parent's own; the workers are quiet
            assert errors.rstrip().endswith(b"KeyboardInterrupt")
    finally:
        if parent.poll() is None:
            os.killpg(parent.pid, signal.SIGKILL)
            parent.wait()
