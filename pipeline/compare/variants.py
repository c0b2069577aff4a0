"""The features that heads are compared on: of one backbone or several, frames fitted one way or several."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from pipeline.clips.store import Clip, ClipStore
from pipeline.compare.options import CompareOptions
from pipeline.embedding.cache import Progress, embed_clips
from pipeline.embedding.embedder import Embedder
from pipeline.embedding.runtime import RuntimeName
from pipeline.errors import UsageError
from pipeline.files import make_folder, require_free_space, whole_file
from pipeline.spec import Fit
from pipeline.training.assembly import assemble
from pipeline.training.given_options import options_for
from pipeline.training.not_a_number import check_features
from pipeline.training.options import TrainOptions

FEATURES_FOLDER = "features"


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One kind of features.

    Attributes:
        name: in files and tables.
        options: training options that name the backbone and its weights.
        fit: how frames were fitted into the square; "": features were given.
        is_reference: the one that verdicts are about; the others are compared with it.
    """

    name: str
    options: TrainOptions
    fit: str
    is_reference: bool

    def to_dict(self, feature_dim: int) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "name": self.name,
            "backbone": self.options.backbone,
            "fit": self.fit,
            "feature_dim": feature_dim,
        }


def backbone_options(
    backbones: Sequence[str], weights: Sequence[str], *, base: TrainOptions
) -> tuple[TrainOptions, ...]:
    """Training options for each backbone with its weights.

    Args:
        backbones: their names, at least one.
        weights: of each, in the same order; or one for all.
        base: what else is asked for.

    Raises:
        UsageError: numbers that do not fit, a name twice, or weights that know nothing.
    """
    if len(weights) not in (1, len(backbones)):
        raise UsageError(
            f"--weights was given {len(weights)} times for {len(backbones)} backbones; give one for all, or "
            "one for each --backbone in the same order."
        )
    twice = sorted({name for name in backbones if list(backbones).count(name) > 1})
    if twice:
        raise UsageError(f"--backbone names {', '.join(twice)} twice; give each once.")
    each = weights if len(weights) == len(backbones) else list(weights) * len(backbones)
    found = []
    for backbone, source in zip(backbones, each, strict=True):
        options = TrainOptions(
            **{**base.to_dict(), "flip_labels": (), "backbone": backbone, "weights": source}
        )
        if options.trains_backbone:
            raise UsageError(
                "heads are compared on the features of a frozen backbone, and --weights none makes one that "
                "knows nothing: give imagenet, or a FILE of weights."
            )
        found.append(options)
    return tuple(found)


def variants_of(store: ClipStore, options: CompareOptions) -> tuple[Variant, ...]:
    """The kinds of features that are asked for: the reference, further backbones, further ways to fit.

    Raises:
        UsageError: options that do not go with what the store holds, or with each other.
    """
    if store.features is not None:
        if options.chosen_fits:
            raise UsageError(f"--fit needs videos, and {store.folder} holds features; leave it out.")
        if (options.backbone, options.weights) != (CompareOptions.backbone, CompareOptions.weights):
            raise UsageError(
                f"--backbone and --weights are about a network that embeds frames, and {store.folder} holds "
                "features already; leave them out."
            )
        given = options_for(store, options.training)
        return (Variant(name="given", options=given, fit="", is_reference=True),)
    each = backbone_options(options.backbone, options.weights, base=options.training)
    fit = store.spec.fit
    backbones = [
        Variant(name=it.backbone, options=it, fit=fit, is_reference=number == 0)
        for number, it in enumerate(each)
    ]
    if options.chosen_fits and set(options.chosen_fits) <= {fit}:
        others = ", ".join(other for other in get_args(Fit) if other != fit)
        raise UsageError(
            f"--fit names {fit} alone, which is how the frames of {store.folder} were fitted already; name "
            f"what to compare it with: {others}."
        )
    fits = [
        Variant(name=f"{each[0].backbone}-{other}", options=each[0], fit=other, is_reference=False)
        for other in dict.fromkeys(options.chosen_fits)
        if other != fit
    ]
    return (*backbones, *fits)


def embed_variant(
    store: ClipStore,
    clips: Sequence[Clip],
    options: TrainOptions,
    *,
    device: torch.device,
    runtime: RuntimeName,
    progress: Progress,
    say: Callable[[str], None],
) -> np.ndarray:
    """Features (N, T, D) of clips by a backbone, from the cache where they are.

    Raises:
        UsageError: a backbone that looks at the whole clip.
        UsageError, MachineError: weights or a runtime that cannot be had.
        TrainingError: features that are not numbers.
    """
    if store.features is not None:
        return store.features_of(clips)
    classifier = assemble(store, options, init=None, say=say).to(device)
    if classifier.backbone.sees_whole_clip:
        raise UsageError(
            f"--backbone {options.backbone} puts what changes between frames into their features: no head on "
            "them is blind to the order, and a single frame is none. Heads are compared on backbones that "
            "look at each frame alone, such as mobilenet_v3_large."
        )
    classifier.freeze_backbone()
    embedder = Embedder(classifier, device=device, runtime=runtime)
    say(f"embedding with {options.backbone} on {embedder.runtime_words}")
    features = embed_clips(store, clips, embedder, progress=progress, say=say)
    check_features(features, clips)
    return features


def share_features(folder: Path, name: str, features: np.ndarray) -> Path:
    """Writes features where workers map them into memory, each seeing the same pages; returns the file.

    Raises:
        MachineError: no room.
    """
    make_folder(folder)
    path = folder / f"{name}.npy"
    require_free_space(folder, features.nbytes, purpose="sharing the features with the workers")
    with whole_file(path) as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(features))
        for clip in features:
            file.write(np.ascontiguousarray(clip).data)
    return path
