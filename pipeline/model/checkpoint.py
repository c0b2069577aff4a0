"""One file is the model: all weights, and in its header everything else that classifying needs."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from pipeline.errors import CheckpointError, UsageError
from pipeline.files import json_text, write_bytes
from pipeline.labels import Labels
from pipeline.model.classifier import ClipClassifier, ModelConfig
from pipeline.model.header import FOLDS_FILE, HEADER_KEY, MODEL_FILE, model_file
from pipeline.model.skip_init import SkipInit
from pipeline.model.threads import one_thread
from pipeline.spec import ClipSpec

__all__ = ["FOLDS_FILE", "MODEL_FILE", "Checkpoint", "load_checkpoint", "model_file", "save_checkpoint"]

FORMAT_VERSION = 2

_OPTIONAL = ("explanations",)  # files that were written before they were known have none
_FIELDS = ("format_version", "spec", "labels", "model", "calibration", "clip_seconds", "provenance")
_CLIP_SECONDS = ("min", "median", "max")
_NAMED_IN_MESSAGE = 4


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a model file says beside its weights.

    Attributes:
        spec: what a clip is.
        labels: class names in the order of the logits.
        model: what the classifier is made of, its normalisation included.
        clip_seconds: `min`, `median`, `max` length of the training clips.
        calibration: how probabilities were calibrated; None: not at all.
        provenance: where the model comes from: data digest, versions, metrics, seed, options. JSON values.
        explanations: whether its attention was found to tell which frames count; None: never measured.
        format_version: of the file; another one is refused.
    """

    spec: ClipSpec
    labels: Labels
    model: ModelConfig
    clip_seconds: dict[str, float]
    calibration: dict[str, Any] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)
    explanations: dict[str, Any] | None = None
    format_version: int = FORMAT_VERSION

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise CheckpointError(
                f"model format version {self.format_version!r} is unknown; this Clipwise understands version "
                f"{FORMAT_VERSION}. Install a newer Clipwise, or train the model again."
            )
        if len(self.labels) != self.model.head.num_classes:
            raise CheckpointError(
                f"the model has {self.model.head.num_classes} classes, but there are {len(self.labels)} "
                f"labels."
            )
        if self.spec.image_size != self.model.image_size:
            raise CheckpointError(
                f"the model reads frames of {self.model.image_size} px, but its clips have "
                f"{self.spec.image_size} px."
            )
        if set(self.clip_seconds) != set(_CLIP_SECONDS) or not all(
            isinstance(value, int | float) for value in self.clip_seconds.values()
        ):
            raise CheckpointError(
                f"clip_seconds is {self.clip_seconds!r}; it takes numbers for {', '.join(_CLIP_SECONDS)}."
            )

    @property
    def normalisation(self) -> dict[str, list[float]]:
        """What frames are normalised with, pixel values being 0 .. 1."""
        return {"mean_rgb": list(self.model.mean_rgb), "std_rgb": list(self.model.std_rgb)}

    def to_dict(self) -> dict[str, Any]:
        """The header as JSON-ready values."""
        return {
            "format_version": self.format_version,
            "spec": self.spec.to_dict(),
            "labels": list(self.labels),
            "model": self.model.to_dict(),
            "calibration": self.calibration,
            "clip_seconds": self.clip_seconds,
            "provenance": self.provenance,
            **({} if self.explanations is None else {"explanations": self.explanations}),
        }

    @classmethod
    def from_dict(cls, values: Any) -> "Checkpoint":
        """Rebuilds the header from `to_dict`.

        Raises:
            CheckpointError: an unknown version, a missing or unknown field, values that cannot be.
        """
        if not isinstance(values, dict):
            raise CheckpointError(f"the header is a JSON {type(values).__name__}, not an object.")
        version = values.get("format_version")
        if version != FORMAT_VERSION:  # first: another version may have other fields
            raise CheckpointError(
                f"model format version {version!r} is unknown; this Clipwise understands version "
                f"{FORMAT_VERSION}. Install a newer Clipwise, or train the model again."
            )
        wrong = sorted(set(_FIELDS).symmetric_difference(set(values).difference(_OPTIONAL)))
        if wrong:
            raise CheckpointError(f"the header has missing or unknown fields: {', '.join(wrong)}.")
        labels = values["labels"]
        if not isinstance(labels, list) or not all(isinstance(name, str) for name in labels):
            raise CheckpointError(f"labels are {labels!r}; they are a list of names.")
        for name, kinds in (
            ("clip_seconds", dict), ("provenance", dict), ("calibration", dict | None),
            ("explanations", dict | None),
        ):  # fmt: skip
            if not isinstance(values.get(name), kinds):
                raise CheckpointError(f"{name} is a JSON {type(values[name]).__name__}, not an object.")
        try:
            return cls(
                **{
                    **values,
                    "spec": ClipSpec.from_dict(values["spec"]),
                    "labels": Labels(tuple(labels)),
                    "model": ModelConfig.from_dict(values["model"]),
                }
            )
        except (UsageError, TypeError) as error:
            raise CheckpointError(f"the header says what cannot be: {error}") from error


