"""No name and no content makes a command call the network, open a second file, or take the machine down.

    python -m scripts.fault_hostile [--time-limit 20]

Hostile files and names go through `clipwise preprocess` (a folder; a CSV) into a store, through `clipwise
classify`, and through the Python API from a script without a main guard that has imported cv2 already. A
server on this machine counts calls, and the system tells whenever a canary file is opened. Every hostile file
must be failed with a reason, and good videos with names of all kinds must be read; the store must name them
byte for byte. As a control the same files are opened by plain OpenCV: the witnesses must see something then.
"""

import contextlib
import csv
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from pipeline.clips.clip import Clip
from pipeline.clips.source import is_video
from pipeline.clips.store import ClipStore
from pipeline.video.worker import DEFAULT_MEMORY_LIMIT_BYTES
from scripts import fault_hostile_files as makers
from scripts.fault_common import ROOT, SPEC_WORDS, Promises, command, parser
from scripts.fault_hostile_names import GOOD_NAMES, hostile_names
from scripts.fault_hostile_readers import PROTECTED, UNPROTECTED
from scripts.fault_watch import Server, Watch, witnesses
from tests.helpers.videos import read_numbers, write_numbered_video

NOT_OK = "a hostile file or name is failed, with a reason"


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What all routes share.

    Attributes:
        videos: class folders `hostile` and `good`, a folder `files` in each.
        canary: the folder that nobody may open.
        server: counts calls.
        watch: notices opened canaries.
        promises: kept and broken.
    """

    videos: Path
    canary: Path
    server: Server
    watch: Watch
    promises: Promises

    @property
    def files(self) -> list[str]:
        """All files to read, hostile ones first."""
        return [str(path) for path in self.hostile + sorted((self.videos / "good/files").iterdir())]

    @property
    def hostile(self) -> list[Path]:
        """The hostile files."""
        files = sorted((self.videos / "hostile/files").glob("*.*"))
        return [path for path in files if path.name != makers.BESIDE]

    @property
    def names(self) -> list[str]:
        """Names that are no files of ours."""
        return hostile_names(self.canary, self.server.port)

    def quiet(self, route: str) -> None:
        """Nothing may have been called or opened."""
        time.sleep(0.2)
        calls, touched = self.server.calls, self.watch.read()
        self.promises.check(not calls, f"{route}: no call to the network", calls[:3])
        self.promises.check(not touched, f"{route}: no second file is opened", touched[:3])
        self.forget()

    def forget(self) -> int:
        """Clears the witnesses; how much they had seen."""
        seen = len(self.server.calls) + len(self.watch.read())
        self.server.calls.clear()
        self.watch.touched.clear()
        return seen

    def run(self, words: list[str], **options: Any) -> tuple[int, str, str]:
        """Runs a process and watches the memory of its children; exit code, stdout, stderr."""
        text = options.pop("input", None)
        process: subprocess.Popen[str] = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", errors="backslashreplace", **options,
        )  # fmt: skip
        peak = _Peak(process.pid)
        out, err = process.communicate(text)
        within = peak.end() <= DEFAULT_MEMORY_LIMIT_BYTES
        self.promises.check(within, "a worker stays under its memory limit", peak.bytes)
        return process.returncode, out, err


class _Peak(threading.Thread):
    """The most memory that any child of a process has resident, looked at 50 times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        self._pid = pid
        self._ended = threading.Event()
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.02):
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(self._pid).children(recursive=True):
                    with contextlib.suppress(psutil.Error):
                        self.bytes = max(self.bytes, child.memory_info().rss)

    def end(self) -> int:
        self._ended.set()
        self.join()
        return self.bytes


