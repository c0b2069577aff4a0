"""What a source of jobs says when it does not know its next job yet."""

import enum
from typing import Final


class NotYet(enum.Enum):
    """Its only member, `NOT_YET`, stands in the place of a job: ask again a little later."""

    NOT_YET = enum.auto()


NOT_YET: Final = NotYet.NOT_YET
