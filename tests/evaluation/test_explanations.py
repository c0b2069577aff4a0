"""The verdict on explanations where the truth is known: which frame decides, and what attention sees."""

from collections.abc import Sequence

import numpy as np
import pytest

from pipeline.evaluation.explanations import (
    ATTENTION,
    LEAVE_ONE_OUT,
    Explained,
    Explanations,
    measure_explanations,
)
from pipeline.evaluation.predict import predict
from pipeline.model.head import SequenceHead
from tests.helpers.heads import linear_head

N, T = 30, 6
GROUPS = [str(row) for row in range(N)]
WEIGHTS = np.array([[1.0, 0.0], [-1.0, 0.0]])  # of what decides; a second feature only draws attention
EVEN = np.zeros(2)  # a query that weighs all frames alike


def _clips() -> np.ndarray:
    """Clips (N, T, 2) in which one frame decides, and another one is conspicuous."""
    random = np.random.default_rng(0)
    features = random.normal(0, 0.05, (N, T, 2)).astype(np.float32)
    for row in range(N):
        key, loud = random.permutation(T)[:2]
        features[row, key, 0] = 6
        features[row, loud, 1] = 6
    return features


def _measured(
    head: SequenceHead, features: np.ndarray, groups: list[str] = GROUPS, *, others: Sequence[Explained] = ()
) -> Explanations:
    predictions = [predict(head, clip) for clip in features]
    model = Explained(head=head, features=features, temperature=1.0)
    return measure_explanations(model, predictions, groups, split="test", others=others)


def test_leave_one_out_finds_the_frame_that_decides_and_uniform_attention_does_not() -> None:
    features = _clips()
    found = _measured(linear_head(WEIGHTS, query=EVEN), features)
    left_out, attention = found.orders[LEAVE_ONE_OUT], found.orders[ATTENTION]
    assert left_out.advantage.beats_random
    assert left_out.curves.deletion[1] == pytest.approx(0.5, abs=0.1)  # the one frame is gone
    assert found.random.deletion[1] > 0.8
    assert left_out.deletion_interval is not None
    assert left_out.deletion_interval[0] > 0.1
    assert left_out.insertion_interval is not None
    assert left_out.insertion_interval[0] > 0.05
    assert attention.advantage.beats_random is False
    assert found.finding.attention_trusted is False
    assert "not surely better than random order" in found.finding.attention_note
    assert "Go by leave-one-out, which was better than random order (+0." in found.finding.attention_note
    random = found.random
    assert random.deletion == pytest.approx(random.insertion[::-1], abs=1e-12)  # each order and its reverse


def test_a_fixed_rule_is_not_judged_as_attention() -> None:
    features = _clips()
    other = Explained(head=linear_head(WEIGHTS), features=features, temperature=1.0)
    found = _measured(linear_head(WEIGHTS), features, others=[other])
    assert set(found.orders) == {LEAVE_ONE_OUT}
    assert found.orders[LEAVE_ONE_OUT].advantage.beats_random
    assert (found.finding.attention, found.finding.attention_trusted) == (None, None)
    assert found.finding.attention_note.startswith("This model has no attention: ")
    assert found.agreement is not None
    assert found.agreement.attention is None
    assert found.agreement.leave_one_out.top_overlap == 1
    assert set(found.to_dict()["orders"]) == {"leave_one_out", "random"}


def test_attention_that_looks_where_it_decides_is_trusted() -> None:
    features = _clips()
    found = _measured(linear_head(WEIGHTS, query=np.array([0.5, 0.0])), features)
    assert found.finding.attention_trusted
    assert "was better than random order at telling which frames count (+0." in found.finding.attention_note
    assert found.finding.attention_note.startswith("On 30 test clips, ")


def test_attention_drawn_elsewhere_is_worse_than_chance() -> None:
    features = _clips()
    found = _measured(linear_head(WEIGHTS, query=np.array([0.0, 0.5])), features)
    assert found.finding.attention_trusted is False
    assert "was worse than random order at telling which frames count (-0." in found.finding.attention_note


def test_a_head_that_looks_at_nothing_has_no_explanation() -> None:
    features = _clips()
    found = _measured(linear_head(np.zeros((2, 2)), query=np.array([0.5, 0.0])), features)
    assert found.orders[LEAVE_ONE_OUT].advantage.beats_random is False
    assert found.finding.attention_trusted is False
    assert "Nor was leave-one-out" in found.finding.attention_note
    assert found.orders[ATTENTION].curves.deletion == pytest.approx(np.full(T, 0.5), abs=1e-6)


def test_too_few_groups_tell_nothing() -> None:
    features = _clips()
    found = _measured(linear_head(WEIGHTS, query=EVEN), features, ["a", "b", "c"] * 10)
    assert found.finding.attention_trusted is None
    assert "cannot be told from 3 independent groups" in found.finding.attention_note


def test_agreement_is_of_the_class_that_the_judged_model_predicts() -> None:
    """The other model is the same but calls the classes the other way round: alike only for one class."""
    features = _clips()
    others = [
        Explained(head=linear_head(weights, query=EVEN), features=features, temperature=1.0)
        for weights in (WEIGHTS, -WEIGHTS)
    ]
    agreement = _measured(linear_head(WEIGHTS, query=EVEN), features, others=others[:1]).agreement
    assert agreement is not None
    assert agreement.num_models == 2
    assert agreement.leave_one_out.top_overlap == 1
    assert agreement.attention is not None
    assert agreement.attention.top_overlap == pytest.approx(1 / T)
    assert agreement.attention.rank_correlation == 0
    opposite = _measured(linear_head(WEIGHTS, query=EVEN), features, others=others[1:]).agreement
    assert opposite is not None
    assert opposite.leave_one_out.rank_correlation == pytest.approx(-1)


def test_the_figures_are_json_ready_and_repeat() -> None:
    features = _clips()
    first, second = (_measured(linear_head(WEIGHTS, query=EVEN), features).to_dict() for _ in range(2))
    assert first == second
    assert first["orders"]["random"].keys() == {"deletion", "insertion", "deletion_area", "insertion_area"}
    assert len(first["orders"]["attention"]["deletion"]) == T
    assert (first["split"], first["num_clips"], first["num_groups"]) == ("test", N, N)
    assert first["orders"]["leave_one_out"]["beats_random"] is True
    assert first["agreement"] is None
