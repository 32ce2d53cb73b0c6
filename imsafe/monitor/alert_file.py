# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts and notices as a file of JSON lines, which a rotation may move away."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from imsafe.errors import ImsafeError, cannot
from imsafe.files import check_not_planted
from imsafe.monitor.alert_fields import document
from imsafe.monitor.view_protocol import Alert
from imsafe.words import printable


class AlertFile:
    """Appends one object a line, each with its ``type``: alert, alert-update, notice.

    Raises
    ------
    ImsafeError
        The file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.name = os.fspath(path)
        self._path = Path(path)
        self._descriptor = self._open()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        try:
            descriptor = os.open(self._path, flags, 0o640)
        except OSError as error:
            raise cannot("write", self._path, error) from error
        try:
            check_not_planted(self._path, descriptor)
        except ImsafeError:
            os.close(descriptor)
            raise
        return descriptor

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
        rest = memoryview(line.encode() + b"\n")
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            raise cannot("write", self._path, error) from error

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
        """Close the file."""
        try:
            os.close(self._descriptor)
        except OSError as error:
            raise ImsafeError(str(cannot("write", self._path, error))) from error
