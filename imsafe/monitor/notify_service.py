# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells systemd how the service fares: sd_notify(3), without its library."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class NotifyService:
    """Sends nothing unless the service manager asked for it (``NOTIFY_SOCKET``).

    Attributes
    ----------
    watchdog_s : float
        Seconds after which to say again that the monitor is alive; infinite if nobody asked.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        self._socket: socket.socket | None = None
        if path.startswith(("/", "@")):
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
            self._socket = socket.socket(socket.AF_UNIX, kind)
            self._socket.setblocking(False)
        self.watchdog_s = self._asked_for(environment)
        self._status = ""

    def _asked_for(self, environment: Mapping[str, str]) -> float:
        period = environment.get("WATCHDOG_USEC", "")
        pid = environment.get("WATCHDOG_PID", "") or str(os.getpid())
        if self._socket is None or pid != str(os.getpid()) or not period.isdecimal():
            return float("inf")
        return int(period) / 1e6 / 4 or float("inf")

    def ready(self, status: str) -> None:
        """All is open and the monitor watches, for the first time or after `reloading`."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        """The configuration is read again; `ready` ends that."""
        # As a notifying reload wants it, the clock that systemd compares with.
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """What was found is saved, then the service ends."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """The loop turns: the watchdog need not bark."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for `systemctl status`; said when it has changed."""
        if text != self._status:
            self._status = text
            self._send(f"STATUS={text}")

    def _send(self, words: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(words.encode(), self._address)
        except OSError:
            # Who does not listen is not told; a watchdog then barks, which is its business.
            return

    def close(self) -> None:
        """Say no more."""
        if self._socket is not None:
            self._socket.close()


_MONOTONIC = getattr(time, "CLOCK_MONOTONIC", 1)
