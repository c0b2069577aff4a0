"""Which frames are right, for `bench_decode.py`: lists of videos, the frames wanted, and how to tell them.

Short videos   PyAV decodes every frame; a reader's frame is wrong when another frame of the video is clearly
               nearer to it than the one that was wanted (readers differ in the last digits of the colours)
long videos    made by `bench_videos.py`: the number is drawn in
"""

import csv
import random
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.video.letterbox import fit_frame, place, sane_pixel_aspect
from pipeline.video.sampling import frame_times, plan_frames
from scripts.bench_readers import SPEC, Case, Clip
from scripts.bench_videos import DISTINCT_FRAMES, FRAME_RATE, NUM_FRAMES, SIZES_WH, long_video, read_number

NUM_SHORT = 60
_SIGNATURE_SIDE = 56
# Another frame is clearly nearer by so many grey levels (root of the mean square) and by this share: most
# readers give the very pixels of the truth, some convert the colours in another way.
_CLEARLY_LEVELS = 0.01
_CLEARLY_SHARE = 0.1

Signatures = NDArray[np.float32]  # (N, 56, 56)


@dataclass(frozen=True, kw_only=True)
class VideoList:
    """Videos to read, and the truth about them.

    Attributes:
        name: for the table.
        cases: what is to be read.
        names: of the videos, for messages.
        signatures: of all frames of each video; None for long ones, whose frames are numbered.
    """

    name: str
    cases: tuple[Case, ...]
    names: tuple[str, ...] = ()
    signatures: tuple[Signatures, ...] | None = None

    def wrong_frames(self, number: int, clip: Clip) -> int:
        """How many frames of this clip of case `number` are other frames than those wanted."""
        case = self.cases[number]
        if self.signatures is None:
            numbers = [_number_of(frame, case) for frame in clip]
            return sum(a != b % DISTINCT_FRAMES for a, b in zip(numbers, case.indices, strict=True))
        truth = self.signatures[number].reshape(len(self.signatures[number]), -1)
        wrong = 0
        for frame, index in zip(_signatures(clip), case.indices, strict=True):
            distances = np.sqrt(((truth - frame.reshape(-1)) ** 2).mean(axis=1))
            margin = max(_CLEARLY_LEVELS, _CLEARLY_SHARE * distances[index])
            wrong += bool(distances[index] > distances.min() + margin)
        return wrong

    def is_constant(self, number: int) -> bool:
        """Whether the frames wanted of case `number` are those of a constant rate."""
        T = SPEC.num_frames
        count = 0 if self.signatures is None else len(self.signatures[number])
        return self.cases[number].indices == tuple((2 * i + 1) * count // (2 * T) for i in range(T))

    def only(self, numbers: list[int]) -> "VideoList":
        """The same list with these cases only."""
        return VideoList(
            name=self.name,
            cases=tuple(self.cases[i] for i in numbers),
            names=tuple(self.names[i] for i in numbers),
            signatures=None if self.signatures is None else tuple(self.signatures[i] for i in numbers),
        )


def short_list(data: Path, out: Path) -> VideoList:
    """60 clips of tank_state, drawn with a fixed seed."""
    with (data / "tank_state.csv").open(encoding="utf-8", newline="") as file:
        paths = sorted(row["path"] for row in csv.DictReader(file))
    drawn = sorted(random.Random(0).sample(paths, NUM_SHORT))
    return _with_truth("short", [data / path for path in drawn], out)


def odd_list(data: Path, out: Path) -> VideoList:
    """The odd videos of which there is no doubt what a reader should return.

    With frames and without errors; not turned (not every reader turns them), of 8 bits (each comes down from
    more in its own way) and of constant rate by PyAV's word (it loses times in AVI).
    """
    with (data / "odd_videos.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["frames_pyav"] and not row["error_pyav"]]
    rows = [row for row in rows if int(row["frames_pyav"]) > 0 and row["rotation"] in ("", "0")]
    rows.sort(key=lambda row: row["path"])
    videos = _with_truth("odd", [data / row["path"] for row in rows], out)
    deep = [re.search(r"1[02](le|be)?$", row["pixel_format"]) is not None for row in rows]
    return videos.only([i for i in range(len(rows)) if videos.is_constant(i) and not deep[i]])


def long_list(size: str, out: Path) -> VideoList:
    """The 10-minute video of this size."""
    path = long_video(out, size)
    times = tuple(number / FRAME_RATE for number in range(NUM_FRAMES))
    indices = plan_frames(times, num_frames=SPEC.num_frames)
    case = Case(path=str(path), indices=indices, pixel_aspect=1.0)
    return VideoList(name=size, cases=(case,), names=(path.name,))


def _with_truth(name: str, paths: list[Path], out: Path) -> VideoList:
    """Copies the videos into a folder of their own and decodes them all, once: kept in OUT."""
    folder, kept = out / name, out / f"{name}_truth.npz"
    folder.mkdir(exist_ok=True)
    cases, signatures = [], []
    known = dict(np.load(kept)) if kept.exists() else {}
    for number, path in enumerate(tqdm(paths, desc=f"truth of {name}", disable=bool(known))):
        copy = folder / f"{number:03}{path.suffix.lower()}"
        if not copy.exists():
            shutil.copyfile(path, copy)
        if f"plan{number}" not in known:
            plan, seen, aspect = _decode(copy)
            known |= {f"plan{number}": plan, f"seen{number}": seen, f"aspect{number}": np.array(aspect)}
        cases.append(
            Case(
                path=str(copy),
                indices=tuple(known[f"plan{number}"].tolist()),
                pixel_aspect=float(known[f"aspect{number}"]),
            )
        )
        signatures.append(known[f"seen{number}"])
    if not kept.exists():
        np.savez(kept, **known)
    return VideoList(
        name=name,
        cases=tuple(cases),
        names=tuple(path.name for path in paths),
        signatures=tuple(signatures),
    )


def _decode(path: Path) -> tuple[NDArray[np.int64], Signatures, float]:
    """The plan by contract, signatures of all frames, and the pixel aspect; by PyAV alone."""
    times: list[float] = []
    seen: list[Signatures] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        sample = stream.sample_aspect_ratio
        aspect = sane_pixel_aspect(sample.numerator, sample.denominator) if sample else 1.0
        for frame in container.decode(stream):
            times.append(float(frame.pts * frame.time_base) if frame.pts is not None else 0.0)
            picture: Any = frame.to_ndarray(format="bgr24")
            seen.append(_signatures(fit_frame(picture, SPEC, pixel_aspect=aspect)[None]))
    plan = plan_frames(frame_times(times), num_frames=SPEC.num_frames)
    return np.array(plan), np.concatenate(seen), aspect


def _signatures(frames: Clip) -> Signatures:
    """Frames (N, S, S, 3) -> small grey pictures."""
    block = SPEC.image_size // _SIGNATURE_SIDE
    grey = frames.astype(np.float32).mean(axis=3)
    blocks = grey.reshape(len(frames), _SIGNATURE_SIDE, block, _SIGNATURE_SIDE, block)
    small: Signatures = blocks.mean(axis=(2, 4))
    return small


def _number_of(frame: NDArray[np.uint8], case: Case) -> int | None:
    size = next(size for size in SIZES_WH if Path(case.path).stem.endswith(size))
    placement = place(*SIZES_WH[size], image_size=SPEC.image_size, fit=SPEC.fit)
    (left, top), (width, height) = placement.corner_xy_px, placement.size_wh_px
    return read_number(frame[top : top + height, left : left + width])


def case_to_dict(case: Case) -> dict[str, Any]:
    """JSON-ready values."""
    return asdict(case)
