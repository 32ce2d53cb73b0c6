# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends datagrams to another program's socket and never waits for it.

What it does not take at once waits here, bounded, and is tried again; what
finds no room is counted.
"""

from __future__ import annotations

import array
import errno
import os
import socket
import time
from collections import deque
from collections.abc import Callable

from imsafe.errors import reason

MOST_WAITING = 1_000
"""Datagrams that may wait for a logger that restarts."""

LAST_WAIT_S = 2.0
"""How long the end waits for a reader that is there, but busy."""


class Datagrams:
    """Datagrams on their way to one address, in order.

    Parameters
    ----------
    family
        ``socket.AF_UNIX``, ``AF_INET`` or ``AF_INET6``.
    address
        As `socket.sendto` takes it.  It need not exist yet, and may come back after a restart.
    too_long
        Sends what does not fit into a datagram in another way.

    Attributes
    ----------
    sent, dropped : int
        How many were taken by the other side, and how many found no room here.
    problem : str
        Why the last one could not be sent, in words; empty when it was.
    """

    def __init__(
        self,
        family: int,
        address: str | tuple[str, int],
        too_long: Callable[[socket.socket, str, bytes], None] | None = None,
        most: int = MOST_WAITING,
    ) -> None:
        self.sent = 0
        self.dropped = 0
        self.problem = ""
        self._address = address
        self._too_long = too_long
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._is_busy = False
        self._socket = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    @property
    def waiting(self) -> int:
        """How many have not been sent yet."""
        return len(self._waiting)

    def send(self, datagram: bytes) -> None:
        """Send it, now or later."""
        if len(self._waiting) >= self._most:
            self.dropped += 1
            return
        self._waiting.append(datagram)
        self.flush()

    def flush(self) -> None:
        """Try again what has not been sent yet."""
        while self._waiting:
            try:
                self._send(self._waiting[0])
            except OSError as error:
                # Its queue is full, or it is not there: it may be restarting.
                self.problem = reason(error).lower()
                self._is_busy = isinstance(error, BlockingIOError)
                return
            self._waiting.popleft()
            self.sent += 1
        self.problem = ""

    def _send(self, datagram: bytes) -> None:
        try:
            self._socket.sendto(datagram, self._address)
        except OSError as error:
            if self._too_long is None or error.errno not in (errno.EMSGSIZE, errno.ENOBUFS):
                raise
            assert isinstance(self._address, str)
            self._too_long(self._socket, self._address, datagram)

    def close(self) -> None:
        """Give a reader that is busy a moment, and count what cannot be sent as dropped."""
        self.flush()
        end = time.monotonic() + LAST_WAIT_S
        while self._waiting and self._is_busy and time.monotonic() < end:
            time.sleep(0.01)
            self.flush()
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._socket.close()


def send_in_memfd(connection: socket.socket, address: str, datagram: bytes) -> None:
    """Send a sealed memory file that holds the datagram, as journald takes large entries."""
    import fcntl  # noqa: PLC0415 - only where memory files are

    descriptor = os.memfd_create("imsafe", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(datagram)
        seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
        # socket.send_fds() of Python 3.11 forgets the address.
        passed = array.array("i", [descriptor])
        connection.sendmsg([b""], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, passed)], 0, address)
    finally:
        os.close(descriptor)
