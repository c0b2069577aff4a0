"""A finding: one thing that was looked at in the data, how bad it is, and what to do about it."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Severity = Literal["ok", "note", "warning", "problem"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the audit.

    Attributes:
        name: what was looked at.
        severity: `ok`; `note`: good to know; `warning`: results may mean less than they seem to;
            `problem`: results on this data are not to be trusted.
        text: what was found, a sentence with numbers.
        remedy: what to do about it; "" where nothing is to be done.
        facts: the same for programs, JSON-ready.
    """

    name: str
    severity: Severity
    text: str
    remedy: str = ""
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready values."""
        return {
            "name": self.name,
            "severity": self.severity,
            "text": self.text,
            "remedy": self.remedy,
            "facts": self.facts,
        }
