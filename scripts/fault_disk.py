"""Full disks, read-only folders, no permission, signals, two runs at once: exit code, path, nothing lost.

    python -m scripts.fault_disk [--signals 20] [--videos 60] [--seed 0]

Full and read-only disks are small memory file systems, which only root can mount; what cannot be tried is
said. After each fault the same command is run again with room and permission: its store must be equal to an
undisturbed one.
"""

import contextlib
import ctypes
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from scripts.fault_common import Promises, content, make_videos, parser, run_command, start_command

WORDS = ("--num-frames", "4", "--image-size", "128", "--workers", "2")
CLIP_BYTES = 4 * 128 * 128 * 3
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2  # linux/prctl.h, linux/capability.h
SIGNAL_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What all cases share.

    Attributes:
        folder: for stores.
        videos: what is preprocessed.
        expected: the bytes of an undisturbed store.
        promises: kept and broken.
    """

    folder: Path
    videos: Path
    expected: dict[str, bytes]
    promises: Promises

    def start(self, out: Path, **options: Any) -> "subprocess.Popen[bytes]":
        """Starts preprocess into `out`."""
        return start_command("preprocess", self.videos, "--out", out, *WORDS, **options)

    def refused(self, name: str, out: Path, code: int, *words: str, **options: Any) -> None:
        """Preprocess must end with this code and name these words, among them the path."""
        got, errors = run_command("preprocess", self.videos, "--out", out, *WORDS, **options)
        missing = [word for word in (str(out), *words) if word not in errors]
        self.promises.check(got == code and not missing, name, (got, missing, errors[-400:]))

    def goes_on(self, out: Path, name: str) -> None:
        """The same command, undisturbed, must end in the expected store."""
        code, errors = run_command("preprocess", self.videos, "--out", out, *WORDS)
        same = code == 0 and content(out) == self.expected
        self.promises.check(same, f"after {name} the same command ends in an equal store", errors[-300:])


@contextlib.contextmanager
def memory_disk(place: Path, size_bytes: int, *, options: str = "") -> Iterator[Path]:
    """A file system of this size.

    Raises:
        PermissionError: this user cannot mount one.
    """
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}{options}", "tmpfs", str(place)]
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PermissionError("there is no command `mount` here") from None
    if done.returncode:
        raise PermissionError(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def wait_for_records(out: Path, process: "subprocess.Popen[bytes]", count: int) -> int:
    """Waits until a run has finished so many videos; how many it has."""
    journal, done = out / ".preprocess" / "journal.jsonl", 0
    deadline = time.monotonic() + 120
    while done < count and process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            done = journal.read_bytes().count(b'"id"')
        time.sleep(0.005)
    return done


def disk_fills_up(scene: Scene) -> None:
    """The disk is filled while a run is half done: what was finished stays."""
    needed = len(scene.expected) * CLIP_BYTES
    with memory_disk(scene.folder / "filling", 2 * needed) as disk:
        out = disk / "out"
        process = scene.start(out)
        done = wait_for_records(out, process, 5)
        os.killpg(process.pid, signal.SIGSTOP)
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(65536))
        os.killpg(process.pid, signal.SIGCONT)
        _, errors = process.communicate()
        text = errors.decode("utf-8", "backslashreplace")
        told = process.returncode == 3 and str(out) in text and "No space left on device" in text
        scene.promises.check(
            told, "a disk that fills up: code 3 and the path", (process.returncode, text[-400:])
        )
        scene.promises.check(not (out / "store.json").exists(), "a full disk leaves no finished store")
        scene.refused("a disk still full: code 3 and the path", out, 3)
        ballast.unlink()
        code, errors_again = run_command("preprocess", scene.videos, "--out", out, *WORDS)
        # On a busy machine all videos may have been done when the disk filled.
        known = re.search(r"\((\d+) are done already\)|nothing new: all (\d+) clips", errors_again)
        kept = code == 0 and known is not None and int(known[1] or known[2]) >= done
        scene.promises.check(kept, "what was finished before the disk was full is kept", errors_again[-300:])
        scene.promises.check(content(out) == scene.expected, "after a full disk: an equal store")


def disk_is_too_small(scene: Scene) -> None:
    """The room is estimated before the start."""
    with memory_disk(scene.folder / "small", len(scene.expected) * CLIP_BYTES // 2) as disk:
        scene.refused("too little room is told before the start", disk / "out", 3, "needs about", "free")
        clips = list((disk / "out").rglob("*.npy"))
        scene.promises.check(not clips, "without room nothing is begun", clips[:3])


def disk_is_read_only(scene: Scene) -> None:
    """New, unfinished and finished stores on a read-only file system."""
    with memory_disk(scene.folder / "read-only", 4 * len(scene.expected) * CLIP_BYTES) as disk:
        (disk / "empty").mkdir()
        process = scene.start(disk / "half")
        wait_for_records(disk / "half", process, 5)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        run_command("preprocess", scene.videos, "--out", disk / "whole", *WORDS)
        before = content(disk)
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for name in ("new", "empty", "half", "whole"):
            scene.refused(f"a read-only disk, {name} store: code 3 and the path", disk / name, 3, "Read-only")
        scene.promises.check(content(disk) == before, "a read-only disk is as it was")
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        for name in ("new", "empty", "half", "whole"):
            scene.goes_on(disk / name, "a read-only disk")


def files_are_limited(scene: Scene) -> None:
    """A limit on the size of files (`ulimit -f`) refuses every clip."""

    def limit() -> None:
        resource.setrlimit(
            resource.RLIMIT_FSIZE, (CLIP_BYTES // 2, resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        )

    out = scene.folder / "limited"
    scene.refused(
        "files too large for the limit: code 3 and the path", out, 3, "File too large", preexec_fn=limit
    )
    scene.goes_on(out, "a limit on files")


def temporary_folder_is_full(scene: Scene) -> None:
    """The folder for temporary files has no room: nothing of ours depends on it."""
    with memory_disk(scene.folder / "temporary", 65536) as disk:
        (disk / "ballast").write_bytes(bytes(65536))
        out = scene.folder / "with-full-tmp"
        code, errors = run_command(
            "preprocess", scene.videos, "--out", out, *WORDS, env={**os.environ, "TMPDIR": str(disk)}
        )
        same = code == 0 and content(out) == scene.expected
        scene.promises.check(same, "a full folder for temporary files: an equal store", (code, errors[-300:]))


def bound_by_permissions() -> None:
    """In a child before it starts: root gives up the right to pass over permissions; others never had it."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def permission_is_missing(scene: Scene) -> None:
    """A folder that may not be written to, a video and a class folder that may not be read."""
    closed, out = scene.folder / "closed", scene.folder / "open"
    (closed / "there").mkdir(parents=True)
    (closed / "there").chmod(0o555)
    closed.chmod(0o555)
    bound: dict[str, Any] = {"preexec_fn": bound_by_permissions}
    for name in ("new", "there"):
        scene.refused(f"no permission, {name} folder: code 3", closed / name, 3, "Permission denied", **bound)
    secret = sorted(scene.videos.rglob("*.avi"))[0]
    secret.chmod(0)
    code, errors = run_command("preprocess", scene.videos, "--out", out, *WORDS, **bound)
    table = (out / "clips.csv").read_text() if (out / "clips.csv").exists() else ""
    named = code == 1 and table.count("cannot be opened: no permission to read it") == 1
    scene.promises.check(
        named, "a video without permission is failed and named: code 1", (code, errors[-300:])
    )
    secret.chmod(0o644)
    code, errors = run_command("preprocess", scene.videos, "--out", out, *WORDS, "--retry", **bound)
    same = code == 0 and content(out) == scene.expected
    scene.promises.check(same, "with permission and --retry: an equal store", (code, errors[-300:]))
    secret.parent.chmod(0o300)
    code, errors = run_command("preprocess", scene.videos, "--out", out, *WORDS, **bound)
    told = code == 3 and str(secret.parent) in errors
    scene.promises.check(
        told, "a class folder without permission: code 3 and the path", (code, errors[-300:])
    )
    secret.parent.chmod(0o755)
    (out / "frames").chmod(0o555)
    changed = scene.folder / "changed"
    shutil.copytree(scene.videos, changed)
    for path in changed.rglob("*.avi"):
        path.write_bytes(path.read_bytes() + b"\0")
    code, errors = run_command("preprocess", changed, "--out", out, *WORDS, **bound)
    told = code == 3 and str(out / "frames") in errors
    scene.promises.check(told, "no permission for clips: code 3 and the path", (code, errors[-300:]))
    (out / "frames").chmod(0o755)
    scene.goes_on(out, "a lack of permission")


