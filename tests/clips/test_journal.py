import os
from pathlib import Path

import pytest

from pipeline.clips.clip_rule import ClipRule
from pipeline.clips.extracted import Extracted
from pipeline.clips.journal import JournalWriter, journal_path, read_journal, write_journal
from pipeline.errors import MachineError
from pipeline.spec import ClipSpec


def record(number: int) -> Extracted:
    return Extracted(
        id=f"clip-{number}", source_id=f"clip-{number}", fingerprint="1:2", status="failed", reason="no frame"
    )


def test_records_are_there_as_soon_as_they_were_added(tmp_path: Path) -> None:
    journal_path(tmp_path).parent.mkdir()
    write_journal(tmp_path, ClipSpec(), ClipRule(), {})
    with JournalWriter(tmp_path) as journal:
        for number in range(3):
            journal.add(f"clip-{number}", (record(number),))
            assert len(read_journal(tmp_path)[1]) == number + 1
    assert read_journal(tmp_path)[1] == {f"clip-{n}": (record(n),) for n in range(3)}


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("this system has no /dev/full")
    journal_path(tmp_path).parent.mkdir()
    journal_path(tmp_path).symlink_to("/dev/full")
    with (
        pytest.raises(MachineError, match=r"cannot write .*journal\.jsonl: No space left on device"),
        JournalWriter(tmp_path) as journal,
    ):
        journal.add("clip-0", (record(0),))
    journal_path(tmp_path).unlink()
    journal_path(tmp_path).mkdir()
    with pytest.raises(MachineError, match=r"cannot write .*journal\.jsonl"):
        JournalWriter(tmp_path)
