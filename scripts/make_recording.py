"""Joins short labelled videos into one long recording of which is known what happens when.

    python -m scripts.make_recording DATA --list tank_state.csv --split test --minutes 60 --out recording.mp4

DATA is the folder where the paths in the list (`path,label[,split]`) start. Stretches of one label last 20
to 90 s and are filled with its videos in an order drawn anew; the last one is cut short. Beside the recording
lies `recording.csv`: start_seconds, end_seconds, label. The same seed gives the same recording.
"""

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

FRAME_RATE = 25
SIZE_WH = (320, 180)
MIN_SECONDS, MAX_SECONDS = 20.0, 90.0
_OPTIONS = {"preset": "ultrafast", "crf": "26"}


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What is shown from one moment to another."""

    start_seconds: float
    end_seconds: float
    label: str


def make_recording(
    out: Path, videos: Mapping[str, Sequence[Path]], *, minutes: float, seed: int, folder: Path | None = None
) -> list[Stretch]:
    """Writes a recording and, beside it, what is in it.

    Args:
        out: an .mp4.
        videos: of each label.
        minutes: how long it is to be.
        seed: decides order and lengths.
        folder: keeps the videos in the common format, for other recordings; None: they are made for this one.
    """
    rng = np.random.default_rng(seed)
    labels = sorted(videos)
    stretches: list[Stretch] = []
    with tempfile.TemporaryDirectory() as temporary, _Recording(out, folder or Path(temporary)) as recording:
        label = ""
        while recording.seconds < minutes * 60:
            label = str(rng.choice([each for each in labels if each != label]))
            start = recording.seconds
            end = min(start + rng.uniform(MIN_SECONDS, MAX_SECONDS), minutes * 60)
            while recording.seconds < end - 0.5 / FRAME_RATE:
                for index in rng.permutation(len(videos[label])):
                    recording.add(videos[label][index], until_seconds=end)
            stretches.append(Stretch(start_seconds=start, end_seconds=recording.seconds, label=label))
    with out.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["start_seconds", "end_seconds", "label"])
        writer.writerows([each.start_seconds, each.end_seconds, each.label] for each in stretches)
    return stretches


def read_truth(path: Path) -> list[Stretch]:
    """What is in a recording, from the table beside it."""
    with path.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
        return [
            Stretch(
                start_seconds=float(row["start_seconds"]),
                end_seconds=float(row["end_seconds"]),
                label=row["label"],
            )
            for row in csv.DictReader(file)
        ]


class _Recording:
    """Packets one after the other: every video is encoded once, however often it is shown."""

    def __init__(self, out: Path, folder: Path) -> None:
        self._file = av.open(str(out), "w", format="mp4")
        self._folder = folder
        self._stream: Any = None
        self._num_frames = 0

    def __enter__(self) -> "_Recording":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def seconds(self) -> float:
        """How long it is by now."""
        return self._num_frames / FRAME_RATE

    def add(self, video: Path, *, until_seconds: float) -> None:
        """Shows a video, or as much of it as there is time for."""
        path = self._folder / f"{video.stem}.mp4"
        if not path.exists():
            encode(path, shown_frames(video))
        with av.open(str(path)) as read:
            if self._stream is None:
                self._stream = self._file.add_stream_from_template(read.streams.video[0])
            for packet in read.demux(read.streams.video[0]):
                if packet.dts is None or self.seconds >= until_seconds - 0.5 / FRAME_RATE:
                    continue
                ticks = round(self._num_frames / FRAME_RATE / packet.time_base)
                packet.pts = packet.dts = ticks
                packet.stream = self._stream
                self._file.mux(packet)
                self._num_frames += 1


def shown_frames(video: Path) -> Iterator[Any]:
    """The frames of a video, whatever its size, as RGB arrays of `SIZE_WH` without distortion."""
    width, height = SIZE_WH
    with av.open(str(video)) as file:
        for frame in file.decode(video=0):
            scale = min(width / frame.width, height / frame.height)
            w, h = (max(2, round(side * scale)) for side in (frame.width, frame.height))
            picture = frame.reformat(width=w, height=h, format="rgb24").to_ndarray()
            canvas = np.zeros((height, width, 3), np.uint8)
            top, left = (height - h) // 2, (width - w) // 2
            canvas[top : top + h, left : left + w] = picture
            yield canvas


def encode(path: Path, frames: Iterator[Any]) -> None:
    """Writes frames (H, W, 3) RGB as H.264 that can be joined: no B-frames, a key frame first."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FRAME_RATE, options=_OPTIONS)
        stream.width, stream.height = SIZE_WH
        stream.pix_fmt, stream.gop_size, stream.max_b_frames = "yuv420p", 250, 0
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


def videos_of(table: Path, root: Path, split: str) -> dict[str, list[Path]]:
    """The videos of each label in a list `path,label[,split]`; "": of all splits."""
    found: dict[str, list[Path]] = {}
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not split or row["split"] == split:
                found.setdefault(row["label"], []).append(root / row["path"])
    return {label: sorted(paths) for label, paths in found.items()}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--list", type=Path, required=True, help="relative to DATA, or a path of its own")
    parser.add_argument("--split", default="")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep", type=Path, help="folder that keeps the videos in the common format")
    chosen = parser.parse_args()
    if chosen.keep is not None:
        chosen.keep.mkdir(parents=True, exist_ok=True)
    videos = videos_of(chosen.data / chosen.list, chosen.data, chosen.split)
    stretches = make_recording(
        chosen.out, videos, minutes=chosen.minutes, seed=chosen.seed, folder=chosen.keep
    )
    print(f"{len(stretches)} stretches of {len(videos)} labels in {chosen.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
