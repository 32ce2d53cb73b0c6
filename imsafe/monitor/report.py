# SPDX-License-Identifier: GPL-3.0-or-later
"""What a monitor says on its standard output and error: for a person, or as JSON.

A reader that does not read must not hold the monitor up, so a thread writes;
what waits for it is bounded.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from imsafe.monitor.score_log import printable
from imsafe.monitor.view_protocol import Alert, Status

SAME_NOTICE_S = 60.0
"""A notice is not repeated within so many seconds."""

MOST_WAITING = 10_000
"""Lines that may wait for a reader; later ones are dropped and counted."""

_MOST_REMEMBERED = 1000


class Report:
    """Prints alerts, notices, status and the summary.

    Parameters
    ----------
    as_json
        One object a line, with its ``type``: alert, alert-update, notice, status, end.

    Attributes
    ----------
    dropped
        Lines that could not be written because nobody read them.
    """

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self.dropped = 0
        self._said: dict[str, float] = {}
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._failure: OSError | None = None
        self._writer = threading.Thread(target=self._write, name="output", daemon=True)
        self._writer.start()

    @property
    def reader_gone(self) -> bool:
        """Whether nobody can read the output any more (a closed pipe)."""
        return self._failure is not None

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            if self._failure is None:
                try:
                    sys.stdout.write(line + "\n")
                    sys.stdout.flush()
                except OSError as error:
                    self._failure = error

    def _print(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1
