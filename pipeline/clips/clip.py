"""One clip of the store: a row of clips.csv, and how the table is written and read."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)
Status = Literal["ok", "damaged", "failed", "skipped"]
STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One row of clips.csv: one clip, where it came from and what became of it.

    Attributes:
        id: names the frames file; derived from the path and the range, so it never changes.
        path: the source, relative to the folder or CSV that was preprocessed (absolute if the CSV said so).
        label: the class.
        split: which side of the split: train, val or test.
        group: what must not be split; `sha256:...` when none was given: identical bytes share one.
        status: `ok`; `damaged`: frames are there but part of the video could not be read; `failed`: no
            frames; `skipped`: was preprocessed, but is no longer listed. Only the first two are used.
        reason: why, unless ok.
        width: displayed width in pixels (rotation and pixel aspect applied); None when unknown.
        height: displayed height in pixels.
        frame_rate: frames a second.
        num_frames: frames really shown by the whole video.
        frames_expected: frames that the packets or the header promise; None when unknown.
        frames_read: frames that were decoded; fewer than num_frames where seeks skipped some.
        num_gaps: places where decoding failed and went on later.
        num_complaints: lines in the decoder's log.
        duration_seconds: of the whole video.
        start_seconds: start of the range that the clip covers; None: the beginning.
        end_seconds: end of the range; None: the end.
        size_bytes: of the source (of all images of a folder of frames); None when it is not there.
        sha256: of the source's bytes; "" when it could not be read.
        frame_indices: which frames of the video the clip holds, T of them.
        frame_times_seconds: when they are shown, T of them.
        frames_sha256: of the array's bytes: identifies the pixels.
    """

    id: str
    path: str
    label: str
    split: Split
    group: str
    status: Status
    reason: str = ""
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    num_frames: int | None = None
    frames_expected: int | None = None
    frames_read: int | None = None
    num_gaps: int | None = None
    num_complaints: int | None = None
    duration_seconds: float | None = None
    start_seconds: float | None = None
    end_seconds: float | None = None
    size_bytes: int | None = None
    sha256: str = ""
    frame_indices: tuple[int, ...] = ()
    frame_times_seconds: tuple[float, ...] = ()
    frames_sha256: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether the clip has frames to train on or to be judged by."""
        return self.status in ("ok", "damaged")


COLUMNS = tuple(field.name for field in fields(Clip))
_ID = re.compile(r"[a-z0-9_-]{1,120}")
_INT_COLUMNS = {
    "width", "height", "num_frames", "frames_expected", "frames_read", "num_gaps", "num_complaints",
    "size_bytes",
}  # fmt: skip
_FLOAT_COLUMNS = {"frame_rate", "duration_seconds", "start_seconds", "end_seconds"}


def clips_csv(clips: Iterable[Clip]) -> bytes:
    """The table as UTF-8 bytes; bytes of file names that are not UTF-8 come out as they were."""
    lines = [",".join(COLUMNS)]
    lines += [",".join(_quoted(_cell(getattr(clip, name))) for name in COLUMNS) for clip in clips]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(repr(item) for item in value)
    return repr(value) if isinstance(value, float) else str(value)


def _quoted(cell: str) -> str:
    # csv.writer leaves a lone carriage return unquoted on some Python versions; file names may hold one.
    if any(character in cell for character in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def parse_clips_csv(content: bytes) -> tuple[Clip, ...]:
    """Reads the table back.

    Raises:
        ValueError: it is not such a table; names the line.
    """
    text = content.decode("utf-8", "surrogateescape")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    clips: list[Clip] = []
    try:
        header = next(reader, [])
        if tuple(header) != COLUMNS:
            wrong = ", ".join(sorted(set(COLUMNS).symmetric_difference(header)))
            raise ValueError(f"its columns are not those of a clip store ({wrong or 'order'})")
        clips += [_clip(row) for row in reader]
    except (ValueError, csv.Error) as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
    if len({clip.id for clip in clips}) != len(clips):
        raise ValueError("it names one clip twice")
    return tuple(clips)


def _clip(row: list[str]) -> Clip:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} columns, not {len(COLUMNS)}")
    values: dict[str, Any] = dict(zip(COLUMNS, row, strict=True))
    if not _ID.fullmatch(values["id"]):  # it names a file: nothing that leaves the folder
        raise ValueError(f"clip id {values['id']!r} is not made of a-z, 0-9, - and _")
    if values["split"] not in SPLITS:
        raise ValueError(f"unknown split {values['split']!r}")
    if values["status"] not in STATUSES:
        raise ValueError(f"unknown status {values['status']!r}")
    for name in _INT_COLUMNS:
        values[name] = int(values[name]) if values[name] else None
    for name in _FLOAT_COLUMNS:
        values[name] = float(values[name]) if values[name] else None
    values["frame_indices"] = tuple(int(cell) for cell in values["frame_indices"].split())
    values["frame_times_seconds"] = tuple(float(cell) for cell in values["frame_times_seconds"].split())
    return Clip(**values)
