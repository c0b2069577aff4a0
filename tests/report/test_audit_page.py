"""The audit's page: all that it must hold, nothing from elsewhere, and names that stay text."""

import base64
import re
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline.report.charts import bar, histogram
from pipeline.report.page import jpeg, line
from tests.helpers.markup import Reader, faults
from tests.helpers.pages import audit_page


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return audit_page(tmp_path_factory.mktemp("page"))


def test_names_stay_text_and_nothing_is_fetched(page: str) -> None:
    reader = Reader(page)
    assert faults(page) == []
    for said in (
        "<script>alert(1)</script>",
        r"line\nfeed\r\x1b[31m",
        r"\xff\x80",
        "{{ 7 * 7 }}",
        "한국어 العربية 🎥",
    ):
        assert said in reader.text, said
    assert "o" * 200 not in reader.text, "long names are shortened"


def test_it_holds_what_it_must(page: str) -> None:
    reader = Reader(page)
    for said in (
        "ON BOTH SIDES", "Identical files", "different labels", "Contact sheets", "no frame could be decoded",
        "Sizes, rates, lengths", "32 x 24", "not looked at", "All clips are shown",
    ):  # fmt: skip
        assert said in reader.text, said
    images = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", page)
    assert len(images) >= 23
    assert all(base64.b64decode(image)[:3] == b"\xff\xd8\xff" for image in images)


def test_pieces() -> None:
    picture = np.full((60, 120, 3), (200, 10, 10), np.uint8)
    import cv2

    content = base64.b64decode(jpeg(picture, side_px=30).uri.split(",")[1])
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (15, 30, 3)
    assert np.abs(decoded[7, 15].astype(int) - [10, 10, 200]).max() < 12, "red stays red"
    assert line("a\nb\udcff") == r"a\nb\xff"
    assert 'width="90.0"' in bar(0.5, tick=0.25)
    assert histogram([0, 3, 1]).count("<rect") == 2
    assert histogram([]).count("<rect") == 0


@pytest.mark.slow
def test_the_wheel_holds_the_templates(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    pip = [
        "python",
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(root),
    ]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no wheel can be built here: {done.stderr[-200:]}")
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"pipeline/report/templates/audit.html", "pipeline/report/templates/style.css"} <= set(names)
