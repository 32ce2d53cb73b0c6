# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts and notices for syslog: RFC 5424 with structured data, by UNIX socket or UDP."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

from imsafe.errors import ImsafeError, reason
from imsafe.monitor.alert_fields import fields, sentence
from imsafe.monitor.datagrams import Datagrams
from imsafe.monitor.view_protocol import Alert
from imsafe.words import printable

FACILITY = 3
"""System daemons."""

SD_ID = "imsafe@32473"
"""ImSafe has no enterprise number of its own; this is the one set apart for examples (RFC 5612)."""

LONGEST = 2048
"""Octets that every receiver is to take (RFC 5424, 6.1); the message's end gives way."""

_ERROR, _WARNING, _INFO = 3, 4, 6
_BOM = b"\xef\xbb\xbf"


class Syslog:
    """Writes to a syslog; never waits for it.

    Parameters
    ----------
    monitor
        The monitor's name.
    address
        The path of a socket, such as ``/dev/log``, or ``udp:HOST`` or ``udp:HOST:PORT``.

    Raises
    ------
    ImsafeError
        The address is none, or the host is not known.
    """

    def __init__(self, monitor: str, address: str) -> None:
        self.name = f"the syslog at {address}"
        self.out = Datagrams(*resolved(address))
        self._monitor = monitor
        self._host = _name(socket.gethostname(), 255)

    def alert(self, alert: Alert) -> None:
        """An alert has opened or closed."""
        opened = alert["state"] == "open"
        values = {"monitor": self._monitor, **fields(alert)}
        self._send(
            _WARNING if opened else _INFO,
            "alert" if opened else "alert-closed",
            element(values),
            sentence(alert),
        )

    def notice(self, text: str, *, error: bool) -> None:
        """Something to know, or an error."""
        values = element({"monitor": self._monitor})
        self._send(_ERROR if error else _INFO, "error" if error else "notice", values, text)

    def _send(self, severity: int, kind: str, data: str, text: str) -> None:
        now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        header = (
            f"<{FACILITY << 3 | severity}>1 {now} {self._host} ims-monitor {os.getpid()}"
            f" {kind} {data} "
        ).encode(errors="backslashreplace")
        self.out.send(header + _message(printable(text, 2000), LONGEST - len(header)))


def resolved(address: str) -> tuple[int, str | tuple[str, int]]:
    """The socket family and address of a syslog.

    Raises
    ------
    ImsafeError
        In words.
    """
    if address.startswith("/"):
        return socket.AF_UNIX, address
    scheme, _, rest = address.partition(":")
    host, _, port = rest.partition(":") if rest.count(":") < 2 else _bracketed(rest)
    if scheme != "udp" or not host or (port and not _is_port(port)):
        raise ImsafeError(
            f"{address!r} is no syslog: give the path of its socket, such as /dev/log, or"
            " udp:HOST:PORT."
        )
    try:
        found = socket.getaddrinfo(host, int(port or 514), type=socket.SOCK_DGRAM)
    except OSError as error:
        raise ImsafeError(
            f"The syslog {address} cannot be found: {reason(error).lower()}."
        ) from error
    family, _, _, _, where = found[0]
    return family, where[:2]  # type: ignore[return-value]


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and 0 < int(text[:9]) < 1 << 16


def _bracketed(rest: str) -> tuple[str, str, str]:
    """``[::1]:514``, or an IPv6 address alone."""
    if not rest.startswith("["):
        return rest, "", ""
    host, _, port = rest[1:].partition("]")
    return host, ":", port.removeprefix(":")


def element(values: dict[str, str]) -> str:
    """One SD-ELEMENT; values that are empty are left out."""
    written = (f' {name}="{_escaped(value)}"' for name, value in values.items() if value)
    return f"[{SD_ID}{''.join(written)}]"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")


def _message(text: str, room: int) -> bytes:
    """The text, in UTF-8 marked as such unless it is ASCII, cut to `room` octets."""
    octets = text.encode(errors="backslashreplace")
    if not octets.isascii():
        octets = _BOM + octets
    return octets[: max(room, 0)].decode(errors="ignore").encode()


def _name(text: str, longest: int) -> str:
    """A header field: printable ASCII without spaces, ``-`` when nothing is left."""
    return "".join(c for c in text if "!" <= c <= "~")[:longest] or "-"
