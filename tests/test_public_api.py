"""`import pipeline` costs nothing, and every public name is there."""

import subprocess
import sys
from pathlib import Path

import pytest

import pipeline
from pipeline.errors import ClipwiseError, VideoError

ROOT = Path(__file__).resolve().parents[1]


def test_every_public_name_can_be_had() -> None:
    for name in pipeline.__all__:
        assert getattr(pipeline, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pipeline.nothing


def test_importing_it_loads_nothing_heavy() -> None:
    script = (
        "import sys, pipeline\n"
        "print(sorted({'torch', 'cv2', 'numpy', 'sklearn', 'matplotlib'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_a_video_error_survives_the_way_out_of_a_worker() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(VideoError("a.mp4", "the file is empty")))  # noqa: S301
    assert (error.path, error.reason, str(error)) == (
        "a.mp4",
        "the file is empty",
        "a.mp4: the file is empty",
    )
    assert isinstance(error, ClipwiseError)
    assert error.exit_code == 1
