"""What `doctor` finds about OpenCV: which of the two wheels won, its FFmpeg, and what it decodes.

`opencv-python` and `opencv-python-headless` both own the folder `cv2`; the one installed last wins. The first
needs libGL.so.1, which servers lack; removing either leaves the folder empty.

The samples in `codec_samples/` are made by `scripts/make_codec_samples`.
"""

import importlib.util
import re
import sys
from importlib import metadata
from pathlib import Path

from pipeline.cli.findings import Finding, ProbeAnswer

SAMPLES = Path(__file__).with_name("codec_samples")
_WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_NEEDED_CODECS = frozenset({"h264", "mpeg4"})  # what cameras and phones write, and what our own scripts write
_WANTED_CODECS = frozenset({"hevc", "vp8", "vp9", "av1", "mjpeg"})


def sample_videos() -> tuple[Path, ...]:
    """One tiny video for each codec; the name of the file is that of the codec."""
    return tuple(sorted(path for path in SAMPLES.iterdir() if path.is_file()))


def opencv_findings(answer: ProbeAnswer) -> list[Finding]:
    """Findings from the answer of the probe `opencv` to all of `sample_videos()`."""
    wheels = installed_wheels()
    winner = winning_wheel()
    facts = {"version": answer.first("version"), "wheels": wheels, "winner": winner}
    remedy = f"reinstall the headless wheel last: {headless_line(wheels)}"
    if answer.first("version") is None:
        reason = answer.failure or "it gave no answer"
        if "libGL" in reason or "libgthread" in reason:
            reason += "; the wheel for desktops won, and this machine lacks its graphics libraries"
        elif wheels and ("No module named 'cv2'" in reason or "has no attribute" in reason):
            reason += "; removing one OpenCV wheel has emptied the folder of the other"
        return [
            Finding(
                name="opencv",
                text=f"cannot be imported: {reason}",
                status="problem",
                remedy=remedy,
                facts=facts,
            )
        ]
    text = f"{answer.first('version')}, {winner or 'an unknown build'} ({_in_words(wheels)})"
    if len(set(wheels.values())) > 1:
        finding = Finding(
            name="opencv",
            text=f"{text}: wheels of different versions share one folder",
            status="warning",
            remedy=remedy,
            facts=facts,
        )
    elif not str(answer.first("version")).startswith("4."):
        finding = Finding(
            name="opencv",
            text=f"{text}: untested with Clipwise, whose versions are 4.14 and newer 4.x",
            status="warning",
            remedy=f"{sys.executable} -m pip install "
            "'opencv-python-headless>=4.14.0.94,<5' 'opencv-python>=4.14.0.94,<5'",
            facts=facts,
        )
    else:
        finding = Finding(name="opencv", text=text, facts=facts)
    return [finding, _ffmpeg_finding(answer), _codec_finding(answer, remedy)]


def _ffmpeg_finding(answer: ProbeAnswer) -> Finding:
    version = str(answer.first("ffmpeg") or "")
    if not version:
        return Finding(
            name="ffmpeg",
            text="this OpenCV was built without FFmpeg",
            status="problem",
            remedy=f"use the wheel from the package index: {headless_line(installed_wheels())}",
        )
    return Finding(name="ffmpeg", text=f"{version}, inside OpenCV", facts={"version": version})


def _codec_finding(answer: ProbeAnswer, remedy: str) -> Finding:
    """What was really decoded; what a crash kept the probe from trying counts as not decoded."""
    frames = {Path(line["video"]).stem: line["num_frames"] for line in answer.lines if "video" in line}
    decoded = [path.stem for path in sample_videos() if frames.get(path.stem, 0) > 0]
    missing = [path.stem for path in sample_videos() if path.stem not in decoded]
    text = " ".join(decoded) or "nothing"
    if answer.failure:
        text += f" (then OpenCV {answer.failure})"
    if missing:
        text += f"; not {' '.join(missing)}"
    facts = {"decoded": decoded, "missing": missing}
    if _NEEDED_CODECS.intersection(missing):
        return Finding(name="decodes", text=text, status="problem", remedy=remedy, facts=facts)
    if _WANTED_CODECS.intersection(missing):
        advice = f"videos in these codecs cannot be read; {remedy}"
        return Finding(name="decodes", text=text, status="warning", remedy=advice, facts=facts)
    return Finding(name="decodes", text=text, facts=facts)


def installed_wheels() -> dict[str, str]:
    """The OpenCV distributions that are installed, with their versions."""
    versions = {}
    for name in _WHEELS:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def winning_wheel() -> str:
    """Whose files are in the folder `cv2`: read there, without importing it. Empty when it cannot be told."""
    try:
        spec = importlib.util.find_spec("cv2")
        if spec is None or spec.origin is None:
            return ""
        notes = Path(spec.origin).with_name("version.py").read_text("utf-8", "replace")
    except (OSError, ValueError, ImportError):
        return ""
    truths = dict(re.findall(r"^(headless|contrib) = (True|False)$", notes, flags=re.MULTILINE))
    if "headless" not in truths:
        return ""
    kind = "the headless wheel" if truths["headless"] == "True" else "the wheel for desktops"
    return f"{kind} with contrib" if truths.get("contrib") == "True" else kind


def headless_line(wheels: dict[str, str]) -> str:
    """The command that puts the headless wheel over whatever is there, in the version that is installed."""
    version = wheels.get("opencv-python-headless") or wheels.get("opencv-python")
    pin = f"=={version}" if version else ""
    return f"{sys.executable} -m pip install --force-reinstall --no-deps opencv-python-headless{pin}"


def _in_words(wheels: dict[str, str]) -> str:
    if not wheels:
        return "installed without pip"
    return "installed: " + ", ".join(f"{name} {version}" for name, version in wheels.items())
