# SPDX-License-Identifier: GPL-3.0-or-later
"""Real receivers of what a monitor sends: a journal's socket, a syslog's, a service manager's."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from pathlib import Path


class Receiver:
    """A datagram socket, UNIX or UDP, that gives what has come so far."""

    def __init__(self, path: Path | None = None) -> None:
        if path is None:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind(("127.0.0.1", 0))
        else:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self.socket.bind(os.fspath(path))
        self.socket.setblocking(False)
        self.received: list[bytes] = []

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def take(self) -> list[bytes]:
        while True:
            try:
                octets, descriptors, _, _ = socket.recv_fds(self.socket, 1 << 18, 1)
            except BlockingIOError:
                return self.received
            for descriptor in descriptors:
                assert octets == b""
                with os.fdopen(descriptor, "rb") as file:
                    octets = os.pread(file.fileno(), 1 << 26, 0)
            self.received.append(octets)

    def until(self, words: bytes, seconds: float = 60) -> bytes:
        """The first datagram that has those words."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for datagram in self.take():
                if words in datagram:
                    return datagram
            time.sleep(0.02)
        raise AssertionError(f"{words!r} did not come; {self.received}")

    def close(self) -> None:
        self.socket.close()


def entry(datagram: bytes) -> dict[str, str]:
    """A journal entry, decoded as journald decodes its native protocol."""
    found = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack_from("<Q", datagram)
            value = datagram[8 : 8 + length]
            assert datagram[8 + length : 9 + length] == b"\n"
            datagram = datagram[9 + length :]
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]{0,63}", name)
        found[name.decode()] = value.decode()
    return found


SYSLOG = re.compile(
    rb"<(?P<pri>\d{1,3})>1 (?P<time>\S+) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48})"
    rb" (?P<pid>[!-~]{1,128}) (?P<id>[!-~]{1,32}) (?P<data>-|(?:\[.*?(?<!\\)\])+)"
    rb"(?: (?P<text>.*))?",
    re.DOTALL,
)
"""A message of RFC 5424, by its grammar."""

PARAMETER = re.compile(rb' ([!-<>-~]{1,32})="((?:\\["\\\]]|[^"\\\]])*)"')


def message(datagram: bytes) -> tuple[dict[str, bytes], dict[str, str]]:
    """The parts of a syslog message, and its structured data."""
    parsed = SYSLOG.fullmatch(datagram)
    assert parsed is not None, datagram
    body = parsed["data"][1:-1]
    name, _, rest = body.partition(b" ")
    assert name == b"imsafe@32473"
    rest = b" " + rest if rest else b""
    values = PARAMETER.findall(rest)
    assert b"".join(b' %s="%s"' % pair for pair in values) == rest
    unescaped = {k.decode(): re.sub(rb'\\(["\\\]])', rb"\1", v).decode() for k, v in values}
    return parsed.groupdict(), unescaped
