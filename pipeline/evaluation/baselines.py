"""What simpler methods reach on the same clips: a result without them says little.

Four of them are fitted on the training clips, on the features of the backbone that training started from, and
are kept in the run folder, so that `evaluate` can judge them on any clips:

- majority: always the most frequent training class
- single frame: logistic regression on the centre frame
- mean: logistic regression on the mean over t
- mean + std + difference: the same on [mean, std, mean of x_t - x_(t-1)]

The fifth, `shuffled`, is the trained model on clips whose frames are in random order (`evaluation.judge`).
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pipeline.errors import CheckpointError
from pipeline.files import write_bytes
from pipeline.model.lengths import given_lengths

MAJORITY, SINGLE_FRAME, MEAN, MEAN_STD_DIFFERENCE = (
    "majority",
    "single_frame",
    "mean",
    "mean_std_difference",
)
SHUFFLED = "shuffled"
BASELINE_NAMES = (MAJORITY, SINGLE_FRAME, MEAN, MEAN_STD_DIFFERENCE)
BASELINE_TEXTS = {
    MAJORITY: "majority class",
    SINGLE_FRAME: "single frame + logistic regression",
    MEAN: "mean + logistic regression",
    MEAN_STD_DIFFERENCE: "mean, std, difference + logistic regression",
    SHUFFLED: "this model on shuffled frames",
}
_MAX_ITERATIONS = 2000


@dataclass(frozen=True, kw_only=True)
class ClipInputs:
    """What the baselines see of N clips.

    Attributes:
        features: (N, T, D) float32 of the starting backbone; NaN after a clip's end.
        centre: (N, D): its features of the centre frame alone.
    """

    features: np.ndarray
    centre: np.ndarray


@dataclass(frozen=True, kw_only=True)
class LinearBaseline:
    """A fitted linear classifier: class = argmax(coefficients x + intercepts).

    Attributes:
        coefficients: (K, F) float64.
        intercepts: (K,) float64; minus infinity for a class that had no training clip.
    """

    coefficients: np.ndarray
    intercepts: np.ndarray

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Class indices (N,) of inputs (N, F)."""
        return np.asarray((inputs @ self.coefficients.T + self.intercepts).argmax(axis=1))


Baselines = dict[str, LinearBaseline]


def fit_baselines(inputs: ClipInputs, class_indices: np.ndarray, *, num_classes: int) -> Baselines:
    """Fits every baseline on training clips; class_indices is (N,)."""
    return {
        name: _fit(_view(name, inputs), class_indices, num_classes, majority=name == MAJORITY)
        for name in BASELINE_NAMES
    }


def predict_baselines(baselines: Baselines, inputs: ClipInputs) -> dict[str, np.ndarray]:
    """Class indices (N,) by each baseline."""
    return {name: baseline.predict(_view(name, inputs)) for name, baseline in baselines.items()}


def save_baselines(path: Path, baselines: Baselines) -> None:
    """Writes baselines as safetensors, whole or not at all."""
    tensors = {}
    for name, baseline in sorted(baselines.items()):
        tensors[f"{name}.coefficients"] = np.ascontiguousarray(baseline.coefficients)
        tensors[f"{name}.intercepts"] = np.ascontiguousarray(baseline.intercepts)
    write_bytes(path, save(tensors))


def load_baselines(path: Path) -> Baselines:
    """Reads what `save_baselines` wrote.

    Raises:
        CheckpointError: it is not such a file.
    """
    try:
        tensors = load_file(path)
        return {
            name: LinearBaseline(
                coefficients=tensors[f"{name}.coefficients"], intercepts=tensors[f"{name}.intercepts"]
            )
            for name in BASELINE_NAMES
        }
    except Exception as error:
        raise CheckpointError(f"{path} is not a file of fitted baselines: {error}. Train again.") from error


def _view(name: str, inputs: ClipInputs) -> np.ndarray:
    """The baseline's inputs (N, F), float64."""
    features = inputs.features.astype(np.float64)  # (N, T, D)
    if name == MAJORITY:
        return np.empty((len(features), 0))
    if name == SINGLE_FRAME:
        return inputs.centre.astype(np.float64)
    summarise = _mean if name == MEAN else _mean_std_difference
    lengths = given_lengths(inputs.features)
    if (lengths == features.shape[1]).all():
        return summarise(features)
    summary = np.empty((len(features), summarise(features[:1, :1]).shape[1]))
    for length in np.unique(lengths):  # clips of one length together: as if the rest were not there
        summary[lengths == length] = summarise(features[lengths == length, :length])
    return summary


def _mean(features: np.ndarray) -> np.ndarray:
    """The mean over t (n, D) of features (n, T, D)."""
    return np.asarray(features.mean(axis=1))


def _mean_std_difference(features: np.ndarray) -> np.ndarray:
    """Mean, spread and mean step over t (n, 3 D) of features (n, T, D)."""
    # The mean of x_t - x_(t-1) telescopes to (last - first) / (T - 1).
    difference = (features[:, -1] - features[:, 0]) / max(features.shape[1] - 1, 1)
    return np.concatenate([features.mean(axis=1), features.std(axis=1), difference], axis=1)


def _fit(
    inputs: np.ndarray, class_indices: np.ndarray, num_classes: int, *, majority: bool
) -> LinearBaseline:
    present = np.unique(class_indices)
    coefficients = np.zeros((num_classes, inputs.shape[1]))
    intercepts = np.full(num_classes, -np.inf)
    if majority or len(present) == 1:
        most_frequent = np.bincount(class_indices, minlength=num_classes).argmax()
        intercepts[most_frequent] = 0.0
        return LinearBaseline(coefficients=coefficients, intercepts=intercepts)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=_MAX_ITERATIONS))
    with warnings.catch_warnings():  # close to the optimum is near enough for a baseline
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs, class_indices)
    scaler, regression = model[0], model[1]
    weights, biases = regression.coef_, regression.intercept_
    if len(present) == 2:  # scikit-learn keeps one row for two classes: the log-odds of the second
        weights, biases = np.concatenate([0 * weights, weights]), np.concatenate([0 * biases, biases])
    weights = weights / scaler.scale_  # fold the standardisation in
    coefficients[present] = weights
    intercepts[present] = biases - weights @ scaler.mean_
    return LinearBaseline(coefficients=coefficients, intercepts=intercepts)
