"""A blank picture measured in pixels, and how a finished one becomes a file.

Figures are made without pyplot: no global state, so threads and a user's own plots are left alone.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import UsageError
from pipeline.files import write_bytes
from pipeline.report.text import DPI

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def blank_figure(width_px: float, height_px: float) -> "Figure":
    """A white figure of this size in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(round(width_px) / DPI, round(height_px) / DPI), dpi=DPI, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def pixel_axes(figure: "Figure") -> "Axes":
    """Axes over the whole figure whose units are pixels, (0, 0) at the top left."""
    width_px, height_px = figure.get_size_inches() * DPI
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0), frameon=False)
    axes.set_axis_off()
    axes.set_autoscale_on(False)
    axes.set_xlim(0, width_px)
    axes.set_ylim(height_px, 0)
    return axes


def place_axes(
    figure: "Figure", *, left_px: float, top_px: float, width_px: float, height_px: float
) -> "Axes":
    """Axes at this place of the figure, measured from its top left."""
    full_width_px, full_height_px = figure.get_size_inches() * DPI
    bottom_px = full_height_px - top_px - height_px
    return figure.add_axes(
        (
            left_px / full_width_px,
            bottom_px / full_height_px,
            width_px / full_width_px,
            height_px / full_height_px,
        )
    )


def write_png(path: Path, figure: "Figure") -> None:
    """Writes the figure whole or not at all; the same figure gives the same bytes.

    Raises:
        UsageError: `path` is not a `.png`.
        MachineError: it cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise UsageError(f"pictures are written as PNG; got {str(path)!r}. Give a name that ends in .png.")
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=DPI, metadata={"Software": None})
    write_bytes(path, content.getvalue())
