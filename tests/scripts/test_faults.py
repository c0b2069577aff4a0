"""Small doses of the heavy fault commands: the same functions, a few faults each."""

from pathlib import Path

import pytest

from scripts import fault_disk, fault_hostile, fault_kill, fault_workers
from scripts.fault_common import Promises


def none_broken(promises: Promises) -> None:
    assert not promises.broken
    assert promises.kept


def test_a_fault_costs_its_own_video_only(tmp_path: Path) -> None:
    none_broken(fault_workers.run(tmp_path, rounds=1, num_videos=14, num_workers=2, seed=0))


def test_killed_at_any_moment_and_run_again(tmp_path: Path) -> None:
    promises, _ = fault_kill.run(tmp_path, kills=2, num_videos=12, num_workers=2, seed=1)
    none_broken(promises)


def test_a_full_disk_and_two_runs(tmp_path: Path) -> None:
    cases = ("disk_fills_up", "disk_is_too_small", "two_runs")
    promises, skipped = fault_disk.run(tmp_path, num_videos=14, num_signals=0, seed=0, cases=cases)
    none_broken(promises)
    assert all("can be mounted" in reason or "mount" in reason for reason in skipped)


def test_hostile_files_and_names(tmp_path: Path) -> None:
    promises = Promises()
    with fault_hostile.scene_in(tmp_path, promises) as scene:
        files = [f"{scene.videos}/hostile/files/{name}" for name in ("ffconcat-beside.mp4", "m3u8-far.m3u8")]
        concat = next(name for name in scene.names if name.startswith("concat:"))
        assert fault_hostile.control(scene, [scene.names[0], concat, *files]) == 4
        fault_hostile.store_from_folder(scene)
        fault_hostile.from_python(scene, None, time_limit_seconds=0)
    none_broken(promises)


@pytest.mark.slow
def test_disks_permissions_and_signals(tmp_path: Path) -> None:
    promises, skipped = fault_disk.run(tmp_path, num_videos=16, num_signals=4, seed=0)
    none_broken(promises)
    print(*skipped, sep="\n")


def test_a_broken_promise_is_counted_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    promises = Promises()
    promises.check(True, "kept")
    promises.check(False, "not kept", "why")
    assert promises.report() == 1
    printed = capsys.readouterr().out
    assert "BROKEN: not kept: why" in printed
    assert "       0        1  not kept" in printed
    promises.broken.clear()
    assert promises.report() == 0
