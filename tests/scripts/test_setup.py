"""scripts/setup on machines that lack something: one clear line each, exit code 3, nothing half-made kept."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# All that a small Debian has; no compiler, no git, no ffmpeg, and no python but the one a test puts there.
TOOLS = ["bash", "env", "dirname", "cat", "head", "tail", "grep", "find", "rm", "mkdir", "mv", "tee", "flock"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a bash script")


@pytest.fixture
def machine(tmp_path: Path) -> "Machine":
    return Machine(tmp_path)


class Machine:
    """A project folder and a PATH of its own."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "my project"
        self.bin = folder / "bin"
        (self.project / "scripts").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(ROOT / "scripts" / "setup", self.project / "scripts")
        shutil.copy(ROOT / "pyproject.toml", self.project)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None, tool
            (self.bin / tool).symlink_to(found)

    def add(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!{shutil.which('bash')}\n{script}\n")
        path.chmod(0o755)

    def add_python(
        self, name: str = "python3", version: str = "3.12.1", *, modules: str = "venv ensurepip"
    ) -> None:
        """A stand-in that answers setup's questions; `-m venv` puts a copy of it into `.venv`."""
        self.add(name, FAKE_PYTHON.format(version=version, modules=modules, log=self.project / "calls.log"))

    def setup(self, *arguments: str, cwd: Path | None = None, **environment: str) -> tuple[int, list[str]]:
        done = subprocess.run(
            [str(self.project / "scripts" / "setup"), *arguments],
            env={"PATH": str(self.bin), "HOME": str(self.project), **environment},
            cwd=cwd or self.project.parent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.stdout == ""
        return done.returncode, done.stderr.splitlines()

    def pip_calls(self) -> list[str]:
        log = self.project / "calls.log"
        return (
            [line for line in log.read_text().splitlines() if " pip install " in line] if log.exists() else []
        )


# Answers what setup asks of a Python. The environment's answers come from files beside it, so that a test
# can say: pip fails like this, cv2 cannot be imported.
FAKE_PYTHON = r"""
echo "python $*" >> "{log}"
here=$(dirname "$0")
case "$*" in
  *platform.python_version*) echo {version} ;;
  *version_info*) v="{version}"; v=${{v#3.}}; [ "${{v%%.*}}" -ge 11 ] ;;
  *"import venv, ensurepip"*) case "{modules}" in "venv ensurepip") exit 0 ;; *) exit 1 ;; esac ;;
  *disk_usage*) cat "$here/free_gb" 2>/dev/null || echo 100 ;;
  *"-m venv"*) target="${{@: -1}}"; mkdir -p "$target/bin"; echo home > "$target/pyvenv.cfg"
     cat "$0" > "$target/bin/python"; chmod +x "$target/bin/python"
     echo "#!$target/bin/python" > "$target/bin/pip" ;;
  *"-m pip install"*headless*) rm -f "$here/cv2_broken" ;;
  *"-m pip install"*) [ -e "$here/../../pip_says" ] && {{ cat "$here/../../pip_says"; exit 1; }}; exit 0 ;;
  *"import cv2"*) [ ! -e "$here/cv2_broken" ] ;;
  *"import torch"*) exit 1 ;;
  *hashlib*) cat pyproject.toml | {{ read -r first; echo "fingerprint of $first and ${{@: -2}}"; }} ;;
  *importlib.metadata*) echo 4.14.0.94 ;;
esac
"""


@pytest.fixture
def working(machine: Machine) -> Machine:
    machine.add_python()
    (machine.bin / "chmod").symlink_to(str(shutil.which("chmod")))  # for the stand-in alone
    return machine


def test_no_python(machine: Machine) -> None:
    code, lines = machine.setup()
    assert code == 3
    assert lines == [
        "setup: no Python 3.11 or newer found; install one, or name it: PYTHON=/path/to/python3.12"
    ]
    assert not (machine.project / ".venv").exists()


def test_too_old_python(machine: Machine) -> None:
    machine.add_python(version="3.9.18")
    code, lines = machine.setup()
    assert code == 3
    assert len(lines) == 1
    assert "no Python 3.11 or newer found (python3 is 3.9.18)" in lines[0]


def test_a_launcher_without_its_python_is_passed_over(machine: Machine) -> None:
    machine.add("python3.13", "echo 'python3.13: command not found' >&2; exit 127")
    machine.add_python(version="3.10.0")
    code, lines = machine.setup()
    assert code == 3
    assert "python3 is 3.10.0" in lines[0]


def test_no_venv_module(machine: Machine) -> None:
    machine.add_python(modules="venv")
    code, lines = machine.setup()
    assert code == 3
    assert len(lines) == 1
    assert "python3 (3.12.1) has no venv module" in lines[0]
    assert "apt install python3-venv" in lines[0]


@pytest.mark.parametrize(
    ("version", "word"), [("3.8.1", "is Python 3.8.1; 3.11 or newer"), ("", "cannot be run")]
)
def test_a_named_python_that_will_not_do(working: Machine, version: str, word: str) -> None:
    if version:
        working.add_python("mine", version)
    code, lines = working.setup(PYTHON="mine")
    assert code == 3
    assert len(lines) == 1
    assert word in lines[0]


def test_a_disk_with_too_little_room(working: Machine) -> None:
    (working.bin / "free_gb").write_text("2\n")
    code, lines = working.setup()
    assert code == 3
    assert lines == [
        f"setup: the disk of {working.project} has 2 GB free; installing needs about 10 GB. Free some space"
    ]


@pytest.mark.parametrize(
    ("pip_says", "line"),
    [
        (
            "WARNING: Retrying: NewConnectionError(...)\nERROR: No matching distribution found for torch",
            "no package index can be reached",
        ),
        ("ERROR: No matching distribution found for torch>=2.10", "the package index has no torch>=2.10"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: something else", "pip could not install"),
    ],
)
def test_a_failing_pip_is_explained_and_tried_again(working: Machine, pip_says: str, line: str) -> None:
    (working.project / "pip_says").write_text(pip_says + "\n")
    code, lines = working.setup()
    assert code == 3
    assert line in lines[-1]
    assert pip_says in (working.project / ".venv" / "install.log").read_text()
    (working.project / "pip_says").unlink()
    assert working.setup()[0] == 0, "the next run goes on"


def test_installs_once_and_again_when_something_changed(working: Machine) -> None:
    assert working.setup()[0] == 0
    assert len(working.pip_calls()) == 1
    assert working.setup(cwd=Path("/")) == (0, []), "a second run says nothing, from any folder"
    assert len(working.pip_calls()) == 1
    assert working.setup("test")[0] == 0
    assert "-e .[test]" in working.pip_calls()[-1]
    assert working.setup() == (0, []), "the test environment serves for the plain one"
    pyproject = working.project / "pyproject.toml"
    pyproject.write_text("# changed\n" + pyproject.read_text())
    assert working.setup()[0] == 0
    assert len(working.pip_calls()) == 3


@pytest.mark.parametrize("left", ["folders", "no pip", "moved"])
def test_a_half_made_environment_is_made_anew(working: Machine, left: str) -> None:
    venv = working.project / ".venv"
    if left == "folders":
        (venv / "lib" / "python3.12").mkdir(parents=True)
    else:
        assert working.setup()[0] == 0
        if left == "no pip":
            (venv / "bin" / "pip").unlink()
        else:
            (venv / "bin" / "pip").write_text("#!/elsewhere/.venv/bin/python\n")
    code, lines = working.setup()
    assert code == 0
    assert "making it anew" in lines[0]
    assert working.setup() == (0, [])


def test_a_strange_folder_named_venv_is_left_alone(working: Machine) -> None:
    (working.project / ".venv").mkdir()
    (working.project / ".venv" / "precious").write_text("mine")
    code, lines = working.setup()
    assert code == 3
    assert "is in the way" in lines[0]
    assert (working.project / ".venv" / "precious").read_text() == "mine"


def test_opencv_that_cannot_be_imported_is_mended(working: Machine) -> None:
    assert working.setup()[0] == 0
    (working.project / ".venv" / "bin" / "cv2_broken").touch()
    code, lines = working.setup()
    assert code == 0
    assert "OpenCV cannot be imported" in lines[0]
    assert "--force-reinstall --no-deps opencv-python-headless==4.14.0.94" in working.pip_calls()[-1]


@pytest.mark.slow
def test_real_venv_without_an_index(machine: Machine) -> None:
    code, lines = machine.setup(PYTHON=sys.executable, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert code == 3
    assert "the package index has no hatchling" in lines[-1]
