"""Says what this machine can do, what is wrong with it, and what to do about that.

Each package is tried in a process of its own, so this works when OpenCV cannot be imported or torch is
missing. Ends with 0 when all that Clipwise needs works, with 3 when something does not.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.cli.findings import Finding, Probe
from pipeline.cli.machine_findings import (
    core_finding,
    disk_findings,
    extra_findings,
    font_finding,
    memory_finding,
    package_finding,
    python_finding,
    torch_findings,
)
from pipeline.cli.opencv_findings import opencv_findings, sample_videos

_NEEDED_PACKAGES = ("albumentations", "sklearn", "safetensors", "pebble")
_MARKS = {"ok": "ok", "note": "-", "warning": "!", "problem": "X"}
_EXIT_MACHINE = 3


@dataclass(frozen=True)
class Options:
    """Options of `clipwise doctor`."""

    json: bool = False
    """Print one JSON object instead of a table."""


def run(options: Options) -> int:
    """Looks, prints, and tells by the exit code whether Clipwise can work here."""
    findings = examine()
    print(_as_json(findings) if options.json else _as_table(findings))
    return _EXIT_MACHINE if any(finding.status == "problem" for finding in findings) else 0


def examine() -> list[Finding]:
    """All findings, in the order of the report. Takes about as long as importing torch."""
    probes = {"torch": Probe("torch"), "opencv": Probe("opencv", *map(str, sample_videos()))}
    try:
        probes |= {name: Probe("import", name) for name in _NEEDED_PACKAGES}
        fonts, extras = font_finding(), extra_findings()  # while the probes are at work
        return [
            python_finding(),
            *torch_findings(probes["torch"].answer()),
            core_finding(),
            memory_finding(),
            *opencv_findings(probes["opencv"].answer()),
            *(package_finding(name, probes[name].answer()) for name in _NEEDED_PACKAGES),
            *disk_findings(),
            fonts,
            *extras,
        ]
    finally:
        for probe in probes.values():
            probe.stop()


def _as_json(findings: Sequence[Finding]) -> str:
    from pipeline import __version__
    from pipeline.files import json_text

    return json_text(
        {
            "clipwise": __version__,
            "ok": not any(finding.status == "problem" for finding in findings),
            "findings": {
                finding.name: {
                    "status": finding.status,
                    "text": finding.text,
                    "remedy": finding.remedy,
                    **finding.facts,
                }
                for finding in findings
            },
        }
    )


def _as_table(findings: Sequence[Finding]) -> str:
    from pipeline import __version__

    width = max(len(finding.name) for finding in findings)
    lines = [f"clipwise {__version__} on {sys.platform}", ""]
    lines += [
        f"  {_MARKS[finding.status]:<2}  {finding.name:<{width}}  {finding.text}" for finding in findings
    ]
    for status, heading in (
        ("problem", "Does not work, and is needed:"),
        ("warning", "Works, but could be better:"),
        ("note", "Optional:"),
    ):
        chosen = [finding for finding in findings if finding.status == status]
        if chosen:
            lines += ["", heading]
            lines += [f"  {_MARKS[status]}  {finding.name}: {finding.remedy}" for finding in chosen]
    if all(finding.status != "problem" for finding in findings):
        lines += ["", "All that Clipwise needs works here."]
    return "\n".join(lines)
