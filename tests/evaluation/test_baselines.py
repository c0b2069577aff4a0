"""The baselines against scikit-learn used directly."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from pipeline.errors import CheckpointError
from pipeline.evaluation.baselines import (
    ClipInputs,
    fit_baselines,
    load_baselines,
    predict_baselines,
    save_baselines,
)


def _clips(num_clips: int, seed: int) -> tuple[ClipInputs, np.ndarray]:
    random = np.random.default_rng(seed)
    features = random.normal(size=(num_clips, 6, 5)).astype(np.float32)
    return ClipInputs(features=features, centre=features[:, 3]), random.integers(0, 3, num_clips)


def _oracle(train: np.ndarray, targets: np.ndarray, test: np.ndarray) -> np.ndarray:
    scaler = StandardScaler().fit(train)
    model = LogisticRegression(max_iter=2000).fit(scaler.transform(train), targets)
    return np.asarray(model.predict(scaler.transform(test)))


@pytest.mark.parametrize("num_classes", [2, 3])
def test_predictions_equal_scikit_learn(num_classes: int) -> None:
    (train, targets), (test, _) = _clips(90, 0), _clips(50, 1)
    targets = targets % num_classes
    predicted = predict_baselines(fit_baselines(train, targets, num_classes=num_classes), test)
    views: dict[str, Callable[[ClipInputs], np.ndarray]] = {
        "single_frame": lambda inputs: inputs.centre,
        "mean": lambda inputs: inputs.features.mean(axis=1),
        "mean_std_difference": lambda inputs: np.concatenate(
            [
                inputs.features.mean(axis=1),
                inputs.features.std(axis=1),
                np.diff(inputs.features, axis=1).mean(axis=1),
            ],
            axis=1,
        ),
    }
    for name, view in views.items():
        expected = _oracle(view(train).astype(float), targets, view(test).astype(float))
        assert (predicted[name] == expected).mean() > 0.97, name  # float32 statistics may move a close call


def test_majority_is_the_most_frequent_training_class() -> None:
    train, _ = _clips(10, 0)
    baselines = fit_baselines(train, np.array([2] * 6 + [0] * 4), num_classes=3)
    assert predict_baselines(baselines, train)["majority"].tolist() == [2] * 10


def test_a_class_without_training_clips_is_never_predicted() -> None:
    (train, targets), (test, _) = _clips(60, 0), _clips(40, 1)
    targets = np.where(targets == 1, 0, targets)  # classes 0 and 2 of 4
    for predicted in predict_baselines(fit_baselines(train, targets, num_classes=4), test).values():
        assert set(predicted) <= {0, 2}


def test_one_training_class_is_all_that_is_predicted() -> None:
    train, _ = _clips(10, 0)
    for predicted in predict_baselines(fit_baselines(train, np.ones(10, int), num_classes=3), train).values():
        assert set(predicted) == {1}


def test_saved_baselines_predict_the_same(tmp_path: Path) -> None:
    train, targets = _clips(60, 0)
    baselines = fit_baselines(train, targets, num_classes=3)
    save_baselines(tmp_path / "b.safetensors", baselines)
    again = predict_baselines(load_baselines(tmp_path / "b.safetensors"), train)
    for name, predicted in predict_baselines(baselines, train).items():
        assert (again[name] == predicted).all()


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.safetensors").write_bytes(b"no tensors here")
    with pytest.raises(CheckpointError, match="not a file of fitted baselines"):
        load_baselines(tmp_path / "b.safetensors")
