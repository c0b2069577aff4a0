"""Words of all languages in pictures: a font that has the letters, or the letters said in ASCII. Never boxes.

Matplotlib takes the first font of a family list that has a glyph, so a list is put together for each text
from the fonts installed. What none has, and scripts whose letters must be joined where this matplotlib cannot
join them (before 3.11), is spelled (`words.spelled`).
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pipeline.report.words import needs_shaping, one_line, shortened, spelled

if TYPE_CHECKING:
    from matplotlib.font_manager import FontProperties

BASE_FAMILY = "DejaVu Sans"  # comes with matplotlib
DPI = 100  # of every picture: 1 point = 100 / 72 px

# Tried first where more than one installed font has the letters: plain text faces of many scripts.
_PREFERRED = (
    "noto sans",
    "nanum gothic",
    "nanumgothic",
    "malgun",
    "apple sd",
    "microsoft yahei",
    "pingfang",
    "arial",
)
# Fonts whose character maps promise letters and give boxes, blanks or mathematical signs.
_EXCLUDED = (
    "last resort",
    "adobe blank",
    "stixnon",
    "stixsize",
    "cmr10",
    "cmb10",
    "cmex",
    "cmmi",
    "cmss",
    "cmsy",
    "cmti",
    "cmtt",
)


@dataclass(frozen=True, kw_only=True)
class DrawableText:
    """A text as it can be drawn here, and the font to draw it with (no mathematics: `$` is a dollar sign)."""

    text: str
    font: "FontProperties"

    @property
    def style(self) -> dict[str, Any]:
        """Keyword arguments for matplotlib's text functions."""
        return {"fontproperties": self.font, "parse_math": False, "usetex": False}


def drawable(
    text: str,
    *,
    size_pt: float,
    bold: bool = False,
    max_width_px: float | None = None,
    max_columns: int = 200,
) -> DrawableText:
    """The text on one safe line, in a font of this machine that has all its letters, short enough.

    Args:
        text: anything, from anywhere.
        size_pt: the size of the letters in points.
        bold: drawn in bold.
        max_width_px: cut in the middle to this width at `DPI`.
        max_columns: cut in the middle to this many columns first.
    """
    from matplotlib.font_manager import FontProperties

    line = shortened(one_line(text), max_columns)
    bold = bold and _missing(line, bold=True) == _missing(
        line, bold=False
    )  # a plain letter is better than none
    families = _families(line, bold)
    drawn = _joined_or_spelled(line, bold)
    font = FontProperties(family=list(families), size=size_pt, weight=_weight(bold))
    if max_width_px is not None and text_width_px(drawn, font) > max_width_px:
        drawn = _fitted(drawn, font, max_width_px)
    return DrawableText(text=drawn, font=font)


def text_width_px(text: str, font: "FontProperties") -> float:
    """Width of a drawn line in pixels at `DPI`."""
    from matplotlib.backends import backend_agg

    new_renderer: Any = backend_agg.RendererAgg  # matplotlib leaves it untyped
    extent_px = new_renderer(1, 1, DPI).get_text_width_height_descent(text, font, False)
    return float(extent_px[0])


def can_join_letters() -> bool:
    """Whether the installed matplotlib shapes text: joins Arabic letters and orders them right to left."""
    from matplotlib import ft2font

    return hasattr(ft2font, "__libraqm_version__")


def missing_characters(text: str) -> str:
    """Those characters of the text, each once, that no installed font has."""
    return "".join(sorted(_missing(one_line(text), bold=False)))


def _missing(line: str, *, bold: bool) -> frozenset[str]:
    families = _families(line, bold)
    return frozenset(
        character
        for character in line
        if not any(_has(_coverage(family, bold), character) for family in families)
    )


def _joined_or_spelled(line: str, bold: bool) -> str:
    """The line where everything can be drawn; otherwise with the rest spelled."""
    has_glyph = frozenset(line) - _missing(line, bold=bold)
    if not can_join_letters():
        has_glyph = frozenset(character for character in has_glyph if not needs_shaping(character))
    return line if has_glyph.issuperset(line) else spelled(line, has_glyph)


def _fitted(line: str, font: "FontProperties", max_width_px: float) -> str:
    """The longest middle-cut form that is not wider; the ellipsis alone at the least."""
    fits, too_wide = 1, len(line) * 2 + 1  # in columns
    while too_wide - fits > 1:
        middle = (fits + too_wide) // 2
        if text_width_px(shortened(line, middle), font) <= max_width_px:
            fits = middle
        else:
            too_wide = middle
    return shortened(line, fits)


@lru_cache(maxsize=4096)
def _families(line: str, bold: bool) -> tuple[str, ...]:
    """Font families that together have as many letters of the line as the installed fonts allow."""
    chosen = [BASE_FAMILY]
    missing = {character for character in line if not _has(_coverage(BASE_FAMILY, bold), character)}
    for family in _candidates(bold) if missing else ():
        found = {character for character in missing if _has(_coverage(family, bold), character)}
        if found:
            chosen.append(family)
            missing -= found
        if not missing:
            break
    return tuple(chosen)


@lru_cache(maxsize=2)
def _candidates(bold: bool) -> tuple[str, ...]:
    """Installed families with an upright face of just this weight, those to prefer first."""
    from matplotlib.font_manager import fontManager, weight_dict

    wanted = weight_dict[_weight(bold)]
    names = {
        entry.name
        for entry in fontManager.ttflist
        if weight_dict.get(str(entry.weight), entry.weight) == wanted
        and (entry.style, entry.stretch) == ("normal", "normal")
    }
    usable = (name for name in names - {BASE_FAMILY} if not name.lower().startswith((*_EXCLUDED, ".")))

    def rank(name: str) -> tuple[int, str]:
        starts = [name.lower().startswith(start) for start in _PREFERRED]
        return (starts.index(True) if any(starts) else len(starts), name)

    return tuple(sorted(usable, key=rank))


@lru_cache(maxsize=4096)
def _coverage(family: str, bold: bool) -> tuple[int, ...]:
    """Code points that the family's font has, as sorted bounds: first, last + 1, first, last + 1...

    It is asked of the very file that matplotlib would draw with. A font of pictures only (colour emoji),
    which matplotlib cannot draw, has none.
    """
    from matplotlib.font_manager import FontProperties, findfont, get_font

    try:
        path = findfont(FontProperties(family=[family], weight=_weight(bold)), fallback_to_default=False)
        font = get_font(path)
        if not font.scalable:
            return ()
        codes = sorted(code for code, glyph in font.get_charmap().items() if glyph)
    except (ValueError, OSError, RuntimeError):  # gone or damaged since the list was made
        return ()
    bounds: list[int] = []
    for code in codes:
        if bounds and bounds[-1] == code:
            bounds[-1] = code + 1
        else:
            bounds += [code, code + 1]
    return tuple(bounds)


def _has(bounds: tuple[int, ...], character: str) -> bool:
    return bisect_right(bounds, ord(character)) % 2 == 1


def _weight(bold: bool) -> str:
    return "bold" if bold else "normal"
