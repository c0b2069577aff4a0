"""Jobs for workers that go wrong in every way. Imported by worker processes: keep it light."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from pipeline.errors import VideoError


def run_fault(job: str) -> Any:  # noqa: PLR0911 - a table
    """Does what the job's name says; `keep` and unknown names return the job."""
    match job.partition(":")[0]:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(600)
        case "deaf":  # hangs and does not listen to SIGTERM
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        case "fill":  # runs out of memory with much of it in its hands
            kept = bytearray(1 << 30)
            return len(kept) + len(bytearray(8 << 30))
        case "fit":
            return str(len(bytearray(1 << 30)))
        case "hog":
            return len(bytearray(8 << 30))
        case "bug":
            raise ZeroDivisionError("a bug in the job")
        case "video":
            raise VideoError("v.mp4", "a reason")
        case "pid":
            return os.getpid()
        case "modules":
            return sorted(sys.modules)
        case "environment":
            return dict(os.environ)
        case "big":
            return bytes(1 << 20)
    return job


def sleep_and_tell(folder: str) -> None:
    """Writes this process's id to a file and hangs."""
    (Path(folder) / str(os.getpid())).touch()
    time.sleep(600)
