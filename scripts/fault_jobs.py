"""Faults that a decoder may have, wrapped around the real job of preprocess. Imported by worker processes."""

import ctypes
import os
import signal
import time
from collections.abc import Mapping
from typing import Any

HANG_SECONDS = 3600.0


def extract_with_faults(job: Any, *, faults: Mapping[str, str]) -> Any:
    """Does the fault that is laid on the job's video, or the job itself."""
    from pipeline.clips.extract import extract

    fault(faults.get(job.path, ""))
    return extract(job)


def fault(kind: str) -> None:
    """Goes wrong in one of the ways that native code can go wrong."""
    match kind:
        case "crash":
            ctypes.string_at(0)  # a read through a null pointer: SIGSEGV
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory runs out
        case "hang":
            time.sleep(HANG_SECONDS)
        case "deaf":  # a hang that does not listen to SIGTERM
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(HANG_SECONDS)
        case "memory":
            eaten = []
            while True:
                eaten.append(b"x" * (32 << 20))  # written to, not only asked for
        case _:
            pass
