"""A comparison for the terminal: tables that fit in 120 columns, and what follows in sentences."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pipeline.evaluation.baselines import MAJORITY
from pipeline.report.compare_result import ANSWERS, CompareResult, Figure, counted, sign, spread, value
from pipeline.report.compare_words import TOPICS, decides, epochs_words, seconds_words, why_no_intervals
from pipeline.report.words import display_width, one_line, shortened

MAX_COLUMNS = 120
"""Of a table, as `cli.output.print_table` prints it."""

_NAME_COLUMNS, _NARROW_COLUMNS, _CLAIM_COLUMNS = 30, 26, 38
_WORDS = {1: "surely better", -1: "surely worse", 0: "not told apart", None: "cannot be told"}
_COSTS = {1: "surely uses it", -1: "surely hindered by it", 0: "not told apart", None: "cannot be told"}
_MOST_VARIANTS = 4


class Table(NamedTuple):
    """A table of the terminal.

    Attributes:
        title: a line above it.
        header: names of its columns.
        rows: cells; all in a column of numbers are text of one width, so they line up.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


def compare_tables(result: Mapping[str, Any]) -> list[Table]:
    """The tables, those that have rows.

    Args:
        result: the content of result.json.
    """
    compared = CompareResult(result=result)
    tables = [
        _scores(compared),
        _pairs(compared),
        _curves(compared),
        _orders(compared),
        _backbones(compared),
        _fits(compared),
        _claims(compared),
    ]
    return [table for table in tables if table.rows]


def compare_sentences(result: Mapping[str, Any]) -> list[str]:
    """What follows: the verdict, each sentence with what it is about, then notes.

    Args:
        result: the content of result.json.
    """
    compared = CompareResult(result=result)
    verdict = [
        f"{TOPICS.get(each['topic'], each['topic'])}: {each['sentence']}"
        for each in result["verdict"]["sentences"]
    ]
    missing = why_no_intervals(compared)
    return [*verdict, *([missing] if missing else []), *result["data"]["notes"]]


def _scores(compared: CompareResult) -> Table:
    data, plan = compared.result["data"], compared.result["plan"]
    times = f", {plan['repeats']} times over" if plan["repeats"] > 1 else ""
    rows = []
    best = "best rung" if "ladder" in compared.best_words else "best"  # one beside may have more
    marks = {compared.best: best, compared.supported: "supported"}
    for head, scores in compared.rows():
        rows.append(
            [
                _name(head["title"], _NARROW_COLUMNS),
                value(scores["macro_f1"]),
                spread(scores["macro_f1"]),
                value(scores["accuracy"]),
                value(scores["log_loss"]),
                value(scores["gap"]),
                "-"
                if scores["epochs_to_best"] is None
                else epochs_words(scores["epochs_to_best"]).split()[0],
                seconds_words(scores["seconds_to_best"]),
                f"{scores['parameters']:,}",
                marks.get(head["name"], ""),
            ]
        )
    return Table(
        title=f"{counted(data['num_clips'], 'clip')} ({counted(data['num_groups'], 'group')}, "
        f"{counted(len(data['labels']), 'class', 'classes')}) held back in {plan['folds']} folds{times}; "
        "the simplest head first",
        header=["head", "macro-F1", "95 %", "accuracy", "log-loss", "gap", "epochs", "time", "params", ""],
        rows=_aligned(rows, columns=range(1, 9)),
    )


def _pairs(compared: CompareResult) -> Table:
    rows = [
        [
            _name(compared.title(pair["first"])),
            _name(compared.title(pair["second"])),
            value(decides(pair), signed=True),
            spread(decides(pair), signed=True),
            _WORDS[sign(decides(pair))] + ("*" if pair["second"] == MAJORITY else ""),
        ]
        for pair in compared.pairs()
    ]
    return Table(
        title="what the added part is worth, in macro-F1 on the same clips (*: in balanced accuracy)",
        header=["head", "against", "difference", "95 %", ""],
        rows=_aligned(rows, columns=range(2, 4)),
    )