def save_checkpoint(path: Path, model: ClipClassifier, checkpoint: Checkpoint) -> None:
    """Writes the model file, whole or not at all; equal inputs give equal bytes.

    Raises:
        CheckpointError: `checkpoint.model` is not the model's configuration, or a weight is not finite.
        MachineError: the file cannot be written.
    """
    if checkpoint.model != model.config:
        raise CheckpointError("the checkpoint describes another model than the one to be saved.")
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    _check_finite(tensors, path)
    header = {HEADER_KEY: json_text(checkpoint.to_dict())}
    write_bytes(Path(path), safetensors.torch.save(tensors, metadata=header))


def load_checkpoint(path: Path | str) -> tuple[ClipClassifier, Checkpoint]:
    """Reads a model file; runs no code from it, and opens no network.

    Args:
        path: a run folder or a `.safetensors` file.

    Returns:
        The classifier in eval mode on the CPU, and what the file says of it.

    Raises:
        CheckpointError: it is missing, no model file of Clipwise, damaged, of an unknown version, or
            contradicts itself; says what to do.
    """
    file = model_file(path)
    header, tensors = _read(file)
    with one_thread():  # hundreds of small tensors: threads would wait for each other over each
        try:
            checkpoint = Checkpoint.from_dict(header)
            with SkipInit():
                model = ClipClassifier(checkpoint.model, dry_run=False)
        except (CheckpointError, UsageError) as error:
            raise CheckpointError(f"{file}: {error}") from error
        _check_fit(model.state_dict(), tensors, file)
        _check_finite(tensors, file)
        model.load_state_dict(tensors)
    return model.eval(), checkpoint


def _read(file: Path) -> tuple[Any, dict[str, Tensor]]:
    try:
        with file.open("rb") as opened:
            start = opened.read(9)
        # A safetensors file starts with a length of 8 bytes, which may be any, and then its JSON.
        if start[8:9] != b"{" and start.startswith((b"PK", b"\x80")):
            raise CheckpointError(
                f"{file} is a pickle or .pth file: such files can run code and are not opened. Give "
                f"the {MODEL_FILE} of a run; weights for training go in by `clipwise train --weights`."
            )
        with safetensors.safe_open(file, framework="pt") as opened_tensors:
            metadata = opened_tensors.metadata() or {}
            tensors = {name: opened_tensors.get_tensor(name) for name in opened_tensors.keys()}  # noqa: SIM118
    except OSError as error:
        raise CheckpointError(f"{file} cannot be read: {error.strerror or error}") from error
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"{file} is no complete .safetensors file ({error}). Copy it again, or train the model again."
        ) from error
    if HEADER_KEY not in metadata:
        raise CheckpointError(
            f"{file} holds weights but not a model of Clipwise; give the {MODEL_FILE} of a run. Weights for "
            "training go in by `clipwise train --weights`."
        )
    try:
        return json.loads(metadata[HEADER_KEY], parse_constant=_refuse_constant), tensors
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{file}: its header cannot be read ({error}); train the model again."
        ) from error


def _check_fit(expected: dict[str, Tensor], got: dict[str, Tensor], file: Path) -> None:
    missing, unexpected = sorted(set(expected) - set(got)), sorted(set(got) - set(expected))
    other = [
        f"{name} is {tuple(got[name].shape)} {got[name].dtype}, not {tuple(value.shape)} {value.dtype}"
        for name, value in expected.items()
        if name in got and (got[name].shape != value.shape or got[name].dtype != value.dtype)
    ]
    found = [
        f"{len(names)} {kind}: {', '.join(names[:_NAMED_IN_MESSAGE])}"
        for kind, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", other))
        if names
    ]
    if found:
        raise CheckpointError(
            f"{file}: its weights do not fit its configuration ({'; '.join(found)}). Train the model again."
        )


def _check_finite(tensors: dict[str, Tensor], file: Path) -> None:
    broken = [name for name, value in tensors.items() if not torch.isfinite(value).all()]
    if broken:
        raise CheckpointError(
            f"{file}: weights that are not finite numbers, in {', '.join(broken[:_NAMED_IN_MESSAGE])}. Train "
            "again, with a lower --learning-rate perhaps."
        )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")
