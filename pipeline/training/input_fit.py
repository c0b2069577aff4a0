"""Fits the input of a head to training clips, before any step: what is on one scale, and what is seen of it.

The class directions are the coefficients of a logistic regression on [mean of frames, std over the clip, last
minus first], the strongest of the linear baselines. A frame's projection on them says how the frame speaks
for each class as that regression would have it; the recurrent part starts from there, and sees principal
components beside it. The directions are as large as the regression is right on clips held back: where only
the order of events tells the classes, they are noise that fits the training clips, and must nearly vanish.

Tried and left: directions from a regression that had not seen the clip (better on two sets of four, worse on
one), directions twice as large with smaller components beside them (better on one, worse on two), directions
for differences instead of centred frames, mixed clips (mixup), projections that go on learning.
`scripts/bench_head.py` compares what was kept, with and without the directions.
"""

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from pipeline.model.fitted_input import FittedInput
from pipeline.model.head import SequenceHead
from pipeline.model.lengths import given_lengths, resolve_lengths, valid_mask
from pipeline.training.linear_fit import row_basis

NUM_FOLDS = 4
FRAMES_SHARE = 0.3
"""Size of the frames' components beside those of the centred frames. As large as these, the scene drowns what
happens in it (240 made-up order clips: .39 accuracy with 1, .47 with .3; one seed)."""
MAX_CLIPS = 4000
"""More are not read to fit the input: directions get no better, and a regression takes minutes."""
_MAX_ITERATIONS = 150
_OVERSAMPLED = 16


def fit_input(
    head: SequenceHead,
    frame_features: Tensor,
    class_indices: np.ndarray,
    groups: Sequence[str],
    *,
    lengths: Tensor | None = None,
    class_directions: bool = True,
    seed: int = 0,
) -> float | None:
    """Measures all that the head's input takes from data, in place.

    Args:
        head: of any configuration.
        frame_features: (N, T, D) of the training clips, and of them alone.
        class_indices: (N,) their classes.
        groups: N names of what must not be split.
        lengths: (N,) valid frames of each clip; None: as the features tell (`given_lengths`).
        class_directions: whether the regression is fitted; without, its directions are 0.
        seed: of the folds, and of the clips taken where there are too many.

    Returns:
        How right the regression was on clips held back, 0 (chance) to 1, and 0 without it; None where the
        head has no fitted input, or one that was fitted before: a trained head (`--init`) knows no other.
    """
    lengths = given_lengths(frame_features) if lengths is None else lengths
    if not isinstance(head.input, FittedInput):
        head.fit_normalisation(frame_features, lengths)
        return None
    if bool(head.input.is_fitted):
        return None
    N, T, _ = frame_features.shape
    lengths = resolve_lengths(lengths, batch_size=N, num_frames=T, device=frame_features.device)
    if N > MAX_CLIPS:
        rows = np.sort(np.random.default_rng(seed).permutation(N)[:MAX_CLIPS])
        frame_features, lengths, class_indices = frame_features[rows], lengths[rows], class_indices[rows]
        groups = [groups[row] for row in rows]
    return _fit(
        head.input,
        frame_features,
        lengths,
        class_indices,
        groups,
        class_directions=class_directions,
        seed=seed,
    )


@torch.no_grad()
def _fit(
    module: FittedInput,
    frame_features: Tensor,
    lengths: Tensor,
    class_indices: np.ndarray,
    groups: Sequence[str],
    *,
    class_directions: bool,
    seed: int,
) -> float:
    module.fit_views(frame_features, lengths)
    mask = valid_mask(lengths, frame_features.shape[1])
    frames, centred, magnitudes = module.views(frame_features, mask)
    K = module.magnitude_projection.shape[0]
    summary = _summary(frames, centred, lengths)
    D, skill = frames.shape[2], 0.0
    directions = frames.new_zeros(K, 3 * D)
    if class_directions:
        skill = _skill(summary, class_indices, groups, num_classes=K, seed=seed)
        directions = torch.from_numpy(_directions(summary, class_indices, num_classes=K)).to(frames)
    for view, projection, rows, components, share in (
        (frames, module.frame_projection, directions[:, :D], module.frame_components, FRAMES_SHARE),
        (magnitudes, module.magnitude_projection, directions[:, D : 2 * D], 0, 1.0),
        (centred, module.centred_projection, directions[:, 2 * D :], module.centred_components, 1.0),
    ):
        valid = view[mask]  # (M, D)
        parts = [_scaled(rows, valid, skill)]
        if components:
            principal = _principal(valid, components, seed=seed)
            parts.insert(0, _scaled(principal, valid, share))
        projection.copy_(torch.cat(parts))
    module.is_fitted.fill_(True)
    return skill


