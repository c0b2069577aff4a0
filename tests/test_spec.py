"""The spec: round trip, refusals, and what differs."""

from typing import Any

import pytest

from pipeline.errors import UsageError
from pipeline.spec import ClipSpec


def test_it_round_trips_through_json() -> None:
    import json

    spec = ClipSpec(num_frames=7, image_size=96, fit="crop", fill_rgb=(1, 2, 3))
    assert ClipSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_an_unknown_version_is_refused_whatever_else_it_says(version: object) -> None:
    values = {**ClipSpec().to_dict(), "version": version, "a_field_of_tomorrow": 1}
    with pytest.raises(UsageError, match=r"version .* is unknown; this Clipwise understands version 1"):
        ClipSpec.from_dict(values)


def test_missing_and_unknown_fields_are_named() -> None:
    values = ClipSpec().to_dict()
    del values["fit"]
    with pytest.raises(UsageError, match="missing or unknown fields: fit, fps"):
        ClipSpec.from_dict({**values, "fps": 5})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_frames": 0}, "num_frames is 0; allowed: whole numbers from 1 to 1024"),
        ({"num_frames": 12.0}, "num_frames is 12.0"),
        ({"image_size": 7}, "image_size is 7; allowed: whole numbers from 8"),
        ({"fit": "squeeze"}, "fit is 'squeeze'; allowed: letterbox, stretch, crop"),
        ({"sampling": "first"}, "sampling is 'first'; allowed: segment_centres"),
        ({"fill_rgb": (0, 0)}, "takes three numbers"),
        ({"fill_rgb": (0, 0, 256)}, "fill_rgb is 256; allowed: whole numbers from 0 to 255"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ClipSpec(**values)


def test_differences_name_the_fields() -> None:
    assert ClipSpec().differences(ClipSpec()) == []
    assert ClipSpec(num_frames=8, fit="crop").differences(ClipSpec()) == [
        "num_frames is 8, not 12",
        "fit is 'crop', not 'letterbox'",
    ]
