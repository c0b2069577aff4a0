"""Fits a linear head at once, as the logistic regression that it is: without epochs, to the optimum.

The head's own summary of each clip (its input, then its pooling) is standardised on the training clips and
regressed on the classes with an L2 penalty by scikit-learn; the scale is then folded into the output layer.
"""

import contextlib
import math
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from pipeline.evaluation.metrics import score
from pipeline.model.head import SequenceHead
from pipeline.training.losses import class_weights as weigh_classes
from pipeline.training.losses import validation_losses
from pipeline.training.options import TrainOptions
from pipeline.training.task import Batches, Epoch, FitResult, Task

_MAX_ITERATIONS = 2000
_TOLERANCE = 1e-10  # largest gradient at the end: logits are then those of the optimum to 1e-6
_MIN_SHARE = 1e-6  # a column that varies by a smaller share of its values does so by rounding: centred only
_CLIPS_AT_ONCE = 256


def fit_regression(head: SequenceHead, task: Task, options: TrainOptions) -> FitResult:
    """`fit` for a linear head: fits it to the task's training clips, and tells of it as of one epoch.

    Args:
        head: with `config.is_linear`, where the task's logits come from; left in eval mode.
        task: what is fitted to what. Clips with several frames for each segment give the middle ones.
        options: of the run; `linear_penalty` and `class_weights` count.
    """
    head.eval()
    true, K = task.train.class_indices, task.num_classes
    with _what_output_reads(head) as read:
        _logits(task, task.train)
    _fit_output(head, read, true, penalty=options.linear_penalty, class_weights=options.class_weights)
    weights = weigh_classes(true, K) if options.class_weights else np.ones(K)
    of_train, of_val = _logits(task, task.train), _logits(task, task.val)
    val_loss, rescaled = validation_losses(of_val, task.val.class_indices, weights)
    scores = score(task.val.class_indices, of_val.argmax(axis=1), K)
    row = Epoch(
        epoch=1,
        stage="head",
        learning_rate=0.0,
        train_loss=validation_losses(of_train, true, weights)[0],
        train_macro_f1=score(true, of_train.argmax(axis=1), K).macro_f1,
        val_loss=val_loss,
        val_loss_rescaled=rescaled,
        val_accuracy=scores.accuracy,
        val_macro_f1=scores.macro_f1,
    )
    return FitResult(history=(row,), best_epoch=1)


@contextlib.contextmanager
def _what_output_reads(head: SequenceHead) -> Iterator[list[Tensor]]:
    """Collects what the output layer reads of the clips that go through the head meanwhile, in eval mode."""
    read: list[Tensor] = []
    was_training = head.training
    hook = head.output.register_forward_pre_hook(lambda _module, inputs: read.append(inputs[0]))
    try:
        with torch.inference_mode():
            head.eval()
            yield read
    finally:
        hook.remove()
        head.train(was_training)


def _fit_output(
    head: SequenceHead,
    read: Sequence[Tensor],
    class_indices: np.ndarray,
    *,
    penalty: float,
    class_weights: bool,
) -> None:
    """Fits the output layer to what it reads of the training clips, in parts (n, F)."""
    if not head.config.is_linear:
        raise ValueError(
            "only a head whose config is_linear is a logistic regression; train others by `fit`."
        )
    weights, biases = regression(
        torch.cat(list(read)).double().cpu().numpy(),
        class_indices,
        num_classes=head.config.num_classes,
        penalty=penalty,
        class_weights=class_weights,
    )
    with torch.no_grad():
        head.output.weight.copy_(torch.from_numpy(weights))
        head.output.bias.copy_(torch.from_numpy(biases))


def regression(
    summary: np.ndarray,
    class_indices: np.ndarray,
    *,
    num_classes: int,
    penalty: float,
    class_weights: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights (K, F) and biases (K,), for plain columns, of a logistic regression on standardised ones.

    The logit of a class without a training clip lies log(1 + N) below the mean of the others, as if it came
    once where an average class came 1 + N times. So it never wins.

    Args:
        summary: (N, F) float64.
        class_indices: (N,).
        num_classes: K.
        penalty: of the squared weights, 1 / C of scikit-learn.
        class_weights: weigh classes alike, instead of clips.
    """
    present = np.unique(class_indices)
    mean = summary.mean(axis=0)
    scale = summary.std(axis=0)
    scale[scale <= _MIN_SHARE * np.abs(summary).max(axis=0)] = 1.0
    found, intercepts = np.zeros((len(present), summary.shape[1])), np.zeros(len(present))
    if len(present) > 1:
        found, intercepts = _regress(
            (summary - mean) / scale, class_indices, penalty=penalty, class_weights=class_weights
        )
    found = found / scale
    intercepts = intercepts - found @ mean
    weights = np.tile(found.mean(axis=0), (num_classes, 1))
    biases = np.full(num_classes, intercepts.mean() - math.log(1 + len(summary)))
    weights[present], biases[present] = found, intercepts
    return weights, biases


def _regress(
    standardised: np.ndarray, class_indices: np.ndarray, *, penalty: float, class_weights: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (K', F) and intercepts (K',) for the K' classes that there are."""
    basis = row_basis(standardised)
    # 240 clips of 3,840 columns: .05 s of CPU, to 4e-9 of the optimum in logits; lbfgs .09 s, to 4e-5. With a
    # hundredth of the penalty .07 s each, lbfgs to 4e-4.
    model = LogisticRegression(
        C=1 / penalty,
        solver="newton-cg",
        class_weight="balanced" if class_weights else None,
        max_iter=_MAX_ITERATIONS,
        tol=_TOLERANCE,
    )
    with warnings.catch_warnings():  # with next to no penalty there is no optimum to reach
        warnings.simplefilter("ignore", ConvergenceWarning)
        # At the optimum rounding hides any further step (slope of 1e-8, seen): of several categories.
        warnings.filterwarnings("ignore", message=".*[Ll]ine [Ss]earch")
        model.fit(standardised if basis is None else standardised @ basis, class_indices)
    coefficients = model.coef_ if basis is None else model.coef_ @ basis.T
    intercepts = model.intercept_
    if len(intercepts) == 1:  # scikit-learn keeps one row for two classes: the log-odds of the second
        return np.concatenate([-coefficients, coefficients]) / 2, np.concatenate(
            [-intercepts, intercepts]
        ) / 2
    return coefficients, intercepts


def row_basis(values: np.ndarray) -> np.ndarray | None:
    """Orthonormal basis (F, N) of the span of the rows (N, F); None where it would not be smaller.

    A penalty keeps the coefficients of a regression within the span of the clips: with fewer clips than
    columns, a regression on the clips' coordinates in the basis is the same one, and much quicker.
    """
    N, F = values.shape
    return np.asarray(np.linalg.qr(values.T)[0]) if N < F else None


@torch.inference_mode()
def _logits(task: Task, clips: Batches) -> np.ndarray:
    """Logits (N, K) float64 of labelled clips, without augmentation."""
    logits = [
        task.logits(clips.inputs(part, epoch=None).to(task.device))
        for part in _parts(len(clips.class_indices))
    ]
    return np.asarray(torch.cat(logits).double().cpu().numpy())


def _parts(num_clips: int) -> Iterator[range]:
    for start in range(0, num_clips, _CLIPS_AT_ONCE):
        yield range(start, min(start + _CLIPS_AT_ONCE, num_clips))
