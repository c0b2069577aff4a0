"""All pages: valid, and right in a real browser on a telephone and a desk (skipped where there is none)."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.helpers.browser import visit
from tests.helpers.markup import faults

WIDTHS_PX = (360, 800, 1100, 1440)


@pytest.mark.parametrize("name", ["run", "folds", "audit", "one video", "videos", "failed video"])
def test_a_page_is_valid(pages: Mapping[str, str], name: str) -> None:
    assert faults(pages[name]) == []


def test_the_checker_sees_faults(pages: Mapping[str, str]) -> None:
    page = pages["failed video"]
    for good, bad, fault in (
        ("<h1>", "<h1><div></div>", "h1"),
        ("<h2 ", "<h4 ", "h4 follows h1"),
        (' scope="row"', "", "has no scope"),
        ("<main>", "<main><a href='#nowhere'>on</a>", "#nowhere"),
        ("<main>", "<main><a href='https://evil.example'>on</a>", "evil.example"),
        ("<main>", "<main><img src=x>", "has no alt"),
        ("<main>", "<main><b>bold</b>", "<b>: has no place here"),
        ("<main>", "<main onclick='x'>", "has onclick"),
        ("</main>", "", "main"),
        ('lang="en"', "", "no lang"),
        ("default-src", "nothing", "policy"),
    ):
        assert good in page
        found = faults(page.replace(good, bad, 1))
        assert any(fault in each for each in found), (bad, found)


def test_pages_in_a_browser(pages: Mapping[str, str], tmp_path: Path) -> None:
    views = {f"{name} {width}": (text, width) for name, text in pages.items() for width in WIDTHS_PX}
    found = visit(views, tmp_path)
    assert found.console == ()
    for view, page in found.pages.items():
        width = views[view][1]
        assert page["width"] == width, view
        assert page["scroll_width"] <= width, f"{view}: the page scrolls sideways"
        assert page["faint"] == [], f"{view}: text with a contrast below 4.5"
        assert page["fetched"] == [], view
        assert page["scripts"] == 0, view
        assert all(min(sizes) > 0 for sizes in page["images"]), f"{view}: an image without a size"
        for element, tab_index in page["scrolling"]:
            assert tab_index == 0, f"{view}: only a mouse can scroll {element}"
            assert width < 1000, f"{view}: scrolls on a desk: {element}"
    assert len(found.pages["run 360"]["images"]) == 12
