"""Wall and CPU time of a command, said at its end."""

import os
import time


class Stopwatch:
    """Starts when it is made; its text is the time since then, of this process and its ended children."""

    def __init__(self) -> None:
        self._wall = time.monotonic()

    def __str__(self) -> str:
        wall_seconds = time.monotonic() - self._wall
        times = os.times()
        cpu_seconds = times.user + times.system + times.children_user + times.children_system
        return f"took {wall_seconds:.1f} s ({cpu_seconds:.1f} s of CPU, {os.cpu_count()} cores)"
