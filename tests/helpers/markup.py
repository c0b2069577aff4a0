"""Is a page right? Parsed strictly (html5lib), then held to the rules of HTML that a parser does not know."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise

import html5lib

_PHRASING = {"a", "bdi", "br", "code", "em", "img", "small", "span", "strong", "svg"}
_PHRASING_ONLY = {
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "span",
    "strong",
    "em",
    "bdi",
    "a",
    "code",
    "pre",
    "th",
    "summary",
}
_CHILDREN = {
    "ul": {"li"},
    "ol": {"li"},
    "dl": {"div", "dt", "dd"},
    "tr": {"td", "th"},
    "table": {"caption", "thead", "tbody", "tfoot", "tr"},
    "tbody": {"tr"},
    "html": {"head", "body"},
}
# Those that fetch or run something, and those that hostile names bring along and no page of ours uses.
_FORBIDDEN = {
    "script", "link", "iframe", "object", "embed", "form", "input", "button", "base", "frame", "template",
    "noscript", "video", "audio", "source", "image", "use", "animate", "set", "foreignobject", "math",
    "b", "i",
}  # fmt: skip
_SVG = "{http://www.w3.org/2000/svg}"
_HTML = "{http://www.w3.org/1999/xhtml}"


class Reader(HTMLParser):
    """Another parser, lenient as browsers are: collects tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def faults(text: str) -> list[str]:
    """What is wrong with a page; empty: it is valid, stands alone, and can be used without seeing it."""
    parser = html5lib.HTMLParser(tree=html5lib.getTreeBuilder("etree"))
    root = parser.parse(text)
    found = [f"{place}: {code} {values}" for place, code, values in parser.errors]
    elements = [(_name(it), it) for it in root.iter() if isinstance(it.tag, str)]
    found += _of_document(root, elements)
    if "default-src &#39;none&#39;" not in text:
        found.append("has no policy that forbids to fetch")
    for name, element in elements:
        found += [f"<{name}>: {fault}" for fault in _of_element(name, element)]
    return found


def _of_document(root: ET.Element, elements: list[tuple[str, ET.Element]]) -> Iterator[str]:
    if not root.get("lang"):
        yield "no lang"
    for name, number in (("h1", 1), ("main", 1), ("title", 1)):
        if [it for it, _ in elements].count(name) != number:
            yield f"there is not {number} <{name}>"
    levels = [int(name[1]) for name, _ in elements if re.fullmatch("h[1-6]", name)]
    for before, after in pairwise(levels):
        if after > before + 1:
            yield f"h{after} follows h{before}"
    ids = [it.attrib["id"] for _, it in elements if "id" in it.attrib]
    yield from (f"id {each!r} twice" for each in sorted(set(ids)) if ids.count(each) > 1)
    for name, element in elements:
        link = element.get("href", "")
        if link.startswith("#") and link[1:] not in ids:
            yield f"<{name}> leads to {link}, which is not there"
        for attribute in ("aria-labelledby", "aria-describedby", "for"):
            yield from (
                f"{attribute} names {each!r}"
                for each in element.get(attribute, "").split()
                if each not in ids
            )
    labels = [it.get("aria-label") for _, it in elements if it.get("role") == "region"]
    yield from (f"two regions called {each!r}" for each in set(labels) if labels.count(each) > 1)


def _of_element(name: str, element: ET.Element) -> Iterator[str]:
    children = {_name(child) for child in element if not callable(child.tag)}  # a comment has a function
    if name.lower() in _FORBIDDEN or "-" in name:
        yield "has no place here"
    if name in _CHILDREN and not children <= _CHILDREN[name]:
        yield f"holds {sorted(children - _CHILDREN[name])}"
    if name in _PHRASING_ONLY and not children <= _PHRASING:
        yield f"holds {sorted(children - _PHRASING)}"
    for attribute, value in element.attrib.items():
        if attribute.lower().startswith("on"):
            yield f"has {attribute}"
        if attribute.split("}")[-1] in ("src", "href", "action", "srcset", "data", "poster") and not re.match(
            r"#[\w-]+$|data:image/jpeg;base64,[A-Za-z0-9+/=]+$", value
        ):
            yield f"{attribute}={value[:60]!r}"
        if attribute == "style" and "url" in value.lower():
            yield f"style={value[:60]!r}"
    if name == "style":
        yield from (f"holds {each!r}" for each in ("url(", "@import") if each in (element.text or ""))
    if name == "img":
        if not (element.get("width", "").isdigit() and element.get("height", "").isdigit()):
            yield "has no size"
        if "alt" not in element.attrib:
            yield "has no alt"
    if name == "th" and element.get("scope") not in ("row", "col"):
        yield "has no scope"
    if name == "th" and not "".join(element.itertext()).strip():
        yield "is empty"
    if name == "svg" and not (element.get("aria-label") or element.get("aria-hidden") == "true"):
        yield "says nothing"
    if name == "title" and not (element.text or "").strip():
        yield "is empty"
    if element.get("role") == "region" and not element.get("aria-label"):
        yield "is a region without a name"


def _name(element: ET.Element) -> str:
    tag = str(element.tag)
    return tag.removeprefix(_HTML).removeprefix(_SVG) if tag.startswith((_HTML, _SVG)) else tag
