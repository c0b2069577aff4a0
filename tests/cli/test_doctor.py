"""clipwise doctor, on this machine and on broken ones: stand-in packages come first on the path."""

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import machine_findings, opencv_findings
from pipeline.cli.doctor import Options, examine, run
from pipeline.cli.findings import Finding, Probe, ProbeAnswer

ROOT = Path(__file__).resolve().parents[2]

GOOD_TORCH = """
__version__ = "2.99"
class version: cuda = None
class cuda:
    @staticmethod
    def device_count(): return 0
class backends:
    class mps:
        @staticmethod
        def is_available(): return False
def get_num_threads(): return 2
"""
GOOD_CV2 = """
__version__ = "4.14.0"
CAP_FFMPEG = 1900
def getBuildInformation(): return "  avcodec:   YES (62.28.102)"
class VideoCapture:
    def __init__(self, path, backend): self.left = 2
    def read(self): self.left -= 1; return self.left >= 0, None
    def release(self): pass
"""


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """A folder of packages that work and cost nothing; a test breaks one of them."""
    folder = tmp_path / "stand_ins"
    folder.mkdir()
    for name in ("torchvision", "albumentations", "sklearn", "safetensors", "pebble"):
        (folder / f"{name}.py").write_text('__version__ = "1.0"')
    (folder / "torch.py").write_text(GOOD_TORCH)
    (folder / "cv2.py").write_text(GOOD_CV2)
    return folder


def doctor(stand_ins: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli.main", "doctor", *arguments],
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(stand_ins), str(ROOT)))},
        cwd=stand_ins.parent,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def findings_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stderr == ""
    (line,) = done.stdout.splitlines()
    answer = json.loads(line)
    assert answer["ok"] == (done.returncode == 0)
    found = answer["findings"]
    assert isinstance(found, dict)
    return found


def test_this_machine() -> None:
    """The real packages, which the test environment has."""
    findings = {finding.name: finding for finding in examine()}
    assert not [finding for finding in findings.values() if finding.status == "problem"]
    assert metadata.version("torch").startswith(findings["torch"].text.split("+")[0])
    assert metadata.version("torchvision").startswith(findings["torchvision"].text.split("+")[0])
    assert findings["device"].text
    assert findings["opencv"].facts["wheels"]["opencv-python"] == metadata.version("opencv-python")
    assert {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg"} <= set(
        findings["decodes"].facts["decoded"]
    )
    assert findings["ffmpeg"].text[0].isdigit()
    assert findings["python"].text.startswith(sys.version.split()[0])


def test_all_well_ends_with_0(stand_ins: Path) -> None:
    done = doctor(stand_ins)
    assert done.returncode == 0
    assert "All that Clipwise needs works here." in done.stdout
    assert "2.99" in done.stdout
    assert "X" not in [line.split()[0] for line in done.stdout.splitlines() if line.strip()]


def test_opencv_without_libgl_and_no_torch(stand_ins: Path) -> None:
    (stand_ins / "cv2.py").write_text('raise ImportError("libGL.so.1: cannot open shared object file")')
    (stand_ins / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")")
    done = doctor(stand_ins, "--json")
    assert done.returncode == 3
    found = findings_of(done)
    assert found["opencv"]["status"] == "problem"
    assert "libGL.so.1" in found["opencv"]["text"]
    assert "the wheel for desktops won" in found["opencv"]["text"]
    assert "--force-reinstall --no-deps opencv-python-headless==" in found["opencv"]["remedy"]
    assert found["torch"]["status"] == "problem"
    assert "No module named 'torch'" in found["torch"]["text"]
    assert "'torch>=" in found["torch"]["remedy"], "the version that Clipwise asks for"
    assert "device" not in found
    assert found["albumentations"]["status"] == "ok", "the others are still looked at"


def test_a_decoder_that_crashes_is_survived(stand_ins: Path) -> None:
    crash = "import os, signal\n" + GOOD_CV2.replace(
        "self.left = 2", "self.left = os.kill(os.getpid(), signal.SIGSEGV) if 'h264' in path else 2"
    )
    (stand_ins / "cv2.py").write_text(crash)
    done = doctor(stand_ins, "--json")
    assert done.returncode == 3
    found = findings_of(done)
    assert found["decodes"]["decoded"] == ["av1", "ffv1", "flv1"]
    assert "h264" in found["decodes"]["missing"]
    assert "signal 11" in found["decodes"]["text"]


