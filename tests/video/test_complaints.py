"""The decoder's log: each complaint counted once, however its lines arrive; our own refusals left out."""

import os

from pipeline.errors import VideoError
from pipeline.video.complaints import complaint_log
from pipeline.video.worker import WorkerPool

MARK = b"[OPENCV:FFMPEG:16]"


def counts_after(pieces: tuple[bytes, ...]) -> list[int]:
    """Runs in a worker: writes the pieces to stdout as the decoder would and counts after each."""
    log = complaint_log()
    assert log is not None
    counts = []
    for piece in pieces:
        os.write(1, piece)
        counts.append(log.count())
    return counts


def count_in_worker(*pieces: bytes) -> list[int]:
    with WorkerPool() as pool:
        ((_, counts),) = pool.map(counts_after, [pieces])
    assert not isinstance(counts, VideoError), counts
    return counts


def test_complaints_are_counted_once_and_whole() -> None:
    assert count_in_worker(
        b"progress, no complaint\n",
        MARK + b" error while decoding MB 3 4\n" + MARK + b" concealing\n",
        b"",
        MARK[:7],
        MARK[7:] + b" half a",
        b" line\n",
    ) == [0, 2, 2, 2, 2, 3]


def test_our_own_list_of_codecs_is_no_complaint() -> None:
    assert count_in_worker(
        MARK + b" Codec (bin_data) not on whitelist 'h264,hevc'\n" + MARK + b" no frame!\n",
        MARK + b" Codec (dca) not on whi",
        b"telist 'h264'\n" + MARK + b" a name with Codec (x) in it\n",
    ) == [1, 1, 2]


def test_a_long_log_is_emptied_and_counted_on() -> None:
    flood = (MARK + b" no\n") * 60_000  # more than a MiB
    assert count_in_worker(flood, MARK + b" one\n", flood, MARK + b" one\n") == [
        60_000, 60_001, 120_001, 120_002,
    ]  # fmt: skip
