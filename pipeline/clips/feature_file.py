"""Features given directly: an .npz file of sequences of numbers, in place of videos.

- X (N, T, D): numbers, N clips of T steps with D numbers each
- y (N,): labels: texts, or whole numbers, which become their decimal text
- groups (N,), may be left out: texts or numbers; what must not be split
- lengths (N,), may be left out: whole numbers 1 .. T, steps of each clip; the rest is padding
- split (N,), may be left out: train, val or test
"""

from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np

from pipeline.clips.clip import SPLITS, Split
from pipeline.clips.npz_arrays import names_in, read_arrays
from pipeline.errors import StoreError
from pipeline.labels import normalise_label

MAX_STEPS = 1024  # the most frames of a clip (`ClipSpec`)
MAX_WIDTH = 65536  # the most features of a frame (`HeadConfig`)
_NAMES = ("X", "y", "groups", "lengths", "split")
_BYTES_BESIDE = 6  # for each number: its float32, and masks of what is finite and valid
_NAMED = 3  # rows in a message


@dataclass(frozen=True, kw_only=True)
class FeatureFile:
    """What an .npz file of features holds, checked.

    Attributes:
        path: of the file.
        features: (N, T, D) float32; NaN in all columns after a clip's last step, whatever the file
            has there.
        lengths: (N,) int64, 1 .. T.
        spoilt: rows with a value that is no finite number, and where it is; their features are as they are.
        labels: N, or none where the file has no y.
        groups: N; "" where there is none.
        splits: N; None where there is none.
    """

    path: Path
    features: np.ndarray
    lengths: np.ndarray
    spoilt: dict[int, str]
    labels: tuple[str, ...]
    groups: tuple[str, ...]
    splits: tuple[Split | None, ...]

    @property
    def num_steps(self) -> int:
        """T."""
        return int(self.features.shape[1])

    @property
    def feature_dim(self) -> int:
        """D."""
        return int(self.features.shape[2])


def read_feature_file(path: Path | str, *, needs_labels: bool = True) -> FeatureFile:
    """Reads an .npz file of features.

    Args:
        path: the file.
        needs_labels: a file without y is refused; without, y, groups and split are not looked at.

    Raises:
        UsageError: there is no such file.
        StoreError: it is no .npz file, is damaged, or holds something else than is described above. Values
            that are not finite are told in `spoilt`.
    """
    path = Path(path)
    wanted = _NAMES if needs_labels else ("X", "lengths")
    arrays = read_arrays(path, wanted, bytes_beside=_BYTES_BESIDE)
    missing = [name for name in ("X", "y") if name in wanted and name not in arrays]
    if missing:
        raise StoreError(
            f"{path} has no {' and no '.join(missing)}, but {', '.join(names_in(path)) or 'nothing'}. It "
            "takes X (N, T, D) and y (N,), and may have groups, lengths and split: np.savez(path, X=X, y=y)."
        )
    given = arrays.pop("X")
    _check_shape(path, given)
    N, T, _ = given.shape
    lengths = _lengths(path, arrays.get("lengths"), N, T)
    padding = np.arange(T)[None, :] >= lengths[:, None]  # (N, T)
    with np.errstate(over="ignore"):  # told below
        features = np.array(given, dtype=np.float32, order="C")
    features[padding] = np.nan
    return FeatureFile(
        path=path,
        features=features,
        lengths=lengths,
        spoilt=_spoilt(given, features, padding),
        labels=_labels(path, arrays["y"], N) if "y" in arrays else (),
        groups=_groups(path, arrays.get("groups"), N),
        splits=_splits(path, arrays.get("split"), N),
    )


def spoilt_words(file: FeatureFile) -> str:
    """The first rows whose values are not finite, for messages."""
    rows = sorted(file.spoilt)
    more = f" and {len(rows) - _NAMED} rows more" if len(rows) > _NAMED else ""
    return "; ".join(f"row {row}: {file.spoilt[row]}" for row in rows[:_NAMED]) + more


def _check_shape(path: Path, given: np.ndarray) -> None:
    if given.dtype.kind not in "fiub":
        raise StoreError(f"{path}: X holds {given.dtype}; allowed: real numbers, float32 say.")
    if given.ndim != 3 or 0 in given.shape:
        raise StoreError(
            f"{path}: X has shape {given.shape}; allowed: (N, T, D), N clips of T steps with D numbers each, "
            "none of them 0."
        )
    for name, side, most in (("T", given.shape[1], MAX_STEPS), ("D", given.shape[2], MAX_WIDTH)):
        if side > most:
            raise StoreError(
                f"{path}: X has shape {given.shape}, with {name} {side}; allowed: 1 to {most}. Take every "
                "n-th step, or cut sequences into clips."
                if name == "T"
                else f"{path}: X has shape {given.shape}, with {name} {side}; allowed: 1 to {most}."
            )


