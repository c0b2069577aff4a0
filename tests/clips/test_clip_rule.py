import pytest

from pipeline.clips.clip_rule import ClipRule
from pipeline.errors import UsageError
from pipeline.video.parts import Windows


def test_round_trip_and_default_stride() -> None:
    rule = ClipRule(oversample=3, damaged="keep", window_seconds=4)
    assert rule.windows == Windows(window_seconds=4, stride_seconds=4)
    assert ClipRule.from_dict(rule.to_dict()) == rule
    assert ClipRule().windows is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"oversample": 2}, "--oversample is 2; allowed: odd numbers from 1 to 31"),
        ({"oversample": -1}, "--oversample is -1"),
        ({"damaged": "ignore"}, "--damaged is 'ignore'; allowed: auto, keep, fail"),
        ({"stride_seconds": 2}, "--stride-seconds needs --window-seconds"),
        ({"window_seconds": 0}, "--window-seconds is 0; allowed: seconds from 0.1"),
        ({"window_seconds": 5, "stride_seconds": -1}, "--stride-seconds is -1"),
    ],
)
def test_what_cannot_be_is_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ClipRule(**values)  # type: ignore[arg-type]


def test_differences_name_flags() -> None:
    differences = ClipRule().differences(ClipRule(oversample=5, window_seconds=2))
    assert differences == [
        "--oversample was 1, now 5",
        "--window-seconds was None, now 2",
        "--stride-seconds was None, now 2",
    ]


def test_rules_of_another_version_are_refused() -> None:
    with pytest.raises(UsageError, match="not a rule for clips of this version"):
        ClipRule.from_dict({"oversample": 1})
