"""What is known of a model's attention, in its file and in words."""

import pytest

from pipeline.errors import CheckpointError
from pipeline.evaluation.attention_finding import Advantage, AttentionFinding


def _finding(attention: Advantage | None, leave_one_out: Advantage) -> AttentionFinding:
    return AttentionFinding(
        split="val", num_clips=50, num_groups=40, attention=attention, leave_one_out=leave_one_out
    )


GOOD = Advantage(mean=0.1, interval=(0.05, 0.15))
NONE = Advantage(mean=0.01, interval=(-0.02, 0.04))
TINY = Advantage(mean=0.0004, interval=(0.0003, 0.0005))
BAD = Advantage(mean=-0.1, interval=(-0.15, -0.05))
UNKNOWN = Advantage(mean=0.1, interval=None)


@pytest.mark.parametrize(
    ("attention", "leave_one_out", "trusted", "said"),
    [
        (
            GOOD,
            GOOD,
            True,
            "was better than random order at telling which frames count (+0.100, 95 % interval +0.050 to "
            "+0.150). Leave-one-out was too",
        ),
        (GOOD, NONE, True, "Leave-one-out was not (+0.010"),
        (
            NONE,
            GOOD,
            False,
            "was not surely better than random order at telling which frames count (+0.010, 95 % interval "
            "-0.020 to +0.040). Go by leave-one-out",
        ),
        (TINY, GOOD, False, "was no better than random order"),  # surely more than 0, and yet nothing
        (BAD, GOOD, False, "was worse than random order"),
        (NONE, NONE, False, "Nor was leave-one-out (+0.010"),
        (UNKNOWN, UNKNOWN, None, "cannot be told from 40 independent groups"),
    ],
)
def test_the_verdict_in_words(
    attention: Advantage, leave_one_out: Advantage, trusted: bool | None, said: str
) -> None:
    finding = _finding(attention, leave_one_out)
    assert finding.attention_trusted is trusted
    assert said in finding.attention_note
    assert "50 validation clips" in finding.attention_note


@pytest.mark.parametrize(
    ("leave_one_out", "said"),
    [
        (GOOD, "leave-one-out was better than random order at telling which frames count (+0.100"),
        (NONE, "leave-one-out was not surely better than random order"),
        (UNKNOWN, "cannot be told from 40 independent groups (+0.100)"),
    ],
)
def test_without_attention_there_is_nothing_to_trust(leave_one_out: Advantage, said: str) -> None:
    finding = _finding(None, leave_one_out)
    assert finding.attention_trusted is None
    note = finding.attention_note
    assert note.startswith("This model has no attention: it puts the frames together by a fixed rule.")
    assert said in note
    assert "50 validation clips" in note


@pytest.mark.parametrize("attention", [GOOD, UNKNOWN, None])
def test_it_comes_back_from_a_file(attention: Advantage | None) -> None:
    finding = _finding(attention, NONE)
    assert AttentionFinding.from_dict(finding.to_dict()) == finding
    assert AttentionFinding.from_dict(None) is None


@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"num_clips": "50"},
        {"split": 3},
        {"leave_one_out": None},
        {"attention": {"mean": "x", "interval": None}},
        {"attention": {"mean": 0.1, "interval": [0.1]}},
        {"attention": {"mean": 0.1, "interval": 3}},
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object]) -> None:
    values = {**_finding(GOOD, NONE).to_dict(), **change}
    with pytest.raises(CheckpointError, match="says of its attention cannot be"):
        AttentionFinding.from_dict(values)
