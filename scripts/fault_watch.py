"""Witnesses: a loopback server that counts whoever calls, and a watch on files that nobody may open."""

import contextlib
import ctypes
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

_IN_ACCESS, _IN_OPEN, _IN_ISDIR, _IN_NONBLOCK = 0x1, 0x20, 0x40000000, 0o4000  # sys/inotify.h
_EVENT = struct.Struct("iIII")


class Server:
    """Counts TCP connections and UDP packets to one port of this machine.

    Attributes:
        port: the number of both.
        calls: what came: the first bytes of each connection or packet.
    """

    def __init__(self) -> None:
        self.calls: list[bytes] = []
        self._tcp = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._tcp.getsockname()[1])
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._ended = False
        for serve in (self._serve_tcp, self._serve_udp):
            threading.Thread(target=serve, daemon=True).start()

    def close(self) -> None:
        """Ends the server."""
        self._ended = True
        for open_socket in (self._tcp, self._udp):
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()

    def _serve_tcp(self) -> None:
        while not self._ended:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                connection.settimeout(0.5)
                self.calls.append(b"")
                self.calls[-1] = connection.recv(200)
                connection.sendall(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n")

    def _serve_udp(self) -> None:
        while not self._ended:
            try:
                packet, _ = self._udp.recvfrom(2000)
            except OSError:
                return
            self.calls.append(packet[:200])


class Watch:
    """Notices whenever a file is opened or read, by any process; Linux only.

    Attributes:
        touched: paths, once for each time.
    """

    def __init__(self, paths: list[Path]) -> None:
        self.touched: list[str] = []
        libc = ctypes.CDLL(None, use_errno=True)
        self._handle = libc.inotify_init1(_IN_NONBLOCK)
        if self._handle < 0:
            raise OSError(ctypes.get_errno(), "inotify cannot be used here")
        self._paths: dict[int, Path] = {}
        for path in paths:
            number = libc.inotify_add_watch(self._handle, os.fsencode(path), _IN_OPEN | _IN_ACCESS)
            if number < 0:
                raise OSError(ctypes.get_errno(), f"cannot watch {path}")
            self._paths[number] = path

    def read(self) -> list[str]:
        """What was touched up to now."""
        with contextlib.suppress(BlockingIOError):
            while events := os.read(self._handle, 1 << 16):
                offset = 0
                while offset < len(events):
                    number, mask, _, length = _EVENT.unpack_from(events, offset)
                    name = events[offset + _EVENT.size : offset + _EVENT.size + length].rstrip(b"\0")
                    if not mask & _IN_ISDIR:  # others list folders too
                        self.touched.append(f"{self._paths[number]}/{os.fsdecode(name)}")
                    offset += _EVENT.size + length
        return self.touched

    def close(self) -> None:
        """Ends the watch."""
        os.close(self._handle)


@contextlib.contextmanager
def witnesses(paths: list[Path]) -> Iterator[tuple[Server, Watch]]:
    """A server and a watch on these files and on what lies in these folders."""
    server, watch = Server(), Watch(paths)
    try:
        yield server, watch
    finally:
        server.close()
        watch.close()
