"""What `doctor` finds about the machine and its packages: Python, torch, cores, memory, disks, fonts."""

import contextlib
import os
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from pipeline.cli.findings import Finding, ProbeAnswer

_OLDEST_PYTHON = (3, 11)
_SMALL_DISK_BYTES = 2 * 10**9
_NO_DISK_BYTES = 100 * 10**6
_SMALL_MEMORY_BYTES = 3 * 10**9

# A letter of each script, and the system package that brings a font for it on Debian and Ubuntu.
_SCRIPTS = {
    "Hangul": ("한", "fonts-noto-cjk"),
    "Chinese": ("漢", "fonts-noto-cjk"),
    "Japanese": ("か", "fonts-noto-cjk"),
    "Arabic": ("ع", "fonts-dejavu"),
    "Hebrew": ("ש", "fonts-dejavu"),
    "Cyrillic": ("Ж", "fonts-dejavu"),
    "Devanagari": ("अ", "fonts-noto-core"),
    "Thai": ("ก", "fonts-noto-core"),
    "emoji": ("🎥", "fonts-symbola"),
}
_EXTRAS = {
    "onnx": (
        ("onnx", "onnxscript", "onnxruntime"),
        "export, and the fast way to run a frozen backbone on a CPU",
    ),
    "tensorboard": (("tensorboard",), "training curves in a browser"),
    "timm": (("timm",), "more backbones"),
}


def python_finding() -> Finding:
    """The Python that runs."""
    version = sys.version.split()[0]
    facts = {"version": version, "executable": sys.executable}
    text = f"{version}, {sys.executable}"
    if sys.version_info < _OLDEST_PYTHON:
        return Finding(
            name="python", text=text, status="problem", remedy="Python 3.11 or newer is needed", facts=facts
        )
    return Finding(name="python", text=text, facts=facts)


def torch_findings(torch: ProbeAnswer) -> list[Finding]:
    """Torch, torchvision and the device that training would use."""
    if torch.first("version") is None:
        return [package_finding("torch", torch)]
    vision_lines = tuple({"version": line["torchvision"]} for line in torch.lines if "torchvision" in line)
    findings = [
        package_finding("torch", ProbeAnswer(lines=torch.lines, failure="")),
        package_finding("torchvision", ProbeAnswer(lines=vision_lines, failure=torch.failure)),
    ]
    devices = [line for line in torch.lines if "device" in line]
    working = [line for line in devices if not line["error"]]
    words = [
        f"{line['device']} {line['name']}"
        + (f", {line['memory_bytes'] / 1e9:.0f} GB" if line["memory_bytes"] else "")
        for line in working
    ]
    facts = {"devices": devices}
    if broken := [line for line in devices if line["error"]]:
        findings.append(
            Finding(
                name="device",
                text="; ".join([*words, *(f"{line['device']} fails: {line['error']}" for line in broken)]),
                status="warning",
                remedy="install a torch that fits the graphics card and its driver "
                "(pytorch.org, Get Started), or use --device cpu",
                facts=facts,
            )
        )
    elif not working and Path("/dev/nvidiactl").exists():
        build = torch.first("cuda_build")
        reason = f"this torch is built for CUDA {build}" if build else "this torch is built without CUDA"
        findings.append(
            Finding(
                name="device",
                text=f"CPU only, although there is an NVIDIA card: {reason}",
                status="warning",
                remedy="update the driver, or install a torch that fits it (pytorch.org, Get Started)",
                facts=facts,
            )
        )
    else:
        findings.append(Finding(name="device", text="; ".join(words) or "CPU", facts=facts))
    return findings


def package_finding(name: str, answer: ProbeAnswer) -> Finding:
    """A package that Clipwise needs."""
    version = answer.first("version")
    if version is not None and not answer.failure:
        return Finding(name=name, text=str(version), facts={"version": version})
    reason = answer.failure or "it gave no answer"
    return Finding(
        name=name,
        text=f"cannot be imported: {reason}",
        status="problem",
        remedy=f"{sys.executable} -m pip install --force-reinstall --no-deps {_requirement(name)}",
    )


def _requirement(name: str) -> str:
    """The package as Clipwise asks for it, quoted for a shell."""
    try:
        asked = metadata.requires("clipwise") or []
    except metadata.PackageNotFoundError:
        asked = []
    for requirement in asked:
        if requirement.startswith(name) and not requirement[len(name)].isalnum() and ";" not in requirement:
            return f"'{requirement}'"
    return name


