"""The reliability diagram: its points are the bins, and it is a PNG."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from pipeline.evaluation.reliability import reliability
from pipeline.report import picture, reliability_plot
from pipeline.report.reliability_plot import write_reliability


def test_points_are_the_bins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figures: list[Figure] = []

    def spy(path: Path, figure: Figure) -> None:
        figures.append(figure)
        picture.write_png(path, figure)

    monkeypatch.setattr(reliability_plot, "write_png", spy)
    random = np.random.default_rng(0)
    confidences = random.uniform(0.3, 1, 200)
    found = reliability(confidences, random.random(200) < confidences).to_dict()
    write_reliability(tmp_path / "r.png", found)
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    _, points = figures[0].axes[0].lines
    assert np.asarray(points.get_xdata()).tolist() == [each["confidence"] for each in found["bins"]]
    assert np.asarray(points.get_ydata()).tolist() == [each["accuracy"] for each in found["bins"]]
    words = [text.get_text() for text in figures[0].texts]
    assert words[0] == f"calibration error {found['ece']:.3f}"
    low, high = figures[0].axes[0].get_xlim()
    assert low <= min(confidences)
    assert high > 1


def test_no_bin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one bin"):
        write_reliability(tmp_path / "r.png", {"bins": []})
