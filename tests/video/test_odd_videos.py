"""100 real odd files in one run of the command: each ends well or with a reason, and each frame is PyAV's.

`DIFFERENT` says, file by file, where the outcome is not what `odd_videos.csv` lets one expect.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.clips.clip import Clip
from pipeline.clips.store import ClipStore
from scripts.bench_odd_videos import Outcome, Row, compare, preprocess, table

pytestmark = pytest.mark.needs_data

AV1 = "the list says that OpenCV cannot read it: true of OpenCV 5.0, not of 4.14, which brings dav1d"
DIFFERENT = {
    "corrupted.mp4": "the list has no count, PyAV gave up; here 49 frames are read and the bad ones known",
    "av1_video.mkv": AV1,
    "testsrc2_av1_10bit.mp4": AV1,
}
REASONS = {
    "corrupted.mp4": r"sampled frames are damaged: \d+ of 12 frames; 49 of 49 frames read; "
    r"\d+ decoder complaints; 1 gap in the video",
}
NO_PICTURE = "not a supported video"


@dataclass(frozen=True)
class Run:
    data: Path
    done: "subprocess.CompletedProcess[str]"
    store: ClipStore
    rows: list[Row]

    @property
    def pairs(self) -> list[tuple[Row, Clip]]:
        clips = {clip.path: clip for clip in self.store.clips}
        return [(row, clips[row["path"]]) for row in self.rows]

    def compare(self, sizes: range) -> list[Outcome]:
        """The files of these many bytes against PyAV."""
        chosen = [row for row in self.rows if int(row["bytes"]) in sizes]
        return compare(self.store, chosen, self.data)


@pytest.fixture(scope="module")
def run(data_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    store, rows, done = preprocess(data_folder, tmp_path_factory.mktemp("odd"))
    return Run(data=data_folder, done=done, store=store, rows=rows)


def test_one_run_ends_for_every_file(run: Run) -> None:
    assert run.done.returncode == 1, run.done.stderr  # some inputs failed, each named
    assert "Traceback" not in run.done.stderr
    assert len(run.rows) == len(run.store.clips) == 100
    for _, clip in run.pairs:
        name = Path(clip.path).name
        if clip.status == "ok":
            assert clip.reason == ""
        else:
            assert re.fullmatch(REASONS.get(name, re.escape(NO_PICTURE)), clip.reason), name
            assert name in run.done.stdout


def test_where_an_outcome_is_not_what_the_list_lets_expect(run: Run) -> None:
    different = set()
    for row, clip in run.pairs:
        flags = row["flags"].split()
        should_fail = "audio_only" in flags or "opencv_cannot" in flags
        frames = None if should_fail or not row["frames_pyav"] else int(row["frames_pyav"])
        if (clip.status == "failed") is not should_fail or clip.num_frames != frames:
            different.add(Path(row["path"]).name)
    assert different == set(DIFFERENT)


def wrong_in(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.clip.path, sentence) for outcome in outcomes for sentence in outcome.wrong]


def test_every_frame_of_the_small_files_is_that_of_pyav(run: Run) -> None:
    outcomes = run.compare(range(150_000))
    assert wrong_in(outcomes) == []
    assert sum(outcome.num_frames for outcome in outcomes) > 40 * 12


@pytest.mark.slow
def test_every_frame_is_that_of_pyav(run: Run) -> None:
    outcomes = run.compare(range(1 << 40))
    assert wrong_in(outcomes) == []
    lines = table(outcomes)
    assert lines[2] == "| all | 100 | 86 | 0 | 14 | 1032 of 1032 |"
    assert "| no video in it (sound alone) | 13 | 0 | 0 | 13 | - |" in lines
    assert "| rotated by 90, 180 or 270 degrees | 4 | 4 | 0 | 0 | 48 of 48 |" in lines


def test_the_record_says_how_much_was_read(run: Run) -> None:
    for row, clip in run.pairs:
        if clip.status == "ok":
            assert clip.frames_expected == clip.num_frames == int(row["frames_pyav"]), clip.path
            assert 0 < (clip.frames_read or 0) <= (clip.num_frames or 0)
            assert (clip.num_gaps, clip.num_complaints) == (0, 0), clip.path