def test_the_table_says_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [
        Finding(name="one", text="fine"),
        Finding(name="two", text="slow", status="warning", remedy="be patient"),
        Finding(name="three", text="gone", status="problem", remedy="bring it back"),
    ]
    monkeypatch.setattr("pipeline.cli.doctor.examine", lambda: told)
    assert run(Options()) == 3
    out = capsys.readouterr().out
    assert "three: bring it back" in out
    assert "two: be patient" in out
    assert "All that Clipwise needs" not in out
    monkeypatch.setattr("pipeline.cli.doctor.examine", lambda: told[:2])
    assert run(Options()) == 0


def opencv_answer(version: str = "4.14.0", ffmpeg: str = "8.1.2", missing: str = "") -> ProbeAnswer:
    videos = [
        {"video": str(path), "num_frames": 0 if path.stem in missing.split() else 2}
        for path in opencv_findings.sample_videos()
    ]
    return ProbeAnswer(lines=({"version": version, "ffmpeg": ffmpeg}, *videos), failure="")


@pytest.mark.parametrize(
    "case",
    [
        (opencv_answer(), {"opencv-python": "4.14.0.94"}, "opencv", "ok", "4.14.0"),
        (
            opencv_answer(),
            {"opencv-python": "4.14.0.94", "opencv-python-headless": "4.15.0.1"},
            "opencv",
            "warning",
            "different versions share one folder",
        ),
        (opencv_answer("5.0.0"), {"opencv-python": "5.0.0.93"}, "opencv", "warning", "untested"),
        (opencv_answer(ffmpeg=""), {}, "ffmpeg", "problem", "without FFmpeg"),
        (opencv_answer(missing="h264"), {}, "decodes", "problem", "not h264"),
        (opencv_answer(missing="av1 hevc"), {}, "decodes", "warning", "not av1 hevc"),
        (opencv_answer(missing="wmv2"), {}, "decodes", "ok", "not wmv2"),
    ],
)
def test_opencv_findings(
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[ProbeAnswer, dict[str, str], str, str, str],
) -> None:
    answer, wheels, name, status, words = case
    monkeypatch.setattr(opencv_findings, "installed_wheels", lambda: wheels)
    (finding,) = [finding for finding in opencv_findings.opencv_findings(answer) if finding.name == name]
    assert finding.status == status
    assert words in finding.text
    assert bool(finding.remedy) == (status != "ok")


@pytest.mark.parametrize(
    ("headless", "won"), [("True", "the headless wheel"), ("False", "the wheel for desktops")]
)
def test_the_winning_wheel_is_told_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headless: str, won: str
) -> None:
    folder = tmp_path / "cv2"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise ImportError('never import me')")
    (folder / "version.py").write_text(
        f'opencv_version = "4.14.0.94"\ncontrib = False\nheadless = {headless}\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    assert opencv_findings.winning_wheel() == won


def test_a_broken_graphics_card_is_a_warning() -> None:
    devices = (
        {"version": "2.99", "cuda_build": "13.0"},
        {
            "device": "cuda:0",
            "name": "Old Card",
            "memory_bytes": 8e9,
            "error": "RuntimeError: no kernel image",
        },
    )
    torch, vision, device = machine_findings.torch_findings(
        ProbeAnswer(lines=devices, failure="no torchvision")
    )
    assert torch.status == "ok"
    assert vision.status == "problem"
    assert "no torchvision" in vision.text
    assert device.status == "warning"
    assert "no kernel image" in device.text
    assert "--device cpu" in device.remedy


def test_a_full_disk_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 50 * 10**6

    monkeypatch.setattr("shutil.disk_usage", lambda _path: Usage)
    monkeypatch.chdir(tmp_path)
    here, *_ = machine_findings.disk_findings()
    assert here.status == "problem"
    assert "0.1 GB free" in here.text


def test_a_probe_ignores_what_packages_print(stand_ins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (stand_ins / "sklearn.py").write_text('print("hello"); print("[1, 2]"); __version__ = "7"')
    monkeypatch.setenv("PYTHONPATH", str(stand_ins))
    answer = Probe("import", "sklearn").answer()
    assert answer == ProbeAnswer(lines=({"version": "7"},), failure="")
