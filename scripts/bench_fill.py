"""Which colour should the bars of a letterboxed frame have? A measurement on real clips.

    python scripts/bench_fill.py DATA --out OUT [--every N]

DATA has `tank_state.csv`, its videos, and `weights/mobilenet_v2_imagenet.pth`. Only the training split is
read. Features of the frozen backbone, logistic regression on top, 5 folds; two kinds of data:

    as is    16:9 for the most part, some 4:3: bars above and below in every clip
    mixed    each clip cut to 4:3, 16:9, 9:16 or 1:1, whatever its class: the bars vary from clip to clip

and two kinds of folds: `alike` are stratified (the same cameras on both sides), `cameras` keep each camera on
one side. What lies in OUT is gone on with.

All 320 training clips (one run, about 12 minutes on one core). Macro-F1 with black bars, and what the other
colours add to it: mean of the paired differences over the folds +- its standard error.

    clips   folds     head                    black    ImageNet mean       mid grey
    as is   alike     mean                     .866    +.002 +- .009    -.003 +- .011
    as is   alike     mean, std, difference    .959    +.000 +- .005    +.003 +- .003
    as is   cameras   mean                     .756    -.018 +- .029    -.024 +- .027
    as is   cameras   mean, std, difference    .905    -.065 +- .027    -.062 +- .027
    mixed   alike     mean                     .881    -.006 +- .008    -.004 +- .016
    mixed   alike     mean, std, difference    .940    +.001 +- .011    -.002 +- .011
    mixed   cameras   mean                     .741    +.012 +- .023    +.022 +- .019
    mixed   cameras   mean, std, difference    .886    +.004 +- .011    +.007 +- .007

No colour beats black by twice the standard error anywhere; where a difference passes it (one row of eight),
black is ahead, and none of that shows on half the clips (`--every 2`: -.020 +- .044, +.001 +- .037). So the
colour hardly matters to this backbone, and the default stays black.
"""

import argparse
import csv
import hashlib
import os
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold
from tqdm import tqdm

from pipeline.clips.store import hash_frames
from pipeline.embedding.embedder import Embedder
from pipeline.errors import VideoError
from pipeline.evaluation.baselines import (
    MEAN,
    MEAN_STD_DIFFERENCE,
    ClipInputs,
    fit_baselines,
    predict_baselines,
)
from pipeline.files import sha256_of_file, whole_file
from pipeline.labels import Labels
from pipeline.model.backbone import backbone_feature_dim
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.head import HeadConfig
from pipeline.model.weights import load_weights
from pipeline.spec import ClipSpec
from pipeline.video.letterbox import fit_frame, place
from pipeline.video.worker import read_clips_isolated

BACKBONE = "mobilenet_v2"
FILLS = {"black": (0, 0, 0), "ImageNet mean": (124, 116, 104), "mid grey": (128, 128, 128)}
PICTURE_SIZE_PX = 427  # the longer side of most of the videos as they are displayed
ASPECTS = (4 / 3, 16 / 9, 9 / 16, 1.0)
NUM_FOLDS = 5
HEADS = (MEAN, MEAN_STD_DIFFERENCE)
KINDS = ("as is", "mixed")

Rows = list[dict[str, str]]


