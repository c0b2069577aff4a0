"""The codecs that videos may be in: those that people's videos have, and no others.

FFmpeg decodes hundreds of codecs, most of them rare, old and little tested: a hostile file asks for the
worst. A codec that is not in this table is never decoded: FFmpeg's own list keeps it out of the probing when
a file is opened, and `capture` looks at the FOURCC, which OpenCV derives from the codec and not from what the
file calls it.
"""

# FOURCC as OpenCV reports it, in upper case -> names of FFmpeg's decoders for it
_DECODERS = {
    "H264": ("h264",),
    "HEVC": ("hevc",),
    "AV01": ("libdav1d", "av1", "libaom-av1"),
    "VP80": ("vp8", "libvpx"),
    "VP90": ("vp9", "libvpx-vp9"),
    "VP60": ("vp6",),
    "VP6F": ("vp6f",),
    "MPG1": ("mpeg1video",),
    "MPG2": ("mpeg2video", "mpegvideo"),
    "FMP4": ("mpeg4",),
    "MPG4": ("msmpeg4v1",),
    "MP42": ("msmpeg4v2",),
    "MP43": ("msmpeg4",),
    "WMV1": ("wmv1",),
    "WMV2": ("wmv2",),
    "WMV3": ("wmv3",),
    "WVC1": ("vc1",),
    "H261": ("h261",),
    "H263": ("h263", "h263p", "h263i"),
    "FLV1": ("flv",),
    "THEO": ("theora",),
    "MJPG": ("mjpeg", "mjpegb"),
    "MPNG": ("png",),
    "GIF ": ("gif",),
    "FFV1": ("ffv1",),
    "HFYU": ("huffyuv",),
    "FFVH": ("ffvhuff",),
    "APCH": ("prores",),
    "AVDN": ("dnxhd",),
    "DVSD": ("dvvideo",),
    "CVID": ("cinepak",),
    "RLE ": ("qtrle",),
    "SVQ1": ("svq1",),
    "SVQ3": ("svq3",),
    "\0\0\0\0": ("rawvideo",),
}
# Sound is never used; opening a file asks for its parameters, and waits longer where it may not decode it.
_AUDIO_DECODERS = (
    "aac", "aac_latm", "ac3", "alac", "amrnb", "amrwb", "eac3", "flac", "mp2", "mp2float", "mp3", "mp3float",
    "opus", "libopus", "pcm_alaw", "pcm_mulaw", "pcm_s16be", "pcm_s16le", "pcm_s24le", "pcm_u8", "vorbis",
    "wmav1", "wmav2",
)  # fmt: skip

DECODER_NAMES = tuple(name for names in _DECODERS.values() for name in names) + _AUDIO_DECODERS
"""What FFmpeg's `codec_whitelist` may hold."""


_START_CODE, _IDR_SLICE = b"\0\0\1", 5
# Decoders that show nothing, or complain, where they are told to begin at a frame that needs others. The rest
# (MPEG-4, Sorenson, WMV) decode on grey without a word, and containers do call such frames key frames.
_BEGINS_AT_KEY_FRAMES_ONLY = frozenset({"H264", "HEVC", "AV01", "VP80", "VP90", "MPG1", "MPG2"})
_KEY_FRAMES_ONLY = frozenset({"MJPG", "MPNG", "FFV1", "HFYU", "FFVH", "APCH", "AVDN", "DVSD"})


def refuses_false_key_frames(fourcc: str) -> bool:
    """Whether it shows when a decoder is told to begin at a frame that is called a key frame and is none."""
    return fourcc.upper() in _BEGINS_AT_KEY_FRAMES_ONLY | _KEY_FRAMES_ONLY


def holds_idr_picture(packet: bytes) -> bool:
    """Whether an H.264 packet with start codes holds an IDR picture (ITU-T H.264, table 7-1, type 5)."""
    at = packet.find(_START_CODE)
    while at >= 0 and at + 3 < len(packet):
        kind = packet[at + 3] & 0x1F
        if 1 <= kind <= _IDR_SLICE:  # the first slice tells for all of them
            return kind == _IDR_SLICE
        at = packet.find(_START_CODE, at + 3)
    return False


def fourcc_text(number: float) -> str:
    """OpenCV's number as four characters."""
    return (int(number) & 0xFFFFFFFF).to_bytes(4, "little").decode("latin-1")


def is_supported(fourcc: str) -> bool:
    """Whether videos in this codec are decoded."""
    return fourcc.upper() in _DECODERS