def two_runs(scene: Scene) -> None:
    """The second run on a store says so and leaves; the first does not notice."""
    out = scene.folder / "twice"
    process = scene.start(out)
    wait_for_records(out, process, 3)
    os.killpg(process.pid, signal.SIGSTOP)  # so that it cannot end first
    scene.refused("a second run: code 4, and it says so", out, 4, "another clipwise run is using")
    os.killpg(process.pid, signal.SIGCONT)
    _, errors = process.communicate()
    same = process.returncode == 0 and content(out) == scene.expected
    scene.promises.check(same, "the first run does not notice the second", errors[-300:])


def signals(scene: Scene, count: int, seed: int) -> None:
    """Ctrl-C and SIGTERM at random moments end a run within 5 seconds, with its workers."""
    rng = random.Random(seed)
    began = time.monotonic()
    scene.goes_on(scene.folder / "timed", "nothing")
    usual_seconds = time.monotonic() - began
    slowest = 0.0
    for number in range(count):
        out = scene.folder / f"signal-{number}"
        stop, code = ((signal.SIGINT, 130), (signal.SIGTERM, 143))[number % 2]
        process = scene.start(out)
        while not out.exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(rng.uniform(0, 0.8) * usual_seconds)
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        ended_before = process.poll() is not None
        began = time.monotonic()
        if not ended_before and (number % 4 < 2 or stop == signal.SIGINT):
            os.killpg(process.pid, stop)  # a terminal sends Ctrl-C to the whole group
        elif not ended_before:
            process.send_signal(stop)  # a service manager may know the parent alone
        _, errors = process.communicate()
        _, alive = psutil.wait_procs(family, timeout=max(0.0, SIGNAL_SECONDS - (time.monotonic() - began)))
        seconds = time.monotonic() - began
        slowest = max(slowest, seconds)
        quick = not alive and seconds <= SIGNAL_SECONDS
        scene.promises.check(quick, f"{stop.name}: all ends within 5 s", (seconds, alive))
        told = process.returncode == code and b"Traceback" not in errors and b"kept" in errors
        if process.returncode in (0, -stop):  # too late: it was done, at most the interpreter was ending
            told = (out / "store.json").exists() and content(out) == scene.expected
        scene.promises.check(
            told, f"{stop.name}: exit code {code} and one line", (process.returncode, errors)
        )
        scene.goes_on(out, stop.name)
        shutil.rmtree(out)
    print(f"the slowest of {count} signals took {slowest:.1f} s to end everything")


