"""The three standard descriptors of this process: whatever else is opened must not get their numbers."""

import os


def open_closed_descriptors() -> None:
    """Opens the null device on those of stdin, stdout and stderr that are closed (`>&-`, a service manager).

    A pipe to a worker would get the free number else, and the worker sends its stdout and stderr to a log.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:  # another thread took the number meanwhile, or a smaller one is free
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)  # closed in a worker, it would be free there
