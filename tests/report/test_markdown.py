"""Words from anywhere stay words in Markdown, as an independent reader sees them."""

from html import escape, unescape

import pytest
from markdown_it import MarkdownIt

from pipeline.report.markdown import bullets, paragraph, plain, table
from pipeline.report.words import one_line

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table><h1>x</h1>",
    "[a](http://evil.example)",
    "![a](http://evil.example/x.png)",
    "<http://evil.example>",
    "http://evil.example www.evil.example",
    "`code` ``two`` `",
    "a|b \\| c \\\\| d",
    "**bold** _it_ __b__ *i* ~~s~~",
    "snake_case_name",
    "# heading #",
    "- item",
    "+ item",
    "1. item",
    "12) item",
    "> quote",
    "---",
    "===",
    "~~~",
    "```",
    "    code",
    "&lt;b&gt; &#124; &amp;amp;",
    "\\",
    "ends in \\",
    "$x$ $$y$$",
    "two\nlines\r\n# heading",
    "tab\tand \x1b[31mred\x07",
    "[ref]: http://evil.example",
    "[^1] footnote",
    "<!-- comment",
    "다리 عربي 🎥 \u202eevil",
    ":smile: @someone #12",
]


def _read(markdown: str) -> str:
    return str(MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(markdown))


def _shown(text: str) -> str:
    return escape(one_line(text).strip(), quote=False)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_paragraph_is_a_paragraph(text: str) -> None:
    assert unescape(_read(paragraph(text))) == f"<p>{unescape(_shown(text))}</p>\n"
    assert _read(paragraph(text)).count("<") == 2


@pytest.mark.parametrize("text", HOSTILE)
def test_a_list_has_one_item(text: str) -> None:
    read = _read(bullets([text]))
    assert unescape(read) == f"<ul>\n<li>{unescape(_shown(text))}</li>\n</ul>\n"
    assert read.count("<") == 4


def test_a_table_has_the_cells_that_it_was_given() -> None:
    read = _read(table(["", "b"], [[text, 1.5] for text in HOSTILE]))
    rows = read.split("<tbody>")[1].split("</tr>")[:-1]
    assert len(rows) == len(HOSTILE)
    for row, text in zip(rows, HOSTILE, strict=True):
        cells = [cell.split("</td>")[0] for cell in row.split("<td>")[1:]]
        assert [unescape(cell) for cell in cells] == [unescape(_shown(text)), "1.5"], text
        assert "<" not in cells[0]


def test_ordinary_words_are_left_alone() -> None:
    for text in ("bridge_down", "macro-F1 0.959 (95 % interval, -0.1 to +0.1)", "걷기", "a, b: c; d's"):
        assert plain(text) == text
