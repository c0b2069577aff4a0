"""Every head can be trained as it was compared: its options go through `train --config` to answers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipeline.compare.heads import BESIDE, HEADS, LADDER, heads_named
from pipeline.compare.options import CompareOptions
from pipeline.compare.settings import settings_of
from pipeline.errors import UsageError
from pipeline.inference.classifier import load
from pipeline.training.options import TrainOptions
from pipeline.training.run import train


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    y = np.arange(40) % 2
    path = tmp_path_factory.mktemp("heads") / "made.npz"
    np.savez(path, X=rng.normal(size=(40, 5, 3)) + y[:, None, None], y=y)
    return path


@pytest.mark.parametrize("name", [name for name in HEADS if name != "majority"])
def test_a_head_trains_from_its_options_and_answers(name: str, features: Path, tmp_path: Path) -> None:
    base = replace(CompareOptions().training, backbone="given", weights="none", epochs=1)
    (setting,) = settings_of(HEADS[name], base, quick=True, hidden_sizes=(4,))
    values = json.loads(json.dumps(replace(base, **setting.options(HEADS[name])).to_dict()))
    options = TrainOptions.from_dict(values, source="best.json")
    assert options.fits_regression == HEADS[name].is_linear
    run = train(features, tmp_path / "run", options, device=torch.device("cpu"))
    assert run.metrics["validation"]["num_used"] > 0
    with load(tmp_path / "run") as classifier:
        answers = list(classifier.classify_features(features))
    assert len(answers) == 40
    assert all(answer.probability is not None for answer in answers)
    assert sum(frame.attention_weight for frame in answers[0].frames) == pytest.approx(1)


def test_each_rung_stands_on_the_one_below() -> None:
    assert [head.rung for head in LADDER] == list(range(1, 11))
    assert [head.adds_to for head in LADDER] == [None, *(head.name for head in LADDER[:-1])]
    assert all(head.rung is None and head.adds_to in HEADS for head in BESIDE)


def test_named_heads_come_with_the_majority_in_the_order_of_the_ladder() -> None:
    assert [head.name for head in heads_named(["full", "mean"])] == ["majority", "mean", "full"]
    with pytest.raises(UsageError, match="--heads has lstn; allowed: majority, single_frame"):
        heads_named(["lstn"])
    with pytest.raises(UsageError, match="the majority alone"):
        heads_named(["majority"])
