"""Ctrl-C and SIGTERM while something must be brought to an end first."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

_HELD = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Held:
    """Whether a signal waits.

    Attributes:
        number: of the signal that came; None: none yet.
    """

    number: int | None = None


@contextlib.contextmanager
def held_signals(say: Callable[[str], None]) -> Iterator[Held]:
    """Notes the first Ctrl-C or SIGTERM instead of acting on it; it acts when the block is left.

    The block looks at `Held.number` where it can stop, and leaves. A second signal acts at once. Outside the
    main thread, where signals cannot be caught, nothing is held.

    Args:
        say: is told that a signal was noted.
    """
    held = Held()
    previous: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def note(number: int, _frame: FrameType | None) -> None:
        if held.number is not None:
            restore()
            signal.raise_signal(number)
            return
        held.number = number
        with contextlib.suppress(RuntimeError):  # it came while the same stream was being written to
            say("saving after this step, then stopping; once more to stop at once")

    with contextlib.suppress(ValueError):  # not the main thread
        for number in _HELD:
            handler = signal.getsignal(number)
            if handler not in (None, signal.SIG_IGN):
                signal.signal(number, note)
                previous[number] = handler
    try:
        yield held
    finally:
        restore()
    if held.number is not None:
        signal.raise_signal(held.number)
