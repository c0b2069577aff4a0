"""Everything Clipwise raises on purpose.

    ClipwiseError                what a caller may catch; carries the command's exit code
    +-- UsageError           2   an option, path or list that cannot be right
    +-- MachineError     3   this machine lacks something: a package, disk space, a device, the network
    +-- UnusableError        4
    |   +-- StoreError           a clip store that cannot be used as it is
    |   +-- CheckpointError      a model file that cannot be used as it is
    |   +-- ConflictError        a finished or running job with other options in the same place
    +-- TrainingError        1   training could not go on (a loss that is not a number, say)
    +-- VideoError           1   one video that cannot become a clip; names the file and the reason

Every message says what was got, what is allowed, and what to do.
"""


class ClipwiseError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line ends with."""

    exit_code = 1


class UsageError(ClipwiseError):
    """An option, a path or an input list that cannot be right."""

    exit_code = 2


class MachineError(ClipwiseError):
    """Something this machine lacks: a package, disk space, permission, a device, the network."""

    exit_code = 3


class UnusableError(ClipwiseError):
    """A store, checkpoint or run folder that cannot be used for what was asked."""

    exit_code = 4


class StoreError(UnusableError):
    """A clip store that is missing, unreadable, of an unknown version, or unfit for the job."""


class CheckpointError(UnusableError):
    """A model file that is missing, unreadable, of an unknown version, or unfit for the job."""


class ConflictError(UnusableError):
    """The output folder belongs to a run with other options, or another process is using it."""


class TrainingError(ClipwiseError):
    """Training could not go on."""


class VideoError(ClipwiseError):
    """One video that cannot become a clip.

    Attributes:
        path: the file as it was named to us.
        reason: why, in words a person understands ("no frame could be decoded").
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple[type["VideoError"], tuple[str, str]]:
        return type(self), (self.path, self.reason)
