"""A headless browser that looks at pages: how wide they are, what they say on the console, what they fetch.

Each page is shown in a frame of its own (`srcdoc`) of the wanted width, since a window cannot be as narrow as
a telephone. A page keeps its own policy, and the script that measures stands outside of it.
"""

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_TIMEOUT_SECONDS = 240  # of a machine busy with other things; a visit takes 2 to 4 s
_QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # whatever is asked for, nothing leaves this machine
)
# What is measured of each frame once all are loaded. Contrast as WCAG 2 has it (relative luminance).
_MEASURE = r"""
const luminance = (rgb) => {
  const part = rgb.map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
};
const colour = (text) => (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number);
const over = (top, under) => {
  const alpha = top.length > 3 ? top[3] : 1;
  return [0, 1, 2].map((i) => top[i] * alpha + under[i] * (1 - alpha));
};
const background = (view, element) => {
  const layers = [];
  for (let at = element; at; at = at.parentElement)
    layers.push(colour(view.getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
};
const faint = (view, page) => [...page.querySelectorAll("body *")].filter((element) =>
  element.getClientRects().length && [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim())
).map((element) => {
  const style = view.getComputedStyle(element), under = background(view, element);
  const ink = over(colour(element instanceof view.SVGElement ? style.fill : style.color), under);
  const [low, high] = [luminance(ink), luminance(under)].sort((a, b) => a - b);
  return [(high + 0.05) / (low + 0.05), element.tagName, element.textContent.slice(0, 40)];
}).filter(([ratio]) => ratio < 4.5);
const measure = (frame) => {
  const page = frame.contentDocument, view = frame.contentWindow;
  return {
    width: view.innerWidth, scroll_width: page.scrollingElement.scrollWidth,
    height: page.scrollingElement.scrollHeight,
    images: [...page.images].map((i) => [i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight]),
    scripts: page.scripts.length, ran: page.documentElement.dataset.ran || "",
    faint: faint(view, page), title: page.title,
    fetched: view.performance.getEntriesByType("resource").map((entry) => entry.name)
      .filter((name) => !name.startsWith("data:")),
    scrolling: [...page.querySelectorAll("*")].filter((element) =>
      element.scrollWidth > element.clientWidth + 1 && element.clientWidth
      && ["auto", "scroll"].includes(view.getComputedStyle(element).overflowX)
    ).map((element) => [element.outerHTML.slice(0, 90), element.tabIndex]),
  };
};
addEventListener("load", () => {
  const found = {};
  for (const frame of document.querySelectorAll("iframe")) found[frame.name] = measure(frame);
  document.getElementById("found").textContent = JSON.stringify(found);
});
"""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a browser found.

    Attributes:
        pages: name of a page -> its measures (see `_MEASURE`).
        console: what it wrote on the console.
        network: what it wrote on its requests.
    """

    pages: dict[str, dict[str, Any]]
    console: tuple[str, ...]
    network: str


def find_browser() -> str:
    """Its path; a test that asks where there is none is skipped, saying so."""
    for name in _NAMES:
        path = shutil.which(name)
        if path is not None and _works(path):
            return path
    pytest.skip(f"no headless browser here: none of {', '.join(_NAMES)} runs")


def visit(pages: Mapping[str, tuple[str, int]], folder: Path) -> Visit:
    """Loads pages, all at once.

    Args:
        pages: name -> HTML and the width of its window in pixels.
        folder: for what the browser writes.
    """
    frames = "".join(
        f'<iframe name="{html.escape(name)}" style="width:{width_px}px;height:900px;border:0" '
        f'srcdoc="{html.escape(text)}"></iframe>'
        for name, (text, width_px) in pages.items()
    )
    outer, network = folder / "visit.html", folder / "network.json"
    outer.write_text(
        f'<!doctype html><meta charset="utf-8"><body style="width:2000px"><pre id="found"></pre>'
        f"<script>{_MEASURE}</script>{frames}",
        "utf-8",
    )
    done = _run(
        [
            find_browser(),
            *_QUIET,
            f"--user-data-dir={folder / 'profile'}",
            f"--log-net-log={network}",
            "--enable-logging=stderr",
            "--window-size=2000,1000",
            "--dump-dom",
            outer.as_uri(),
        ]
    )
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert match is not None
    assert match[1], f"the browser gave no measures: {done.stderr[-800:]}"
    return Visit(
        pages=json.loads(html.unescape(match[1])),
        console=tuple(line for line in done.stderr.splitlines() if ":CONSOLE" in line),
        network=network.read_text("utf-8", "replace"),
    )


@lru_cache
def _works(path: str) -> bool:
    try:
        return _run([path, "--version"]).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses to run as root otherwise
    return subprocess.run(
        [command[0], *as_root, *command[1:]],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
