"""Files are whole or absent, folders have one owner, missing space is said before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import files
from pipeline.errors import ConflictError, MachineError

ROOT = Path(__file__).resolve().parents[1]


class _BrokenError(Exception):
    """Something goes wrong in the middle of writing."""


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _write_half(path: Path) -> None:
    with files.whole_file(path) as file:
        file.write(b"half")
        raise _BrokenError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_text(path, "old")
    files.write_text(path, "new")
    assert path.read_text() == "new"
    assert _names(tmp_path) == ["f"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_text(path, "old")
    with pytest.raises(_BrokenError):
        _write_half(path)
    assert path.read_text() == "old"
    assert _names(tmp_path) == ["f"]


def test_a_kill_leaves_the_old_file_and_a_leftover_that_can_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    files.write_text(path, "old")
    script = (
        "import os, signal, sys; from pathlib import Path; from pipeline.files import whole_file\n"
        "with whole_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, check=False)
    assert path.read_text() == "old"
    assert len(_names(tmp_path)) == 2
    files.remove_unfinished(tmp_path)
    assert _names(tmp_path) == ["f"]


def test_what_cannot_be_written_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"cannot write .*nowhere/f: No such file"):
        files.write_text(tmp_path / "nowhere" / "f", "x")
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="cannot make the folder"):
        files.make_folder(tmp_path / "file" / "folder")


def test_a_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="No space left on device") as caught:
        files.write_text(tmp_path / "f", "x")
    assert caught.value.exit_code == 3
    assert _names(tmp_path) == []


def test_space_is_checked_beforehand(tmp_path: Path) -> None:
    files.require_free_space(tmp_path, 1, purpose="a byte")
    with pytest.raises(MachineError, match=r"a store needs about 1000\.0 TB, but the disk of .* free"):
        files.require_free_space(tmp_path, 10**15, purpose="a store")


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from pipeline.files import owned_folder\n"
        "with owned_folder(Path(sys.argv[1])): pass\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    with files.owned_folder(tmp_path):
        other = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "ConflictError: another clipwise run is using" in other.stderr
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    with files.owned_folder(tmp_path):
        pass
    assert issubclass(ConflictError, Exception)


def test_json_is_sorted_readable_and_safe(tmp_path: Path) -> None:
    files.write_json(tmp_path / "f", {"b": "한글", "a": 1})
    assert (tmp_path / "f").read_text("utf-8") == '{\n  "a": 1,\n  "b": "한글"\n}\n'
    assert files.json_text({"name": "v\udcff.mp4"}) == '{"name": "v\\udcff.mp4"}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.json_text(float("nan"))


@pytest.mark.parametrize(
    ("count", "text"), [(999, "999 bytes"), (1_800_000, "1.8 MB"), (18 * 10**9, "18.0 GB")]
)
def test_sizes_for_people(count: int, text: str) -> None:
    assert files.format_bytes(count) == text


def test_hash_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    assert files.sha256_of_file(tmp_path / "f").startswith("ba7816bf8f01cfea")  # FIPS 180-2, B.1


def test_what_cannot_be_removed_or_moved_is_named(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-folder").mkdir()
    with pytest.raises(MachineError, match=r"cannot remove .*\.unfinished-folder"):
        files.remove_unfinished(tmp_path)
    files.remove_file(tmp_path / "not there")
    with pytest.raises(MachineError, match=r"cannot move .*not there to .*elsewhere"):
        files.move_file(tmp_path / "not there", tmp_path / "elsewhere")