def _curves(compared: CompareResult) -> Table:
    lines = [
        (head, {point["num_clips"]: point["macro_f1"] for point in entry["points"]})
        for head, entry in compared.lines("curves")
    ]
    numbers = sorted({number for _, points in lines for number in points})
    rows = [
        [_name(head["title"]), *(value(points.get(number)) for number in numbers)] for head, points in lines
    ]
    return Table(
        title="macro-F1 by the number of clips learned from",
        header=["head", *(f"{number:,}" for number in numbers)],
        rows=rows if len(numbers) > 1 else [],
    )


def _orders(compared: CompareResult) -> Table:
    rows = [
        [
            _name(head["title"]),
            value(scores["macro_f1"]),
            f"{scores['shuffled_macro_f1']:.3f}",
            value(scores["shuffle_cost"], signed=True),
            spread(scores["shuffle_cost"], signed=True),
            _COSTS[sign(scores["shuffle_cost"])],
        ]
        for head, scores in compared.rows()
        if head["reads_order"] and scores["shuffled_macro_f1"] is not None
    ]
    return Table(
        title="the order of the frames, for heads that see it (macro-F1)",
        header=["head", "in order", "shuffled", "cost", "95 %", ""],
        rows=_aligned(rows, columns=range(1, 5)),
    )


def _backbones(compared: CompareResult) -> Table:
    names = compared.backbones()[:_MOST_VARIANTS]
    columns = [{head["name"]: scores["macro_f1"] for head, scores in compared.rows(name)} for name in names]
    rows = [
        [_name(head["title"]), *(_with_spread(column.get(head["name"])) for column in columns)]
        for head in compared.heads
    ]
    left = len(compared.backbones()) - len(names)
    return Table(
        title="macro-F1 by backbone"
        + (f" (the first {len(names)}; {left} more in the report)" if left else ""),
        header=["head", *(shortened(one_line(name), 20) for name in names)],
        rows=rows if len(names) > 1 else [],
    )


def _fits(compared: CompareResult) -> Table:
    found = compared.result.get("fits")
    rows = [
        [
            _name(compared.title(pair["head"])),
            f"{pair['first']} against {pair['second']}",
            value(pair["macro_f1"], signed=True),
            spread(pair["macro_f1"], signed=True),
            _WORDS[sign(pair["macro_f1"])],
        ]
        for pair in (found["pairs"] if found else ())
    ]
    return Table(
        title="how frames are fitted into the square, in macro-F1",
        header=["head", "", "difference", "95 %", ""],
        rows=_aligned(rows, columns=range(2, 4)),
    )


def _claims(compared: CompareResult) -> Table:
    """Each claim, its answer, and what was found, on as many lines as it takes."""
    claims = [_name(each["claim"], _CLAIM_COLUMNS) for each in compared.result["claims"]]
    room = MAX_COLUMNS - max(map(display_width, claims), default=0) - max(map(len, ANSWERS)) - 4
    rows = []
    for claim, each in zip(claims, compared.result["claims"], strict=True):
        for number, text in enumerate(_wrapped(each["sentence"], room)):
            rows.append([claim, each["answer"], text] if number == 0 else ["", "", text])
    return Table(title="what is claimed for the full design", header=["claim", "here", ""], rows=rows)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(one_line(text), width) or [""]


def _with_spread(figure: Figure | None) -> str:
    around = spread(figure)
    return value(figure) + (f" ({around.replace(' to ', '-')})" if around else "")


def _name(title: str, columns: int = _NAME_COLUMNS) -> str:
    return shortened(one_line(title), columns)


def _aligned(rows: Sequence[Sequence[str]], *, columns: range) -> list[list[str]]:
    """The rows with the cells of these columns, which are numbers as text, at the right of each column."""
    widths = {column: max((len(row[column]) for row in rows), default=0) for column in columns}
    return [
        [cell.rjust(widths[number]) if number in widths else cell for number, cell in enumerate(row)]
        for row in rows
    ]
