"""What a model file says of itself, without torch: which file it is, and what a clip is for it."""

import json
from pathlib import Path

import safetensors

from pipeline.errors import CheckpointError, UsageError
from pipeline.spec import ClipSpec

MODEL_FILE = "model.safetensors"
FOLDS_FILE = "folds.csv"
"""Stands in the folder of a cross-validation, which makes no model."""
HEADER_KEY = "clipwise"  # one key with sorted JSON: safetensors writes several keys in varying order


def model_file(path: Path | str) -> Path:
    """The model file that `--model` names: the file itself, or the one in a run folder.

    Raises:
        CheckpointError: there is none.
    """
    path = Path(path)
    if path.is_dir():
        if (path / FOLDS_FILE).exists():
            raise CheckpointError(
                f"{path} holds a cross-validation, which makes figures and no model; train one with the same "
                "options: `clipwise train CLIPS --out RUN --config " + f"{path / 'config.json'}`."
            )
        if not (path / MODEL_FILE).is_file():
            raise CheckpointError(
                f"the folder {path} holds no {MODEL_FILE}; has `clipwise train` finished there? "
                "Run it again to go on."
            )
        return path / MODEL_FILE
    if not path.is_file():
        raise CheckpointError(f"there is no model at {path}; give a run folder or a .safetensors file.")
    return path


def peek_spec(path: Path | str) -> ClipSpec | None:
    """What a clip is for a model, as far as its header tells without torch and without its weights.

    For reading videos while the model is still being loaded. None: the file is no model; `load_checkpoint`
    looks closer and says what is wrong.

    Raises:
        CheckpointError: there is no file.
    """
    file = model_file(path)
    try:
        with safetensors.safe_open(file, framework="np") as opened:
            header = json.loads((opened.metadata() or {})[HEADER_KEY])
        return ClipSpec.from_dict(header["spec"])
    except (
        OSError,
        safetensors.SafetensorError,
        ValueError,
        LookupError,
        TypeError,
        RecursionError,
        UsageError,
    ):
        return None
