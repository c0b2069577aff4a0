"""What is tried for a head: few settings, of the sizes that were asked for."""

import pytest

from pipeline.compare.heads import HEADS
from pipeline.compare.settings import HIDDEN_SIZES, MAX_SETTINGS, settings_of
from pipeline.training.options import TrainOptions

BASE = TrainOptions()


@pytest.mark.parametrize("head", [name for name, head in HEADS.items() if head.tuned != "nothing"])
def test_each_head_has_at_most_six_settings_that_differ_and_the_first_is_the_quick_one(head: str) -> None:
    tried = settings_of(HEADS[head], BASE, quick=False)
    assert len({tuple(sorted(setting.to_dict().items())) for setting in tried}) == len(tried) <= MAX_SETTINGS
    assert settings_of(HEADS[head], BASE, quick=True) == tried[:1]


@pytest.mark.parametrize(
    ("sizes", "first"),
    [(HIDDEN_SIZES, 64), ((512,), 512), ((16, 32), 32), ((16, 32, 128), 32), ((128, 256), 128)],
)
def test_no_size_is_tried_but_those_asked_for(sizes: tuple[int, ...], first: int) -> None:
    for name in ("attention_pooling", "lstm", "full"):
        tried = settings_of(HEADS[name], BASE, quick=False, hidden_sizes=sizes)
        assert {setting.hidden for setting in tried} == set(sizes)
        assert tried[0].hidden == first
        assert len(tried) == len(sizes) + 2  # another learning rate and another dropout beside them
        assert settings_of(HEADS[name], BASE, quick=True, hidden_sizes=sizes) == tried[:1]


@pytest.mark.parametrize("sizes", [(4,), (8, 16, 32, 64), (16, 256, 300, 512), HIDDEN_SIZES])
def test_the_default_is_tried_with_its_own_size_and_others_and_never_loses_its_other_dropout(
    sizes: tuple[int, ...],
) -> None:
    tried = settings_of(HEADS["default"], BASE, quick=False, hidden_sizes=sizes)
    assert tried[0].hidden == BASE.chosen_lstm_dim == 128
    assert len(tried) <= MAX_SETTINGS
    assert {setting.hidden for setting in tried} <= {128, *sizes}
    assert len({setting.dropout for setting in tried}) == 2
    assert len({setting.learning_rate for setting in tried}) == 2
