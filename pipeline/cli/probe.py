"""What one package can do on this machine, asked in a process of its own: it may be missing or crash.

`python probe.py NAME ARGUMENT...` prints a JSON object on each line of its answer; `doctor` runs it and reads
them. It imports nothing of Clipwise, so that it works when the rest does not.
"""

import ctypes
import importlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def answer(**facts: Any) -> None:
    """Prints one line of the answer at once: what was said before a crash is not lost."""
    print(json.dumps(facts), flush=True)


def probe_torch() -> None:
    """Version, devices, whether each device really computes; then the version of torchvision."""
    import torch

    answer(version=torch.__version__, cuda_build=torch.version.cuda, num_threads=torch.get_num_threads())
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        _answer_device(torch, f"cuda:{index}", properties.name, properties.total_memory)
    if torch.backends.mps.is_available():
        _answer_device(torch, "mps", "Apple GPU", None)
    import torchvision  # last: it imports torch too, and fails where the two do not fit

    answer(torchvision=torchvision.__version__)


def _answer_device(torch: Any, device: str, name: str, memory_bytes: int | None) -> None:
    try:
        works = float(torch.ones(8, 8, device=device).sum().item()) == 64.0
        error = "" if works else "it computed a wrong sum"
    except Exception as problem:  # a driver or architecture that does not fit this build of torch
        error = f"{type(problem).__name__}: {problem}".splitlines()[0]
    answer(device=device, name=name, memory_bytes=memory_bytes, error=error)


def probe_import(name: str) -> None:
    """Imports a package and tells its version."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"  # it would look up a host
    answer(version=str(getattr(importlib.import_module(name), "__version__", "")))


def probe_opencv(*videos: str) -> None:
    """Version and FFmpeg of OpenCV, then for each video how many frames it decodes."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    import cv2

    answer(version=cv2.__version__, ffmpeg=_ffmpeg_version(cv2))
    for video in videos:
        num_frames = 0
        capture = cv2.VideoCapture(video, cv2.CAP_FFMPEG)  # noqa: TID251 - whether it works is the question
        while capture.read()[0]:
            num_frames += 1
        capture.release()
        answer(video=video, num_frames=num_frames)


def _ffmpeg_version(cv2: Any) -> str:
    """Asks the library that cv2 has loaded; where that cannot be seen, the build's note of avcodec; or ""."""
    try:
        loaded = [line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
        library = next(path for path in loaded if "/libavutil" in path)
        say_version = ctypes.CDLL(library).av_version_info
        say_version.restype = ctypes.c_char_p
        return str(say_version().decode())
    except (OSError, StopIteration, AttributeError):
        lines = (line.split() for line in cv2.getBuildInformation().splitlines())
        return next(
            (f"with avcodec {words[2].strip('()')}" for words in lines if words[:2] == ["avcodec:", "YES"]),
            "",
        )


PROBES: dict[str, Callable[..., None]] = {
    "torch": probe_torch,
    "import": probe_import,
    "opencv": probe_opencv,
}

if __name__ == "__main__":
    try:
        PROBES[sys.argv[1]](*sys.argv[2:])
    except Exception as problem:
        answer(failed=f"{type(problem).__name__}: {problem}".splitlines()[0])
