"""The charts of a comparison, piece by piece."""

import math
import re
from typing import Any

import pytest

from pipeline.report.compare_result import CompareResult, setting_words, sign, spread, value
from pipeline.report.compare_sections import order_section
from pipeline.report.compare_words import pair_words, seconds_words
from pipeline.report.difference_chart import Difference, difference_chart
from pipeline.report.dumbbell_chart import Dumbbell, dumbbell_chart
from pipeline.report.head_lines import line_charts, lines_of
from pipeline.report.ladder_chart import ladder_chart
from pipeline.report.row_chart import Row, RowAxis, span, whisker
from tests.helpers import comparisons
from tests.helpers.comparisons import figure


def compared(**changed: Any) -> CompareResult:
    return CompareResult(result={**comparisons.full(), **changed})


def axis(*, is_narrow: bool = False) -> RowAxis:
    rows = [
        Row(name="a" * 20, note="n" * 10, short_note="s", heading="block"),
        Row(name="b", note="", short_note=""),
    ]
    return RowAxis(rows=rows, x=(0.0, 2.0), x_name="x", is_narrow=is_narrow)


def test_values_become_pixels() -> None:
    wide, narrow = axis(), axis(is_narrow=True)
    assert (wide.x_px(0), wide.x_px(2)) == (20 * 7 + 24, 980 - 10 * 7 - 18)
    assert wide.x_px(1) == (wide.x_px(0) + wide.x_px(2)) / 2
    assert wide.x_px(99) == wide.x_px(2), "nothing is drawn outside"
    assert wide.y_px(1) - wide.y_px(0) == 27
    assert narrow.y_px(1) - narrow.y_px(0) == 42
    assert (narrow.x_px(0), narrow.x_px(2)) == (10, 330)
    with pytest.raises(ValueError, match="the lower one first"):
        RowAxis(rows=wide.rows, x=(1.0, 1.0), x_name="x", is_narrow=False)


def test_a_whisker_spans_the_interval() -> None:
    wide = axis()
    path = whisker(wide, (0.5, 1.5), 30, colour="#000")
    low, high = wide.x_px(0.5), wide.x_px(1.5)
    assert path.startswith(f'<path d="M{low:.1f} 30.0H{high:.1f}M')
    assert whisker(wide, None, 30, colour="#000") == ""


@pytest.mark.parametrize(
    ("numbers", "limits", "inside"),
    [([0.5], None, (0.495, 0.505)), ([0.2, 0.9], (0, 1), (0.2, 0.9)), ([1.0, 1.0], (0, 1), (0.995, 1.0))],
)
def test_an_axis_has_room_for_all_values(numbers: list[float], limits: Any, inside: Any) -> None:
    low, high = span([*numbers, math.nan], limits=limits)
    assert low < high
    assert low <= inside[0]
    assert high >= inside[1]


def test_the_ladder_marks_the_head_supported_and_what_is_as_good_as_the_best() -> None:
    found = ladder_chart(compared())
    assert [item["name"] for item in found["legend"]] == [
        "macro-F1 and its 95 % interval", "the head that this data supports",
        "as good as the best on the ladder, for all that is known",
        "guessing each class as often as it occurs: 0.250",
    ]  # fmt: skip
    chart = str(found["chart"]["wide"])
    assert chart.count("<circle") == 15, "all heads but the one supported"
    assert chart.count("<rect") == 9, "the rungs above the majority"
    assert chart.count('stroke-width="1.6"') == 15, "all but the majority have an interval"
    assert "mean, std, difference + linear 0.742 (0.704 to 0.782)" in chart.split(">", 1)[0]
    few = ladder_chart(CompareResult(result=comparisons.few_groups()))
    assert not few["has_bands"]
    assert [item["name"] for item in few["legend"]] == [
        "macro-F1", "guessing each class as often as it occurs: 0.500",
    ]  # fmt: skip


def test_a_pale_bar_ends_at_the_best_score() -> None:
    result = comparisons.full()
    chart = str(ladder_chart(CompareResult(result=result))["chart"]["narrow"])
    bars = [
        tuple(map(float, each))
        for each in re.findall(r'<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', chart)
    ]
    points = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', chart)]
    best = points[6]  # 2x LSTM + Bi-LSTM, the seventh but for the diamond
    assert all(left + width == pytest.approx(best, abs=0.2) for left, width in bars)
    widths = [width for _, width in bars]
    assert widths == sorted(widths, reverse=True), "the simpler, the more may be chance (as made up)"


def test_differences_are_coloured_only_where_they_are_sure() -> None:
    sure, worse, open_ = figure(0.1, 0.01, True), figure(-0.1, 0.01, True), figure(0.01, 0.01, True)
    assert [sign(each) for each in (sure, worse, open_, figure(0.5, 0.1, False))] == [1, -1, 0, None]
    found = difference_chart(
        [Difference(name=f"{at}", other="x", figure=each) for at, each in enumerate((sure, worse, open_))],
        x_name="difference",
    )
    chart = str(found["chart"]["wide"])
    assert re.findall(r'<circle [^>]*?fill="(#\w+)"', chart) == ["#4c78a8", "#b35c00", "#fff"]
    assert 'stroke="#62666d"' in chart, "a line at 0"
    assert [item["name"].split(":")[0] for item in found["legend"]] == [
        "surely better", "surely worse", "not told apart",
    ]  # fmt: skip
    assert "1 against x -0.100 (-0.120 to -0.079)" in chart


