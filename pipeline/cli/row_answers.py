"""`clipwise classify features.npz`: the rows of .npz files, in the order of the files and of their rows."""

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.clips.npz_arrays import is_npz
from pipeline.errors import StoreError, UsageError

if TYPE_CHECKING:
    from pipeline.cli.classify import Options
    from pipeline.inference.classification import Classification
    from pipeline.inference.classifier import Classifier


def check_options(options: "Options") -> None:
    """Refuses, before a model is loaded, what files of features cannot be given with (UsageError)."""
    others = [path for path in options.videos if not is_npz(path)]
    if others:
        raise UsageError(
            f"{others[0]} stands beside .npz files of features, and a model takes videos or features, not "
            "both: classify them one after the other."
        )
    for path in options.videos:
        if not os.path.lexists(path):
            raise UsageError(f"{path} does not exist; name .npz files of features.")
    for flag, is_given, why in (
        ("--picture", options.picture is not None, "draws frames, and features have none"),
        ("--report", options.report is not None, "is a page of frames, and features have none"),
        ("--frame-rate", options.frame_rate is not None, "is of folders of frame images"),
        ("--null", options.null, "is about a list of videos on stdin"),
    ):
        if is_given:
            raise UsageError(f"{flag} {why}: leave it out. (`clipwise evaluate --report` makes a page.)")


def row_answers(classifier: "Classifier", paths: Sequence[str]) -> "Iterator[Classification]":
    """The answers for the rows of files, one file in memory at a time.

    Where there is one file, one that cannot be used is an error; of several, it is a failed answer.

    Raises:
        StoreError: the only file cannot be used, or the model takes videos.
    """
    from pipeline.inference.classification import Classification

    is_only = len(paths) == 1 or not classifier.takes_features
    for path in paths:
        try:
            yield from classifier.classify_features(path)
        except (StoreError, UsageError) as error:
            if is_only:
                raise
            yield Classification(path=path, status="failed", error=str(error))
