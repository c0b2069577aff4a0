"""Small doses of the heavy fault commands: the same functions, a few faults each."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.clips.clip import Clip
from pipeline.video.letterbox import fit_frame
from scripts import fault_disk, fault_hostile, fault_kill, fault_memory, fault_mutations, fault_workers
from scripts.fault_common import ROOT, Promises
from tests.helpers.videos import numbered_frame


def none_broken(promises: Promises) -> None:
    assert not promises.broken
    assert promises.kept


def test_a_fault_costs_its_own_video_only(tmp_path: Path) -> None:
    none_broken(fault_workers.run(tmp_path, rounds=1, num_videos=14, num_workers=2, seed=0))


def test_killed_at_any_moment_and_run_again(tmp_path: Path) -> None:
    promises, _ = fault_kill.run(tmp_path, kills=2, num_videos=12, num_workers=2, seed=1)
    none_broken(promises)


def test_training_stopped_at_any_moment_ends_in_the_same_model() -> None:
    """In a process of its own: it forks, which a process with threads must not."""
    words = ["-m", "scripts.fault_resume", "--kills", "2", "--seed", "3", "--kinds", "pixels"]
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 stops, " in done.stdout
    assert "pixels: all files are equal to an undisturbed run's" in done.stdout


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


def test_changed_bytes_are_never_the_end(tmp_path: Path) -> None:
    promises, verdicts = fault_mutations.run(tmp_path, count=51, seed=3, num_workers=2)
    none_broken(promises)
    assert {name: counts.total() - counts["lost its worker"] for name, counts in verdicts.items()} == {
        kind.name: 3 for kind in fault_mutations.KINDS
    }
    checked = verdicts["mkv-ffv1"]  # each slice has a checksum: no picture is spoilt without a word
    assert not checked["ok, spoilt"] + checked["ok, differs"]


def test_verdicts_on_changed_videos() -> None:
    kinds = fault_mutations
    indices = (1, 4)
    clean = [np.asarray(numbered_frame(i, size_wh=kinds.SIZE_WH)) for i in range(6)]
    side = kinds.SPEC.image_size
    fitted = [fit_frame(np.ascontiguousarray(frame[:, :, ::-1]), kinds.SPEC) for frame in clean]
    frames = np.stack([fitted[i] for i in indices])
    assert frames.shape == (2, side, side, 3)

    def of(frames: NDArray[np.uint8] | None, num_frames: int = kinds.NUM_FRAMES) -> str:
        clip = Clip(
            id="a", path="a", label="a", split="train", group="a", status="ok",
            frame_indices=indices, num_frames=num_frames,
        )  # fmt: skip
        return kinds.verdict(clip, frames, fitted)

    assert of(None) == "failed"
    assert of(frames) == "ok, right"
    assert of(frames, 59) == "ok, shorter"
    assert of(frames[::-1]) == "ok, other frame"
    assert (
        of(np.where(np.arange(side)[:, None, None] < side // 2, 128, frames).astype(np.uint8)) == "ok, spoilt"
    )
    assert of((frames * 0.9).astype(np.uint8)) == "ok, differs"


def test_memory_stays_flat(tmp_path: Path) -> None:
    none_broken(fault_memory.run(tmp_path, num_clips=60, minutes=0, num_workers=2))


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
