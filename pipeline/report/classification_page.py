"""The page of classified videos: what the model says of each, how sure it is, what the answer rests on."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.inference.classification import Classification
from pipeline.inference.classifier import Classifier
from pipeline.report.charts import bar, signed_bar
from pipeline.report.figures import probability
from pipeline.report.model_summary import attention_facts, confidence_facts, model_summary
from pipeline.report.page import Picture, write_page
from pipeline.report.video_section import video_name, video_section

MAX_PICTURE_BYTES = 24_000_000
"""Of pictures on one page. Videos beyond it have a row in its tables, and no frames."""
MAX_ROWS = 2000
"""Videos that a page names; the rest is counted."""


class ClassificationPage:
    """Takes results one by one, so that memory does not grow with their frames, and becomes one HTML file.

    Attributes:
        num_without_frames: answers whose frames the page does not show, because it were too large.
    """

    def __init__(self, classifier: Classifier, *, model_name: str) -> None:
        """Begins a page.

        Args:
            classifier: gave the answers, and explains them.
            model_name: what its model is called on the page.
        """
        self.num_without_frames = 0
        self._classifier = classifier
        self._model_name = model_name
        self._rows: list[dict[str, Any]] = []
        self._failed: list[dict[str, str]] = []
        self._sections: list[dict[str, Any]] = []
        self._counts: Counter[str] = Counter()
        self._labels: Counter[str] = Counter()
        self._bytes = 0
        self._no_maps = ""

    def add(self, result: Classification) -> None:
        """Takes one result; explains it where there is room for its frames."""
        self._counts[result.status] += 1
        if result.label is None:
            if len(self._failed) < MAX_ROWS:
                self._failed.append({"path": result.path, "reason": result.error or "not known"})
            return
        self._labels[result.label] += 1
        self._counts["unsure"] += result.unsure
        has_frames = self._bytes < MAX_PICTURE_BYTES
        if has_frames:
            self._show(result)
        else:
            self.num_without_frames += 1
        if len(self._rows) < MAX_ROWS:
            self._rows.append(
                {
                    "number": sum(self._labels.values()),
                    "path": result.path,
                    "label": result.label,
                    "probability": probability(result.probability),
                    "bar": bar(result.probability, width_px=120),
                    "remarks": _remarks(result),
                    "anchor": f"video-{len(self._sections)}" if has_frames else "",
                }
            )

    def write(self, path: Path) -> None:
        """Writes the page whole or not at all.

        Raises:
            MachineError: it cannot be written.
        """
        from pipeline import __version__

        checkpoint, calibration = self._classifier.checkpoint, self._classifier.calibration
        num_answers, num_failed = sum(self._labels.values()), self._counts["failed"]
        write_page(
            path,
            "classification.html",
            {
                "version": __version__,
                "model_name": self._model_name,
                "title": self._title(),
                "is_single": num_answers + num_failed == 1,
                "counts": {
                    "answers": num_answers,
                    "failed": num_failed,
                    "unsure": self._counts["unsure"],
                    "damaged": self._counts["damaged"],
                    "without_frames": self.num_without_frames,
                    "labels": self._labels.most_common(8),
                    "more_labels": max(0, len(self._labels) - 8),
                },
                "swatches": {
                    "left_out": signed_bar(0.6, width_px=60),
                    "attention": bar(0.6, width_px=60),
                },
                "rows": self._rows,
                "failed": self._failed,
                "sections": self._sections,
                "num_frames": checkpoint.spec.num_frames,
                "attention": attention_facts(checkpoint),
                "confidence": confidence_facts(calibration, checkpoint),
                "no_maps": self._no_maps,
                "has_threshold": calibration.threshold is not None,
                "model": model_summary(checkpoint),
                "runtime": self._classifier.runtime_words,
            },
        )

    def _show(self, result: Classification) -> None:
        section = video_section(result, self._heat_maps(result))
        self._sections.append(section)
        pictures = [frame["picture"] for frame in section["frames"]]
        pictures += [key[name] for key in section["key_frames"] for name in ("plain", "heat")]
        self._bytes += sum(len(picture.uri) for picture in pictures if isinstance(picture, Picture))

    def _heat_maps(self, result: Classification) -> Mapping[int, NDArray[np.float32]]:
        """Those of the key frames; none where the backbone has none, for which the reason is kept."""
        try:
            return self._classifier.explain(result).heat_maps
        except UsageError as error:
            self._no_maps = str(error)
            return {}

    def _title(self) -> str:
        """The name of the only video, or how many there are."""
        named = [row["path"] for row in self._rows] + [row["path"] for row in self._failed]
        if len(named) == 1:
            return video_name(named[0])
        return f"{sum(self._labels.values()) + self._counts['failed']} videos"


def _remarks(result: Classification) -> list[str]:
    """What stands beside an answer in the table of many."""
    return ["unsure"] * result.unsure + list(result.warnings)