CASES: dict[str, Callable[[Scene], None]] = {
    case.__name__: case
    for case in (
        disk_fills_up,
        disk_is_too_small,
        disk_is_read_only,
        files_are_limited,
        temporary_folder_is_full,
        permission_is_missing,
        two_runs,
    )
}


def run(
    folder: Path, *, num_videos: int, num_signals: int, seed: int, cases: Sequence[str] = tuple(CASES)
) -> tuple[Promises, list[str]]:
    """The cases named, then signals; the promises, and a sentence for each case that could not be tried."""
    videos = make_videos(folder / "videos", num_videos, min_frames=20)
    code, errors = run_command("preprocess", videos, "--out", folder / "undisturbed", *WORDS)
    if code:
        sys.exit(f"the undisturbed run ended with {code}: {errors}")
    scene = Scene(folder=folder, videos=videos, expected=content(folder / "undisturbed"), promises=Promises())
    skipped = []
    for name in cases:
        try:
            CASES[name](scene)
        except PermissionError as error:
            skipped.append(f"not tried: {name}: {error}")
    if num_signals:
        signals(scene, num_signals, seed)
    return scene.promises, skipped


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--signals", type=int, default=20)
    options.add_argument("--videos", type=int, default=60)
    options.add_argument("--seed", type=int, default=0)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        promises, skipped = run(
            Path(folder), num_videos=chosen.videos, num_signals=chosen.signals, seed=chosen.seed
        )
    print(*skipped, sep="\n")
    return promises.report()


if __name__ == "__main__":
    sys.exit(main())
