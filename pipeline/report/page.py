"""HTML pages that stand alone: one file, no script, nothing fetched; every text is escaped.

A page is a template in `templates/` that extends `base.html`, filled with plain values. Names from anywhere
become one harmless line (`words.one_line`) before they are escaped: half a character or a line feed is shown
as an escape.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pipeline.files import write_bytes
from pipeline.report.words import one_line, shortened

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).with_name("templates")
_JPEG_QUALITY = 72
# The page may show what it holds and nothing else, wherever it is opened from.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture that a page holds: its content as a data URI, and the size it takes before it is decoded."""

    uri: str = field(repr=False)
    width_px: int
    height_px: int

    def __html__(self) -> str:
        """The attributes of an `img`."""
        return f'src="{self.uri}" width="{self.width_px}" height="{self.height_px}"'


def write_page(path: Path, template: str, values: Mapping[str, Any]) -> None:
    """Fills a template and writes the page whole or not at all.

    Args:
        path: an `.html`.
        template: a file name in `templates/`.
        values: what it is filled with.

    Raises:
        MachineError: it cannot be written.
    """
    text = _environment().get_template(template).render(policy=_POLICY, **values)
    write_bytes(Path(path), text.encode("utf-8", "backslashreplace"))


def line(text: object, max_columns: int = 200) -> str:
    """Any text as one harmless line, cut in the middle where it is long; Jinja escapes it for HTML."""
    return shortened(one_line(str(text)), max_columns)


def jpeg(picture: NDArray[np.uint8], *, side_px: int) -> Picture:
    """A picture (H, W, 3) RGB for a page, shrunk to fit `side_px`."""
    import cv2

    from pipeline.video.letterbox import resize_frame

    height, width = picture.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = resize_frame(np.ascontiguousarray(picture[:, :, ::-1]), size_wh)
    is_written, content = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not is_written:
        raise ValueError(f"no JPEG could be made of {picture.shape} {picture.dtype}")
    uri = "data:image/jpeg;base64," + base64.b64encode(content.tobytes()).decode("ascii")
    return Picture(uri=uri, width_px=size_wh[0], height_px=size_wh[1])


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,  # a value that was forgotten is an error, not a blank
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["line"] = line
    return environment
