"""The folder of an exported model: what lies in it, and whose it is.

DIR/
  model.json     labels, spec, temperature, threshold, inputs and outputs, what was checked; written first
  classify.py    an example that classifies videos with onnxruntime and OpenCV alone
  README.md      the model card
  model.onnx     the graph; written last: the export is finished

Which of these files were written by one export is told by the hashes in model.json.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline.errors import ConflictError
from pipeline.files import remove_unfinished, require_free_space, sha256_of_file, write_bytes, write_json

GRAPH_FILE = "model.onnx"
DESCRIPTION_FILE = "model.json"
CARD_FILE = "README.md"
EXAMPLE_FILE = "classify.py"
FORMAT = "clipwise exported model"
FORMAT_VERSION = 1

_SHOWN = 12  # digits of a hash in a message

EXAMPLE = Path(__file__).with_name("onnx_example.py")


def check_folder(out: Path) -> None:
    """Refuses a folder that holds something other than an exported model (ConflictError)."""
    if out.exists() and not out.is_dir():
        raise ConflictError(f"--out {out} is a file; give a folder, new or of the same export.")
    if out.is_dir() and not (out / DESCRIPTION_FILE).exists():
        foreign = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
        if foreign:
            raise ConflictError(
                f"--out {out} is not empty and no exported model (it has {foreign[0]}, but no "
                f"{DESCRIPTION_FILE}); give a new folder."
            )
    if (out / DESCRIPTION_FILE).exists():
        _read(out)


def is_finished(out: Path, given: dict[str, Any]) -> bool:
    """Whether this export is in the folder already, whole.

    The graph must be the one that was written; card and example may have been edited since.

    Raises:
        ConflictError: another export is.
    """
    if not (out / DESCRIPTION_FILE).exists():
        return False
    written = _read(out)
    before: dict[str, Any] = written["given"]
    differences = [
        f"it was {_in_words(key, before.get(key))}, now {_in_words(key, given.get(key))}"
        for key in sorted({*before, *given})
        if before.get(key) != given.get(key)
    ]
    if differences:
        raise ConflictError(
            f"{out} holds an export with other settings: {'; '.join(differences)}. Give a new --out, or the "
            "settings of that export."
        )
    graph = out / GRAPH_FILE
    return all((out / name).exists() for name in (CARD_FILE, EXAMPLE_FILE, GRAPH_FILE)) and sha256_of_file(
        graph
    ) == written.get("graph_sha256")


def write_export(out: Path, *, graph: bytes, description: dict[str, Any], card: str) -> None:
    """Writes an export into a folder that is ours, each file whole or not at all.

    Args:
        out: the folder; exists.
        graph: the content of the .onnx file.
        description: see `pipeline.inference.export.description`.
        card: the model card.

    Raises:
        MachineError: the disk is full or cannot be written to.
    """
    remove_unfinished(out)
    require_free_space(out, len(graph), purpose="the exported model")
    # First, so that a folder whose export was killed is known to be ours.
    write_json(
        out / DESCRIPTION_FILE,
        {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "graph_sha256": hashlib.sha256(graph).hexdigest(),
            **description,
        },
    )
    write_bytes(out / EXAMPLE_FILE, EXAMPLE.read_bytes())
    write_bytes(out / CARD_FILE, card.encode("utf-8", "backslashreplace"))
    write_bytes(out / GRAPH_FILE, graph)


def _in_words(key: str, value: Any) -> str:
    """What decided an export, as a person says it; a value comes from a file and may be anything."""
    if key == "check":
        if isinstance(value, dict):
            return (
                f"compared on the {value.get('split')} clips of the store {str(value.get('data'))[:_SHOWN]}"
            )
        return "compared on no clips" if value is None else "compared on other clips"
    if key == "model_sha256":
        return f"of the model {str(value)[:_SHOWN]}"
    return f"made with {key} {value}"


def _read(out: Path) -> dict[str, Any]:
    """The content of model.json; refuses another kind of file (ConflictError)."""
    path = out / DESCRIPTION_FILE
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ConflictError(f"{path} cannot be read ({error}); give a new --out.") from None
    if (
        not isinstance(content, dict)
        or content.get("format") != FORMAT
        or not isinstance(content.get("given"), dict)
    ):
        raise ConflictError(f"{path} does not describe an exported model; give a new --out.")
    return content
