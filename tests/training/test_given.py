from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.clips.store import ClipStore
from pipeline.errors import TrainingError, UsageError
from pipeline.training.given_options import options_for
from pipeline.training.not_a_number import check_features
from pipeline.training.options import TrainOptions
from pipeline.training.run import train
from tests.helpers.features import QUICK, make_lengths, make_sequences, write_features
from tests.helpers.stores import make_store

CPU = torch.device("cpu")


@pytest.mark.parametrize("given", [{"input": "fitted"}, {"input": "plain", "normalise": "standardise"}])
def test_more_padding_changes_no_training(tmp_path: Path, given: dict[str, Any]) -> None:
    features, _ = make_sequences()
    lengths = make_lengths(*features.shape[:2])
    longer = np.concatenate(
        [features, np.full((len(features), 3, features.shape[2]), 1e9, np.float32)], axis=1
    )
    for row, length in enumerate(lengths):
        longer[row, length:] = (np.nan, 1e30)[row % 2]
    options = replace(QUICK, dropout=0.0, input_dropout=0.0, **given)  # what is drawn depends on T
    runs = [
        train(
            write_features(tmp_path / f"{name}.npz", X=X, lengths=lengths),
            tmp_path / name,
            options,
            device=CPU,
        )
        for name, X in (("short", features), ("long", longer))
    ]
    for one, other in zip(runs[0].history, runs[1].history, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, abs=1e-5)
        assert one.val_loss == pytest.approx(other.val_loss, abs=1e-5)
    assert runs[0].history[-1].train_loss < runs[0].history[0].train_loss
    validation = [run.metrics["validation"] for run in runs]
    assert validation[0]["baselines"] != {}
    for name in ("single_frame", "mean", "mean_std_difference"):
        assert validation[0]["baselines"][name] == validation[1]["baselines"][name]


def test_padding_is_no_fault_and_a_hole_is() -> None:
    features, _ = make_sequences(4)
    features[1, 3:] = np.nan
    clips = make_clips(4)
    check_features(features, clips)
    features[2, 3] = np.nan
    with pytest.raises(TrainingError, match=r"1 of 4 clips: row-000002"):
        check_features(features, clips)


def make_clips(number: int) -> Any:
    from pipeline.clips.clip import Clip

    return [
        Clip(id=f"row-{row:06d}", path=f"f#{row}", label="a", split="train", group="", status="ok")
        for row in range(number)
    ]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"backbone": "tiny"}, "--backbone tiny: about a backbone"),
        ({"weights": "weights.pth"}, "--weights weights.pth: about"),
        ({"finetune": True}, "--finetune: about"),
        ({"precision": "float16"}, "--precision float16: about"),
        ({"backbone": "resnet18", "finetune": True}, "--backbone resnet18, --finetune: about"),
    ],
)
def test_options_of_a_backbone_are_refused(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    store = ClipStore.open(write_features(tmp_path / "f.npz"))
    with pytest.raises(UsageError, match=said):
        options_for(store, TrainOptions(**given))


def test_options_go_round(tmp_path: Path) -> None:
    store = ClipStore.open(write_features(tmp_path / "f.npz"))
    options = options_for(store, TrainOptions(epochs=7))
    assert (options.backbone, options.weights, options.epochs) == ("given", "none", 7)
    assert not options.trains_backbone
    assert options_for(store, TrainOptions.from_dict(options.to_dict(), source="test")) == options
    frames = make_store(tmp_path / "clips")
    assert options_for(frames, QUICK) == QUICK
    with pytest.raises(UsageError, match="--backbone given is for features given directly"):
        options_for(frames, options)
