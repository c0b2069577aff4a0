"""Judge a trained model on a split of a clip store, beside its baselines."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise evaluate`."""

    clips: tyro.conf.Positional[Path]
    """The clip store: that of the training, or another one with the same kind of clips."""
    model: Path
    """Run folder, or a .safetensors file (which has no linear baselines)."""
    split: Literal["train", "val", "test", "all"] = "test"
    """Which clips."""
    confusion_matrix: Path | None = None
    """Also draw the confusion matrix into this PNG file."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the model runs."""
    json: bool = False
    """Print one JSON object instead of tables."""


def run(options: Options) -> int:
    """Judges, prints."""
    from pipeline.cli.judgement import print_judgement
    from pipeline.cli.output import print_json, say
    from pipeline.cli.progress import progress
    from pipeline.cli.stopwatch import Stopwatch
    from pipeline.clips.store import ClipStore
    from pipeline.evaluation.judge import judge
    from pipeline.evaluation.trained import load_trained
    from pipeline.model.device import choose_device

    stopwatch = Stopwatch()
    model = load_trained(options.model, device=choose_device(options.device))
    store = ClipStore.open(options.clips)

    def embedding(rows: Iterable[int]) -> Iterable[int]:
        return progress(rows, "embedding", unit="clip")

    judgement = judge(
        model, store, split=None if options.split == "all" else options.split, progress=embedding
    )
    if options.json:
        print_json(judgement.to_dict())
    else:
        print_judgement(judgement.to_dict())
    if options.confusion_matrix is not None:
        from pipeline.report.plots import write_confusion_matrix

        write_confusion_matrix(options.confusion_matrix, judgement.confusion, list(judgement.labels))
        say(f"the confusion matrix is in {options.confusion_matrix}")
    say(f"{stopwatch}, {model.embedder.runtime}")
    return 0
