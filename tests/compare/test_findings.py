"""Answers in words: the right one for each known truth, with the numbers that it was made from."""

import re

import numpy as np
import pytest

from pipeline.compare.claims import Claim, FoldFacts, claims
from pipeline.compare.finding import Finding
from pipeline.compare.findings import clips_finding, head_finding, order_finding, shrink_finding
from tests.helpers.boards import GROUPS, N, board, scorer, wrong

FEW = [f"g{row % 19}" for row in range(N)]


def bound(finding: Finding) -> Finding:
    """The figures of the sentence are those of its numbers."""
    assert "160 clips of" in finding.sentence
    assert finding.numbers["num_clips"] == N
    assert finding.sentence.endswith(".")
    assert finding.to_dict()["topic"] == finding.topic
    return finding


def test_the_head_that_is_needed_is_named_with_its_distance() -> None:
    finding = bound(head_finding(board({"mean": wrong(0.4), "lstm": wrong(0.1, seed=1)})))
    assert finding.answer == "supported"
    assert finding.sentence.startswith("This data supports lstm: its macro-F1, 0.9")
    short = finding.numbers["shortfalls"]["mean"]
    assert f"the nearest, mean, by {short['behind']:.3f}; up to {short['allowed']:.3f}" in finding.sentence


def test_a_simpler_head_is_supported_though_another_is_ahead() -> None:
    finding = bound(head_finding(board({"mean": wrong(0.2), "lstm": wrong(0.19, seed=1)})))
    assert finding.sentence.startswith("This data supports mean, the simplest head that is not surely behind")
    assert finding.numbers["best"] == "lstm"


def test_the_full_design_is_told_of_where_another_head_is_supported() -> None:
    finding = bound(head_finding(board({"mean": wrong(0.1), "full": wrong(0.4, seed=1)})))
    assert "is the best, and only the majority is simpler" in finding.sentence
    assert re.search(r"The full has 0\.59\d: -0\.\d+ \(95 % interval .*\) against it\.$", finding.sentence)
    assert finding.numbers["full"]["difference"]["mean"] == pytest.approx(-0.3, abs=0.01)
    assert "against it" not in head_finding(board({"mean": wrong(0.4), "full": wrong(0.1)})).sentence


def test_nothing_beats_the_majority() -> None:
    finding = bound(head_finding(board({"mean": wrong(0.5), "lstm": wrong(0.5, seed=1)})))
    assert finding.answer == "nothing"
    assert finding.sentence.startswith("Nothing here beats the majority")


def test_few_groups_give_a_hint_only() -> None:
    finding = bound(head_finding(board({"mean": wrong(0.4), "lstm": wrong(0.1)}, groups=FEW)))
    assert finding.answer == "cannot be told"
    assert "19 groups: it takes 20 independent groups at least" in finding.sentence
    assert "was that of lstm" in finding.sentence


def test_a_head_beside_the_ladder_that_is_surely_ahead_is_supported() -> None:
    made = board({"mean": wrong(0.4), "gru": wrong(0.05, seed=3)}, beside=("gru",))
    assert made.supported == "gru"
    sentence = head_finding(made).sentence
    assert sentence.startswith("This data supports gru, which stands beside the ladder")
    assert "On the ladder it supports mean: its macro-F1, 0.599" in sentence
    at_chance = head_finding(board({"mean": wrong(0.5), "gru": wrong(0.05, seed=3)}, beside=("gru",)))
    assert "On the ladder no head is surely better than guessing (mean: " in at_chance.sentence
    assert bound(at_chance).numbers["ladder_over_guessing"]["mean"] == pytest.approx(0, abs=0.02)
    made = board({"mean": wrong(0.1), "gru": wrong(0.1, seed=3)}, beside=("gru",))
    assert made.supported == "mean"
    assert "beside" not in head_finding(made).sentence


