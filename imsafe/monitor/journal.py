# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts and notices for systemd's journal, with fields of their own.

The protocol is journald's native one (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/):
one datagram an entry, a field a line, or in a sealed memory file when it is long.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Mapping

from imsafe.monitor.alert_fields import document, fields, sentence
from imsafe.monitor.datagrams import Datagrams, send_in_memfd
from imsafe.monitor.view_protocol import Alert

SOCKET = "/run/systemd/journal/socket"

ALERT_OPENED = "ded8622c74c044b19229c133d9078b9e"
ALERT_CLOSED = "b2e2e3119bef412b8bc788ad9e6f3e90"
NOTICE = "130586b29dc84bf3bf5a9328a70a45fc"
"""MESSAGE_ID of each kind of entry; `journalctl MESSAGE_ID=...` finds them."""

_ERROR, _WARNING, _INFO = 3, 4, 6  # priorities of syslog


class Journal:
    """Writes to the journal; never waits for it."""

    def __init__(self, monitor: str, path: str = SOCKET) -> None:
        """Write to the socket at `path`, for the monitor of that name."""
        self.name = "the journal"
        self.out = Datagrams(socket.AF_UNIX, path, send_in_memfd)
        self._common = {
            "SYSLOG_IDENTIFIER": "ims-monitor",
            "SYSLOG_PID": str(os.getpid()),
            "IMSAFE_MONITOR": monitor,
        }

    def alert(self, alert: Alert) -> None:
        """An alert has opened or closed."""
        opened = alert["state"] == "open"
        named = {f"IMSAFE_{name.upper()}": value for name, value in fields(alert).items()}
        self._send(
            sentence(alert),
            _WARNING if opened else _INFO,
            ALERT_OPENED if opened else ALERT_CLOSED,
            named | {"IMSAFE_ALERT": document(alert)},
        )

    def notice(self, text: str, *, error: bool) -> None:
        """Something to know, or an error."""
        self._send(text, _ERROR if error else _INFO, NOTICE, {})

    def _send(self, message: str, priority: int, kind: str, more: dict[str, str]) -> None:
        entry = {"MESSAGE": message, "PRIORITY": str(priority), "MESSAGE_ID": kind}
        self.out.send(encoded(entry | self._common | more))


def encoded(entry: Mapping[str, str]) -> bytes:
    """An entry in the native protocol; fields without a value are left out."""
    parts = []
    for name, value in entry.items():
        octets = value.encode(errors="backslashreplace")
        if b"\n" in octets:
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(octets)) + octets + b"\n")
        elif octets:
            parts.append(name.encode() + b"=" + octets + b"\n")
    return b"".join(parts)
