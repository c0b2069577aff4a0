"""Entry of the command line: finds the command, runs it, turns errors into one line and an exit code."""

import contextlib
import difflib
import errno
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from pipeline.errors import ClipwiseError
from pipeline.video.descriptors import open_closed_descriptors

# command -> (module with `Options` and `run(options) -> exit code`, one line of help)
COMMANDS = {
    "preprocess": ("pipeline.cli.preprocess", "turn labelled videos into a store of clips"),
    "train": ("pipeline.cli.train", "train a classifier on a clip store"),
    "evaluate": ("pipeline.cli.evaluate", "judge a trained model on a split of a clip store"),
    "classify": ("pipeline.cli.classify", "classify videos and show which frames counted"),
    "compare": ("pipeline.cli.compare", "which head does this data support?"),
    "timeline": ("pipeline.cli.timeline", "find out what happens when in a recording, however long"),
    "export": ("pipeline.cli.export", "make a trained model ready to run elsewhere, with a model card"),
    "audit": ("pipeline.cli.audit", "what is wrong with the data of a clip store"),
    "show": ("pipeline.cli.show", "draw one clip of a store with its times"),
    "doctor": ("pipeline.cli.doctor", "what this machine can do, and what is wrong with it"),
}

GO_ON_AFTER_A_STOP = frozenset({"preprocess", "train", "compare"})
"""Commands that keep what they have finished, and go on from there when the same command is run again."""

EXIT_SOME_FAILED = 1
EXIT_USAGE = 2
EXIT_MACHINE = 3
EXIT_BUG = 70
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 128 + 13  # as a shell reports SIGPIPE
EXIT_TERMINATED = 143

_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


