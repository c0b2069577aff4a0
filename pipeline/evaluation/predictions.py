"""What a model said of single clips, as a table for other tools."""

import csv
import io

from pipeline.evaluation.judgement import Judgement

PROBABILITY_PREFIX = "probability: "


def predictions_csv(judgement: Judgement) -> str:
    """One row a clip: id, path, label, predicted, unsure, a probability for each class, group.

    Probabilities are written in full: read back they are equal to the bit.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    labels = judgement.labels
    writer.writerow(
        ["id", "path", "label", "predicted", "unsure"]
        + [PROBABILITY_PREFIX + label for label in labels]
        + ["group"]
    )
    for clip, prediction in zip(judgement.clips, judgement.predictions, strict=True):
        writer.writerow(
            [
                clip.id,
                clip.path,
                clip.label,
                labels[prediction.class_index],
                "yes" if judgement.calibration.is_unsure(prediction.confidence) else "no",
                *prediction.probabilities.tolist(),
                clip.group,
            ]
        )
    return text.getvalue()
