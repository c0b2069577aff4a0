"""A trained model at work on videos: `load(path).classify(video)`."""

import contextlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch

from pipeline.clips.feature_file import FeatureFile, read_feature_file
from pipeline.clips.feature_rows import row_path
from pipeline.embedding.embedder import Embedder
from pipeline.embedding.runtime import RuntimeName
from pipeline.errors import CheckpointError, StoreError, UsageError, VideoError
from pipeline.evaluation.attention_finding import AttentionFinding
from pipeline.evaluation.calibration import Calibration
from pipeline.evaluation.importance import leave_one_out
from pipeline.evaluation.predict import predict
from pipeline.inference.classification import Classification, FrameEvidence
from pipeline.inference.explanation import Explanation, explain
from pipeline.inference.segment import WindowAnswer
from pipeline.inference.segments import SegmentRule
from pipeline.inference.timeline import Timeline
from pipeline.labels import Labels
from pipeline.model.checkpoint import Checkpoint, load_checkpoint
from pipeline.model.classifier import ClipClassifier
from pipeline.model.given import takes_features_words
from pipeline.spec import ClipSpec
from pipeline.video.clip_reader import ClipReader
from pipeline.video.letterbox import place
from pipeline.video.pause import NotYet
from pipeline.video.reader import ClipRead

if TYPE_CHECKING:
    from pipeline.video.clip_reader import Outcomes

UNUSUAL_LENGTH_FACTOR = 2.0
"""A video this many times shorter than the shortest or longer than the longest training clip is warned of."""


def load(
    path: Path | str,
    *,
    device: torch.device | str = "cpu",
    runtime: RuntimeName = "auto",
    threshold: float | None = None,
    reader: ClipReader | None = None,
) -> "Classifier":
    """Loads a trained model.

    Args:
        path: a run folder or a `.safetensors` file.
        device: where the model runs.
        runtime: what runs its backbone: `torch`, `onnx` (ONNX Runtime, on a CPU), or `auto`: ONNX Runtime
            where it can be used. Loading a model for it takes some seconds more the first time.
        threshold: answers with a lower probability are unsure; None: the threshold that training chose, if
            the validation clips showed one.
        reader: that has begun to read videos for this model; None: one of its own.

    Raises:
        CheckpointError: there is no model that can be used.
        UsageError, MachineError: the runtime cannot be had.
    """
    model, checkpoint = load_checkpoint(path)
    return Classifier(model, checkpoint, device=device, runtime=runtime, threshold=threshold, reader=reader)


