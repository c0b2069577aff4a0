"""The listing keeps just ahead of the decoder: bounded, forgetful, and plain or silent."""

from pathlib import Path

from pipeline.video.capture import open_packets
from pipeline.video.index import MAX_REORDER, read_index
from pipeline.video.listing import Listing
from pipeline.video.sampling import frame_times
from tests.helpers.kinds import KINDS
from tests.helpers.videos import write_numbered_video


def test_times_are_those_of_the_whole_file_to_the_bit(tmp_path: Path) -> None:
    path = KINDS["vfr_b_mkv"].make(tmp_path, 80).path
    expected = frame_times(read_index(path).times_seconds)
    with open_packets(path) as packets:
        listing = Listing(packets)
        assert listing.has(79)
        assert not listing.has(80)
        assert (listing.is_whole, listing.is_plain) == (True, True)
        assert tuple(listing.seconds(index) for index in range(80)) == expected
        assert [index for index in range(80) if listing.is_key(index)]


def test_it_reads_no_further_than_asked_and_forgets(tmp_path: Path) -> None:
    path = write_numbered_video(tmp_path / "v.mkv", 2000, size_wh=(16, 12), frame_rate=100)
    with open_packets(path) as packets:
        listing = Listing(packets)
        listing.reach(1.0)
        assert listing.num_frames == 101
        assert len(listing._waiting) <= MAX_REORDER
        assert listing.walk.last_tick < 200
        listing.reach(0.5)
        assert listing.num_frames == 101
        listing.reach(1e9)
        assert listing.is_whole
        assert listing.num_frames == 2000
        listing.forget_before(100)  # too few to be worth it
        assert listing.kept()[0] == 0


def test_it_falls_silent_at_a_time_that_is_not_plain(tmp_path: Path) -> None:
    path = KINDS["raw_h264"].make(tmp_path, 40).path  # no times at all
    with open_packets(path) as packets:
        listing = Listing(packets)
        assert not listing.has(1)
        assert not listing.is_plain
