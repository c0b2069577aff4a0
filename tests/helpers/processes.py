"""Worker processes, seen from outside."""

import psutil


def workers_of(pid: int) -> list[psutil.Process]:
    """The worker processes among a process's children (multiprocessing has a helper of its own there)."""
    return [
        child
        for child in psutil.Process(pid).children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]
