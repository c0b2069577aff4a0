"""The kinds of video that readers stumble over.

`KINDS[name].make(folder, num_frames, key_every)` writes one and returns its truth.
"""

from dataclasses import replace
from fractions import Fraction

from tests.helpers.kind import Kind, Times, edited, in_parts, steady, turned, uneven, with_holes, with_pause
from tests.helpers.mux import Coding, as_pairs

PLAIN = Coding()
B_FRAMES = Coding(b_frames=2)
PYRAMID = Coding(b_frames=3, options=as_pairs({"b-pyramid": "normal", "refs": "4"}))
OPEN_GOP = Coding(b_frames=2, options=as_pairs({"x264-params": "open-gop=1"}))
REFRESH = Coding(options=as_pairs({"x264-params": "intra-refresh=1"}))
FIELDS = Coding(size_wh=(64, 96), options=as_pairs({"x264-params": "tff=1"}), b_frames=2)
HEVC = Coding(codec="libx265", b_frames=3)
HEVC_OPEN = Coding(
    codec="libx265",
    b_frames=3,
    options=as_pairs({"x265-params": "open-gop=1:log-level=none:pools=1:frame-threads=1"}),
)
MPEG2 = Coding(codec="mpeg2video")
MPEG4 = Coding(codec="mpeg4")
MPEG4_B = Coding(codec="mpeg4", b_frames=2)
VP8 = Coding(codec="libvpx", options=as_pairs({"deadline": "realtime", "cpu-used": "8"}))
VP9 = replace(VP8, codec="libvpx-vp9")
VP9_HIDDEN = replace(
    VP9,
    options=as_pairs({"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "16"}),
)
AV1 = Coding(codec="libsvtav1")
MJPEG = Coding(codec="mjpeg", pixel_format="yuvj420p")
PRORES = Coding(codec="prores_ks", pixel_format="yuv422p10le")
GIF = Coding(codec="gif", pixel_format="rgb8")

FILM, NTSC, NTSC_60 = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60000, 1001)
HALF = Fraction(1, 2)
EXACT = Fraction(0)  # one tick a frame: nothing is rounded


def _k(suffix: str, coding: Coding = PLAIN, times: Times | None = None, **rest: object) -> Kind:
    return Kind(suffix=suffix, coding=coding, times=times or steady(25), **rest)  # type: ignore[arg-type]


def _short(suffix: str, coding: Coding = PLAIN, times: Times | None = None, **rest: object) -> Kind:
    return _k(suffix, coding, times, is_long=False, **rest)


# Files of which the container says that each frame is a key frame, and is wrong.
LYING_KINDS = {
    "mp4_h264": _k(".mp4", PYRAMID, all_key=True),
    "mkv_hevc": _k(".mkv", HEVC, all_key=True),
    "mp4_mpeg4": _k(".mp4", MPEG4, all_key=True),
    "mkv_mpeg4_b": _k(".mkv", MPEG4_B, all_key=True),
    "mkv_mpeg2": _k(".mkv", replace(MPEG2, b_frames=2), all_key=True),
    "webm_vp8": _k(".webm", VP8, all_key=True),
    "webm_vp9": _k(".webm", VP9, all_key=True),
    "mkv_av1": _k(".mkv", AV1, all_key=True),
    "flv": _k(".flv", Coding(codec="flv"), kept_in="nut", all_key=True),
    "avi_wmv2": _k(".avi", Coding(codec="wmv2"), kept_in="nut", all_key=True, tick=EXACT),
}

KINDS = {
    # constant rates, and how they are rounded
    "mp4": _k(".mp4"),
    "mkv": _k(".mkv"),
    "mkv_30": _k(".mkv", B_FRAMES, steady(30)),
    "mp4_23976": _short(".mp4", PLAIN, steady(FILM), clock=24000),
    "mkv_23976": _k(".mkv", PLAIN, steady(FILM)),
    "mp4_2997": _short(".mp4", PLAIN, steady(NTSC), clock=30000),
    "mov_2997_600": _k(".mov", PLAIN, steady(NTSC), clock=600),
    "mkv_5994": _k(".mkv", PLAIN, steady(NTSC_60)),
    "mp4_60": _k(".mp4", B_FRAMES, steady(60), clock=15360),
    "mp4_240": _short(".mp4", PLAIN, steady(240), clock=15360),
    "mkv_240": _k(".mkv", PLAIN, steady(240)),
    "mp4_1": _k(".mp4", PLAIN, steady(1)),
    "mkv_half": _k(".mkv", PLAIN, steady(Fraction(1, 2))),
    # the order of frames, and where decoding may begin
    "b_mp4": _k(".mp4", B_FRAMES),
    "b_mkv": _k(".mkv", B_FRAMES),
    "pyramid_mp4": _k(".mp4", PYRAMID),
    "pyramid_mkv": _k(".mkv", PYRAMID),
    "open_gop_mp4": _k(".mp4", OPEN_GOP),
    "open_gop_mkv": _k(".mkv", OPEN_GOP),
    "open_gop_ts": _k(".ts", OPEN_GOP),
    "open_gop_hevc": _k(".mkv", HEVC_OPEN),
    "refresh_mp4": _k(".mp4", REFRESH),
    "refresh_mkv": _k(".mkv", REFRESH),
    "refresh_ts": _k(".ts", REFRESH),
    "refresh_wide": _k(".mkv", replace(REFRESH, size_wh=(480, 96))),  # 30 columns to refresh
    "one_gop": _short(".mp4", replace(B_FRAMES, key_every=10_000)),
    "all_key": _short(".mp4", replace(PLAIN, key_every=1)),
    # variable rates
    "vfr_mp4": _k(".mp4", PLAIN, uneven(), clock=1000),
    "vfr_90k_mp4": _k(".mp4", B_FRAMES, uneven(), clock=90_000),
    "vfr_mkv": _k(".mkv", PLAIN, uneven()),
    "vfr_b_mkv": _k(".mkv", PYRAMID, uneven()),
    "vfr_ts": _k(".ts", B_FRAMES, uneven()),
    "vfr_webm": _k(".webm", VP9, uneven()),
    "vfr_gif": _short(".gif", GIF, uneven(), kept_in="nut"),
    "equal_times_mp4": _k(".mp4", PLAIN, uneven(equal=True), clock=1000),
    "equal_times_mkv": _k(".mkv", PLAIN, uneven(equal=True)),
    "rate_25_to_50": _k(".mp4", PLAIN, in_parts(25, 50)),
    "rate_24_to_25": _k(".mp4", PLAIN, in_parts(24, 25), clock=24000),
    "holes_mp4": _k(".mp4", PLAIN, with_holes),
    "holes_avi": _k(".avi", MPEG4, with_holes, tick=Fraction(1, 600)),
    "pause_mkv": _k(".mkv", PLAIN, with_pause(600)),
    "pause_ts": _k(".ts", PLAIN, with_pause(60)),
    # where time starts
    "late_mp4": _k(".mp4", B_FRAMES, steady(25, start_seconds=5)),
    "late_mkv": _k(".mkv", B_FRAMES, steady(25, start_seconds=5)),
    "late_ts": _k(".ts", PLAIN, steady(25, start_seconds=10)),
    "no_edits": _k(
        ".mp4", B_FRAMES, options={"use_editlist": "0", "avoid_negative_ts": "make_non_negative"}
    ),
    "negative_cts": _k(".mp4", B_FRAMES, options={"movflags": "negative_cts_offsets"}),
    # edit lists
    "edit_start": _k(".mp4", finish=edited((Fraction(1, 4), 1))),
    "edit_start_b": _k(".mp4", B_FRAMES, finish=edited((Fraction(1, 4), 1))),
    "edit_end": _k(".mp4", finish=edited((0, Fraction(3, 4)))),
    "edit_middle": _k(".mp4", finish=edited((0, Fraction(2, 5)), (Fraction(3, 5), 1))),
    "edit_middle_b": _k(".mp4", B_FRAMES, finish=edited((0, Fraction(2, 5)), (Fraction(3, 5), 1))),
    "edit_repeats": _k(".mp4", finish=edited((0, HALF), (Fraction(1, 4), Fraction(3, 4)))),
    "edit_swaps": _k(".mp4", finish=edited((HALF, 1), (0, HALF))),
    "edit_both_b": _k(".mp4", B_FRAMES, finish=edited((Fraction(1, 5), Fraction(4, 5)))),
    "edit_waits": _k(".mp4", finish=edited((0, 1), wait_seconds=2)),
    # the picture
    "turned_0": _short(".mp4", finish=turned(0)),
    "turned_90": _k(".mp4", finish=turned(90)),
    "turned_180": _short(".mp4", finish=turned(180)),
    "turned_270": _short(".mp4", finish=turned(270)),
    "wide_pixels": _short(".mp4", Coding(pixel_aspect=Fraction(16, 11))),
    "narrow_pixels": _short(".mkv", Coding(pixel_aspect=Fraction(1, 2))),
    "ten_bit": _k(".mp4", Coding(pixel_format="yuv420p10le")),
    "hevc_ten_bit": _short(".mp4", Coding(codec="libx265", pixel_format="yuv420p10le")),
    "colour_444": _short(".mp4", Coding(pixel_format="yuv444p")),
    "cropped": _short(".mp4", Coding(size_wh=(66, 50))),  # coded as 80x64
    "interlaced": _short(".ts", FIELDS),
    # codecs and containers
    "raw_h264": _k(".h264", tick=EXACT),
    "raw_h264_b": _k(".h264", PYRAMID, tick=EXACT),
    "raw_hevc": _k(".hevc", HEVC, tick=EXACT),
    "hevc_mp4": _k(".mp4", HEVC),
    "hevc_mkv": _k(".mkv", HEVC),
    "ts": _k(".ts"),
    "ts_b": _k(".ts", PYRAMID),
    "ts_mpeg2": _k(".ts", replace(MPEG2, b_frames=2)),
    # (tiny frames share an MPEG packet, which has one time for all: long versions would have no truth)
    "mpg": _short(".mpg", MPEG2),
    "mpg_b": _short(".mpg", replace(MPEG2, b_frames=2)),
    "webm_vp8": _k(".webm", VP8),
    "webm_vp9": _k(".webm", VP9),
    "webm_vp9_hidden": _k(".webm", VP9_HIDDEN),
    "ogg_vp8": _k(".ogv", VP8, tick=EXACT),
    "av1_mp4": _k(".mp4", AV1),
    "av1_mkv": _k(".mkv", AV1),
    "mjpeg_avi": _k(".avi", MJPEG, tick=EXACT),
    "mjpeg_mov": _short(".mov", MJPEG),
    "avi_mpeg4": _k(".avi", MPEG4, tick=EXACT),
    "avi_mpeg4_b": _k(".avi", MPEG4_B, tick=EXACT),
    "avi_h264_b": _k(".avi", B_FRAMES, kept_in="nut", tick=EXACT),
    "flv": _k(".flv", Coding(codec="flv"), kept_in="nut"),
    "flv_h264_b": _k(".flv", B_FRAMES, steady(30)),
    "asf": _k(".asf", Coding(codec="wmv2"), kept_in="nut"),
    "gif": _short(".gif", GIF, kept_in="nut"),
    "gif_30": _short(".gif", GIF, steady(30), kept_in="nut"),
    "prores_mov": _short(".mov", PRORES, kept_in="mov"),
    "threegp": _short(".3gp", MPEG4),
    "mp4_mpeg4_b": _k(".mp4", MPEG4_B),
    "fragmented": _k(
        ".mp4", B_FRAMES, options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    ),
    "mkv_live": _k(".mkv", B_FRAMES, options={"live": "1"}),
}  # fmt: skip