def core_finding() -> Finding:
    """CPU cores that this process may use."""
    total = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else total
    text = f"{usable} cores" if usable == total else f"{usable} of {total} cores"
    return Finding(name="cpu", text=text, facts={"usable": usable, "total": total})


def memory_finding() -> Finding:
    """Memory of the machine, or what its container allows where that is less."""
    total = _memory_bytes()
    if total is None:
        return Finding(name="memory", text="size unknown")
    facts = {"total_bytes": total}
    text = f"{total / 1e9:.1f} GB"
    if total < _SMALL_MEMORY_BYTES:
        return Finding(
            name="memory",
            text=text,
            status="warning",
            remedy="training may need more: use --backbone tiny, or a smaller --batch-size",
            facts=facts,
        )
    return Finding(name="memory", text=text, facts=facts)


def _memory_bytes() -> int | None:
    try:
        total = int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):  # Windows
        return None
    with contextlib.suppress(OSError, ValueError):  # no container, or "max"
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total


def disk_findings() -> list[Finding]:
    """Free space here, where weights and features are cached, and where temporary files go."""
    return [
        _disk_finding("disk here", Path.cwd(), "choose another place for --out"),
        _disk_finding("disk of caches", _cache_folder(), "set XDG_CACHE_HOME to a folder on a larger disk"),
        _disk_finding(
            "disk of temporary files", Path(tempfile.gettempdir()), "set TMPDIR to a folder on a larger disk"
        ),
    ]


def _cache_folder() -> Path:
    try:
        import platformdirs

        return Path(platformdirs.user_cache_dir("clipwise", appauthor=False))
    except ImportError:
        return Path.home() / ".cache"


def _disk_finding(name: str, folder: Path, remedy: str) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        free = shutil.disk_usage(existing).free
    except OSError as error:
        return Finding(name=name, text=f"{folder}: {error.strerror}", status="problem", remedy=remedy)
    facts = {"folder": str(folder), "free_bytes": free}
    text = f"{free / 1e9:.1f} GB free, {folder}"
    if not os.access(existing, os.W_OK):
        return Finding(name=name, text=f"{text}: not writable", status="warning", remedy=remedy, facts=facts)
    if free < _SMALL_DISK_BYTES:
        status = "problem" if free < _NO_DISK_BYTES else "warning"
        advice = f"free some space, or {remedy}; 10,000 clips take 18 GB"
        return Finding(name=name, text=text, status=status, remedy=advice, facts=facts)  # type: ignore[arg-type]
    return Finding(name=name, text=text, facts=facts)


def font_finding() -> Finding:
    """Which scripts can be drawn in pictures; the others are spelled in ASCII there."""
    try:
        from pipeline.report.text import can_join_letters, missing_characters

        missing = [script for script, (letter, _) in _SCRIPTS.items() if missing_characters(letter)]
        joins = can_join_letters()
    except ImportError as error:
        remedy = f"{sys.executable} -m pip install --force-reinstall {_requirement('matplotlib')}"
        return Finding(name="fonts", text=f"no pictures: {error}", status="problem", remedy=remedy)
    drawn = [script for script in _SCRIPTS if script not in missing]
    if not joins:
        missing += [script for script in ("Arabic", "Hebrew", "Devanagari") if script in drawn]
        drawn = [script for script in drawn if script not in missing]
    facts = {"drawn": drawn, "spelled": missing}
    text = f"pictures draw Latin {' '.join(drawn)}"
    if not missing:
        return Finding(name="fonts", text=text, facts=facts)
    packages = sorted({_SCRIPTS[script][1] for script in missing})
    return Finding(
        name="fonts",
        text=f"{text}; spelled in Latin letters: {' '.join(missing)}",
        status="note",
        remedy="for labels in those scripts install a font "
        f"(Debian, Ubuntu: apt install {' '.join(packages)})",
        facts=facts,
    )


def extra_findings() -> list[Finding]:
    """Optional packages."""
    findings = []
    for name, (packages, purpose) in _EXTRAS.items():
        versions = {package: _version(package) for package in packages}
        missing = [package for package, version in versions.items() if version is None]
        if missing:
            findings.append(
                Finding(
                    name=name,
                    text=f"not installed ({purpose})",
                    status="note",
                    remedy=f"if you want it: {sys.executable} -m pip install {' '.join(missing)}",
                    facts=versions,
                )
            )
        else:
            text = ", ".join(f"{package} {version}" for package, version in versions.items())
            findings.append(Finding(name=name, text=text, facts=versions))
    return findings


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
