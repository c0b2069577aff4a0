"""Export a trained model, to run it where neither Clipwise nor PyTorch is.

OUT gets model.onnx (frames in; logits, attention weights and probabilities out), model.json (labels, what a
clip is, ...), README.md (a model card) and classify.py (an example that needs onnxruntime and OpenCV alone).
The graph is compared with PyTorch on random clips of 5 lengths, 1 to 3 at once, and with --check on every
clip of a split: if a label changes, nothing is kept. The card then has the figures of that split.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of `clipwise export`."""

    model: Path
    """Run folder, or a .safetensors file (whose card has no linear baselines of the checked clips)."""
    out: Path
    """Where to: a new folder."""
    format: Literal["onnx"] = "onnx"
    """What to make: a graph for ONNX Runtime."""
    check: Path | None = None
    """A clip store, with clips on which no label may change."""
    split: Literal["train", "val", "test"] = "test"
    """Which of its clips."""


def run(options: Options) -> int:
    """Exports, says what was checked."""
    from pipeline.cli.output import say
    from pipeline.cli.progress import progress
    from pipeline.cli.stopwatch import Stopwatch
    from pipeline.clips.store import ClipStore
    from pipeline.files import format_bytes, make_folder, owned_folder
    from pipeline.inference.export import Given, check_exportable, description, export_model
    from pipeline.inference.export_folder import GRAPH_FILE, check_folder, is_finished, write_export
    from pipeline.report.model_card import model_card

    stopwatch = Stopwatch()
    check_exportable(options.model)
    store = ClipStore.open(options.check) if options.check is not None else None
    if store is not None:
        store.check_frames("An export is checked on")
    given = Given(model=options.model, check=store, split=options.split)
    identity = given.to_dict()
    check_folder(options.out)
    make_folder(options.out)
    with owned_folder(options.out):
        if is_finished(options.out, identity):
            say(f"{options.out} holds this export already: nothing to do")
            return 0

        def clips(rows: Iterable[int]) -> Iterable[int]:
            return progress(rows, "comparing", unit="clip")

        export = export_model(given, progress=clips, say=say)
        about = description(export, given)
        write_export(
            options.out, graph=export.graph, description=about, card=model_card(export, about, store=store)
        )
    print(f"{options.out / GRAPH_FILE}\t{format_bytes(len(export.graph))}")
    for line in _checked(about["checks"]):
        say(line)
    say(f"{stopwatch}; the model card is {options.out / 'README.md'}")
    return 0


def _checked(checks: dict[str, Any]) -> list[str]:
    random, clips = checks["random_clips"], checks["clips"]
    lines = [
        f"differs from PyTorch by {random['largest_difference']:.1e} at most on random clips "
        f"(allowed: {random['tolerance']:.1e})"
    ]
    if clips is None:
        return [*lines, "not compared on real clips: give --check CLIPS for that"]
    return [
        *lines,
        f"the same label on {clips['num_clips']} of {clips['num_clips']} {clips['split']} clips; "
        f"probabilities differ by {clips['largest_difference']:.1e} at most",
    ]
