"""The folder of a comparison: what lies in it, and whose it is.

DIR/
  report.html         all of it, for people
  runs.csv            one row a fit; the same command gives the same file, byte for byte, on one machine
  seconds.csv         how long each fit took
  best.json           options of the head that the data supports; `train --config` takes it
  result.json         all figures; written last but for the page: the comparison is finished
  compare.json        what it was given
  fits/<variant>/     the answers of each fit: what is there is not fitted again
  stores/<fit>/       with --fit: the clips anew, fitted into the frame another way
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline import __version__
from pipeline.clips.store import ClipStore
from pipeline.compare.options import CompareOptions
from pipeline.compare.settings import settings_of
from pipeline.compare.variants import Variant
from pipeline.errors import CheckpointError, ConflictError
from pipeline.files import sha256_of_file
from pipeline.training.run_folder import differences

FITS_FORMAT = 2
"""Raised where the same settings make other fits, or they are asked other things: kept ones do not count."""
GIVEN_FILE = "compare.json"
RESULT_FILE = "result.json"
RUNS_FILE = "runs.csv"
SECONDS_FILE = "seconds.csv"
BEST_FILE = "best.json"
REPORT_FILE = "report.html"
STORES_FOLDER = "stores"


def what_was_given(store: ClipStore, options: CompareOptions, variants: Sequence[Variant]) -> dict[str, Any]:
    """All that decides how a comparison ends: two that were given the same end the same."""
    weights = [
        f"file {sha256_of_file(it.options.weights)}"
        if Path(it.options.weights).is_file()
        else it.options.weights
        for it in variants
    ]
    tried = {
        head.name: [
            setting.to_dict()
            for setting in settings_of(
                head, variants[0].options, quick=options.quick, hidden_sizes=options.hidden_sizes
            )
        ]
        for head in options.chosen_heads
    }
    return {
        "version": __version__,
        "fits_format": FITS_FORMAT,
        "data": store.digest,
        "settings": tried,  # another version may try others
        "weights": dict(zip((it.name for it in variants), weights, strict=True)),
        **options.to_dict(),
    }


def check_folder(out: Path) -> None:
    """Refuses a folder that holds something other than a comparison (ConflictError)."""
    if out.exists() and not out.is_dir():
        raise ConflictError(f"--out {out} is a file; give a folder, new or of the same comparison.")
    if out.is_dir() and not (out / GIVEN_FILE).exists():
        foreign = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
        foreign = [name for name in foreign if name != STORES_FOLDER]
        if foreign:
            raise ConflictError(
                f"--out {out} is not empty and no comparison (it has {foreign[0]}, but no {GIVEN_FILE}); "
                "give a new folder."
            )


def check_same(out: Path, given: dict[str, Any]) -> None:
    """Refuses a folder whose comparison was given something else (ConflictError, naming what)."""
    path = out / GIVEN_FILE
    if not path.exists():
        return
    try:
        before = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConflictError(f"{path} cannot be read ({error}); give a new --out.") from None
    if not isinstance(before, dict):
        raise ConflictError(f"{path} is damaged; give a new --out.")
    found = differences(before, json.loads(json.dumps(given)))
    if found:
        raise ConflictError(
            f"{out} holds a comparison with other settings: {'; '.join(found)}. Give a new --out, or the "
            "settings of that comparison."
        )


def read_finished(out: Path) -> dict[str, Any] | None:
    """The result of a comparison that is finished; None: it is not.

    Raises:
        CheckpointError: it is damaged.
    """
    path = out / RESULT_FILE
    if not path.exists():
        return None
    try:
        result = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}). Delete it and run the same command again: the fits are kept."
        ) from None
    if not isinstance(result, dict):
        raise CheckpointError(f"{path} is damaged. Delete it and run the same command again.")
    return result
