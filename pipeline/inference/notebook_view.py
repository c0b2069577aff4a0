"""An answer as a notebook shows it: a small table of HTML that needs nothing from elsewhere."""

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.inference.classification import Classification

_MOST_LABELS = 5
_BAR_COLUMNS = 120  # pixels of the longest bar


def classification_html(result: "Classification") -> str:
    """The most probable labels, then the frames with their times, attention and importance.

    Every name is text, whatever it holds.
    """
    if result.status == "failed":
        return f"<p><b>{_text(result.path)}</b>: failed: {_text(result.error or '')}</p>"
    notes = [*(["unsure"] if result.unsure else []), *result.warnings]
    heading = f"<p><b>{_text(result.path)}</b>{''.join(f'<br>{_text(note)}' for note in notes)}</p>"
    labels = "".join(
        _row(_text(label), _bar(probability), f"{100 * probability:.1f} %")
        for label, probability in result.top(_MOST_LABELS)
    )
    most_weight = max(frame.attention_weight for frame in result.frames)
    most_importance = max([*(abs(frame.importance) for frame in result.frames), 1e-9])
    frames = "".join(
        _row(
            f"{frame.index + 1}" if frame.time_seconds is None else f"{frame.time_seconds:.2f} s",
            _bar(frame.attention_weight / most_weight),
            f"{100 * frame.attention_weight:.1f} %",
            _bar(abs(frame.importance) / most_importance),
            f"{frame.importance:+.3f}",
        )
        for frame in result.frames
    )
    header = "<tr><th>frame</th><th colspan=2>attention</th><th colspan=2>importance</th></tr>"
    return f"<div>{heading}<table>{labels}</table><table>{header}{frames}</table></div>"


def _row(*cells: str) -> str:
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _bar(share: float) -> str:
    width = round(_BAR_COLUMNS * min(max(share, 0.0), 1.0))
    return f'<div style="background:#4477aa;height:.7em;width:{width}px"></div>'


def _text(name: str) -> str:
    """A name as text; what is no text in it (a byte of a file name) by number."""
    return html.escape(name.encode("utf-8", "backslashreplace").decode("utf-8"))
