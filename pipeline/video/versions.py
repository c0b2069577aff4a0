"""Which OpenCV reads videos, with which FFmpeg inside: clips are equal to the bit only between equals."""

import re
from functools import cache


@cache
def decoder_versions() -> dict[str, str]:
    """Versions of `cv2` and of the libraries of `ffmpeg` that it was built with ("none" without them)."""
    import cv2

    found = re.findall(r"\b(avcodec|avformat|swscale):\s+YES \(([\d.]+)\)", cv2.getBuildInformation())
    return {
        "cv2": cv2.__version__,
        "ffmpeg": " ".join(f"{name} {version}" for name, version in found) or "none",
    }