def training_rows(table: Path, *, every: int) -> Rows:
    """Every so many-th clip of each class of the training split."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "train"]
    rows.sort(key=lambda row: (row["label"], row["path"]))
    return rows[::every]


def read_pictures(data: Path, rows: Rows) -> Iterator[tuple[dict[str, str], np.ndarray]]:
    """The sampled frames (T, H, W, 3) RGB of each video without bars."""
    spec = ClipSpec(image_size=PICTURE_SIZE_PX)
    paths = [data / row["path"] for row in rows]
    for row, (_, read) in zip(rows, read_clips_isolated(paths, spec), strict=True):
        if isinstance(read, VideoError):
            raise read
        placement = place(read.width, read.height, image_size=spec.image_size, fit=spec.fit)
        (left, top), (width, height) = placement.corner_xy_px, placement.size_wh_px
        yield row, read.frames[:, top : top + height, left : left + width]


def cut(pictures: np.ndarray, aspect: float) -> np.ndarray:
    """The largest box of this aspect in the middle of the frames."""
    height, width = pictures.shape[1:3]
    new_width, new_height = min(width, round(height * aspect)), min(height, round(width / aspect))
    left, top = (width - new_width) // 2, (height - new_height) // 2
    return pictures[:, top : top + new_height, left : left + new_width]


def fit(pictures: np.ndarray, fill_rgb: tuple[int, int, int]) -> np.ndarray:
    """The clip (T, S, S, 3), letterboxed."""
    spec = ClipSpec(fill_rgb=fill_rgb)
    return np.stack([fit_frame(np.ascontiguousarray(frame[:, :, ::-1]), spec) for frame in pictures])


def embed(clip: np.ndarray, embedder: Embedder, out: Path) -> np.ndarray:
    """Features (T, D) of a clip, kept in OUT by its pixels."""
    path = out / f"{hash_frames(clip)}.npy"
    if not path.exists():
        with whole_file(path) as file:
            np.save(file, embedder.embed(clip))
    features: np.ndarray = np.load(path)
    return features


def build_embedder(weights: Path) -> Embedder:
    size = ClipSpec().image_size
    head = HeadConfig(feature_dim=backbone_feature_dim(BACKBONE, image_size=size), num_classes=2)
    classifier = ClipClassifier(ModelConfig(backbone=BACKBONE, image_size=size, head=head))
    load_weights(classifier.backbone, BACKBONE, weights)
    return Embedder(classifier)


def fold_scores(features: np.ndarray, class_indices: np.ndarray, groups: list[str]) -> dict[str, list[float]]:
    """Macro-F1 of each head on each fold, over the classes that the fold has."""
    centre = features[:, features.shape[1] // 2]
    folds = StratifiedGroupKFold(NUM_FOLDS, shuffle=True, random_state=0)
    scores: dict[str, list[float]] = {name: [] for name in HEADS}
    for train, test in folds.split(centre, class_indices, groups):
        baselines = fit_baselines(
            ClipInputs(features=features[train], centre=centre[train]),
            class_indices[train],
            num_classes=int(class_indices.max()) + 1,
        )
        wanted = {name: baselines[name] for name in HEADS}
        predicted = predict_baselines(wanted, ClipInputs(features=features[test], centre=centre[test]))
        truth = class_indices[test]
        for name in HEADS:
            f1 = f1_score(truth, predicted[name], labels=np.unique(truth), average="macro", zero_division=0)
            scores[name].append(float(f1))
    return scores


def difference(scores: list[float], reference: list[float]) -> str:
    """Mean paired difference over the folds, and its standard error."""
    differences = [score - other for score, other in zip(scores, reference, strict=True)]
    error = statistics.stdev(differences) / len(differences) ** 0.5
    return f"{statistics.mean(differences):+.4f} +- {error:.4f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take every N-th training clip")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = training_rows(options.data / "tank_state.csv", every=options.every)
    embedder = build_embedder(options.data / "weights" / "mobilenet_v2_imagenet.pth")

    collected: dict[tuple[str, str], list[np.ndarray]] = {
        (kind, fill): [] for kind in KINDS for fill in FILLS
    }
    for row, pictures in tqdm(read_pictures(options.data, rows), total=len(rows), unit="clip"):
        number = int(hashlib.sha256(os.fsencode(row["path"])).hexdigest(), 16)
        mixed = cut(pictures, ASPECTS[number % len(ASPECTS)])
        for fill, fill_rgb in FILLS.items():
            collected["as is", fill].append(embed(fit(pictures, fill_rgb), embedder, options.out))
            collected["mixed", fill].append(embed(fit(mixed, fill_rgb), embedder, options.out))

    labels = Labels.from_names({row["label"] for row in rows})
    class_indices = np.array([labels.names.index(row["label"]) for row in rows])
    groups = {
        "alike": [sha256_of_file(options.data / row["path"]) for row in rows],
        "cameras": [row["camera"] for row in rows],
    }
    print(f"{len(rows)} training clips, {NUM_FOLDS} folds; difference: macro-F1 less that of black")
    print(f"{'clips':<6} {'folds':<8} {'head':<20} {'fill':<14} {'macro-F1':>9} {'difference':>19}")
    for kind in KINDS:
        for way, of_rows in groups.items():
            scores = {
                fill: fold_scores(np.stack(collected[kind, fill]), class_indices, of_rows) for fill in FILLS
            }
            for head in HEADS:
                for fill in FILLS:
                    own, black = scores[fill][head], scores["black"][head]
                    shown = difference(own, black) if fill != "black" else ""
                    line = (
                        f"{kind:<6} {way:<8} {head:<20} {fill:<14} {statistics.mean(own):>9.4f} {shown:>19}"
                    )
                    print(line.rstrip(), flush=True)


if __name__ == "__main__":
    main()
