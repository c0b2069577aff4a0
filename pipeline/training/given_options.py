"""The options of a run on features that are given directly: those of a backbone have no place in it."""

from dataclasses import replace

from pipeline.clips.store import ClipStore
from pipeline.errors import UsageError
from pipeline.training.options import GIVEN, NO_WEIGHTS, TrainOptions

_PLAIN = TrainOptions()


def options_for(store: ClipStore, options: TrainOptions) -> TrainOptions:
    """The options as they are for a store of frames; for a file of features, those of a run without backbone.

    Raises:
        UsageError: options of a backbone were given with a file of features, or `--backbone given` with
            frames.
    """
    if store.has_frames:
        if options.takes_features:
            raise UsageError(
                f"--backbone {GIVEN} is for features given directly, and {store.folder} holds frames: give "
                "an .npz file of features, or another --backbone."
            )
        return options
    wrong = [
        f"--{name} {getattr(options, name)}"
        for name, allowed in (("backbone", GIVEN), ("weights", NO_WEIGHTS))
        if getattr(options, name) not in (getattr(_PLAIN, name), allowed)
    ]
    wrong += ["--finetune"] * options.finetune
    wrong += [f"--precision {options.precision}"] * (options.precision != _PLAIN.precision)
    if wrong:
        raise UsageError(
            f"{', '.join(wrong)}: about a backbone, which embeds frames, and {store.folder} holds features "
            "already. Leave it out."
        )
    return replace(options, backbone=GIVEN, weights=NO_WEIGHTS)
