"""Workers are well where this process was started with closed standard descriptors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys
from pathlib import Path
from pipeline.video.streaming import stream_isolated
from pipeline.video.worker import WorkerPool
from tests.helpers.faults import run_fault

with WorkerPool() as pool:
    outcomes = [outcome for _, outcome in pool.map(run_fault, ["keep:1", "keep:2"])]
outcomes += list(stream_isolated(run_fault, "ab"))
Path(sys.argv[1]).write_text(repr(outcomes))
"""


@pytest.mark.skipif(os.name != "posix", reason="closes descriptors in a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_workers_where_descriptors_are_closed(closed: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", SCRIPT, str(tmp_path / "told")],
        cwd=ROOT, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "told").read_text() == "['keep:1', 'keep:2', 'a', 'b']"
