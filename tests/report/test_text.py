"""Texts of all languages are drawn with glyphs that fonts of this machine have: no boxes, no warnings."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pipeline.report import text as text_module
from pipeline.report.text import can_join_letters, drawable, missing_characters, text_width_px

HOSTILE = [
    "bridge_up",
    "다리가 올라감",
    "日本語 カメラ",
    "مرحبا بالعالم 12",
    "שלום",
    "हिन्दी",
    "🎥 film 😀",
    "👩\u200d💻",
    "Ж é ß ﬁ",
    "a\nb\x1b[31m\udcff\ud800",
    "$x^2$ \\frac{1}{2} $",
    "\ue123\U0010fffd\u0378",
    "",
    "name " * 200,
]


@pytest.fixture
def _forget_fonts() -> Iterator[None]:
    def forget() -> None:
        for cached in (text_module._families, text_module._candidates, text_module._coverage):
            cached.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def hangul_font(tmp_path: Path, _forget_fonts: None) -> Iterator[str]:
    """A font for one syllable, installed for the time of a test."""
    family, path = "Clipwise Test Hangul", tmp_path / "hangul.ttf"
    pen = TTGlyphPen(None)
    pen.moveTo((0, 0))
    for corner in ((0, 700), (500, 700), (500, 0)):
        pen.lineTo(corner)
    pen.closePath()
    square, empty = pen.glyph(), TTGlyphPen(None).glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "han"])
    builder.setupCharacterMap({ord("한"): "han"})
    builder.setupGlyf({".notdef": empty, "han": square})
    builder.setupHorizontalMetrics({".notdef": (600, 0), "han": (600, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": "Regular"})
    builder.setupOS2(sTypoAscender=800, usWeightClass=400)
    builder.setupPost()
    builder.save(path)
    before = list(font_manager.fontManager.ttflist)
    font_manager.fontManager.addfont(path)
    yield family
    font_manager.fontManager.ttflist[:] = before


def draw(text: str, **style: Any) -> bytes:
    figure = Figure(figsize=(4, 1), dpi=100)
    FigureCanvasAgg(figure)
    figure.text(0.05, 0.4, text, **style)
    content = io.BytesIO()
    figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def letters_of(font: font_manager.FontProperties) -> set[int]:
    """What the font files have, as fontTools reads them."""
    letters: set[int] = set()
    for path in font_manager.fontManager._find_fonts_by_props(font):
        index = getattr(path, "face_index", 0)
        with TTFont(os.fspath(path), fontNumber=index, lazy=True) as file:
            letters |= set(file.getBestCmap())
    return letters


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", HOSTILE)
def test_every_letter_has_a_glyph(text: str, bold: bool, caplog: pytest.LogCaptureFixture) -> None:
    drawn = drawable(text, size_pt=12, bold=bold)
    assert set(map(ord, drawn.text)) <= letters_of(drawn.font)
    draw(drawn.text, **drawn.style)  # a missing glyph would warn, and warnings are errors
    assert caplog.text == ""


@pytest.mark.parametrize("text", ["bridge_up", "Ж é"])
def test_ordinary_words_are_left_alone(text: str) -> None:
    assert drawable(text, size_pt=12).text == text


@pytest.mark.parametrize("max_width_px", [40, 150, 400])
@pytest.mark.parametrize("text", ["name " * 200, "다리가" * 50, "W" * 60])
def test_fits_the_width(text: str, max_width_px: int) -> None:
    drawn = drawable(text, size_pt=12, max_width_px=max_width_px)
    width_px = text_width_px(drawn.text, drawn.font)
    assert 0.5 * max_width_px < width_px <= max_width_px
    assert "…" in drawn.text


def test_dollar_signs_are_no_mathematics() -> None:
    drawn = drawable("$x$ $y", size_pt=12)
    assert drawn.text == "$x$ $y"
    assert draw(drawn.text, **drawn.style) != draw("x $y", **drawn.style)


@pytest.mark.usefixtures("_forget_fonts")
def test_without_any_font_the_syllables_are_romanised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_module, "_candidates", _no_other_fonts)
    assert drawable("한국 up", size_pt=12).text == "hangug up"
    assert missing_characters("한국 up") == "국한"


class _NoOtherFonts:
    def __call__(self, _bold: bool) -> tuple[str, ...]:
        return ()

    def cache_clear(self) -> None:
        pass


_no_other_fonts = _NoOtherFonts()


def test_a_font_that_is_installed_is_found(hangul_font: str, monkeypatch: pytest.MonkeyPatch) -> None:
    only = _NoOtherFonts()
    monkeypatch.setattr(type(only), "__call__", lambda _self, bold: () if bold else (hangul_font,))
    monkeypatch.setattr(text_module, "_candidates", only)
    drawn = drawable("한 up", size_pt=12)
    assert drawn.text == "한 up"
    assert drawn.font.get_family() == ["DejaVu Sans", hangul_font]
    assert draw(drawn.text, **drawn.style) != draw(" up", **drawn.style)
    heavy = drawable("한 up", size_pt=12, bold=True)
    assert heavy.text == "한 up"
    assert heavy.font.get_weight() == "normal", "there is no bold face with this letter"
    assert drawable("한국 up", size_pt=12).text == "한gug up"


def test_a_listed_font_that_is_gone_is_passed_over(
    hangul_font: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_module, "_candidates", _no_other_fonts)
    (tmp_path / "hangul.ttf").write_bytes(b"no font any more")
    assert text_module._coverage(hangul_font, False) == ()


def test_fonts_with_false_promises_are_no_candidates() -> None:
    names = [name.lower() for name in text_module._candidates(False)]
    assert not [name for name in names if name.startswith(("last resort", "cmr10", "cmsy10", "stixnon"))]


def test_arabic_is_joined_or_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    if can_join_letters():
        assert drawable("سلام", size_pt=12).text == "سلام"
    monkeypatch.setattr(text_module, "can_join_letters", lambda: False)
    assert drawable("سلام up", size_pt=12).text == "[seen lam alef meem] up"
