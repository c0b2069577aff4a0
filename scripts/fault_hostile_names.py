"""Names that are traps: URLs, FFmpeg's protocols, devices, patterns; and odd names of good videos."""

from pathlib import Path


def hostile_names(canary: Path, port: int) -> list[str]:
    """What a person or a list may name instead of a file."""
    far = str(canary / "canary.avi")
    schemes = (
        "http", "https", "rtmp", "rtmps", "rtmpe", "rtmpt", "rtsp", "rtsps", "rtp", "srtp",
        "ftp", "sftp", "tcp", "tls", "udp", "udplite", "srt", "sctp", "gopher", "gophers",
        "mmsh", "mmst", "hls+http", "icecast", "ipfs", "ipns", "smb", "amqp", "zmq:tcp", "rist",
        "prompeg",
    )  # fmt: skip
    return [
        *(f"{scheme}://127.0.0.1:{port}/a.mp4" for scheme in schemes), f"http:127.0.0.1:{port}",
        f"//127.0.0.1:{port}/a.mp4", f"udp://@127.0.0.1:{port}", f"concat:{far}|{far}",
        f"concatf:{canary / 'canary.txt'}", f"subfile,,start,0,end,9999,,:{far}", f"file:{far}",
        f"file://{far}", f"async:{far}", f"cache:{far}", f"crypto:{far}", f"md5:{far}",
        f"hls+file:{far}", f"tee:{far}", f"unix:{far}", f"fd:{far}", f"bluray:{canary}",
        f"dvd:{canary}", "pipe:0", "pipe:", "fd:0", "-", "0", "1", "default", "desktop", ":0.0",
        "video=0", "/dev/stdin", "/dev/fd/0", "/dev/zero", "/dev/video0", "/proc/self/mem",
        "/proc/self/environ", "/proc/kcore", "data:video/mp4;base64,AAAA", f"movie={far}", "testsrc",
        "lavfi:testsrc", f"{canary}/img_%02d.jpg", f"{canary}/img_*.jpg", f"{canary}", f"{canary}/",
        "~/a.mp4", "$HOME/a.mp4", "`id`.mp4",
    ]  # fmt: skip


GOOD_NAMES = (
    b"-x.avi", b"--help.avi", b"%d.avi", b"img_%02d.avi", b"%s%n.avi", b"two\nlines.avi",
    b"\xff\xfe not utf-8.avi", b"latin1-\xe9.avi", b"concat:a|b.avi",
    b"subfile,,start,0,end,9,,:x.avi", b"file:x.avi", b"http:x.avi", b"pipe:0.avi", b"data:x.avi",
    b"a,b.avi", b'"quoted".avi', b"'single'.avi", b"=1+1.avi", b"@sum.avi", b"#hash.avi",
    b"$(touch hacked).avi", b"; touch hacked.avi", b"*.avi", b"[1].avi", b"back\\slash.avi",
    b"\x1b[31mred.avi", b"\x07bell\x7f.avi", b"cr\rreturn.avi", b"tab\t.avi", b" space .avi",
    b"CON.avi", b"nul.avi.avi", b"UPPER.AVI", "\u202eiva.rtl.avi".encode(), "한국어 이름.avi".encode(),
    "فيديو.avi".encode(), "🎬.avi".encode(), "\u200bzero width.avi".encode(),
    "e\u0301 and é.avi".encode(), b"x" * 251 + b".avi", "가".encode() * 83 + b".avi",
)  # fmt: skip
