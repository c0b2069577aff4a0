"""The page of a comparison: valid, right on a telephone and a desk, with the figures of the result."""

import html
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.report.compare_page import write_compare_page
from tests.helpers import comparisons
from tests.helpers.browser import visit
from tests.helpers.markup import Reader, faults


def page_of(result: Mapping[str, Any], path: Path) -> str:
    write_compare_page(path, result)
    return path.read_text("utf-8")


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    """Name -> what is shown."""
    return {name: make() for name, make in comparisons.ALL.items()}


@pytest.fixture(scope="module")
def pages(results: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name -> HTML."""
    folder = tmp_path_factory.mktemp("pages")
    return {name: page_of(result, folder / f"{name}.html") for name, result in results.items()}


def regions(text: str) -> dict[str, str]:
    """Label of a region -> its markup."""
    found = re.findall(r'role="region" aria-label="([^"]+)">(.*?)</table>', text, re.DOTALL)
    return dict(found)


def cells(row: str) -> list[str]:
    """The texts of a row's cells."""
    found = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
    return [html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", cell)).strip()) for cell in found]


def rows(table: str) -> list[list[str]]:
    return [cells(row) for row in re.findall(r"<tr.*?>(.*?)</tr>", table, re.DOTALL)]


def drawings(text: str, begins: str) -> list[str]:
    """The drawings whose label begins so."""
    found = re.findall(r'<svg[^>]*aria-label="([^"]*)">(.*?)</svg>', text, re.DOTALL)
    return [parts for label, parts in found if label.startswith(begins)]


def told(figure: Mapping[str, Any], sign: str = "") -> str:
    low, high = figure["interval"]
    return f"{figure['mean']:{sign}.3f} {low:{sign}.3f} to {high:{sign}.3f}"


@pytest.mark.parametrize("name", list(comparisons.ALL))
def test_a_page_is_valid_and_holds_no_half_filled_place(pages: dict[str, str], name: str) -> None:
    assert faults(pages[name]) == []
    reader = Reader(pages[name].split("</style>")[1])
    for silly in ("nan", "None", "inf", "undefined", "{{", "`", " ,", "()"):
        there = [match.start() for match in re.finditer(re.escape(silly), reader.text)]
        allowed = {"inf": "information", "{{": "{{ 7 * 7 }}"}.get(silly, "\0")
        assert all(reader.text[at:].startswith(allowed) for at in there), silly


def test_pages_in_a_browser(pages: dict[str, str], tmp_path: Path) -> None:
    views = {f"{name} {width}": (text, width) for name, text in pages.items() for width in (390, 1200)}
    found = visit(views, tmp_path)
    assert found.console == ()
    for view, page in found.pages.items():
        width = views[view][1]
        assert page["width"] == width, view
        assert page["scroll_width"] <= width, f"{view}: the page scrolls sideways"
        assert page["faint"] == [], f"{view}: text with a contrast below 4.5"
        assert page["fetched"] == [], view
        for element, tab_index in page["scrolling"]:
            assert tab_index == 0, f"{view}: only a mouse can scroll {element}"
            assert width < 1000, f"{view}: scrolls on a desk: {element}"


def test_the_verdict_comes_first_then_what_it_rests_on(
    results: dict[str, dict[str, Any]], pages: dict[str, str]
) -> None:
    text, result = pages["full"], results["full"]
    reader = Reader(text)
    places = [reader.text.index(each["sentence"]) for each in result["verdict"]["sentences"]]
    places.append(reader.text.index("What was compared"))
    assert all(before < after for before, after in pairwise(places))
    sections = re.findall(r'<h2 id="([\w-]+)">', text)
    assert sections == [
        "verdict", "heads", "ladder", "pairs", "curves", "sizes", "gaps", "order", "claims", "shrink",
        "limits", "again",
    ]  # fmt: skip
    for head in result["heads"]:
        assert head["what"].replace("`", "") in reader.text
    for command in ("clipwise compare clips --out comparison", "--config best.json"):
        assert command in reader.text
    for word in ("fold", "epoch", "group", "macro-F1", "log-loss", "interval", "dropout", "overfitting"):
        assert word in reader.text


def test_the_scores_are_those_of_the_result(
    results: dict[str, dict[str, Any]], pages: dict[str, str]
) -> None:
    result, found = results["full"], regions(pages["full"])
    titles = {head["name"]: head["title"] for head in result["heads"]}
    table = {row[0]: row for row in rows(found["Scores of each head"])}
    assert len(table) == 1 + len(result["heads"])
    for scores in result["results"]:
        if scores["head"] == "majority":
            continue
        row = table[titles[scores["head"]]]
        keys = ("macro_f1", "accuracy", "balanced_accuracy", "log_loss")
        assert row[1:5] == [told(scores[key]) for key in keys]
        shortfall = result["verdict"]["shortfalls"].get(scores["head"])
        behind = f"{shortfall['behind']:.3f} chance: {shortfall['allowed']:.3f}" if shortfall else ""
        assert row[5] == behind
    assert [name for name, row in table.items() if row[6] == "supported"] == [titles["mean_std_difference"]]
    assert [name for name, row in table.items() if row[6] == "best on the ladder"] == [titles["lstm2_bi"]]
    costs = {row[0]: row for row in rows(found["What each head takes"])}
    assert costs["LSTM"][1:] == [
        "11.4 (4 to 29)", "7.1 s", "344,836",
        "size 64, rate 0.001, dropout 0.3 (7 of 10) size 64, rate 0.001, dropout 0.5 (3 of 10)",
    ]  # fmt: skip
    assert costs["mean + linear"][1:] == ["-", "0.3 s", "5,124", "penalty 10 (10 of 10)"]


def test_pairs_are_told_in_words_and_coloured_where_they_are_sure(
    results: dict[str, dict[str, Any]], pages: dict[str, str]
) -> None:
    result = results["full"]
    titles = {head["name"]: head["title"] for head in result["heads"]}
    table = {tuple(row[:2]): row[2:] for row in rows(regions(pages["full"])["Differences of heads"])}
    ways = []
    for pair in result["pairs"]:
        row = table[titles[pair["first"]], titles[pair["second"]]]
        assert row[:3] == [told(pair[key], "+") for key in ("macro_f1", "accuracy", "log_loss")]
        low, high = pair["macro_f1"]["interval"]
        ways.append((low > 0) - (high < 0))
        begins = {1: "Surely better, by", -1: "Surely worse, by", 0: "Not told apart"}[ways[-1]]
        assert row[3].startswith(begins)
    assert {-1, 0, 1} == set(ways)
    said = f"Of 15 comparisons: {ways.count(1)} surely better, {ways.count(-1)} surely worse and "
    assert said + f"{ways.count(0)} not told apart." in Reader(pages["full"]).text
    # The step from the majority is in the table only.
    for chart in drawings(pages["full"], "difference in macro-F1"):
        points = re.findall(r'<circle [^>]*r="4.*?fill="(#\w+)"', chart)
        assert (points.count("#4c78a8"), points.count("#b35c00"), points.count("#fff")) == (
            ways.count(1) - 1, ways.count(-1), ways.count(0),
        )  # fmt: skip


def test_each_chart_has_a_wide_and_a_narrow_drawing(pages: dict[str, str]) -> None:
    for begins in ("macro-F1 of each head", "difference in macro-F1", "macro-F1 of heads that read"):
        assert len(drawings(pages["full"], begins)) in (2, 4)
    assert pages["full"].count('class="rows-wide"') == pages["full"].count('class="rows-narrow"') == 4


def test_without_groups_enough_there_is_no_interval_and_it_is_said_why(
    results: dict[str, dict[str, Any]], pages: dict[str, str]
) -> None:
    text = pages["few groups"]
    reader = Reader(text)
    assert "the clips come from 9 groups, and with fewer than 20" in reader.text
    assert "fewer than 20" not in Reader(pages["full"]).text
    main = reader.text.split("What was compared")[1]
    assert re.findall(r"\d\.\d+ to [+-]?\d\.\d+", main) == []
    assert "Surely" not in main
    assert main.count("whether by chance cannot be told") == len(results["few groups"]["pairs"])
    assert "95 % interval" not in reader.text
    for each in drawings(text, "macro-F1 of each head: majority"):
        assert "<circle" in each
        assert 'stroke-width="1.6"' not in each, "a whisker"


def test_what_is_missing_is_said(pages: dict[str, str]) -> None:
    quick, bare = Reader(pages["quick"]).text, Reader(pages["bare"]).text
    assert "one usual setting (--quick): nothing was tuned" in quick
    assert "No sizes were compared: --quick tries one setting" in quick
    assert "There is no learning curve" in quick
    for said in (
        "No two heads here differ by one part", "There is no learning curve", "No sizes were compared",
        "so there is no gap to show", "No head here was asked about frames", "The 100 classes",
        "There is nothing here worth training",
    ):  # fmt: skip
        assert said in bare, said
    assert "What is claimed" not in bare
    assert "best.json" not in bare
    assert "the head with the best score, 2x LSTM + Bi-LSTM" in Reader(pages["few groups"]).text
    for name in ("full", "quick"):
        assert 'id="backbones"' not in pages[name]
        assert 'id="fits"' not in pages[name]


def test_a_comparison_that_was_planned_in_one_part_alone_is_drawn(tmp_path: Path) -> None:
    """A curve of one point is no line, a learning curve of few heads says so."""
    result = comparisons.full()
    result["curves"] = result["curves"][:2]
    assert "Only some of the heads were tried" in page_of(result, tmp_path / "a.html")
    for entry in result["curves"]:
        entry["points"] = entry["points"][-1:]
    assert "There is no learning curve" in page_of(result, tmp_path / "b.html")
    result["hidden_sizes"] = result["hidden_sizes"][:1]
    assert faults(page_of(result, tmp_path / "c.html")) == []


def test_backbones_and_fits_have_their_tables(
    results: dict[str, dict[str, Any]], pages: dict[str, str]
) -> None:
    result = results["two backbones"]
    table = rows(regions(pages["two backbones"])["macro-F1 by backbone"])
    assert table[0] == ["head", "mobilenet_v2 (1,280 numbers a frame)", "resnet18 (512 numbers a frame)"]
    by_head = {row[0]: row[1:] for row in table}
    for head, title in (("lstm", "LSTM"), ("mean", "mean + linear")):
        found = [
            told(row["macro_f1"]) for variant in result["variants"] for row in result["results"]
            if (row["variant"], row["head"]) == (variant["name"], head)
        ]  # fmt: skip
        assert by_head[title] == found
    fits = results["three fits"]["fits"]
    table = rows(regions(pages["three fits"])["Accuracy by shape"])
    assert table[0] == [
        "shape", "clips", "head", "letterbox", "stretch", "crop", "letterbox - stretch", "letterbox - crop",
    ]  # fmt: skip
    assert len(table) == 1 + len(fits["by_aspect"])
    first = fits["by_aspect"][0]
    assert table[1][3:6] == [told(first["accuracy"][fit]) for fit in ("letterbox", "stretch", "crop")]
    assert table[1][6:] == [told(first["differences"][fit], "+") for fit in ("stretch", "crop")]
    assert 'id="backbones"' not in pages["three fits"]


def test_a_hostile_name_is_only_a_name(pages: dict[str, str]) -> None:
    reader = Reader(pages["strange"])
    assert not {tag for tag, _ in reader.tags} & {"script", "b", "i", "img"}
    for shown in ("<i>clips</i>\\n\\x1b[2J", "عربي مرحبا", "🎥🎬", "{{ 7 * 7 }}", "not utf-8 \\xff"):
        assert shown in reader.text, shown


def test_given_features_are_not_called_those_of_a_network(pages: dict[str, str]) -> None:
    text = Reader(pages["given"]).text
    assert "16 heads on features that were given" in text
    assert "A clip is 12 steps, and of each step there are numbers that describe it, given with" in text
    assert "ready-made network" not in text
    assert "The network that describes the frames" not in text
    assert "The network that describes the frames" in Reader(pages["full"]).text


def test_clips_of_the_test_split_that_had_a_part_are_not_said_to_have_had_none(
    pages: dict[str, str], tmp_path: Path
) -> None:
    none, apart = "on the test clips, which had no part in this", "that had a part in this choice"
    assert none in Reader(pages["full"]).text
    result = comparisons.full()
    result["plan"]["all_clips"] = True
    text = Reader(page_of(result, tmp_path / "page.html")).text
    assert apart in text
    assert none not in text


def test_heads_that_stand_on_the_majority_alone_are_drawn_against_it(tmp_path: Path) -> None:
    result = comparisons.quick()
    pairs = [row for row in result["pairs"] if row["first"] in ("lstm", "full")]
    result = {**result, "pairs": [{**row, "second": "majority"} for row in pairs]}
    text = page_of(result, tmp_path / "page.html")
    assert len(pairs) == 2
    assert drawings(text, "difference in macro-F1")
