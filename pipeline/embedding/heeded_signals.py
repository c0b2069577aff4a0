"""Ctrl-C and SIGTERM that reach their end through code which catches whatever it can."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

_HEEDED = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def heeded_signals() -> Iterator[None]:
    """A signal that came inside the block acts when the block is left, whatever became of its exception.

    It acts at once as well, by the handler that was there before. But exporters wrap whatever is raised in
    errors of their own, and an extension that is being imported makes an ImportError of it: a caller that
    goes on after an error would then go on after Ctrl-C. Outside the main thread, where signals do not
    arrive, nothing is done.
    """
    came: list[int] = []
    previous: dict[int, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        previous[number](number, frame)

    with contextlib.suppress(ValueError):  # not the main thread
        for number in _HEEDED:
            handler = signal.getsignal(number)
            if callable(handler):  # else it is ignored, or ends the process by itself
                previous[number] = handler
                signal.signal(number, note)
    try:
        yield
    except Exception:
        _restore(previous)
        if came:
            signal.raise_signal(came[0])
        raise
    finally:
        _restore(previous)
    if came:
        signal.raise_signal(came[0])


def _restore(previous: dict[int, Any]) -> None:
    for number, handler in previous.items():
        signal.signal(number, handler)