def write_hostile(hostile: Path, folder: Path, canary: Path, port: int, *, sparse_bytes: int) -> None:
    """Hostile files and special ones, with names that make a folder's listing take them."""
    scratch = folder / "scratch"
    scratch.mkdir()
    made: dict[str, bytes] = {name: text.encode() for name, text in makers.texts(canary, port).items()}
    made |= makers.references(scratch, canary, port)
    made |= makers.bombs(scratch)
    for name, content in made.items():
        (hostile / f"{name}.mp4").write_bytes(content)
    for (
        name,
        content,
    ) in made.items():  # a list or a person may name these; a folder's listing leaves them out
        if (suffix := makers.SUFFIXES.get(name.partition("-")[0])) is not None:
            (hostile / f"{name}{suffix}").write_bytes(content)
    for name in ("m3u8-web", "m3u8-far", "ffconcat-far", "sdp", "dash-web", "subtitles"):  # by other names
        for suffix in (".avi", ".ts", ".mkv", ".gif", ".h264"):
            (hostile / f"{name}{suffix}").write_bytes(made[name])
    (hostile / "sparse.mp4").touch()
    os.truncate(hostile / "sparse.mp4", sparse_bytes)
    os.mkfifo(hostile / "fifo.mp4")
    (hostile / "folder.mp4").mkdir()
    (hostile / "loop.mp4").symlink_to("loop.mp4")
    (hostile / "nowhere.mp4").symlink_to("nothing.mp4")
    for name in ("zero", "null", "stdin"):
        (hostile / f"{name}.mp4").symlink_to(f"/dev/{name}")
    with socket.socket(socket.AF_UNIX) as listening, contextlib.chdir(hostile):
        listening.bind("socket.mp4")


def write_good(good: Path) -> int:
    """The same good video under odd names; how many."""
    good.mkdir(parents=True)
    plain = write_numbered_video(good / "plain.avi", 9)
    for name in GOOD_NAMES:
        shutil.copyfile(plain, os.path.join(os.fsencode(good), name))  # noqa: PTH118 - bytes
    return len(GOOD_NAMES) + 1


# --- the routes ---------------------------------------------------------------------------------


def store_from_folder(scene: Scene) -> None:
    """Through `preprocess` into a store: names come out as they are, hostile files as failed."""
    out = scene.videos.parent / "store"
    code, _, errors = scene.run(command("preprocess", scene.videos, "--out", out, *SPEC_WORDS), cwd=ROOT)
    if not scene.promises.check(
        code == 1, "preprocess of hostile files ends with code 1", (code, errors[-500:])
    ):
        return
    store = ClipStore.open(out)
    clips = {clip.path: clip for clip in store.clips}
    hostile = {path: clip for path, clip in clips.items() if clip.label == "hostile"}
    for path, clip in hostile.items():
        refused = clip.status == "failed" and clip.reason
        scene.promises.check(refused or Path(path).stem in makers.WHOLE, NOT_OK, (path, clip.status))
    print(*sorted(f"  {path}: {clip.reason}" for path, clip in hostile.items()), sep="\n")
    listed = {f"hostile/files/{path.name}" for path in scene.hostile if is_listed(path)}
    scene.promises.check(hostile.keys() == listed, "each hostile file is listed", hostile.keys() ^ listed)
    for name in os.listdir(scene.videos / "good/files"):  # noqa: PTH208 - text with surrogates
        good = clips.get(f"good/files/{name}")
        right = good is not None and good.status == "ok" and _numbers(store, good) == (1, 4, 7)
        scene.promises.check(right, "a good video is read, whatever its name", (name, good))
    code, _, errors = scene.run(command("preprocess", scene.videos, "--out", out, *SPEC_WORDS), cwd=ROOT)
    again = code == 1 and "nothing new" in errors
    scene.promises.check(again, "a second run knows all of them", (code, errors[-500:]))
    scene.quiet("preprocess FOLDER")


def is_listed(path: Path) -> bool:
    """Whether a folder's listing takes it: not folders, links that lead out, and other extensions."""
    leads_out = path.is_symlink() and path.readlink().is_absolute()
    return is_video(path.name) and path.name != "folder.mp4" and not leads_out


