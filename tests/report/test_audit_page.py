"""The audit's page: all that it must hold, nothing from elsewhere, and names that stay text."""

import base64
import re
import subprocess
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from pipeline.audit.audit import audit
from pipeline.report.audit_page import write_audit_page
from pipeline.report.charts import bar, histogram
from pipeline.report.page import jpeg_uri, line
from tests.audit.test_audit import rewritten
from tests.helpers.stores import make_store

HOSTILE = [
    "<script>alert(1)</script>.mp4",
    '"onmouseover="alert(1)" x=".mp4',
    "line\nfeed\r\x1b[31m.mp4",
    "not utf-8 \udcff\udc80.mp4",
    "l" + "o" * 300 + "ng.mp4",
    "</style><img src=http://evil.example/x.png>.mp4",
    "{{ 7 * 7 }}{% raw %}.mp4",
    "한국어 العربية 🎥.mp4",
]


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    label = '<b onclick="x">다리</b>'
    store = make_store(folder / "clips", classes=("down", label), failed=1, damaged=1)
    clips = [
        replace(clip, path=HOSTILE[i % len(HOSTILE)] + str(i), group=f"<i>cam {i % 3}</i>")
        for i, clip in enumerate(store.clips)
    ]
    usable = [clip for clip in clips if clip.is_usable]
    other = next(clip for clip in usable if clip.label != usable[0].label)
    clips[clips.index(usable[0])] = replace(usable[0], sha256=other.sha256)
    result = audit(rewritten(store, clips))
    write_audit_page(folder / "audit.html", result)
    return (folder / "audit.html").read_text("utf-8")


def test_names_stay_text_and_nothing_is_fetched(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    tags = {tag for tag, _ in reader.tags}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "b", "i", "base"}
    for tag, attributes in reader.tags:
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        for name in ("src", "href"):
            value = attributes.get(name) or "#"
            assert value.startswith(("#", "data:image/jpeg;base64,")), (tag, value)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src &#39;none&#39;" in page
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
    reader = Reader()
    reader.feed(page)
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

    content = base64.b64decode(jpeg_uri(picture, side_px=30).split(",")[1])
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