@pytest.mark.parametrize(
    ("lstm", "shuffled", "mean", "answer"),
    [
        (0.1, 0.5, 0.4, "matters"),
        (0.1, 0.4, 0.1, "used but not needed"),
        (0.1, 0.1, 0.1, "does not matter"),
        (0.1, 0.1, 0.4, "does not matter"),  # better for another reason
        (0.5, 0.5, 0.5, "cannot be told"),  # nothing works
    ],
)
def test_order(lstm: float, shuffled: float, mean: float, answer: str) -> None:
    found = board(
        {"mean": wrong(mean), "lstm": wrong(lstm, seed=1)}, shuffled={"lstm": wrong(shuffled, seed=1)}
    )
    finding = order_finding(found)
    assert finding.answer == answer
    assert finding.numbers["reads_order"] == "lstm"
    assert finding.numbers["shuffle_cost"]["mean"] == pytest.approx(shuffled - lstm, abs=0.02)
    if answer != "cannot be told":
        bound(finding)
        lead = f"{round(finding.numbers['lead']['mean'], 3) + 0.0:+.3f}"
        assert lead in finding.sentence or answer == "does not matter"
    assert ("something else" in finding.sentence) == (answer == "does not matter" and mean == 0.4)


def test_order_cannot_be_told_from_few_groups_or_without_the_heads() -> None:
    heads = {"mean": wrong(0.4), "lstm": wrong(0.1)}
    shuffled = {"lstm": wrong(0.5)}
    assert order_finding(board(heads, shuffled=shuffled, groups=FEW)).answer == "cannot be told"
    assert "no head that reads" in order_finding(board({"mean": wrong(0.4)})).sentence
    of_one_frame = order_finding(board({"mean": wrong(0.4), "lstm": wrong(0.1)}))
    assert "the clips have one frame each" in of_one_frame.sentence
    assert "no head that cannot see" in order_finding(board({"lstm": wrong(0.1)}, shuffled=shuffled)).sentence


def test_more_clips() -> None:
    found = board({"mean": wrong(0.2), "lstm": wrong(0.25, seed=1)})
    own = found.scorer
    half = {"mean": own.score(wrong(0.4)), "lstm": own.score(wrong(0.45, seed=1))}
    finding = bound(clips_finding(found, half, fraction=0.5))
    assert (finding.answer, finding.numbers["head"]) == ("would help", "mean")
    assert "from 50 % of the clips to all of them" in finding.sentence
    assert finding.numbers["overtaking"] is None
    same = {"mean": own.score(wrong(0.2)), "lstm": own.score(wrong(0.25, seed=1))}
    assert clips_finding(found, same, fraction=0.5).answer == "would help little"
    catching = {"mean": own.score(wrong(0.2)), "lstm": own.score(wrong(0.5, seed=1))}
    finding = clips_finding(found, catching, fraction=0.5)
    assert finding.numbers["overtaking"]["head"] == "lstm"
    assert "lstm gained +0.25" in finding.sentence
    assert "not tried with fewer" in clips_finding(found, {}, fraction=0.5).sentence
    nothing = board({"mean": wrong(0.5), "lstm": wrong(0.5, seed=1)})
    for part in (half, {}):
        assert "nothing here beats the majority" in clips_finding(nothing, part, fraction=0.5).sentence


def test_shrinking() -> None:
    shares = {"helps": (0.4, 0.1), "harms": (0.1, 0.4), "no sure difference": (0.2, 0.2)}
    for answer, (without, full) in shares.items():
        finding = shrink_finding(board({"attention": wrong(without), "full": wrong(full)}))
        assert finding is not None
        assert bound(finding).answer == answer
    assert shrink_finding(board({"full": wrong(0.2)})) is None


def _claims(
    full: float,
    plain: float,
    gains: np.ndarray | None = None,
    groups: list[str] = GROUPS,
    most_epochs: int = 25,
) -> dict[str, Claim]:
    random = np.random.default_rng(0)
    facts = {
        name: FoldFacts(
            trained=random.normal(0.99, 0.002, 10),
            epochs=random.normal(epochs, 1, 10),
            most_epochs=most_epochs,
        )
        for name, epochs in (("full", 20), ("lstm", 8))
    }
    found = board({"lstm": wrong(plain), "full": wrong(full, seed=1)}, groups=groups)
    return {
        each.claim: each
        for each in claims(
            found, full="full", plain="lstm", facts=facts, top_frame_gains=gains, test_share=0.25
        )
    }


