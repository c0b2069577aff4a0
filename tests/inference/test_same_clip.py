"""Contract 1: the clip that training reads is the clip that classification builds, bit for bit."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.preprocess import preprocess
from pipeline.clips.store import Clip, ClipStore
from pipeline.inference.classification import Classification
from pipeline.inference.classifier import Classifier, load
from pipeline.spec import ClipSpec
from pipeline.video.reader import ClipRead

SAMPLES = Path(__file__).resolve().parents[2] / "sample_videos"
TORCHCODEC = "odd_videos/meta-pytorch+torchcodec/test/resources/"
DECORD = "odd_videos/dmlc+decord/tests/test_data/"
MMACTION = "odd_videos/open-mmlab+mmaction2/"
ZAMBA = "odd_videos/drivendataorg+zamba/tests/assets/videos/data/raw/"
ODD_VIDEOS = (
    DECORD + "video_90.mov",  # rotated; 3 frames, so that some are repeated
    TORCHCODEC + "nasa_13013_rotated.mp4",
    MMACTION + "tests/data/rawvideo_dataset/part_0.mp4",  # variable frame rate
    MMACTION + "tests/data/test.avi",  # MPEG-4, times that go back
    ZAMBA + "noemie/Videos_All/Taï_T147/Taï_cam170_678016_649215_20161227/02120086.AVI",  # a wrong count
    TORCHCODEC + "test_non_zero_start.mp4",
    TORCHCODEC + "discard_first_keyframe.mp4",  # an edit list drops frames
    TORCHCODEC + "h264_10bits.mp4",
    TORCHCODEC + "testsrc2_odd_height_and_width_vp9_10bit.mp4",
    TORCHCODEC + "av1_video.mkv",
    TORCHCODEC + "testsrc2_444_8bit_hevc.mp4",  # 321x241
    TORCHCODEC + "testsrc2_mpeg4.mp4",  # one frame
)


class Spy(Classifier):
    """A classifier that keeps the clips that it is to judge, and does not judge them."""

    reads: list[ClipRead]

    def classify_clip(self, path: str, read: ClipRead) -> Classification:
        self.reads.append(read)
        return Classification(path=path, status="ok")


def read_as_classify_does(run: Path, spec: ClipSpec, videos: list[Path]) -> list[ClipRead]:
    """The clips that a classifier with this spec in its checkpoint builds from videos."""
    loaded = load(run)
    model = replace(loaded.checkpoint.model, image_size=spec.image_size)
    spy = Spy(loaded._model, replace(loaded.checkpoint, spec=spec, model=model))
    spy.reads = []
    results = list(spy.classify_many(videos))
    assert {result.status for result in results} == {"ok"}, results
    return spy.reads


def assert_same(store: ClipStore, clip: Clip, read: ClipRead) -> None:
    """Training reads `store.frames(clip)`."""
    assert clip.status == "ok", clip
    frames = store.frames(clip)
    assert frames.dtype == read.frames.dtype == np.uint8
    assert frames.shape == read.frames.shape == (12, 224, 224, 3)
    assert np.array_equal(frames, read.frames), clip.path
    assert clip.frame_indices == read.frame_indices, clip.path
    assert clip.frame_times_seconds == read.frame_times_seconds, clip.path


def test_sample_videos(trained: Path, tmp_path: Path) -> None:
    made = preprocess(SAMPLES, tmp_path / "clips", num_workers=2)
    assert made.summary.failed == ()
    store = ClipStore.open(tmp_path / "clips")
    assert len(store.clips) == len(list(SAMPLES.glob("*/*.mp4"))) >= 40
    videos = [SAMPLES / clip.path for clip in store.clips]
    reads = read_as_classify_does(trained / "run", store.spec, videos)
    for clip, read in zip(store.clips, reads, strict=True):
        assert_same(store, clip, read)
    aspects = {round(read.width / read.height, 2) for read in reads}
    assert len(aspects) >= 4  # bars above and below, at the sides, and none


@pytest.mark.needs_data
def test_odd_videos(trained: Path, tmp_path: Path, data_folder: Path) -> None:
    with (tmp_path / "odd.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        for number, name in enumerate(ODD_VIDEOS):
            split = ("train", "val", "test")[number // 4]
            writer.writerow([data_folder.resolve() / name, f"class {number % 2}", split])
    listing = ListingOptions(allow_outside=True)
    made = preprocess(tmp_path / "odd.csv", tmp_path / "clips", listing=listing, num_workers=2)
    assert made.summary.failed == ()
    store = ClipStore.open(tmp_path / "clips")
    clips = {Path(clip.path): clip for clip in store.clips}
    videos = [data_folder.resolve() / name for name in ODD_VIDEOS]
    reads = read_as_classify_does(trained / "run", store.spec, videos)
    for video, read in zip(videos, reads, strict=True):
        assert_same(store, clips[video], read)
    assert (reads[0].width, reads[0].height) == (320, 568)  # turned upright
    assert set(reads[0].frame_indices) == {0, 1, 2}
    assert set(reads[-1].frame_indices) == {0}
