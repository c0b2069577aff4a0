"""Damage made from clean videos: what is taken shows true frames, and every reason can be understood.

A picture is true when the number in it is that of the frame shown at the time that the clip tells.
"""

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.reader import ClipRead
from pipeline.video.worker import read_clip_isolated, read_clips_isolated
from tests.helpers.kinds import KINDS
from tests.helpers.videos import read_number, read_numbers, write_numbered_video

SPEC = ClipSpec(num_frames=12, image_size=96)
COUNT, RATE = 60, 25
KINDS_HERE = [
    "mp4", "b_mp4", "fragmented", "mkv", "pyramid_mkv", "ts_b", "avi_mpeg4", "mjpeg_avi", "webm_vp9",
    "flv", "asf", "mpg", "raw_h264", "hevc_mp4", "av1_mkv", "gif", "prores_mov", "ffv1_avi", "ffv1_mkv",
]  # fmt: skip
# Nothing in such a file says how many frames there should be: cut between two of them it is whole.
NO_COUNT = ("ts_b", "gif", "raw_h264", "mpg", "flv", "asf", "fragmented")

_NUMBERS = r"(cut off after \d+ of \d+ frames|\d+ of \d+ frames read)"
_SENTENCE = _NUMBERS + r"(; \d+ decoder complaints?)?(; \d+ gaps? in the video)?"
UNDERSTOOD = [
    r"not a supported video",
    r"the codec ('.{4}'|of its pictures) is not supported",
    r"not a readable video: the index \(moov\) is missing: cut off, or never finished",
    r"not a readable video: the file is shorter than its header says",
    r"no frame could be decoded",
    r"frames of \d+x\d+ are too large; at most 38 million pixels a frame are read",
    r"sampled frames are damaged: \d+ of \d+ frames; " + _SENTENCE,
    r"interlaced video: this OpenCV cannot convert its frames; .*",
    _SENTENCE,
]

Harm = Callable[[bytes, random.Random], bytes]


def cut_to(share: float) -> Harm:
    return lambda content, _draw: content[: int(len(content) * share)]


def overwrite(count: int) -> Harm:
    return lambda content, draw: _put(content, draw, draw.randbytes(count))


def blank(count: int) -> Harm:
    return lambda content, draw: _put(content, draw, bytes(count))


