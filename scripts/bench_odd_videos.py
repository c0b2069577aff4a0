"""100 files that readers stumble over, in one run of `preprocess`: what became of each, and is it true?

    python scripts/bench_odd_videos.py DATA

DATA has `odd_videos.csv` and its files. The command runs as a user would type it; each frame of each clip is
then compared with PyAV's: index, time and picture. Prints Markdown. Needs the `test` extra.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # run as a script: its own folder is on the path, the project's root is not
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pipeline.clips.clip import Clip
from pipeline.clips.store import ClipStore
from scripts.pyav_reference import wrong_frames

Row = dict[str, str]


def _flag(*names: str) -> Callable[[Row], bool]:
    return lambda row: any(name in row["flags"].split() for name in names)


def _codec(*names: str) -> Callable[[Row], bool]:
    return lambda row: row["codec"] in names


KINDS: dict[str, Callable[[Row], bool]] = {
    "all": lambda _row: True,
    "no video in it (sound alone)": _flag("audio_only"),
    "corrupted": _flag("error"),
    "rotated by 90, 180 or 270 degrees": lambda row: row["rotation"] not in ("", "0"),
    "variable frame rate": _flag("vfr"),
    "wrong frame count in the header": _flag("count_wrong", "count_differs"),
    "time does not start at 0": _flag("nonzero_start"),
    "time stamps out of order": _flag("non_monotonic_ts"),
    "one frame": _flag("one_frame"),
    "odd width or height": _flag("odd_dims"),
    "10 or 12 bit": _flag("hibit"),
    "H.264": _codec("h264"),
    "HEVC": _codec("hevc"),
    "AV1": _codec("libdav1d"),
    "VP8, VP9": _codec("vp8", "vp9"),
    "MPEG-1, -2, -4": _codec("mpeg1video", "mpeg2video", "mpeg4", "msmpeg4"),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One file's end.

    Attributes:
        row: of odd_videos.csv.
        clip: of the store.
        wrong: what PyAV sees otherwise, a sentence a frame.
    """

    row: Row
    clip: Clip
    wrong: tuple[str, ...] = ()

    @property
    def num_frames(self) -> int:
        """Frames in its clip."""
        return len(self.clip.frame_indices)


def preprocess(data: Path, folder: Path) -> tuple[ClipStore, list[Row], subprocess.CompletedProcess[str]]:
    """Copies the files, so that all paths lie beside the CSV, and runs the command over all of them."""
    with (data / "odd_videos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    shutil.copytree(data / "odd_videos", folder / "odd_videos")
    with (folder / "all.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label"])
        writer.writerows([row["path"], row["container"].split(",")[0] or "none"] for row in rows)
    words = [sys.executable, "-m", "pipeline.cli.main", "preprocess"]
    done = subprocess.run(
        [*words, str(folder / "all.csv"), "--out", str(folder / "clips")],
        capture_output=True,
        text=True,
        check=False,
    )
    return ClipStore.open(folder / "clips"), rows, done


def compare(store: ClipStore, rows: list[Row], data: Path) -> list[Outcome]:
    """Each file's clip against PyAV."""
    by_path = {clip.path: clip for clip in store.clips}
    outcomes = []
    for row in rows:
        clip = by_path[row["path"]]
        wrong: list[str] = []
        if clip.status in ("ok", "damaged"):
            wrong = wrong_frames(
                data / row["path"],
                store.spec,
                frames=store.frames(clip),
                indices=clip.frame_indices,
                times_seconds=clip.frame_times_seconds,
                num_frames=clip.num_frames or 0,
            )
        outcomes.append(Outcome(row=row, clip=clip, wrong=tuple(wrong)))
    return outcomes


def table(outcomes: list[Outcome]) -> list[str]:
    """The Markdown table, a kind a line; a file stands in every line that fits it."""
    lines = [
        "| kind of file | files | ok | damaged | failed | frames right |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for kind, fits in KINDS.items():
        chosen = [outcome for outcome in outcomes if fits(outcome.row)]
        counts = Counter(outcome.clip.status for outcome in chosen)
        total = sum(outcome.num_frames for outcome in chosen)
        right = total - sum(len(outcome.wrong) for outcome in chosen)
        statuses = " | ".join(str(counts[status]) for status in ("ok", "damaged", "failed"))
        lines.append(f"| {kind} | {len(chosen)} | {statuses} | {f'{right} of {total}' if total else '-'} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    with tempfile.TemporaryDirectory() as folder:
        store, rows, done = preprocess(data, Path(folder))
        print(f"`clipwise preprocess all.csv --out clips` ended with exit code {done.returncode}.\n")
        outcomes = compare(store, rows, data)
    print("\n".join(table(outcomes)))
    reasons = Counter(o.clip.reason for o in outcomes if o.clip.reason)
    print("\nReasons:\n")
    for reason, count in reasons.most_common():
        names = [Path(o.clip.path).name for o in outcomes if o.clip.reason == reason]
        print(f"- {count} x {reason} ({', '.join(names[:3])}{', ...' if count > 3 else ''})")
    for outcome in outcomes:
        for sentence in outcome.wrong:
            print(f"- WRONG {outcome.clip.path}: {sentence}")


if __name__ == "__main__":
    main()
