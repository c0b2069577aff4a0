"""The command that does the same again, as it is typed: what was asked for, spelled out."""

import shlex
from collections.abc import Collection, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from pipeline.report.words import one_line

_POSITIONAL = "clips"
_ALWAYS = (
    "backbone",
    "weights",
    "out",
    "model",
    "split",
)  # said even where they are the default: they matter most
_NEVER = ("config", "json")  # its options are spelled out; how figures were printed changes nothing


def command_line(command: str, options: Any, *, several_at_once: bool = False) -> str:
    """The words of a command, quoted for a shell: the store, then every option that is not the default.

    Args:
        command: its name.
        options: its options, a dataclass; one in it has options of the command too.
        several_at_once: whether an option with several values is named once, and not for each of them.
    """
    store = str(getattr(options, _POSITIONAL))
    always = set(_ALWAYS)
    if store.endswith(".npz"):  # features have no backbone
        always -= {"backbone", "weights"}
    words = [
        "clipwise",
        command,
        f"./{store}" if store.startswith("-") else store,
        *_option_words(options, several_at_once, always),
    ]
    return " ".join(shell_word(word) for word in words)


def shell_word(text: str) -> str:
    r"""A word as a POSIX shell takes it, on one harmless line.

    Names that cannot be shown as they are (line feeds, terminal escapes, bytes that are no text) become
    `$'...'` with bytes by number, which bash, zsh and ksh read back to the same name.
    """
    if one_line(text) == text:
        return shlex.quote(text)
    shown = "".join(
        chr(byte) if 0x20 <= byte < 0x7F and byte not in b"'\\" else f"\\x{byte:02x}"
        for byte in text.encode("utf-8", "surrogateescape")
    )
    return f"$'{shown}'"


def _option_words(options: Any, several_at_once: bool, always: Collection[str]) -> Iterator[str]:
    for field in fields(options):
        value, flag = getattr(options, field.name), field.name.replace("_", "-")
        if field.name in (_POSITIONAL, *_NEVER):
            continue
        if is_dataclass(value):
            yield from _option_words(value, several_at_once, always)
        elif value == field.default and field.name not in always:
            continue
        elif isinstance(value, bool):
            yield f"--{flag}" if value else f"--no-{flag}"
        elif isinstance(value, tuple) and several_at_once:
            yield from (f"--{flag}", *map(str, value))
        else:
            for each in value if isinstance(value, tuple) else (value,):
                text = str(each)
                yield from (f"--{flag}={text}",) if text.startswith("-") else (f"--{flag}", text)
