# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts and notices as a file of JSON lines, which a rotation may move away."""

from __future__ import annotations

import json
import os
import stat
import time
from pathlib import Path

from imsafe.errors import FileExistsRefused, ImsafeError, cannot
from imsafe.files import opened_to_append
from imsafe.monitor.alert_fields import document
from imsafe.monitor.view_protocol import Alert
from imsafe.words import printable


class AlertFile:
    """Appends one object a line, each with its ``type``: alert, alert-update, notice.

    It begins anew when somebody has moved or removed the file.  A pipe is never waited for:
    what its reader does not take at once is counted.

    Attributes
    ----------
    dropped : int
        How many lines a pipe had no room for.
    news : list of str
        What there is to say, in words; whoever says it takes it out.

    Raises
    ------
    ImsafeError
        The file holds something else, or cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        self.dropped = 0
        self.news: list[str] = []
        self._path = Path(path)
        self._rest = b""  # of a line of which a pipe took a part
        self._torn = False
        self._descriptor = self._open()

    def _open(self) -> int:
        descriptor = opened_to_append(self._path, 0o640)
        try:
            status = os.fstat(descriptor)
            is_regular = stat.S_ISREG(status.st_mode)
            torn = is_regular and status.st_size > 0 and self._check_earlier(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise cannot("write", self._path, error) from error
        except ImsafeError:
            os.close(descriptor)
            raise
        self._is_regular, self._torn, self._rest = is_regular, torn, b""
        return descriptor

    def _check_earlier(self, descriptor: int) -> bool:
        """Refuse to write into something else; whether its last line was cut short."""
        os.lseek(descriptor, 0, os.SEEK_SET)  # not pread, which Windows has not
        if os.read(descriptor, 1) != b"{":
            raise FileExistsRefused(
                f"{self._path} exists already and does not hold JSON lines; choose another name."
            )
        os.lseek(descriptor, -1, os.SEEK_END)
        return os.read(descriptor, 1) != b"\n"

    def alert(self, alert: Alert) -> None:
        """An alert has opened or closed.

        Raises
        ------
        ImsafeError
            It cannot be written.
        """
        kind = "alert" if alert["state"] == "open" else "alert-update"
        self._write(f'{{"type": "{kind}", {document(alert)[1:]}')

    def notice(self, text: str, *, error: bool) -> None:
        """Something to know, or an error."""
        value = {"type": "notice", "text": printable(text, 2000), "time": time.time()}
        self._write(json.dumps(value | {"error": error}))

    def _write(self, line: str) -> None:
        if self._is_regular:
            self._find_place()
        self.flush()
        if self._rest:
            self.dropped += 1
            return
        if self._torn:
            # What a full disk or a crash cut short must not spoil this line as well.
            self._put(b"\n")
        octets = line.encode() + b"\n"
        rest = self._put(octets)
        if len(rest) == len(octets):
            self.dropped += 1
        else:
            self._rest = rest

    def flush(self) -> None:
        """Try again what a pipe did not take of a line.

        Raises
        ------
        ImsafeError
            It cannot be written.
        """
        if self._rest:
            self._rest = self._put(self._rest)

    def _put(self, octets: bytes) -> bytes:
        """Write; what a pipe had no room for."""
        rest = memoryview(octets)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BlockingIOError:
            return bytes(rest)
        except OSError as error:
            self._torn |= self._is_regular and len(rest) < len(octets)
            self._rest = b""
            raise cannot("write", self._path, error) from error
        self._torn = False
        return b""

    def _find_place(self) -> None:
        """Begin a new file where the one in use was moved or removed."""
        try:
            there = self._path.stat()
        except OSError:
            there = None
        if there is None or not os.path.samestat(there, os.fstat(self._descriptor)):
            self.reopen()
            self.news.append(f"{self._path} was moved or removed; alerts go on in a new file.")

    def reopen(self) -> None:
        """Go on in a new file of that name, if the one in use was moved away.

        Raises
        ------
        ImsafeError
            It cannot be made; the one in use is written on.
        """
        before, self._descriptor = self._descriptor, self._open()
        os.close(before)

    def close(self) -> None:
        """Close the file; what a pipe did not take of the last line counts as dropped."""
        try:
            self.flush()
            self.dropped += bool(self._rest)
        finally:
            try:
                os.close(self._descriptor)
            except OSError as error:
                raise ImsafeError(str(cannot("write", self._path, error))) from error
