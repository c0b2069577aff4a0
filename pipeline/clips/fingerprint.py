"""Whether a source is still the one that was read: size and time are asked first, then the bytes' hash."""

import hashlib
import os

from pipeline import files
from pipeline.clips.source import Source, is_frame_image


def size_of(source: Source) -> int | None:
    """Bytes of a source; None when it is not there."""
    try:
        return sum(os.stat(path).st_size for path in _files(source))  # noqa: PTH116 - names may not be UTF-8
    except OSError:
        return None


def fingerprint(source: Source) -> str:
    """Size and modification time of a source, cheap to ask for; "" when it is not there."""
    try:
        if source.frame_rate is None:
            status = os.stat(source.location)  # noqa: PTH116 - names may not be UTF-8
            return f"{status.st_size}:{status.st_mtime_ns}"
        statuses = [(os.path.basename(path), os.stat(path)) for path in _files(source)]  # noqa: PTH116, PTH119
    except OSError:
        return ""
    lines = "\n".join(f"{os.fsencode(name)!r}:{it.st_size}:{it.st_mtime_ns}" for name, it in statuses)
    return f"{source.frame_rate!r}:{len(statuses)}:{hashlib.sha256(lines.encode()).hexdigest()}"


def hash_source(source: Source) -> str:
    """SHA-256 of a video's bytes; of a folder of frames: of their names and bytes; "" if they cannot be read.

    The source must be a regular file or a folder: a pipe would never end.
    """
    try:
        if source.frame_rate is None:
            return files.sha256_of_file(source.location)
        lines = [
            f"{os.fsencode(os.path.basename(path))!r}:{files.sha256_of_file(path)}"  # noqa: PTH119
            for path in _files(source)
        ]
    except OSError:
        return ""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _files(source: Source) -> list[str]:
    """The video itself, or the images of a folder of frames in order of their names."""
    if source.frame_rate is None:
        return [source.location]
    names = sorted(os.listdir(source.location), key=os.fsencode)  # noqa: PTH208
    return [os.path.join(source.location, name) for name in names if is_frame_image(name)]  # noqa: PTH118
