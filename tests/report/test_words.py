"""Words from anywhere as one harmless line: tables written by hand."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.report.words import display_width, needs_shaping, one_line, padded, shortened, spelled


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("bridge_up", "bridge_up"),
        ("다리가 올라감", "다리가 올라감"),
        ("مرحبا", "مرحبا"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("e\u0301", "é"),
        ("a\nb\tc\r", r"a\nb\tc\r"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b0m", r"\x9b0m"),
        ("caf\udce9.mp4", r"caf\xe9.mp4"),  # a Latin-1 file name as Python reads it
        ("\ud800", r"\ud800"),
        ("gpj.\u202e4pm", r"gpj.\u202e4pm"),  # would be read backwards
        ("a\u2028b", r"a\u2028b"),
        ("", ""),
    ],
)
def test_one_line(text: str, line: str) -> None:
    assert one_line(text) == line


@given(st.text(alphabet=st.characters(), max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_becomes_harmless(text: str) -> None:
    line = one_line(text)
    line.encode("utf-8")
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cs", "Zl", "Zp"}
    assert one_line(line) == line
    for width in (1, 7, 20):
        assert display_width(shortened(line, width)) <= width
    assert spelled(line).isascii()


@pytest.mark.parametrize(
    ("text", "width"), [("abc", 3), ("한국", 4), ("e\u0301", 1), ("🎥", 2), ("👩\u200d💻", 4), ("ｗ", 2)]
)
def test_display_width(text: str, width: int) -> None:
    assert display_width(text) == width
    assert display_width(padded(text, 9)) == 9
    assert padded(text, 0) == text


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("abcdefghij", 10, "abcdefghij"),
        ("abcdefghij", 7, "abc…hij"),
        ("abcdefghij", 6, "abc…ij"),
        ("한국어한국어", 7, "한…어"),  # two columns each: an odd column stays free
        ("e\u0301" * 5, 3, "e\u0301…e\u0301"),  # an accent stays with its letter
        ("ab cd", 4, "ab…d"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_shortened_keeps_both_ends(text: str, width: int, short: str) -> None:
    assert shortened(text, width) == short


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("다리 up", "dari up"),
        ("カメラ", "kamera"),
        ("漢字", "[U+6F22 U+5B57]"),
        ("سلام", "[seen lam alef meem]"),
        ("🎥 film", "[movie camera] film"),
        ("👩\u200d💻\ufe0f", "[woman][personal computer]"),
        ("🇰🇷", "[k r]"),
        ("\u3000", " "),
        ("\ue000", "[U+E000]"),  # private use: no name
    ],
)
def test_spelled(text: str, words: str) -> None:
    assert spelled(text) == words


def test_spelled_leaves_what_can_be_drawn() -> None:
    assert spelled("Ж漢Ж", frozenset("Ж")) == "Ж[U+6F22]Ж"


def test_scripts_whose_letters_must_be_joined() -> None:
    assert all(needs_shaping(text) for text in ("abc مرحبا", "שלום", "हिन्दी"))
    assert not any(needs_shaping(text) for text in ("abc", "한국", "Ж", "漢", "🎥"))