class Terminated(BaseException):
    """SIGTERM, as an exception, so that `finally` blocks run."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command.

    Args:
        arguments: the words after `clipwise`; default: those of this process.

    Returns:
        The exit code: 0 done; 1 some inputs failed; 2 usage; 3 environment; 4 unusable store, checkpoint
        or conflicting run; 70 our own bug; 130 / 143 interrupted / terminated.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    _prepare_streams()
    # Read when torch loads. Threads that wait asleep instead of spinning: with other programs on the machine
    # an embedding on 2 cores took 1.0 s instead of 3.1 to 3.6, and a third of the CPU time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        exit_code = _run(arguments)
    except SystemExit:  # of a command's help, or of a usage error
        failed = _flush()
        if failed is None:
            raise
        return _say_unwritable(failed)
    except OSError as error:  # the message of another error could not be written
        return _say_unwritable(error)
    failed = _flush()
    return exit_code if failed is None or exit_code > EXIT_SOME_FAILED else _say_unwritable(failed)


def _run(arguments: list[str]) -> int:
    stopped: list[type[BaseException]] = []
    try:
        with _stopped_by_signals(stopped):
            return _dispatch(arguments)
    except ClipwiseError as error:
        _say(f"error: {error}")
        return error.exit_code
    except (KeyboardInterrupt, Terminated) as error:
        return _say_stopped(type(error), arguments)
    except Exception as error:
        # An extension that was being imported makes an ImportError of the signal.
        if stopped:
            return _say_stopped(stopped[0], arguments)
        return _end_unwritten(error) or _say_bug(error, arguments)


def _end_unwritten(error: Exception) -> int | None:
    """The exit code where the output, or a file, could not be written; None: it is another error."""
    if isinstance(error, BrokenPipeError):
        return _say_unwritable(error)
    if not isinstance(error, OSError) or error.errno not in _UNWRITABLE:
        return None
    failed = _flush()  # what a buffer still holds fails again: it was our output, and no other file
    if failed is not None:
        return _say_unwritable(failed)
    if error.errno == errno.EIO:  # perhaps of a file that was read
        return None
    if error.filename is None:  # unbuffered output: `pipeline.files` makes a MachineError of its own
        return _say_unwritable(error)
    _say(f"error: {error.filename} cannot be written: {error.strerror}. Free space there.")
    return EXIT_MACHINE


def _flush() -> OSError | None:
    """Writes what the output streams hold; the error if one cannot be written, which is silent from now on.

    Python would flush them at its end, say "Exception ignored" and end with 120.
    """
    failed = None
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            failed = failed or error
            with contextlib.suppress(OSError):  # not a stream of the system's
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, stream.fileno())
                os.close(null)
    return failed


def _say_unwritable(error: OSError) -> int:
    if isinstance(error, BrokenPipeError):
        # The reader of our output went away (`clipwise ... | head`): nobody is left to tell.
        _flush()
        return EXIT_BROKEN_PIPE
    with contextlib.suppress(OSError):
        _say(f"error: the results cannot be written: {error.strerror}. Free space, or send them elsewhere.")
    _flush()
    return EXIT_MACHINE


def _say_stopped(kind: type[BaseException], arguments: list[str]) -> int:
    word, exit_code = (
        ("terminated", EXIT_TERMINATED) if kind is Terminated else ("interrupted", EXIT_INTERRUPTED)
    )
    if arguments and arguments[0] in GO_ON_AFTER_A_STOP:
        word += "; what was finished is kept. Run the same command again to go on"
    _say(f"{word}.")
    return exit_code


def _say_bug(error: Exception, arguments: list[str]) -> int:
    _say(f"error: a bug in clipwise: {type(error).__name__}: {error}. {_write_bug_report(arguments)}")
    return EXIT_BUG


def _dispatch(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(_overview(), end="")
        return 0 if arguments else EXIT_USAGE
    command, *rest = arguments
    if command == "--version":
        from pipeline import __version__

        print(f"clipwise {__version__}")
        return 0
    if command not in COMMANDS:
        close = difflib.get_close_matches(command, COMMANDS, n=1)
        hint = f" Did you mean `clipwise {close[0]}`?" if close else ""
        _say(f"error: unknown command {command!r}.{hint} Known: {', '.join(COMMANDS)}.")
        return EXIT_USAGE
    module = import_module(COMMANDS[command][0])
    options = _parse(module, command, rest)
    return int(module.run(options))


def _parse(module: Any, command: str, arguments: list[str]) -> Any:
    """Reads a command's options; tyro prints help and usage errors and ends with 0 or 2.

    A command may have `defaults(arguments) -> Options | None`: values that the arguments then change.
    """
    import tyro

    defaults = module.defaults(arguments) if hasattr(module, "defaults") else None
    return tyro.cli(
        module.Options,
        prog=f"clipwise {command}",
        description=module.__doc__,
        args=arguments,
        default=defaults,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )


def _overview() -> str:
    lines = ["clipwise: train a video clip classifier on your own videos", "", "commands:"]
    lines += [f"  {name:<12} {text}" for name, (_, text) in COMMANDS.items()]
    lines += [
        "",
        "the three jobs:",
        "  clipwise preprocess VIDEOS --out CLIPS",
        "  clipwise train      CLIPS  --out RUN",
        "  clipwise classify   VIDEO... --model RUN",
        "",
        "`clipwise COMMAND --help` shows a command's options; `clipwise --version` the version.",
    ]
    return "\n".join(lines) + "\n"


def _prepare_streams() -> None:
    """UTF-8 whatever the locale; the bytes of a file name that is not UTF-8 are escaped, never fatal.

    What is said to a stream that is closed is lost. Nothing fails for it.
    """
    open_closed_descriptors()
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: PTH123, SIM115 - lives as long as the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="backslashreplace")


@contextlib.contextmanager
def _stopped_by_signals(received: list[type[BaseException]]) -> Any:
    """Raises `KeyboardInterrupt` at Ctrl-C and `Terminated` at SIGTERM, and notes it in `received`."""

    def stop(signal_number: int, _frame: FrameType | None) -> NoReturn:
        kind = Terminated if signal_number == signal.SIGTERM else KeyboardInterrupt
        received.append(kind)
        raise kind

    previous: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not the main thread: the caller keeps its own handling
        previous[signal.SIGTERM] = signal.signal(signal.SIGTERM, stop)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else ignored, or the caller's own
            previous[signal.SIGINT] = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _write_bug_report(arguments: list[str]) -> str:
    """Writes the traceback to a log file; returns the sentence that says where."""
    import platformdirs

    try:
        folder = Path(platformdirs.user_log_dir("clipwise", appauthor=False, ensure_exists=True))
        path = folder / f"bug-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
        path.write_text(f"clipwise {arguments!r}\n\n{traceback.format_exc()}", "utf-8", "backslashreplace")
    except OSError:
        traceback.print_exc()
        return "The traceback is above (no log file could be written)."
    return f"The traceback is in {path}"


def _say(message: str) -> None:
    from pipeline.cli.output import say  # not before: starting stays quick

    say(message)


if __name__ == "__main__":
    sys.exit(main())