def _summary(frames: Tensor, centred: Tensor, lengths: Tensor) -> np.ndarray:
    """[mean of frames, std of centred over the clip, last minus first of centred], (N, 3 D) float64."""
    counts = lengths[:, None].to(frames.dtype)
    mean = frames.sum(dim=1) / counts
    std = (centred.square().sum(dim=1) / counts).sqrt()  # its mean over the clip is 0
    last = centred[torch.arange(len(centred), device=centred.device), lengths - 1]
    return np.asarray(torch.cat([mean, std, last - centred[:, 0]], dim=1).double().cpu().numpy())


def _directions(summary: np.ndarray, class_indices: np.ndarray, *, num_classes: int) -> np.ndarray:
    """Coefficients (K, F) of a regression on the summary (N, F); zero for a class without a clip."""
    directions = np.zeros((num_classes, summary.shape[1]))
    present = np.unique(class_indices)
    if len(present) < 2:
        return directions
    scaler = StandardScaler()
    standardised = scaler.fit_transform(summary)
    regression = LogisticRegression(C=1.0, max_iter=_MAX_ITERATIONS, tol=1e-3)
    basis = row_basis(standardised)
    with warnings.catch_warnings():  # near the optimum is near enough for a direction
        warnings.simplefilter("ignore", ConvergenceWarning)
        regression.fit(standardised if basis is None else standardised @ basis, class_indices)
    coefficients = regression.coef_ if basis is None else regression.coef_ @ basis.T
    coefficients = coefficients / scaler.scale_
    if len(present) == 2:  # scikit-learn keeps one row for two classes: the log-odds of the second
        coefficients = np.concatenate([-coefficients, coefficients])
    directions[present] = coefficients
    return directions


def _skill(
    summary: np.ndarray, class_indices: np.ndarray, groups: Sequence[str], *, num_classes: int, seed: int
) -> float:
    """Balanced accuracy of the regression on clips held back by group, 0 at chance, 1 if all are right."""
    num_folds = min(NUM_FOLDS, int(np.bincount(class_indices).max()), len(set(groups)))
    if num_folds < 2 or len(np.unique(class_indices)) < 2:
        return 0.0
    predicted = np.full(len(class_indices), -1)
    splitter = StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a class with fewer clips than folds: it is missing from some of them
        warnings.simplefilter("ignore", UserWarning)
        folds = list(splitter.split(summary, class_indices, groups))
    for train, held_back in folds:
        if len(np.unique(class_indices[train])) < 2:
            continue
        directions = _directions(summary[train], class_indices[train], num_classes=num_classes)
        centre = summary[train].mean(axis=0)
        predicted[held_back] = ((summary[held_back] - centre) @ directions.T).argmax(axis=1)
    present = np.unique(class_indices)
    recall = float(np.mean([(predicted[class_indices == label] == label).mean() for label in present]))
    chance = 1 / len(present)
    return max(0.0, (recall - chance) / (1 - chance))


def _principal(valid: Tensor, components: int, *, seed: int) -> Tensor:
    """The first principal directions (components, D) of (M, D); zeros where there are no more of them."""
    wanted = min(components, *valid.shape)
    found = torch.zeros(components, valid.shape[1], dtype=valid.dtype, device=valid.device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        columns = min(wanted + _OVERSAMPLED, *valid.shape)
        found[:wanted] = torch.svd_lowrank(valid, q=columns, niter=3)[2].T[:wanted]
    return found


def _scaled(rows: Tensor, valid: Tensor, rms: float) -> Tensor:
    """Rows (P, D) made so long that their projections of (M, D) have this root mean square."""
    size = (valid @ rows.T).square().mean().sqrt()
    return rows * (rms / size) if float(size) > 0 else rows
