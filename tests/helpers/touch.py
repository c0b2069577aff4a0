"""Empty files that look like videos to those who only list them."""

from pathlib import Path


def touch(folder: Path, *names: str) -> Path:
    """Makes files of one byte with the folders above them."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder
