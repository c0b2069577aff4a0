"""The run folder: what lies in it, and whose run it is.

RUN/
  model.safetensors              the model: all that `classify` needs
  config.json                    the options; `train --config` takes it
  run.json                       what the run was given: options, data, where it started
  history.csv                    one row an epoch
  predictions.csv                what the model says of each validation clip
  metrics.json                   validation figures beside the baselines; written last: the run is finished
  baselines.safetensors          the linear baselines, fitted on the training clips
  starting_model.safetensors     what a fine-tuned model started from: the baselines see with its backbone
  resume.pt, resume_head.pt      only while the run is unfinished: where to go on
  tensorboard/                   the history as TensorBoard reads it, with --tensorboard
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch

from pipeline.clips.store import ClipStore
from pipeline.embedding.runtime import RuntimeName
from pipeline.errors import CheckpointError, ConflictError
from pipeline.files import sha256_of_file
from pipeline.model.checkpoint import model_file
from pipeline.training.options import TrainOptions
from pipeline.training.task import Epoch, Stage

CONFIG_FILE = "config.json"
RUN_FILE = "run.json"
HISTORY_FILE = "history.csv"
METRICS_FILE = "metrics.json"
RESUME_FILE = "resume.pt"
RESUME_HEAD_FILE = "resume_head.pt"  # of the head's epochs before fine-tuning


@dataclass(frozen=True, kw_only=True)
class RunResult:
    """A finished run.

    Attributes:
        folder: where it lies.
        history: one row an epoch.
        metrics: the content of metrics.json.
        was_finished: it was finished before; nothing was done.
    """

    folder: Path
    history: tuple[Epoch, ...]
    metrics: dict[str, Any]
    was_finished: bool


def what_was_given(
    store: ClipStore,
    options: TrainOptions,
    init: Path | None,
    device: torch.device,
    runtime: RuntimeName,
) -> dict[str, Any]:
    """All that decides how a run ends: two runs that were given the same end the same."""
    weights = Path(options.weights)
    named = f"file {sha256_of_file(weights)}" if weights.is_file() else options.weights
    return {
        "data": store.digest,
        "options": {**options.to_dict(), "weights": named},
        "init_sha256": sha256_of_file(model_file(init)) if init is not None else None,
        "device": device.type,
        "runtime": runtime,
    }


def check_folder(out: Path) -> None:
    """Refuses a folder that holds something other than a run (ConflictError)."""
    if out.exists() and not out.is_dir():
        raise ConflictError(f"--out {out} is a file; give a folder, new or of the same run.")
    if out.is_dir() and any(out.iterdir()) and not (out / RUN_FILE).exists():
        foreign = [path.name for path in out.iterdir() if not path.name.startswith((".", CONFIG_FILE))]
        if foreign:
            raise ConflictError(
                f"--out {out} is not empty and no training run (it has {foreign[0]}, but no {RUN_FILE}); "
                "give a new folder."
            )


def check_same(out: Path, given: dict[str, Any]) -> None:
    """Refuses a folder whose run was given something else (ConflictError, naming what)."""
    if not (out / RUN_FILE).exists():
        return
    try:
        before = json.loads((out / RUN_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise ConflictError(f"{out / RUN_FILE} cannot be read ({error}); give a new --out.") from None
    if isinstance(before.get("options"), dict):  # options that older versions did not know had their defaults
        before["options"] = {**TrainOptions().to_dict(), **before["options"]}
    found = differences(before, json.loads(json.dumps(given)))
    if found:
        raise ConflictError(
            f"{out} holds a run with other settings: {'; '.join(found)}. "
            "Give a new --out, or the settings of that run."
        )


def differences(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """What two descriptions differ in, in words."""
    found = []
    for key in sorted(set(before) | set(now)):
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, prefix=f"{prefix}{key}.")
        elif old != new:
            found.append(f"{prefix}{key} was {old!r} and is now {new!r}")
    return found


def read_finished(out: Path) -> RunResult:
    """The result of a run that is finished.

    Raises:
        CheckpointError: its files are damaged, or of another version of Clipwise.
    """
    try:
        metrics = json.loads((out / METRICS_FILE).read_bytes())
        with (out / HISTORY_FILE).open(newline="", encoding="utf-8") as file:
            history = tuple(_epoch(row) for row in csv.DictReader(file))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"the figures in {out} cannot be read ({type(error).__name__}: {error}): they are damaged, or of "
            "another version. Its model may still be good for `evaluate` and `classify`; give a new --out to "
            "train again."
        ) from error
    return RunResult(folder=out, history=history, metrics=metrics, was_finished=True)


def _epoch(row: dict[str, str]) -> Epoch:
    """A row of history.csv."""
    stage: Stage = "head" if row.pop("stage") == "head" else "all"
    number = int(row.pop("epoch"))
    return Epoch(epoch=number, stage=stage, **{key: float(cell) for key, cell in row.items()})


def history_csv(history: Sequence[Epoch]) -> str:
    """The content of history.csv."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Epoch))
    writer.writerows(asdict(row).values() for row in history)
    return text.getvalue()
