"""Progress on stderr: tqdm bars that look alike in every command."""

import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(items: Iterable[Item], description: str, *, unit: str) -> Iterable[Item]:
    """The items, with a bar that moves as they are taken."""
    bar: Iterable[Item] = tqdm(items, desc=description, unit=f" {unit}", **_style())
    return bar


def epoch_bar(num_epochs: int) -> "tqdm[None]":
    """A bar over the epochs of a training."""
    return tqdm(total=num_epochs, desc="training", unit=" epoch", **_style())


def fit_bar(num_fits: int) -> "tqdm[None]":
    """A bar over fits that take very different times: the time left is for the caller to say."""
    form = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} fits [{elapsed}{postfix}]"
    return tqdm(total=num_fits, desc="fitting heads", bar_format=form, **_style())


class VideoBar:
    """How much of a video was read, in seconds of it, and how long the rest will take."""

    def __init__(self, bar: "tqdm[None]", description: str) -> None:
        self._bar = bar
        self._description = description

    def show(self, seconds: float, total_seconds: float, *, waits: bool) -> None:
        """Moves the bar there; `waits`: the video is read a second time before results go on."""
        if total_seconds and self._bar.total != round(total_seconds):
            self._bar.total = round(total_seconds)
        self._bar.set_description_str(  # tqdm puts the colon
            f"{self._description} (its times are not as listed: once more)" if waits else self._description,
            refresh=False,
        )
        self._bar.update(max(0, int(seconds)) - self._bar.n)

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Room for a line of results."""
        with tqdm.external_write_mode(file=sys.stdout):
            yield


@contextlib.contextmanager
def video_bar(description: str = "reading") -> Iterator[VideoBar]:
    """A bar for one long video."""
    with tqdm(total=None, desc=description, unit="s of video", unit_scale=False, **_style()) as bar:
        yield VideoBar(bar, description)


def _style() -> dict[str, Any]:
    """A line that follows the terminal's width; in a log, where each step is a line more, a step in 10 s."""
    is_terminal = sys.stderr.isatty()
    return {"dynamic_ncols": is_terminal, "mininterval": 0.1 if is_terminal else 10.0}
