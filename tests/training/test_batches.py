"""Batches of features and pixels, and the augmentation of training clips."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.training.augmentation import ClipAugmentation, picture_inside
from pipeline.training.batches import FeatureBatches, PixelBatches, class_indices_of, jitter
from tests.helpers.stores import make_store


def _still(num_frames: int = 5, side: int = 48) -> np.ndarray:
    """A clip that does not move: left half dark with a bright spot, right half grey."""
    frame = np.zeros((side, side, 3), np.uint8)
    frame[:, side // 2 :] = 120
    frame[8:16, 8:16] = (250, 40, 40)
    return np.repeat(frame[None], num_frames, axis=0)


def _is_mirrored(frames: np.ndarray) -> bool:
    """Whether the grey half is on the left."""
    side = frames.shape[2]
    return bool(frames[..., 2][:, :, : side // 2].mean() > frames[..., 2][:, :, side // 2 :].mean())


@pytest.mark.parametrize("fill_rgb", [(0, 0, 0), (10, 60, 200)])
def test_all_frames_of_a_clip_are_changed_alike(fill_rgb: tuple[int, int, int]) -> None:
    augmentation = ClipAugmentation(fill_rgb=fill_rgb, flip=True, seed=0)
    changed = 0
    for row in range(20):
        frames = augmentation(_still(), epoch=1, row=row)
        assert frames.shape == (5, 48, 48, 3)
        assert frames.dtype == np.uint8
        assert (frames == frames[:1]).all()
        changed += not np.array_equal(frames, _still())
    assert changed >= 10


def test_bars_keep_their_colour_and_dark_pictures_their_light() -> None:
    """At prediction bars have the fill's colour: a grey bar would be something that only training shows."""
    random = np.random.default_rng(0)
    fill = (10, 60, 200)
    frames = np.empty((3, 48, 48, 3), np.uint8)
    frames[:] = fill
    frames[:, 12:36] = random.integers(0, 60, (3, 24, 48, 3))
    assert picture_inside(frames, np.array(fill, np.uint8)) == (slice(12, 36), slice(0, 48))
    augmentation = ClipAugmentation(fill_rgb=fill, flip=False, seed=0)
    changed = 0
    for row in range(40):
        augmented = augmentation(frames, epoch=1, row=row)
        for corner in (augmented[:, :4, :4], augmented[:, -4:, -4:]):
            assert (corner == fill).all()
        picture = augmented[:, 20:28, 20:28]
        assert 0.6 < picture.mean() / frames[:, 20:28, 20:28].mean() < 1.8
        changed += not np.array_equal(augmented, frames)
    assert changed > 20


def test_a_clip_without_a_picture_stays_as_it_is() -> None:
    black = np.zeros((2, 16, 16, 3), np.uint8)
    assert np.array_equal(
        ClipAugmentation(fill_rgb=(0, 0, 0), flip=True, seed=0)(black, epoch=1, row=0), black
    )


def test_nothing_is_mirrored_unless_asked_for() -> None:
    """Left and right may be classes."""
    plain = ClipAugmentation(fill_rgb=(0, 0, 0), flip=False, seed=0)
    assert not any(_is_mirrored(plain(_still(), epoch=1, row=row)) for row in range(60))
    flipping = ClipAugmentation(fill_rgb=(0, 0, 0), flip=True, seed=0)
    mirrored = sum(_is_mirrored(flipping(_still(), epoch=1, row=row)) for row in range(60))
    assert 15 <= mirrored <= 45


def test_a_draw_depends_on_seed_epoch_and_clip_alone() -> None:
    first = ClipAugmentation(fill_rgb=(0, 0, 0), flip=True, seed=3)
    again = ClipAugmentation(fill_rgb=(0, 0, 0), flip=True, seed=3)
    expected = {(epoch, row): first(_still(), epoch=epoch, row=row) for epoch in (1, 2) for row in range(8)}
    for (epoch, row), frames in reversed(expected.items()):  # in another order, as after a resume
        assert np.array_equal(again(_still(), epoch=epoch, row=row), frames)
    assert len({frames.tobytes() for frames in expected.values()}) > 8
    other = ClipAugmentation(fill_rgb=(0, 0, 0), flip=True, seed=4)
    assert any(not np.array_equal(other(_still(), epoch=e, row=r), f) for (e, r), f in expected.items())


def test_pixels_are_augmented_in_training_only(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    clips = store.usable("train")
    augmentation = ClipAugmentation(fill_rgb=(0, 0, 0), flip=False, seed=0)
    batches = PixelBatches(store, clips, store.labels, augmentation=augmentation)
    rows = [3, 0, 5]
    plain = batches.inputs(rows, epoch=None)
    assert plain.dtype == torch.uint8
    for row, frames in zip(rows, plain, strict=True):
        assert np.array_equal(frames.numpy(), store.frames(clips[row]))
    everything = list(range(len(clips)))
    assert not torch.equal(batches.inputs(everything, epoch=1), batches.inputs(everything, epoch=None))
    # A clip is augmented alike in whatever batch it comes.
    alone = torch.cat([batches.inputs([row], epoch=1) for row in everything])
    assert torch.equal(batches.inputs(everything, epoch=1), alone)


def test_training_jitters_among_the_frames_of_each_segment() -> None:
    N, T, m, D = 3, 6, 3, 2
    features = np.arange(N * T * m * D, dtype=np.float32).reshape(N, T, m, D)
    batches = FeatureBatches(features, np.zeros(N, np.int64), seed=5)
    rows = [2, 0]
    assert torch.equal(batches.inputs(rows, epoch=None), torch.from_numpy(features[rows][:, :, 1]))
    drawn = batches.inputs(rows, epoch=1)
    assert drawn.shape == (2, T, D)
    for row, clip in zip(rows, drawn.numpy(), strict=True):
        picks = jitter(T, m, seed=5, epoch=1, row=row)
        assert np.array_equal(clip, features[row][np.arange(T), picks])
    assert torch.equal(batches.inputs([0], epoch=1)[0], drawn[1])  # whatever batch it comes in
    everything = {batches.inputs([0], epoch=epoch).numpy().tobytes() for epoch in range(20)}
    assert len(everything) > 15
    counts = np.bincount(np.concatenate([jitter(T, m, seed=0, epoch=e, row=1) for e in range(500)]))
    assert counts.min() > 900  # of 3,000 draws, 1,000 each


def test_labels_become_class_indices(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", classes=("b", "a"))
    indices = class_indices_of(store.usable("val"), store.labels)
    assert [store.labels[index] for index in indices] == [clip.label for clip in store.usable("val")]
    features = np.arange(24, dtype=np.float32).reshape(4, 3, 2)
    assert torch.equal(
        FeatureBatches(features, indices[:4]).inputs([2, 1], epoch=7), torch.from_numpy(features[[2, 1]])
    )
