"""How the videos are found and what is read from their names: the choices of one listing."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pipeline.clips.source import InputFormat
from pipeline.errors import UsageError

Groups = Literal["auto", "parent-folder", "none"]


@dataclass(frozen=True, kw_only=True)
class ListingOptions:
    """What a person may decide about the list of videos; every default asks the input itself.

    Attributes:
        input_format: how the input is to be read; `auto`: found out from what is there.
        list_number: which of the numbered lists (trainlist01, trainlist02) is meant; None: the first.
        class_names: file with the class names for lists whose labels are numbers.
        root: folder that the paths of a CSV or a list are relative to; None: found.
        allow_outside: take videos that lie outside of the folder that was given.
        frame_rate: of folders of frame images; without it they are left out.
        groups: where groups come from: `auto`: from the input, if it has any; `parent-folder`; `none`.
        group_column: the CSV's column that says what must not be split.
        group_regex: searched in each path; what it captures names the group.
    """

    input_format: InputFormat | Literal["auto"] = "auto"
    list_number: int | None = None
    class_names: Path | None = None
    root: Path | None = None
    allow_outside: bool = False
    frame_rate: float | None = None
    groups: Groups = "auto"
    group_column: str | None = None
    group_regex: str | None = None

    def __post_init__(self) -> None:
        if self.frame_rate is not None and not 0 < self.frame_rate <= 1000:
            raise UsageError(
                f"--frame-rate is {self.frame_rate}; allowed: above 0, up to 1000 frames a second."
            )
        if self.list_number is not None and self.list_number < 0:
            raise UsageError(f"--list-number is {self.list_number}; allowed: 0 or more.")
        self._check_choice("--input-format", self.input_format, ("auto", *get_args(InputFormat)))
        self._check_choice("--groups", self.groups, get_args(Groups))
        ways = {
            "--group-column": self.group_column is not None,
            "--group-regex": self.group_regex is not None,
            f"--groups {self.groups}": self.groups != "auto",
        }
        given = [flag for flag, is_given in ways.items() if is_given]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)} both say what a group is. Give one of them.")
        if self.group_regex is not None:
            try:
                re.compile(self.group_regex)
            except re.error as error:
                place = "" if error.pos is None else f" at character {error.pos + 1}"
                raise UsageError(
                    f"--group-regex {self.group_regex!r} is no regular expression: {error.msg}{place}. "
                    r"Example: (person\d+) takes person07 out of walk/person07_a.mp4."
                ) from None

    @staticmethod
    def _check_choice(flag: str, value: str, allowed: tuple[str, ...]) -> None:
        if value not in allowed:
            raise UsageError(f"{flag} is {value!r}; allowed: {', '.join(allowed)}.")
