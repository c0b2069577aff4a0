"""Names and labels from anywhere as one safe line of text: escaped, shortened, measured, or spelled in ASCII.

A label may be Hangul, Arabic or emoji; a file name may hold line feeds, terminal escapes or bytes that are
no text at all. `one_line` makes any of them harmless to print; `spelled` says in ASCII what no font can draw.
"""

import re
import unicodedata

_ZERO_WIDTH_JOINERS = "\u200c\u200d"
_HARMLESS_MARKS = "\u200e\u200f"  # direction marks of ordinary Arabic and Hebrew text
_SHORT_ESCAPES = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}
_ELLIPSIS = "…"

# Scripts whose letters change shape or order with their neighbours: drawn wrong without a shaping engine.
_SHAPED_SCRIPTS = (
    (0x0590, 0x08FF),
    (0x0900, 0x0DFF),
    (0x0F00, 0x109F),
    (0x1780, 0x17FF),
    (0xFB1D, 0xFDFF),
    (0xFE70, 0xFEFF),
)

# Characters whose Unicode name ends in their sound: written without blanks, they read as a word.
_SYLLABLE = re.compile(
    r"(?:HANGUL|ETHIOPIC|YI|BOPOMOFO|HIRAGANA|KATAKANA|CHEROKEE) (?:SYLLABLE|LETTER) (?:SMALL )?(.+)"
)
# Other letters and signs: the name without its script and kind.
_LETTER = re.compile(
    r".*?\b(?:CAPITAL |SMALL |INDEPENDENT |DEPENDENT )*"
    r"(?:LETTER|CHARACTER|VOWEL SIGN|VOWEL|DIGIT|SIGN) (.+)"
)


def one_line(text: str) -> str:
    r"""The text on one harmless line: line feeds, terminal escapes, lone surrogates, bidi overrides escaped.

    Ordinary text of any language comes back unchanged but for Unicode NFC. A byte of a file name that is not
    UTF-8 becomes `\xff`.
    """
    return "".join(_visible(character) for character in unicodedata.normalize("NFC", text))


def _visible(character: str) -> str:
    code = ord(character)
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Zl", "Zp") or (category == "Cf" and not _is_quiet(character)):
        if 0xDC80 <= code <= 0xDCFF:
            return f"\\x{code - 0xDC00:02x}"  # a byte that Python could not decode
        if character in _SHORT_ESCAPES:
            return _SHORT_ESCAPES[character]
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return character


def _is_quiet(character: str) -> bool:
    """Format characters that belong to ordinary words and emoji."""
    return character in _ZERO_WIDTH_JOINERS + _HARMLESS_MARKS or 0xE0020 <= ord(character) <= 0xE007F


def display_width(text: str) -> int:
    """Columns that the text takes in a terminal: 2 for wide characters, 0 for those that combine."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if _combines(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def _combines(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me", "Cf")


def shortened(text: str, max_width: int) -> str:
    """The text cut in the middle to `max_width` columns: both ends of a long name tell something.

    Never leaves a combining mark without its letter at the cut.
    """
    if display_width(text) <= max_width:
        return text
    if max_width < 1:
        return ""
    room = max_width - 1  # one column for the ellipsis
    head = _taken(text, (room + 1) // 2)
    tail = text[::-1][: _count_from_end(text, room // 2)][::-1]
    return head.rstrip() + _ELLIPSIS + tail.lstrip()


def _taken(text: str, width: int) -> str:
    used = 0
    for position, character in enumerate(text):
        used += _character_width(character)
        if used > width:
            return text[:position].rstrip("\u200d")  # a joiner joins nothing any more
    return text


def _count_from_end(text: str, width: int) -> int:
    used = count = 0
    for position, character in enumerate(reversed(text), start=1):
        used += _character_width(character)
        if used > width:
            break
        if not _combines(character):
            count = position
    return count


def padded(text: str, width: int) -> str:
    """The text with blanks after it up to `width` columns: `str.ljust` for text of all languages."""
    return text + " " * max(0, width - display_width(text))


def needs_shaping(text: str) -> bool:
    """Whether the letters must be joined or reordered to be right (Arabic, Hebrew, those of India)."""
    return any(first <= ord(character) <= last for character in text for first, last in _SHAPED_SCRIPTS)


def spelled(text: str, drawable: frozenset[str] | None = None) -> str:
    """The text with what cannot be drawn said in ASCII.

    Syllables are written by their sound, letters by their name, other signs by theirs, and those whose name
    tells nothing by their number: `한국` -> `hangug`, `🎥` -> `[movie camera]`, `漢` -> `[U+6F22]`.

    Args:
        text: one line (see `one_line`).
        drawable: characters to leave alone besides ASCII; default: none.
    """
    kept = drawable or frozenset()
    pieces: list[tuple[str, str]] = []  # (kind, words); neighbours of one kind are written together
    for character in text:
        if _is_silent(character) and not (character in kept and pieces and pieces[-1][0] == "plain"):
            continue
        if character.isascii() or character in kept:
            pieces.append(("plain", character))
        else:
            pieces.append(_spelled_character(character))
    result = ""
    for position, (kind, words) in enumerate(pieces):
        follows = position > 0 and pieces[position - 1][0] == kind
        if kind in ("letter", "number"):
            result = f"{result[:-1]} {words}]" if follows else f"{result}[{words}]"
        else:
            result += words
    return result


def _is_silent(character: str) -> bool:
    """Joiners, direction marks, variation selectors and skin tones: they say nothing on their own."""
    selectors = ((0xFE00, 0xFE0F), (0x1F3FB, 0x1F3FF), (0xE0100, 0xE01EF))
    return _is_quiet(character) or any(first <= ord(character) <= last for first, last in selectors)


def _spelled_character(character: str) -> tuple[str, str]:
    name = unicodedata.name(character, "")
    if not name or "IDEOGRAPH-" in name:
        return "number", f"U+{ord(character):04X}"
    if name == "IDEOGRAPHIC SPACE" or unicodedata.category(character) == "Zs":
        return "plain", " "
    if match := _SYLLABLE.fullmatch(name):
        return "syllable", match[1].lower()
    if match := _LETTER.fullmatch(name):
        return "letter", match[1].lower()
    return "name", f"[{name.lower()}]"
