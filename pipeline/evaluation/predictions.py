"""What a model said of single clips, as a table for other tools and for the report of a run."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import CheckpointError
from pipeline.evaluation.judgement import Judgement

PREDICTIONS_FILE = "predictions.csv"
PROBABILITY_PREFIX = "probability: "
_FIRST, _LAST = ("id", "path", "label", "predicted", "unsure"), ("group",)


@dataclass(frozen=True, kw_only=True)
class ClipAnswer:
    """What a model said of one clip: a row of the table.

    Attributes:
        id, path, label, group: of the clip.
        predicted: the most probable label.
        is_unsure: its probability is below the model's threshold.
        probabilities: of every label.
    """

    id: str
    path: str
    label: str
    predicted: str
    is_unsure: bool
    probabilities: dict[str, float]
    group: str

    @property
    def confidence(self) -> float:
        """The probability of the answer."""
        return self.probabilities[self.predicted]

    @property
    def is_right(self) -> bool:
        """Whether the answer is the clip's label."""
        return self.predicted == self.label


def answers_of(judgement: Judgement) -> tuple[ClipAnswer, ...]:
    """The answers of a judgement, clip by clip."""
    labels = judgement.labels
    return tuple(
        ClipAnswer(
            id=clip.id,
            path=clip.path,
            label=clip.label,
            predicted=labels[prediction.class_index],
            is_unsure=judgement.calibration.is_unsure(prediction.confidence),
            probabilities=dict(zip(labels, prediction.probabilities.tolist(), strict=True)),
            group=clip.group,
        )
        for clip, prediction in zip(judgement.clips, judgement.predictions, strict=True)
    )


def predictions_csv(judgement: Judgement) -> str:
    """One row a clip: id, path, label, predicted, unsure, a probability for each class, group.

    Probabilities are written in full: read back they are equal to the bit.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow([*_FIRST, *(PROBABILITY_PREFIX + label for label in judgement.labels), *_LAST])
    for answer in answers_of(judgement):
        writer.writerow(
            [
                answer.id,
                answer.path,
                answer.label,
                answer.predicted,
                "yes" if answer.is_unsure else "no",
                *answer.probabilities.values(),
                answer.group,
            ]
        )
    return text.getvalue()


def read_predictions(path: Path) -> tuple[ClipAnswer, ...]:
    """Reads what `predictions_csv` wrote.

    Raises:
        CheckpointError: it is missing, or no such table.
    """
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        columns = header[len(_FIRST) : -len(_LAST)]
        if tuple(header) != (*_FIRST, *columns, *_LAST):
            raise ValueError("its columns are not those of predictions")
        labels = [column.removeprefix(PROBABILITY_PREFIX) for column in columns]
        return tuple(_answer(row, labels) for row in rows)
    except (OSError, ValueError, csv.Error) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error}). Train again into a new folder, or let `clipwise evaluate` "
            "write a page and a table of this model's answers (--report, --predictions)."
        ) from error


def _answer(row: list[str], labels: list[str]) -> ClipAnswer:
    (clip_id, path, label, predicted, unsure), shares, (group,) = (
        row[: len(_FIRST)],
        row[len(_FIRST) : -len(_LAST)],
        row[-len(_LAST) :],
    )
    probabilities = dict(zip(labels, map(float, shares), strict=True))
    if predicted not in probabilities:
        raise ValueError(f"the answer {predicted!r} is none of its classes")
    return ClipAnswer(
        id=clip_id, path=path, label=label, predicted=predicted, is_unsure=unsure == "yes",
        probabilities=probabilities, group=group,
    )  # fmt: skip
