"""What the fault commands share: promises that are counted, small videos, whole commands, stores compared."""

import argparse
import csv
import io
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pipeline.spec import ClipSpec
from tests.helpers.videos import write_numbered_video

ROOT = Path(__file__).resolve().parent.parent
SPEC = ClipSpec(num_frames=3, image_size=32)
SPEC_WORDS = ("--num-frames", "3", "--image-size", "32")
_WIDTHS = range(48, 128, 2)


@dataclass
class Promises:
    """Counts promises kept and broken, by name; says at once what is broken.

    Attributes:
        kept: how often each promise was kept.
        broken: the same for broken ones.
    """

    kept: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)

    def check(self, kept: object, name: str, detail: object = "") -> bool:
        """Notes whether a promise was kept; returns it."""
        (self.kept if kept else self.broken)[name] += 1
        if not kept:
            print(f"BROKEN: {name}: {detail}", flush=True)
        return bool(kept)

    def report(self) -> int:
        """Prints the counts; returns the exit code."""
        print(f"\n{'kept':>8} {'broken':>8}  promise")
        for name in sorted(self.kept | self.broken):
            print(f"{self.kept[name]:>8} {self.broken[name]:>8}  {name}")
        seconds = time.monotonic() - self.began
        print(f"{self.kept.total():>8} {self.broken.total():>8}  all, in {seconds:.0f} s")
        return 1 if self.broken else 0


def parser(description: str | None) -> argparse.ArgumentParser:
    """A command's options, with its docstring as the help."""
    return argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def make_videos(folder: Path, count: int, *, min_frames: int = 5) -> Path:
    """Lossless numbered videos, no two alike, in two classes, with a given split: none moves another."""
    for number in range(count):
        split = ("train", "train", "train", "val", "test")[number % 5]
        path = folder / split / ("up" if number % 2 else "down") / f"{number:05d}.avi"
        path.parent.mkdir(parents=True, exist_ok=True)
        length, width = divmod(number, len(_WIDTHS))
        write_numbered_video(path, min_frames + length, size_wh=(_WIDTHS[width], 48))
    return folder


def command(*words: object) -> list[str]:
    """A clipwise command as a list of words."""
    return [sys.executable, "-m", "pipeline.cli.main", *map(str, words)]


def start_command(*words: object, **options: Any) -> "subprocess.Popen[bytes]":
    """Starts a clipwise command in a process group of its own."""
    options = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "start_new_session": True} | options
    return cast("subprocess.Popen[bytes]", subprocess.Popen(command(*words), cwd=ROOT, **options))


def run_command(*words: object, **options: Any) -> tuple[int, str]:
    """Runs a clipwise command; its exit code and what it said on stderr."""
    process = start_command(*words, **options)
    _, errors = process.communicate()
    return process.returncode, errors.decode("utf-8", "backslashreplace")


def content(folder: Path) -> dict[str, bytes]:
    """All bytes of a store, without the cache beside it and the lock."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".preprocess" not in path.parts and path.name != ".lock"
    }


def rows_by_path(table: bytes) -> dict[str, dict[str, str]]:
    """The rows of a clips.csv."""
    text = table.decode("utf-8", "surrogateescape")
    return {row["path"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}
