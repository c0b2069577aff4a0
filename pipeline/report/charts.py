"""Small charts as inline SVG: light, sharp at any size, and readable in print."""

from collections.abc import Sequence

from markupsafe import Markup, escape

BLUE, RED, PALE, INK, GREY = "#4c78a8", "#b3261e", "#e9edf1", "#1a1a1a", "#62666d"
BROWN, GREEN, PURPLE = "#b35c00", "#2f7d4f", "#7b4f9e"
GRID = "#e4e7eb"


def bar(share: float, *, tick: float | None = None, is_loud: bool = False, width_px: int = 180) -> Markup:
    """A bar filled from the left to a share (0 to 1), with a tick at another one."""
    share = min(max(share, 0.0), 1.0)
    parts = [
        f'<rect width="{width_px}" height="12" y="2" fill="{PALE}"/>',
        f'<rect width="{width_px * share:.1f}" height="12" y="2" fill="{RED if is_loud else BLUE}"/>',
    ]
    if tick is not None:
        x_px = width_px * min(max(tick, 0.0), 1.0)
        parts.append(f'<path d="M{x_px:.1f} 0v16" stroke="{INK}" stroke-width="1.5"/>')
    return svg(width_px, 16, parts)


def signed_bar(share: float, *, width_px: int = 180) -> Markup:
    """A bar from a line in the middle: to the right and full above 0, to the left and hollow below it."""
    share = min(max(share, -1.0), 1.0)
    middle_px = width_px / 2
    length_px = abs(share) * (middle_px - 1)
    left_px = middle_px if share > 0 else middle_px - length_px
    look = f'fill="{BROWN}"' if share > 0 else f'fill="none" stroke="{BROWN}" stroke-width="1.5"'
    return svg(
        width_px,
        16,
        [
            f'<path d="M0 8.5H{width_px}" stroke="{PALE}" stroke-width="2"/>',
            f'<rect x="{left_px:.1f}" y="3" width="{length_px:.1f}" height="11" {look}/>',
            f'<path d="M{middle_px:.1f} 0v16" stroke="{INK}" stroke-width="1.5"/>',
        ],
    )


def histogram(counts: Sequence[int], *, width_px: int = 240, height_px: int = 30) -> Markup:
    """Bars side by side, the tallest as high as the chart; a count above 0 is always seen."""
    peak = max(counts, default=0)
    parts = [
        f'<path d="M0 {height_px - 0.5}h{width_px}" stroke="#b8c0c9"/>',
    ]
    step_px = width_px / max(1, len(counts))
    for index, count in enumerate(counts):
        if count:
            bar_px = max(1.5, (height_px - 2) * count / peak)
            parts.append(
                f'<rect x="{index * step_px:.1f}" y="{height_px - 1 - bar_px:.1f}" '
                f'width="{max(1.0, step_px - 1):.1f}" height="{bar_px:.1f}" fill="{BLUE}"/>'
            )
    return svg(width_px, height_px, parts)


def svg(width_px: int, height_px: int, parts: Sequence[str], *, label: str = "") -> Markup:
    """A drawing.

    Args:
        width_px: of it; a page may show it smaller.
        height_px: of it.
        parts: its elements; nothing goes in that would have to be escaped.
        label: what it shows, for those who do not see it; "": what stands beside it says that already.
    """
    told = f'aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(  # noqa: S704
        f'<svg width="{width_px}" height="{height_px}" viewBox="0 0 {width_px} {height_px}" '
        f'role="img" {told}>{"".join(parts)}</svg>'
    )


def text_part(x_px: float, y_px: float, text: str, *, anchor: str, more: str = "") -> str:
    """Text in a drawing, escaped.

    Args:
        x_px: where, from the left.
        y_px: the line it stands on, from the top.
        text: one line.
        anchor: which end of it is at x: "start", "middle" or "end".
        more: other attributes of the element.
    """
    return f'<text x="{x_px:.1f}" y="{y_px:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def swatch(parts: str) -> Markup:
    """A small drawing, 26 by 12 pixels, for a legend."""
    return svg(26, 12, [parts])
