"""A finding of `doctor`: one fact about this machine, how good it is, and what to do about it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Status = Literal["ok", "note", "warning", "problem"]

_PROBE_LIMIT_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report.

    Attributes:
        name: what was looked at.
        text: what was found.
        status: `ok`; `note`: something optional is absent; `warning`: Clipwise works, but worse;
            `problem`: something that Clipwise needs is broken.
        remedy: what to do; empty when ok.
        facts: the same for programs.
    """

    name: str
    text: str
    status: Status = "ok"
    remedy: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ProbeAnswer:
    """What a probe said before it ended.

    Attributes:
        lines: its answers in order.
        failure: why it ended early; empty when it ended well.
    """

    lines: tuple[dict[str, Any], ...]
    failure: str

    def first(self, key: str) -> Any:
        """The first value said for a key; None if there is none."""
        return next((line[key] for line in self.lines if key in line), None)


class Probe:
    """A question asked in a process of its own, started at once and answered when it is needed."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            # -P: what lies in the folder of the question, or of the user, shadows no package
            [sys.executable, "-P", str(Path(__file__).with_name("probe.py")), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )

    def answer(self) -> ProbeAnswer:
        """Waits for the end of the probe, three minutes at the most."""
        failure = ""
        try:
            output, messages = self._process.communicate(timeout=_PROBE_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            output, messages = self._process.communicate()
            failure = f"gave no answer in {_PROBE_LIMIT_SECONDS:.0f} s"
        lines = tuple(_parsed(output.splitlines()))
        code = self._process.returncode
        if code and not failure:
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            last_words = "".join(messages.strip().splitlines()[-1:])
            failure = f"crashed with {how}" + (f": {last_words}" if last_words else "")
        said = next((str(line["failed"]) for line in lines if "failed" in line), "")
        return ProbeAnswer(lines=lines, failure=said or failure)

    def stop(self) -> None:
        """Ends a probe whose answer is not wanted any more."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def _parsed(lines: Sequence[str]) -> list[dict[str, Any]]:
    """The lines that are answers; packages may print other things while they are imported."""
    parsed = []
    for line in lines:
        try:
            value = json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict):
            parsed.append(value)
    return parsed