def test_pair_words() -> None:
    assert pair_words(figure(0.1, 0.01, True)) == "Surely better, by 0.100."
    assert pair_words(figure(-0.1, 0.01, True)) == "Surely worse, by 0.100."
    assert pair_words(figure(0.01, 0.01, True)) == "Not told apart: the difference may be chance."
    assert pair_words({"mean": 0.0, "interval": [0.0, 0.0], "se": 0.0}) == "The same answer to every clip."
    assert pair_words(figure(-0.02, 0.1, False)) == "Lower by 0.020; whether by chance cannot be told."
    assert pair_words(figure(0.0, 0.1, False)) == "The same; whether by chance cannot be told."


def test_a_dumbbell_joins_two_scores() -> None:
    found = dumbbell_chart(
        [Dumbbell(name="a", upper=1.0, lower=0.5, difference=None)],
        upper_name="learned",
        lower_name="new",
        title="t",
    )
    chart = str(found["chart"]["wide"])
    line = re.search(r'd="M([\d.]+) [\d.]+H([\d.]+)" stroke="#62666d" stroke-width="2"', chart)
    assert line is not None
    point, square = re.search(r'cx="([\d.]+)"', chart), re.search(r'<rect x="([\d.]+)"', chart)
    assert point is not None
    assert square is not None
    assert [float(line[1]), float(line[2])] == pytest.approx([float(point[1]), float(square[1]) + 5])
    assert "a learned 1.000, new 0.500" in chart


def test_lines_stand_in_families_with_the_head_supported_in_each() -> None:
    lines = lines_of(compared(), "curves", "num_clips", "macro_f1")
    assert [x for x, _ in lines[0].points] == [32, 79, 159, 317]
    charts = line_charts(
        lines,
        supported="mean_std_difference",
        x_name="clips",
        y_name="macro-F1",
        y_limits=(0, 1),
        low_is_good=False,
    )
    assert [chart["title"] for chart in charts] == [
        "The ladder: blind to the order", "The ladder: heads that read the order", "Beside the ladder",
    ]  # fmt: skip
    assert [len(chart["legend"]) for chart in charts] == [4, 6, 7]
    names = [item["name"] for item in charts[0]["legend"]]
    assert names[0] == "mean + linear 0.701", "the best first"
    assert names[-1] == "mean, std, difference + linear 0.742, the head supported (broad line)"
    assert str(charts[0]["chart"]).count('opacity=".55"') == 3 * 4, "a whisker a point"
    for tick in (">32<", ">79<", ">159<", ">317<"):
        assert tick in charts[0]["chart"]
    sizes = lines_of(compared(), "hidden_sizes", "hidden", "val_loss")
    loss = line_charts(
        sizes, supported="lstm", x_name="size", y_name="loss", y_limits=(0, math.inf), low_is_good=True
    )
    assert loss[0]["legend"][0]["name"] == "attention pooling 0.684 at 64", "the lowest, and where it is"


def test_one_number_of_clips_or_two_that_are_close_can_be_drawn() -> None:
    result = comparisons.full()
    for entry in result["curves"]:
        entry["points"] = entry["points"][:1]
    lines = lines_of(CompareResult(result=result), "curves", "num_clips", "macro_f1")
    assert line_charts(lines, supported=None, x_name="x", y_name="y", y_limits=(0, 1), low_is_good=False)


def test_only_heads_that_read_the_order_are_asked_about_it() -> None:
    section = order_section(compared())
    assert section is not None
    assert (section["num_heads"], section["num_surely"]) == (12, 12)
    assert section["others"] == [
        "majority class",
        "single frame + linear",
        "mean + linear",
        "attention pooling",
    ]


def test_figures_in_words() -> None:
    known, unknown = figure(0.1234, 0.01, True), figure(0.1234, 0.01, False)
    assert (value(known), spread(known), spread(unknown)) == ("0.123", "0.103 to 0.144", "")
    assert (value(known, signed=True), value(None), value({"mean": math.nan})) == ("+0.123", "-", "-")
    assert setting_words({"learning_rate": 0.001, "hidden": 64, "other": 2}) == "size 64, rate 0.001, other 2"
    assert [seconds_words(seconds) for seconds in (None, 0.04, 59, 1500, 9000)] == [
        "-", "0.0 s", "59 s", "25 min", "2.5 h",
    ]  # fmt: skip


def test_heads_stand_in_the_order_of_the_ladder_however_they_were_stored() -> None:
    result = comparisons.full()
    result["heads"].reverse()
    found = CompareResult(result=result)
    assert [head["rung"] for head in found.heads[:10]] == list(range(1, 11))
    assert [pair["first"] for pair in found.pairs()[:2]] == ["single_frame", "mean"]


def test_where_nothing_beats_guessing_no_head_is_called_as_good_as_the_best() -> None:
    result = comparisons.full()
    result["verdict"]["supported"] = "majority"
    found = ladder_chart(CompareResult(result=result))
    assert not found["has_bands"]
    assert "<rect" not in found["chart"]["wide"]
