"""A comparison in the terminal: the figures of the result, in tables that fit."""

import pytest

from pipeline.cli.output import table_lines
from pipeline.report.compare_text import MAX_COLUMNS, compare_sentences, compare_tables
from pipeline.report.words import display_width
from tests.helpers import comparisons


@pytest.mark.parametrize("name", list(comparisons.ALL))
def test_tables_fit(name: str) -> None:
    for table in compare_tables(comparisons.ALL[name]()):
        lines = [table.title, *table_lines(table.rows, header=table.header)]
        assert max(map(display_width, lines)) <= MAX_COLUMNS, table.title
        assert {len(row) for row in table.rows} == {len(table.header)}
        assert "None" not in "\n".join(lines)


def test_the_largest_numbers_still_fit() -> None:
    result = comparisons.full()
    for row in result["results"]:
        row |= {
            "parameters": 123_456_789,
            "seconds_to_best": 599.0,
            "epochs_to_best": {"mean": 99.9, "low": 1, "high": 999, "at_end": 10, "num_fits": 10},
        }
        row["gap"]["mean"] = -0.123
        row["log_loss"]["mean"] = 12.345
    lines = table_lines(compare_tables(result)[0].rows, header=compare_tables(result)[0].header)
    assert max(map(display_width, lines)) <= MAX_COLUMNS


def test_the_figures_are_those_of_the_result() -> None:
    result = comparisons.full()
    tables = compare_tables(result)
    assert tables[0].title == (
        "496 clips (124 groups, 4 classes) held back in 5 folds, 2 times over; the simplest head first"
    )
    lstm = next(row for row in tables[0].rows if row[0] == "LSTM")
    assert [cell.strip() for cell in lstm[1:]] == [
        "0.751", "0.713 to 0.791", "0.801", "0.699", "0.220", "11.4", "7.1 s", "344,836", "",
    ]  # fmt: skip
    assert [(row[0], row[-1]) for row in tables[0].rows if row[-1]] == [
        ("mean, std, di…nce + linear", "supported"),
        ("2x LSTM + Bi-LSTM", "best rung"),
    ]
    assert len(tables[1].rows) == len(result["pairs"])
    assert [row[-1] for row in tables[1].rows][:4] == [
        "surely better*",
        *["surely better"] * 2,
        "surely worse",
    ]
    curve = tables[2]
    assert list(curve.header) == ["head", "32", "79", "159", "317"]
    assert curve.rows[-1][1:] == [
        f"{point['macro_f1']['mean']:.3f}" for point in result["curves"][-1]["points"]
    ]
    order = {row[0]: row for row in tables[3].rows}
    assert "mean + linear" not in order, "it cannot see the order"
    assert order["LSTM"][-1] == "surely uses it"
    assert [row[:2] for row in tables[-1].rows if row[0]] == [
        [claim["claim"], claim["answer"]] for claim in result["claims"]
    ]


def test_only_tables_with_something_in_them_are_shown() -> None:
    titles = {
        name: [table.title for table in compare_tables(make())] for name, make in comparisons.ALL.items()
    }
    assert len(titles["bare"]) == 1
    assert "macro-F1 by the number of clips learned from" not in titles["quick"]
    assert any("backbone" in title for title in titles["two backbones"])
    assert any("fitted into the square" in title for title in titles["three fits"])
    assert not any("backbone" in title for title in titles["three fits"])


def test_sentences_say_what_they_are_about() -> None:
    sentences = compare_sentences(comparisons.full())
    assert sentences[0].startswith("The head: This data supports mean, std, difference + linear")
    assert sentences[-1].startswith("The test split was left alone")
    assert any(
        "with fewer than 20 an interval" in each for each in compare_sentences(comparisons.few_groups())
    )
