"""One classified clip in a terminal: bars for the labels, and what each frame counted for."""

import sys
from collections.abc import Mapping, Sequence

from pipeline.report.importance import fall_points, most_important
from pipeline.report.words import display_width, one_line, padded, shortened, spelled

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_BAR_COLUMNS = 30
_FRAME_BAR_COLUMNS = 20
_MAX_LABEL_COLUMNS = 36


def terminal_bars(
    *,
    probabilities: Mapping[str, float],
    times_seconds: Sequence[float | None],
    attention_weights: Sequence[float],
    importances: Sequence[float],
    why_no_attention: str = "",
    num_labels: int = 5,
    encoding: str | None = None,
) -> str:
    """Lines of text: the most probable labels, then the frames in order, each with a bar.

    Args:
        probabilities: of every label.
        times_seconds: of each frame in its video; None: steps of given features, which have numbers alone.
        attention_weights: of each frame; bars are drawn on the scale of the largest.
        importances: of each frame: how much the label's probability falls without it.
        why_no_attention: leaves the attention out, and says why (`Classifier.why_no_attention`).
        num_labels: how many labels at most; a last line says how many were left out.
        encoding: of where it will be printed; default: that of stdout. Where it has no bars, `#` is used,
            and where it lacks the letters of a label, the label is spelled.

    Returns:
        The lines, with a line feed after each.
    """
    encoding = encoding or sys.stdout.encoding or "ascii"
    draw = _block_bar if _can_encode(_EIGHTHS, encoding) else _hash_bar
    ranked = sorted(probabilities.items(), key=lambda item: (-item[1], item[0]))
    shown = ranked[:num_labels]
    names = [_printable(label, encoding) for label, _ in shown]
    columns = max((display_width(name) for name in names), default=0)
    lines = [
        f"  {padded(name, columns)}  {draw(probability)} {100 * probability:5.1f} %"
        for name, (_, probability) in zip(names, shown, strict=True)
    ]
    if len(ranked) > len(shown):
        rest = sum(probability for _, probability in ranked[len(shown) :])
        lines.append(f"  {len(ranked) - len(shown)} more, together {100 * rest:.1f} %")
    has_attention = not why_no_attention
    has_times = None not in times_seconds
    place = "frame      time" if has_times else " step"
    lines += ["", f"  {place}  left out{'  attention' if has_attention else ''}"]
    peak, decisive = max([*attention_weights, 1e-9]), most_important(importances)
    rows = zip(times_seconds, attention_weights, importances, strict=True)
    for index, (time_seconds, weight, fall) in enumerate(rows):
        time = "" if time_seconds is None else f"  {time_seconds:6.2f} s"
        line = f"  {index + 1:5d}{time}  {fall_points(fall):>8}"
        if has_attention:
            line += f"  {draw(weight / peak, _FRAME_BAR_COLUMNS)} {100 * weight:5.1f} %"
        lines.append(line + ("  <- most" if index == decisive else ""))
    what = "frame" if has_times else "step"
    lines.append(f"  left out: by how many points (of 100) the probability falls without the {what}")
    if not has_attention:
        lines.append(f"  attention is not shown: {why_no_attention}")
    return "\n".join(lines) + "\n"


def _printable(label: str, encoding: str) -> str:
    line = one_line(label)
    if not _can_encode(line, encoding):
        line = spelled(line, frozenset(character for character in line if _can_encode(character, encoding)))
    short = shortened(line, _MAX_LABEL_COLUMNS)
    return short if _can_encode(short, encoding) else short.replace("…", "~")


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _block_bar(share: float, columns: int = _BAR_COLUMNS) -> str:
    """A bar of so many columns, fine to an eighth of one."""
    eighths = round(min(max(share, 0.0), 1.0) * columns * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(columns)


def _hash_bar(share: float, columns: int = _BAR_COLUMNS) -> str:
    return ("#" * round(min(max(share, 0.0), 1.0) * columns)).ljust(columns)
