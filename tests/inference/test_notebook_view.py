"""What a notebook shows of an answer: well-formed, self-contained, and text where names are hostile."""

from html.parser import HTMLParser

import pytest

from pipeline.inference.classification import Classification, FrameEvidence

HOSTILE = [
    "<script>alert(1)</script>.mp4",
    '"><img src=x onerror=alert(1)>',
    "</td></table><style>*{display:none}",
    "&lt;b&gt;",
    "\udcff\n\x1b]0;x\x07",
    "걷기 يمين",
]


class Reader(HTMLParser):
    """Collects tags, attributes and text; a tag that is not closed fails."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("failed", [False, True])
def test_every_name_is_text(name: str, failed: bool) -> None:
    if failed:
        result = Classification(path=name, status="failed", error=name)
    else:
        frames = tuple(
            FrameEvidence(index=i, time_seconds=i / 2, attention_weight=0.5, importance=i - 0.5)
            for i in range(2)
        )
        result = Classification(
            path=name, status="ok", label=name, class_index=0, probabilities={name: 0.75, "b": 0.25},
            frames=frames, unsure=True, warnings=(name,),
        )  # fmt: skip
    page = Reader(result._repr_html_())
    assert page.tags <= {"div", "p", "b", "br", "table", "tr", "th", "td"}
    assert page.attributes <= {"style", "colspan"}
    assert page.text.count(name.encode("utf-8", "backslashreplace").decode()) >= 2
    if not failed:
        for words in ("unsure", "75.0 %", "0.50 s", "+0.500", "-0.500", "50.0 %"):
            assert words in page.text