def _lengths(path: Path, given: np.ndarray | None, num_rows: int, num_steps: int) -> np.ndarray:
    if given is None:
        return np.full(num_rows, num_steps, dtype=np.int64)
    _check_rows(path, "lengths", given, num_rows)
    if given.dtype.kind not in "iu":
        raise StoreError(f"{path}: lengths holds {given.dtype}; allowed: whole numbers, int64 say.")
    wrong = np.flatnonzero((given < 1) | (given > num_steps))
    if len(wrong):
        raise StoreError(
            f"{path}: row {wrong[0]} has length {given[wrong[0]]}; allowed: 1 to {num_steps}, the steps of X "
            f"({len(wrong)} rows of {num_rows} are wrong)."
        )
    return given.astype(np.int64)


def _spoilt(given: np.ndarray, features: np.ndarray, padding: np.ndarray) -> dict[int, str]:
    """Rows with a value in a valid step that is no finite float32."""
    bad = ~np.isfinite(features).all(axis=2) & ~padding  # (N, T)
    found = {}
    for row in np.flatnonzero(bad.any(axis=1)).tolist():
        step = int(bad[row].argmax())
        column = int((~np.isfinite(features[row, step])).argmax())
        value = given[row, step, column]
        why = "is no finite number" if not np.isfinite(value) else "is more than float32 holds"
        found[row] = (
            f"step {step} (of 0 to {len(padding[row]) - 1}), column {column} is {value}, which {why}; where "
            "that is padding, give lengths"
        )
    return found


def _labels(path: Path, given: np.ndarray, num_rows: int) -> tuple[str, ...]:
    _check_rows(path, "y", given, num_rows)
    if given.dtype.kind not in "USiu":
        raise StoreError(f"{path}: y holds {given.dtype}; allowed: texts, or whole numbers.")
    labels = tuple(normalise_label(text) for text in _texts(path, "y", given))
    if "" in labels:
        raise StoreError(f"{path}: row {labels.index('')} has an empty label; each clip needs one.")
    if len(set(labels)) < 2:
        raise StoreError(
            f"{path}: all {num_rows} rows have the label {labels[0]!r}; there must be 2 classes or more."
        )
    return labels


def _groups(path: Path, given: np.ndarray | None, num_rows: int) -> tuple[str, ...]:
    if given is None:
        return ("",) * num_rows
    _check_rows(path, "groups", given, num_rows)
    if given.dtype.kind not in "USiuf":
        raise StoreError(f"{path}: groups holds {given.dtype}; allowed: texts or numbers.")
    if given.dtype.kind == "f" and not np.isfinite(given).all():
        row = int((~np.isfinite(given)).argmax())
        raise StoreError(f"{path}: row {row} has the group {given[row]}; allowed: texts, or finite numbers.")
    return tuple(text.strip() for text in _texts(path, "groups", given))


def _splits(path: Path, given: np.ndarray | None, num_rows: int) -> tuple[Split | None, ...]:
    if given is None:
        return (None,) * num_rows
    _check_rows(path, "split", given, num_rows)
    if given.dtype.kind not in "US":
        raise StoreError(f"{path}: split holds {given.dtype}; allowed: {', '.join(SPLITS)}.")
    texts = _texts(path, "split", given)
    for row, text in enumerate(texts):
        if text not in get_args(Split):
            raise StoreError(f"{path}: row {row} has the split {text!r}; allowed: {', '.join(SPLITS)}.")
    return cast(tuple[Split, ...], texts)


def _texts(path: Path, name: str, given: np.ndarray) -> tuple[str, ...]:
    """Texts as they are, numbers as Python writes them."""
    if given.dtype.kind != "S":
        return tuple(str(value) for value in given.tolist())
    try:
        return tuple(value.decode("utf-8") for value in given.tolist())
    except UnicodeDecodeError as error:
        raise StoreError(f"{path}: {name} holds bytes that are no UTF-8 text ({error}).") from None


def _check_rows(path: Path, name: str, given: np.ndarray, num_rows: int) -> None:
    if given.shape != (num_rows,):
        raise StoreError(
            f"{path}: {name} has shape {given.shape}; allowed: ({num_rows},), one for each row of X."
        )