def remove(count: int) -> Harm:
    def harm(content: bytes, draw: random.Random) -> bytes:
        at = draw.randrange(len(content) // 10, len(content) - count)
        return content[:at] + content[at + count :]

    return harm


def harm_header(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(3):
        changed[draw.randrange(600)] = draw.randrange(256)
    return bytes(changed)


def flip_a_bit(content: bytes, draw: random.Random) -> bytes:
    changed = bytearray(content)
    changed[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _put(content: bytes, draw: random.Random, patch: bytes) -> bytes:
    at = draw.randrange(len(content) // 10, len(content) - len(patch))
    return content[:at] + patch + content[at + len(patch) :]


HARMS: dict[str, Harm] = {
    "8 bytes overwritten": overwrite(8),
    "100 bytes overwritten": overwrite(100),
    "64 bytes zero": blank(64),
    "50 bytes missing": remove(50),
    "header": harm_header,
    "one bit": flip_a_bit,
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A damaged file and what became of it."""

    kind: str
    harm: str
    outcome: ClipRead | VideoError

    @property
    def reason(self) -> str:
        return self.outcome.reason if isinstance(self.outcome, VideoError) else self.outcome.damage

    @property
    def status(self) -> str:
        if isinstance(self.outcome, VideoError):
            return "failed"
        return "damaged" if self.outcome.damage else "ok"

    def untrue(self) -> list[tuple[int, int | None]]:
        """Frames that show another number than their time says: that of the time, and the one shown."""
        if isinstance(self.outcome, VideoError):
            return []
        pairs = []
        for seconds, frame in zip(self.outcome.frame_times_seconds, self.outcome.frames, strict=True):
            try:
                shown = read_number(frame, size_wh=(64, 48))
            except ValueError:
                shown = None
            pairs.append((round(seconds * RATE), shown))
        return [(told, shown) for told, shown in pairs if told != shown]


def clean_file(folder: Path, kind: str) -> Path:
    (folder / kind).mkdir()
    if kind.startswith("ffv1"):
        return write_numbered_video(folder / kind / f"video.{kind[-3:]}", COUNT)
    return KINDS[kind].make(folder / kind, COUNT).path


def cases(folder: Path, harms: dict[str, Harm], *, times: int = 1) -> list[Case]:
    """Each harm done to each kind, as often as said, each file read in a worker."""
    paths, names = [], []
    for kind in KINDS_HERE:
        content = clean_file(folder, kind).read_bytes()
        for number, (harm, do_harm) in enumerate(harms.items()):
            for time in range(times):
                path = folder / kind / f"{number}-{time}{KINDS[kind].suffix if kind in KINDS else kind[-4:]}"
                path.write_bytes(do_harm(content, random.Random(f"{kind} {harm} {time}")))
                paths.append(path)
                names.append((kind, harm))
    outcomes = read_clips_isolated(paths, SPEC, num_workers=2)
    return [
        Case(kind=kind, harm=harm, outcome=outcome)
        for (kind, harm), (_, outcome) in zip(names, outcomes, strict=True)
    ]


def not_understood(found: list[Case]) -> list[str]:
    pattern = "|".join(UNDERSTOOD)
    return [
        f"{case.kind}, {case.harm}: {case.reason}"
        for case in found
        if case.status != "ok" and not re.fullmatch(pattern, case.reason, re.DOTALL)
    ]


def test_a_cut_file_never_shows_an_untrue_frame(tmp_path: Path) -> None:
    harms = {f"cut to {share}": cut_to(share) for share in (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)}
    found = cases(tmp_path, harms)
    assert not_understood(found) == []
    assert [(case.kind, case.harm, case.untrue()) for case in found if case.untrue()] == []
    for case in found:
        if isinstance(case.outcome, VideoError):
            continue
        read = case.outcome
        assert read.frames_read <= read.num_frames <= read.frames_expected <= COUNT
        if read.num_frames < COUNT and case.kind not in NO_COUNT:
            assert read.damage != "", (case.kind, case.harm)
        if read.num_frames < COUNT - 3 and case.kind not in NO_COUNT:  # a header may be wrong by a few
            assert read.frames_expected == COUNT, (case.kind, case.harm)


def test_cut_off_after_23_of_40_frames(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "video.avi", 40)
    content = path.read_bytes()
    at = content.index(b"movi") + 4
    for _ in range(23):  # over the chunks of 23 frames, each padded to an even length
        length = int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    path.write_bytes(content[: at + 100])
    clip = read_clip_isolated(path, SPEC)
    assert clip.damage == "cut off after 23 of 40 frames; 2 decoder complaints"
    assert (clip.frames_expected, clip.num_frames, clip.frames_read) == (40, 23, 23)
    assert (clip.num_gaps, clip.num_complaints) == (0, 2)  # of the demuxer and of the decoder
    assert clip.frame_indices == tuple((2 * i + 1) * 23 // 24 for i in range(12))
    assert read_numbers(clip.frames, size_wh=(64, 48)) == clip.frame_indices


def check_harm(found: list[Case], *, limit: float) -> None:
    """Reasons that are understood, and few untrue frames without a word: codecs have no checksums."""
    assert not_understood(found) == []
    tally = Counter(case.status for case in found)
    silent = [case for case in found if case.status == "ok" and case.untrue()]
    marked = [case for case in found if case.status == "damaged" and case.untrue()]
    print(f"{len(found)} files: {dict(tally)}; with untrue frames: {len(silent)} ok, {len(marked)} damaged")
    for case in (*silent, *marked):
        print(f"  {case.status}, {case.kind}, {case.harm}: {case.untrue()[:4]}")
    assert len(silent) + len(marked) <= limit * len(found)


def test_what_happens_to_harmed_files_can_be_understood(tmp_path: Path) -> None:
    check_harm(cases(tmp_path, HARMS), limit=0.1)


@pytest.mark.slow
def test_what_happens_to_many_harmed_files_can_be_understood(tmp_path: Path) -> None:
    check_harm(cases(tmp_path, HARMS, times=20), limit=0.08)


def test_a_clean_file_is_clean(tmp_path: Path) -> None:
    found = cases(tmp_path, {"nothing": lambda content, _: content})
    assert [
        (case.kind, case.reason, case.untrue()) for case in found if case.status != "ok" or case.untrue()
    ] == []