def test_the_four_claims() -> None:
    gains = np.random.default_rng(0).normal(0.1, 0.05, N)
    found = _claims(0.05, 0.4, gains)
    assert {claim: each.answer for claim, each in found.items()} == {
        "lower error": "true",
        "less overfitting": "true",
        "fewer epochs": "false",
        "readable decisions": "true",
    }
    for each in found.values():
        assert each.numbers["num_groups"] == 40
        assert "160 clips of 40 groups" in each.sentence
        assert "interval" in each.sentence
    gap = found["less overfitting"].numbers
    assert gap["full"] == pytest.approx(0.99 - 0.95, abs=0.01)
    assert gap["difference"]["mean"] == pytest.approx(gap["full"] - gap["plain"], abs=1e-9)
    assert "were best at the last epoch" not in found["fewer epochs"].sentence
    cut = _claims(0.05, 0.4, most_epochs=20)["fewer epochs"].sentence
    assert re.search(r"; \d of 20 fits were best at the last epoch allowed\.", cut)
    assert (
        f"{found['less overfitting'].numbers['difference']['mean']:+.3f}"
        in found["less overfitting"].sentence
    )
    assert _claims(0.4, 0.05)["lower error"].answer == "false"
    assert (
        _claims(0.2, 0.2, np.random.default_rng(0).normal(0, 0.01, N))["readable decisions"].answer == "false"
    )
    unsure = _claims(0.2, 0.22, np.random.default_rng(0).normal(0, 0.3, N))
    assert unsure["lower error"].answer == "cannot be told"
    assert unsure["readable decisions"].answer == "cannot be told"


def test_where_nothing_beats_the_majority_no_claim_holds() -> None:
    """As on 40 clips whose scenes come once in each class: .17 against .00 is no lower error."""
    gains = np.random.default_rng(0).normal(0.1, 0.05, N)
    found = _claims(0.7, 0.95, gains)
    assert list(found) == ["lower error", "less overfitting", "fewer epochs", "readable decisions"]
    assert {each.answer for each in found.values()} == {"cannot be told"}
    assert all("Nothing here beats the majority" in each.sentence for each in found.values())


def test_claims_cannot_be_told_from_few_groups() -> None:
    found = _claims(0.05, 0.4, np.random.default_rng(0).normal(0.1, 0.05, N), FEW)
    assert {each.answer for each in found.values()} == {"cannot be told"}
    assert found["fewer epochs"].sentence.endswith(
        "(10 folds of 160 clips of 19 groups); it takes 20 independent groups at least."
    )
    assert _claims(0.05, 0.4)["readable decisions"].answer == "cannot be told"


def test_a_sentence_does_not_say_its_answer_again() -> None:
    """Both are shown, one beside the other."""
    found = (*_claims(0.05, 0.4).values(), *_claims(0.05, 0.4, groups=FEW).values())
    assert not any(each.answer in each.sentence.lower() for each in found)


def test_clips_that_are_their_own_groups_are_not_called_groups() -> None:
    alone = [f"g{row}" for row in range(N)]
    heads = {"mean": wrong(0.4), "lstm": wrong(0.1, seed=1)}
    assert head_finding(board(heads, groups=alone)).sentence.endswith("(160 clips).")
    assert head_finding(board(heads)).sentence.endswith("(160 clips of 40 groups).")


def test_gains_of_clips_are_averaged_over_groups() -> None:
    figure = scorer().mean(np.repeat(np.random.default_rng(0).normal(1, 1, 40), 4))
    alone = scorer().mean(np.random.default_rng(0).normal(1, 1, N))
    assert figure.se is not None
    assert alone.se is not None
    assert figure.se > 1.5 * alone.se
