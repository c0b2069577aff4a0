"""Labels of mirrored clips: both directions, and pairs that cannot be right."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.labels import Labels
from pipeline.training.augmentation import ClipAugmentation
from pipeline.training.batches import PixelBatches
from pipeline.training.mirroring import mirrored_classes
from tests.helpers.stores import make_store

LABELS = Labels.from_names(["left", "right", "still", "turn=left", "turn=right", "\u00e9"])


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ((), {}),
        (("left=right",), {"left": "right", "right": "left"}),
        (("right=left",), {"left": "right", "right": "left"}),
        (
            ("left=right", "still=e\u0301"),
            {"left": "right", "right": "left", "still": "\u00e9", "\u00e9": "still"},
        ),
        (("turn=left=turn=right",), {"turn=left": "turn=right", "turn=right": "turn=left"}),
        ((" left = right ",), {"left": "right", "right": "left"}),
    ],
)
def test_a_pair_swaps_in_both_directions(pairs: tuple[str, ...], expected: dict[str, str]) -> None:
    classes = mirrored_classes(LABELS, pairs)
    assert {label: LABELS[int(classes[LABELS.index(label)])] for label in LABELS} == {
        label: expected.get(label, label) for label in LABELS
    }


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (("left",), r"--flip-labels left: allowed are two labels of the store .* it has left, right, still"),
        (("left=up",), "--flip-labels left=up: allowed are two labels of the store"),
        (("left=right,still=still",), "Repeat the option for more pairs"),
        (("left=left",), "--flip-labels left=left: a label without a partner stays as it is"),
        (("left=right", "still=left"), "--flip-labels still=left: 'left' is in another pair already"),
    ],
)
def test_a_pair_that_cannot_be_right_is_refused(pairs: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        mirrored_classes(LABELS, pairs)


def test_a_mirrored_clip_takes_the_other_label_and_no_other_does(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", classes=("left", "right", "still"))
    clips = store.usable("train")
    mirrored = mirrored_classes(store.labels, ("left=right",))
    batches = PixelBatches(
        store,
        clips,
        store.labels,
        augmentation=ClipAugmentation(fill_rgb=(0, 0, 0), flip=True, seed=0),
        mirrored=mirrored,
    )
    plain = PixelBatches(
        store,
        clips,
        store.labels,
        augmentation=ClipAugmentation(fill_rgb=(0, 0, 0), flip=False, seed=0),
        mirrored=mirrored,
    )
    rows = range(len(clips))
    swapped = 0
    for epoch in range(1, 5):
        frames, straight = batches.inputs(rows, epoch=epoch), plain.inputs(rows, epoch=epoch)
        targets = batches.targets(np.array(rows), epoch=epoch)
        assert np.array_equal(plain.targets(rows, epoch=epoch), plain.class_indices)
        for row in rows:
            is_mirrored = not bool((frames[row] == straight[row]).all())
            assert not is_mirrored or bool((frames[row] == straight[row].flip(2)).all())
            label = clips[row].label
            expected = {"left": "right", "right": "left"}.get(label, label) if is_mirrored else label
            assert store.labels[int(targets[row])] == expected
            swapped += is_mirrored and label != "still"
    assert 12 <= swapped <= 36
    assert np.array_equal(batches.targets(rows, epoch=None), batches.class_indices)
