"""The example that goes out with an exported model fits frames as the project's own letterbox does."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.inference import export_folder
from pipeline.spec import ClipSpec, Fit
from pipeline.video.letterbox import fit_frame
from pipeline.video.reader import read_clip
from pipeline.video.sampling import segment_centres
from tests.helpers.videos import read_numbers, write_numbered_av, write_numbered_video

SIZES_WH = [
    (64, 48),
    (48, 64),
    (32, 32),
    (20, 9),
    (9, 20),
    (33, 32),
    (225, 3),
    (31, 64),
    (100, 99),
    (16, 300),
]


def functions_of_the_example(folder: Path, spec: ClipSpec) -> dict[str, Any]:
    """What the example defines before it opens the model."""
    (folder / "model.json").write_text(json.dumps({"spec": spec.to_dict()}), "utf-8")
    source = export_folder.EXAMPLE.read_text("utf-8").split("\nsession = ")[0]
    defined: dict[str, Any] = {"__file__": str(folder / "classify.py")}
    exec(compile(source, "classify.py", "exec"), defined)  # noqa: S102 - our own file
    return defined


@pytest.mark.parametrize("fit", ["letterbox", "stretch", "crop"])
def test_frames_are_fitted_to_the_bit(fit: Fit, tmp_path: Path) -> None:
    spec = ClipSpec(image_size=32, fit=fit, fill_rgb=(1, 2, 3))
    example, random = functions_of_the_example(tmp_path, spec), np.random.default_rng(0)
    for width, height in SIZES_WH:
        frame = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        for aspect in (1.0, 4 / 3, 0.7):
            expected = fit_frame(frame, spec, pixel_aspect=aspect)
            np.testing.assert_array_equal(
                example["fit"](frame, aspect), expected, str((width, height, aspect))
            )


@pytest.mark.parametrize("num_frames", [1, 3, 4, 5, 37])
def test_frames_are_those_at_the_centres_of_equal_segments(num_frames: int, tmp_path: Path) -> None:
    spec = ClipSpec(num_frames=4, image_size=64)
    video = write_numbered_video(tmp_path / "v.avi", num_frames, size_wh=(64, 48), frame_rate=10)
    clip = functions_of_the_example(tmp_path, spec)["read_clip"](str(video))
    assert clip.shape == (4, 64, 64, 3)
    expected = segment_centres([i / 10 for i in range(num_frames)], num_frames=4)
    assert read_numbers(clip, size_wh=(64, 48)) == expected


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    spec = ClipSpec(num_frames=4, image_size=64)
    video = write_numbered_av(
        tmp_path / "v.mkv", [40 * i for i in range(12)], pixel_aspect=Fraction(4, 3), size_wh=(64, 48)
    )
    clip = functions_of_the_example(tmp_path, spec)["read_clip"](str(video))
    assert not clip[:, :14].any()  # displayed at 85 x 48: bars above and below
    np.testing.assert_array_equal(clip, read_clip(video, spec).frames)