def _numbers(store: ClipStore, clip: Clip) -> tuple[int, ...]:
    try:
        return read_numbers(store.frames(clip), size_wh=(64, 48))
    except ValueError:
        return ()


def store_from_table(scene: Scene) -> None:
    """Through a CSV that names anything: local names in one table, those that leave its folder one by one."""
    names = scene.names
    local = {os.path.normpath(name): name for name in names if not name.startswith(("/", "~", "."))}
    outside = [name for name in names if name.startswith(("/", "~"))]
    for number, group in enumerate([list(local.values()), *([name] for name in outside)]):
        table, out = scene.videos / f"list-{number}.csv", scene.videos.parent / f"table-store-{number}"
        with table.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["path", "label"])
            rows.writerows([name, "hostile"] for name in group)
            rows.writerow(["good/files/plain.avi", "good"])
        code, _, errors = scene.run(command("preprocess", table, "--out", out, *SPEC_WORDS), cwd=ROOT)
        if code == 2 and number:  # refused as a whole, which names the line
            scene.promises.check("line 2" in errors or group[0] in errors, NOT_OK, (group, errors[-300:]))
            continue
        if scene.promises.check(
            code == 1, "preprocess of a list ends with code 1", (code, errors[-500:], group)
        ):
            failed = [clip for clip in ClipStore.open(out).clips if clip.status == "failed" and clip.reason]
            scene.promises.check(len(failed) == len(group), NOT_OK, (group, [clip.path for clip in failed]))
    scene.quiet("preprocess CSV")


