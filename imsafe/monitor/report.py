# SPDX-License-Identifier: GPL-3.0-or-later
"""What a monitor says on its standard output and error: for a person, or as JSON.

A reader that does not read must not hold the monitor up, so a thread writes;
what waits for it is bounded.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from imsafe.errors import OutputError
from imsafe.files import forget_output
from imsafe.monitor.view_protocol import Alert, IoUringNotice, Status
from imsafe.words import printable

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
    quiet
        Nothing for a person.

    Attributes
    ----------
    dropped
        Lines that could not be written when they came: nobody read them, or the disk was full.
    """

    def __init__(self, *, as_json: bool, quiet: bool = False) -> None:
        self.dropped = 0
        self._json = as_json
        self._quiet = quiet
        self._said: dict[str, float] = {}
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._failure: OSError | OutputError | None = None
        self._writer = threading.Thread(target=self._write, name="output", daemon=True)
        self._writer.start()

    @property
    def reader_gone(self) -> bool:
        """Whether nobody can read the output any more (a closed pipe)."""
        return isinstance(self._failure, BrokenPipeError)

    def alert(self, alert: Alert) -> None:
        """An alert has opened."""
        if self._json:
            self._object("alert", alert)
            return
        self._person(
            f"ALERT {alert['id']}  {_when(alert['time'])}  {printable(alert['application'])}"
            f"  pid {alert['pid']}  thread {alert['tid']}  score {alert['score']:.3f}"
            f" (threshold {alert['threshold']:.3f}, {alert['reading']})\n  {alert['reason']}"
        )

    def update(self, alert: Alert) -> None:
        """An alert has closed, or its black box was written."""
        if self._json:
            self._object("alert-update", {k: v for k, v in alert.items() if k != "calls"})

    def notice(self, text: str, *, error: bool = False) -> bool:
        """A warning, or an error; whether it was said, and not just a moment ago."""
        now = time.monotonic()
        if not error and now - self._said.get(text, float("-inf")) < SAME_NOTICE_S:
            return False
        if len(self._said) >= _MOST_REMEMBERED:
            self._said.clear()
        self._said[text] = now
        if self._json:
            self._object("notice", {"text": text, "time": time.time(), "error": error})
        if (error or not self._json) and not self._quiet:
            _tell(printable(text, 2000))
        return True

    def io_uring(self, notice: IoUringNotice) -> None:
        """A process has asked for an io_uring; said of each."""
        if self._json:
            self._object("notice", notice)
            return
        self._person(
            f"NOTICE  {_when(notice['time'])}  {printable(notice['application'])}"
            f"  pid {notice['pid']}  thread {notice['tid']}\n  {printable(notice['text'], 2000)}"
        )

    def status(self, status: Status) -> None:
        """The state of things; for programs only, and only for those that read."""
        if self._json and self._lines.qsize() < 100:
            self._object("status", status)

    def end(self, summary: Mapping[str, Any], line: str) -> None:
        """The summary: `line` for a person."""
        if self._json:
            self._object("end", summary)
        else:
            self._person(line)

    def close(self) -> bool:
        """Wait until all is written; whether all could be, but for a reader that has gone."""
        self._lines.put(None)
        self._writer.join()
        if self._failure is None:
            return True
        forget_output()
        return self.reader_gone

    def _object(self, kind: str, value: Mapping[str, Any]) -> None:
        self._line(json.dumps({"type": kind, **value}))

    def _person(self, line: str) -> None:
        if not self._quiet:
            self._line(line)

    def _line(self, line: str) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self.dropped += 1

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            if self.reader_gone:
                continue
            try:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            except (BrokenPipeError, OutputError) as error:
                self.dropped += 1
                if self._failure is None and isinstance(error, OutputError):
                    _tell(f"{error} The monitor goes on.")
                self._failure = error


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):  # there is nowhere to say that
        sys.stderr.write(f"ims-monitor: {text}\n")
        sys.stderr.flush()


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