class Classifier:
    """Classifies videos. Videos are decoded in worker processes: a broken one cannot harm this process.

    It may be used by several threads at once, each of which gets a worker of its own; in a notebook; in a
    script without a main guard; after a fork. Workers stay for the next video until `close`, the end of a
    `with` block, or the end of the process.

    Attributes:
        checkpoint: everything the model file says of itself.
        calibration: how probabilities are made to fit, and below which one an answer is unsure.
    """

    def __init__(
        self,
        model: ClipClassifier,
        checkpoint: Checkpoint,
        *,
        device: torch.device | str = "cpu",
        runtime: RuntimeName = "auto",
        threshold: float | None = None,
        reader: ClipReader | None = None,
    ) -> None:
        if reader is not None and reader.spec != checkpoint.spec:
            raise CheckpointError("the model file was changed while it was being read; try again.")
        self.checkpoint = checkpoint
        self.calibration = Calibration.from_dict(checkpoint.calibration)
        if threshold is not None:
            self.calibration = replace(self.calibration, threshold=threshold)
        self._attention = AttentionFinding.of(checkpoint)
        self._model = model
        self._embedder = Embedder(model, device=device, runtime=runtime)
        if reader is not None:
            self._require_frames()
        self._reader = reader or ClipReader(checkpoint.spec)

    @property
    def runtime(self) -> str:
        """What runs the backbone: answers are equal to the bit only where this is equal."""
        return self._embedder.runtime

    @property
    def runtime_words(self) -> str:
        """The same for a person: also why it is not the faster one, where there is a reason."""
        return self._embedder.runtime_words

    @property
    def labels(self) -> Labels:
        """The classes, in the order of class_index."""
        return self.checkpoint.labels

    @property
    def attention_trusted(self) -> bool | None:
        """Whether this model's attention was found to tell which frames count; None: not known."""
        return self._attention.attention_trusted if self._attention else None

    @property
    def why_no_attention(self) -> str:
        """Why an answer is shown without the attention of its frames; empty: it is shown with it."""
        if not self.checkpoint.model.head.has_attention:
            return "this model has none: it puts the frames together by a fixed rule"
        if self.attention_trusted is False:
            return "this model's was not found to tell better than chance what counts"
        return ""

    @property
    def takes_features(self) -> bool:
        """Whether it was trained on features given directly: it classifies those, and no videos."""
        return self._embedder.takes_features

    @property
    def spec(self) -> ClipSpec:
        """What a clip is: how many frames, how large, how chosen."""
        return self.checkpoint.spec

    def classify(
        self, video: str | bytes | os.PathLike[str], *, frame_rate: float | None = None
    ) -> Classification:
        """Classifies one video.

        Args:
            video: a video file, or a folder of frame images.
            frame_rate: frames a second of a folder of images.

        Raises:
            VideoError: it cannot be read; says why.
        """
        (result,) = self.classify_many([video], frame_rate=frame_rate)
        if result.status == "failed":
            raise VideoError(result.path, result.error or "")
        return result

    def classify_many(
        self,
        videos: Iterable[str | bytes | os.PathLike[str] | NotYet],
        *,
        frame_rate: float | None = None,
        num_workers: int = 1,
    ) -> Generator[Classification, None, None]:
        """Classifies videos one after the other, in their order; workers read ahead.

        A video that cannot be read gives a `failed` classification and does not stop the others. Memory stays
        flat however many there are, where results are used one by one: each holds the frames of its clip.

        Raises:
            UsageError: one path was given instead of several.
            CheckpointError: the model takes features, not videos.
        """
        if isinstance(videos, str | bytes | os.PathLike):
            raise UsageError(
                f"classify_many takes several videos and got one path, {videos!r}; give it a list, or give "
                "the path to classify."
            )
        self._require_frames()
        return self._classify_many(videos, frame_rate=frame_rate, num_workers=num_workers)

    def _classify_many(
        self,
        videos: Iterable[str | bytes | os.PathLike[str] | NotYet],
        *,
        frame_rate: float | None,
        num_workers: int,
    ) -> Generator[Classification, None, None]:
        reads = self._reader.read(videos, frame_rate=frame_rate, num_workers=num_workers)
        yield from self.classify_reads(reads)

    def classify_reads(self, reads: "Outcomes") -> Generator[Classification, None, None]:
        """Classifies what the `reader` given to `load` has begun to read; closes `reads` in the end."""
        with contextlib.closing(reads):
            for video, read in reads:
                path = os.fsdecode(video)
                if isinstance(read, VideoError):
                    yield Classification(path=path, status="failed", error=read.reason)
                else:
                    yield self.classify_clip(path, read)

    def classify_features(self, path: Path | str) -> Generator[Classification, None, None]:
        """Classifies the rows of an .npz file of features, one after the other; it needs no labels.

        A row with a value that is no finite number gives a `failed` classification. Clips may have other
        numbers of steps than those of the training.

        Raises:
            UsageError: there is no such file.
            StoreError: it is no file of features, or of another width, or the model takes videos.
        """
        if not self.takes_features:
            raise StoreError(
                f"{path} holds features, and this model takes videos: give videos, or a model that was "
                "trained on features."
            )
        file = read_feature_file(path, needs_labels=False)
        wanted = self._embedder.feature_dim
        if file.feature_dim != wanted:
            raise StoreError(
                f"{path} has {file.feature_dim} numbers a step, and the model takes {wanted}: give features "
                "like those it was trained on."
            )
        return (self._classify_row(file, str(path), row) for row in range(len(file.features)))

    def _classify_row(self, file: FeatureFile, name: str, row: int) -> Classification:
        path = row_path(name, row)
        if row in file.spoilt:
            return Classification(path=path, status="failed", error=file.spoilt[row])
        length = int(file.lengths[row])
        answer = self._answer(file.features[row, :length], range(length), [None] * length)
        return Classification(path=path, status="ok", **answer)

    def _require_frames(self) -> None:
        if self.takes_features:
            raise CheckpointError(takes_features_words("This model", self._embedder.feature_dim))

    def close(self) -> None:
        """Ends the worker processes. Later calls start new ones."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def timeline(
        self,
        video: str | bytes | os.PathLike[str],
        *,
        window_seconds: float | None = None,
        stride_seconds: float | None = None,
        rule: SegmentRule | None = None,
        on_window: Callable[[WindowAnswer], None] | None = None,
        on_progress: Callable[[], None] | None = None,
    ) -> Timeline:
        """Finds out what happens when in a recording, however long: its segments, while it is read.

        Args:
            video: a video file.
            window_seconds: length of the windows that are classified; None: that of the training clips
                (median), give or take 5 % so that windows share frames.
            stride_seconds: from the start of one window to that of the next; None: half a window.
            rule: how windows become segments; None: as it was found to be best.
            on_window: is called with the answer of each window by itself.
            on_progress: is called now and then while the video is read; the timeline says how far it is.

        Raises:
            UsageError: lengths that cannot be; by the iteration, if the stride is longer than windows that
                are fitted to the video.
            VideoError: by the iteration, if nothing could be read; where it breaks off later the last segment
                says so.
        """
        self._require_frames()
        return Timeline(
            self,
            self._embedder,
            self._model.head,
            video,
            window_seconds=window_seconds,
            stride_seconds=stride_seconds,
            rule=rule or SegmentRule(),
            on_window=on_window,
            on_progress=on_progress,
        )

    def classify_clip(self, path: str, read: ClipRead) -> Classification:
        """Classifies a clip that was already read."""
        features = self._embedder.embed(read.frames)
        return Classification(
            path=path,
            status="damaged" if read.damage else "ok",
            **self._answer(features, read.frame_indices, read.frame_times_seconds),
            warnings=tuple(self._warnings(read)),
            duration_seconds=read.duration_seconds,
            images=read.frames,
            picture_box_px=_picture_box_px(read, self.spec),
        )

    def _answer(
        self, features: np.ndarray, indices: Sequence[int], times_seconds: Sequence[float | None]
    ) -> dict[str, Any]:
        """What the head says of a clip's features (T, D), as fields of its classification."""
        temperature = self.calibration.temperature
        prediction = predict(self._model.head, features, temperature=temperature)
        index = prediction.class_index
        importance = leave_one_out(self._model.head, features, index, temperature=temperature)
        return {
            "label": self.labels[index],
            "class_index": index,
            "probabilities": {
                label: float(probability)
                for label, probability in zip(self.labels, prediction.probabilities, strict=True)
            },
            "frames": _evidence(indices, times_seconds, prediction.attention_weights, importance),
            "unsure": self.calibration.is_unsure(prediction.confidence),
        }

    def explain(self, result: Classification, *, num_key_frames: int = 3) -> Explanation:
        """Where in its key frames the label of a classification was seen, and what is known of the attention.

        Key frames are those without which the label's probability falls most. The maps are computed by torch,
        whatever runtime embedded the frames.

        Args:
            result: of this classifier, not failed, with its images.
            num_key_frames: how many frames to look into, at most T.

        Raises:
            ValueError: a classification that failed or has no images.
            UsageError: the backbone has no map of the frame.
        """
        return explain(
            self._model,
            result,
            num_key_frames=num_key_frames,
            attention_note=self._attention.attention_note if self._attention else "",
            attention_trusted=self._attention.attention_trusted if self._attention else None,
        )

    def _warnings(self, read: ClipRead) -> Iterator[str]:
        if read.damage:
            yield f"the video is damaged: {read.damage}"
        seconds = self.checkpoint.clip_seconds
        shortest, longest = seconds["min"], seconds["max"]
        if read.duration_seconds * UNUSUAL_LENGTH_FACTOR < shortest:
            yield (
                f"the video lasts {read.duration_seconds:.1f} s, far less than the training clips "
                f"({shortest:.1f} to {longest:.1f} s)"
            )
        elif read.duration_seconds > longest * UNUSUAL_LENGTH_FACTOR:
            yield (
                f"the video lasts {read.duration_seconds:.1f} s, far more than the training clips "
                f"({shortest:.1f} to {longest:.1f} s)"
            )

    def __repr__(self) -> str:
        return f"Classifier({self._model.config.backbone}, labels: {', '.join(self.labels)})"


def _picture_box_px(read: ClipRead, spec: ClipSpec) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the picture in a clip's frames: what is around it are bars."""
    placed = place(read.width, read.height, image_size=spec.image_size, fit=spec.fit)
    (left, top), (width, height) = placed.corner_xy_px, placed.size_wh_px
    return left, top, left + width, top + height


def _evidence(
    indices: Sequence[int],
    times_seconds: Sequence[float | None],
    attention_weights: np.ndarray,
    importance: np.ndarray,
) -> tuple[FrameEvidence, ...]:
    return tuple(
        FrameEvidence(
            index=index, time_seconds=seconds, attention_weight=float(weight), importance=float(fall)
        )
        for index, seconds, weight, fall in zip(
            indices, times_seconds, attention_weights, importance, strict=True
        )
    )