def from_python(scene: Scene, model: Path | None, *, time_limit_seconds: float) -> None:
    """Through a script without a main guard that has imported cv2: reading, and classifying.

    Files that never end are read too, unless the limit is 0.
    """
    slow = []
    if time_limit_seconds:
        place = scene.videos.parent / "bombs"
        place.mkdir()
        for name, content in makers.slow_bombs(scene.videos.parent).items():
            (place / f"{name}.mp4").write_bytes(content)
            os.truncate(place / f"{name}.mp4", 80 << 20)
        slow = [str(path) for path in sorted(place.iterdir())]
    wanted = {"read": scene.names + slow + scene.files, "classify": scene.names + scene.files}
    words = [sys.executable, "-c", PROTECTED, str(model or ""), str(time_limit_seconds or 600)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    code, out, errors = scene.run(words, cwd=scene.videos.parent, env=environment, input=json.dumps(wanted))
    scene.promises.check(code == 0, "a script of a user's ends with code 0", (code, errors[-800:]))
    scene.promises.check(errors.count("main runs") == 1, "a script of a user's runs once", errors)
    results = [json.loads(line) for line in out.splitlines()]
    number = len(wanted["read"]) + 3 + (len(wanted["classify"]) + 1 if model else 0)
    scene.promises.check(len(results) == number, "each file has an outcome", (len(results), number))
    for route, path, reason in results:
        if "/good/files/" in path:
            scene.promises.check(
                reason == "ok", "a good video is read, whatever its name", (route, path, reason)
            )
        else:
            refused = reason not in ("ok", "") or Path(path).stem in makers.WHOLE
            scene.promises.check(refused, NOT_OK, (route, path, reason))
        if path in slow:
            print(f"  {path}: {reason}")
    scene.quiet("Python")


def by_classify(scene: Scene, model: Path) -> None:
    """Through `clipwise classify`: the folder, and names that are no files."""
    folder = scene.videos / "hostile"
    code, out, errors = scene.run(command("classify", folder, "--model", model, "--json"), cwd=ROOT)
    results = [json.loads(line) for line in out.splitlines()]
    scene.promises.check(code == 1, "classify of hostile files ends with code 1", (code, errors[-500:]))
    for result in results:
        refused = result["status"] == "failed" and result["error"]
        scene.promises.check(refused or Path(result["path"]).stem in makers.WHOLE, NOT_OK, result)
    listed = sum(is_video(path.name) and path.name != "folder.mp4" for path in scene.hostile)
    scene.promises.check(len(results) == listed, "each hostile file has an outcome", (len(results), listed))
    for name in (
        scene.names[0],
        f"concat:{scene.canary / 'canary.avi'}",
        "pipe:0",
        "/dev/zero",
        "-",
        "%d.mp4",
    ):
        code, _, errors = scene.run(command("classify", name, "--model", model), cwd=ROOT)
        scene.promises.check(code in (1, 2), "classify refuses a name that is no file", (name, code, errors))
    scene.quiet("classify")


def names_that_are_files(scene: Scene) -> None:
    """A file that lies where a URL's text leads is that file, and nobody is called."""
    url = f"http://127.0.0.1:{scene.server.port}/a.avi"
    place = scene.videos.parent / "trap"
    for name in (url, f"concat:{url}", "file:a.avi", "pipe:0", "subfile,,start,0,end,9,,:a.avi"):
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(scene.videos / "good/files/plain.avi", path)
        words = [sys.executable, "-c", PROTECTED, "", "20"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        text = json.dumps({"read": [name], "classify": []})
        _, out, errors = scene.run(words, cwd=place, env=environment, input=text)
        reasons = {json.loads(line)[2] for line in out.splitlines()}
        scene.promises.check(
            reasons == {"ok"}, "a file named like a URL is a file", (name, reasons, errors[-300:])
        )
    scene.quiet("names that are files")


def control(scene: Scene, paths: Sequence[str]) -> int:
    """Opens files as most programs do; how many of them the witnesses saw."""
    seen = 0
    scene.forget()
    for path in paths:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [sys.executable, "-c", UNPROTECTED, path],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False,
            )  # fmt: skip
        time.sleep(0.05)
        seen += scene.forget() > 0
    scene.promises.check(
        seen > 0, "plain OpenCV is seen to open what it should not", f"{seen} of {len(paths)}"
    )
    print(f"control: plain OpenCV called the network or opened a canary for {seen} of {len(paths)} inputs")
    return seen


@contextlib.contextmanager
def scene_in(folder: Path, promises: Promises, *, sparse_bytes: int = 1 << 40) -> Iterator[Scene]:
    """All files; the witnesses watch from here on."""
    canary, videos = makers.make_canaries(folder / "canary"), folder / "videos"
    write_good(videos / "good/files")
    hostile = videos / "hostile/files"
    hostile.mkdir(parents=True)
    beside = write_numbered_video(hostile / "beside.avi", 4).rename(hostile / makers.BESIDE)
    with witnesses([canary, beside]) as (server, watch):
        write_hostile(hostile, folder, canary, server.port, sparse_bytes=sparse_bytes)
        scene = Scene(videos=videos, canary=canary, server=server, watch=watch, promises=promises)
        scene.forget()
        yield scene


def main() -> int:
    from tests.helpers.runs import make_run  # torch comes with it

    options = parser(__doc__)
    options.add_argument("--time-limit", type=float, default=20.0, help="seconds for files that never end")
    chosen = options.parse_args()
    promises = Promises()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_run(folder / "trained")
        model = folder / "trained/run"
        with scene_in(folder, promises) as scene:
            print(f"{len(scene.hostile)} hostile files, {len(scene.names)} hostile names, "
                  f"{len(GOOD_NAMES)} good videos with odd names")  # fmt: skip
            control(scene, [str(path) for path in scene.hostile if path.is_file()] + scene.names)
            store_from_folder(scene)
            store_from_table(scene)
            from_python(scene, model, time_limit_seconds=chosen.time_limit)
            by_classify(scene, model)
            names_that_are_files(scene)
    return promises.report()


if __name__ == "__main__":
    sys.exit(main())
