# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the user's program on an alert: no shell, no arguments, never waited for."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imsafe.errors import ImsafeError, reason
from imsafe.monitor.score_log import printable
from imsafe.monitor.view_protocol import Alert

AT_ONCE = 4
"""Programs that may run at the same time."""

A_MINUTE = 20
"""Programs that may be started within 60 seconds."""

TIME_LIMIT = 60.0
"""Seconds after which a program is asked to end (SIGTERM), and 5 s later made to (SIGKILL)."""

_GRACE = 5.0


def check_program(program: str) -> Path:
    """The absolute path of an executable file.

    Raises
    ------
    ImsafeError
        There is no such file, or it may not be executed.
    """
    path = Path(program)
    if not path.exists() and os.sep not in program and (found := shutil.which(program)):
        path = Path(found)
    if not path.is_file():
        raise ImsafeError(f"The program to execute on alert, {program}, is not a file.")
    if not os.access(path, os.X_OK):
        raise ImsafeError(
            f"The program to execute on alert, {program}, is not executable; try chmod +x."
        )
    return path.absolute()


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    started: float
    asked_to_end: bool = False


class Actions:
    """Starts the program for each alert, within limits, and reaps what has ended.

    Attributes
    ----------
    started, held_back, failed : int
        How many times the program was started, was not because of the limits,
        or could not be.
    """

    def __init__(
        self,
        program: Path,
        *,
        at_once: int = AT_ONCE,
        a_minute: int = A_MINUTE,
        time_limit: float = TIME_LIMIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.program = program
        self.started = 0
        self.held_back = 0
        self.failed = 0
        self._at_once = at_once
        self._a_minute = a_minute
        self._time_limit = time_limit
        self._clock = clock
        self._running: list[_Running] = []
        self._recent: deque[float] = deque()
        self._notices: list[str] = []
        self._said_held_back = 0
        self._said_at = -60.0

    @property
    def running(self) -> int:
        """How many of the programs have not ended yet, as far as `tick` has seen."""
        return len(self._running)

    def start(self, alert: Alert) -> bool:
        """Start the program for `alert`; False when the limits or an error prevent it."""
        self._reap()
        now = self._clock()
        while self._recent and now - self._recent[0] >= 60.0:
            self._recent.popleft()
        if len(self._running) >= self._at_once or len(self._recent) >= self._a_minute:
            self.held_back += 1
            return False
        self._recent.append(now)
        try:
            self._running.append(_Running(self._popen(alert), now))
        except OSError as error:
            self.failed += 1
            self._notices.append(f"Cannot execute {self.program}: {reason(error).lower()}.")
            return False
        self.started += 1
        return True

    def _popen(self, alert: Alert) -> subprocess.Popen[bytes]:
        # Standard input is a file of its own instead of a pipe, so there is nothing that has
        # to be fed, and a program that does not read cannot hold anything up.
        output = sys.__stderr__ if sys.__stderr__ and sys.__stderr__.isatty() else None
        with tempfile.TemporaryFile() as document:
            document.write(json.dumps(alert).encode() + b"\n")
            document.seek(0)
            return subprocess.Popen(
                [self.program],
                stdin=document,
                stdout=output or subprocess.DEVNULL,
                stderr=output or subprocess.DEVNULL,
                env=os.environ | environment(alert),
                start_new_session=True,
            )

    def tick(self) -> list[str]:
        """Reap what has ended, end what takes too long; what there is to say, in words."""
        self._reap()
        now = self._clock()
        for running in self._running:
            age = now - running.started
            if age >= self._time_limit and not running.asked_to_end:
                running.asked_to_end = True
                self._notices.append(
                    f"{self.program} was ended: it ran for more than {self._time_limit:g} seconds."
                )
                _signal_group(running.process.pid, signal.SIGTERM)
            elif age >= self._time_limit + _GRACE:
                _signal_group(running.process.pid, signal.SIGKILL)
        if self.held_back > self._said_held_back and now - self._said_at >= 60.0:
            self._said_at, self._said_held_back = now, self.held_back
            self._notices.append(
                f"{self.program} was held back, {self.held_back:,} times so far: at most"
                f" {self._at_once} run at once and {self._a_minute} start in a minute."
            )
        notices, self._notices = self._notices, []
        return notices

    def _reap(self) -> None:
        self._running = [r for r in self._running if r.process.poll() is None]


def _signal_group(pid: int, number: int) -> None:
    try:
        # The program leads a session, hence a group, of its own; it has not been reaped.
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        # It has just ended, or has changed its user (setuid) and is out of reach.
        return


def environment(alert: Alert) -> dict[str, str]:
    """What the program finds in its environment, beside what ours holds."""
    return {
        "IMSAFE_APPLICATION": printable(alert["application"]),
        "IMSAFE_PID": str(alert["pid"]),
        "IMSAFE_TID": str(alert["tid"]),
        "IMSAFE_COMM": printable(alert["comm"]),
        "IMSAFE_SCORE": f"{alert['score']:.6f}",
        "IMSAFE_THRESHOLD": f"{alert['threshold']:.6f}",
        "IMSAFE_READING": alert["reading"],
        "IMSAFE_TIME": f"{alert['time']:.6f}",
    }
