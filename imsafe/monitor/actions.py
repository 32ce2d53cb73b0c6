# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the user's program on an alert: no shell, no arguments, its output caught, never waited for.

A program has ended when it and everything that still holds its output has; what takes longer than
the limit is ended, with all of its process group.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from imsafe.errors import ImsafeError, reason
from imsafe.files import mode_of
from imsafe.monitor.view_protocol import Alert
from imsafe.words import number_of, printable

AT_ONCE = 4
"""Programs that may run at the same time."""

A_MINUTE = 20
"""Programs that may be started within 60 seconds."""

TIME_LIMIT = 60.0
"""Seconds after which a program is asked to end (SIGTERM), and 5 s later made to (SIGKILL)."""

LAST_WAIT = 10.0
"""Seconds that the end of the monitor waits for programs that still run."""

_GRACE = 5.0
_KEPT_OUTPUT = 2_000
"""Bytes of a program's output that are kept; the rest is read, and dropped."""
_READ = 1 << 16
_READS_A_TURN = 16


def check_program(program: str) -> Path:
    """The absolute path of an executable file.

    Raises
    ------
    ImsafeError
        There is no such file, or it may not be executed.
    """
    path = Path(program)
    if not mode_of(path) and os.sep not in program and (found := shutil.which(program)):
        path = Path(found)
    if not stat.S_ISREG(mode_of(path)):
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
    output: int | None
    """Where to read what it prints; None once all who could print have ended."""
    printed: bytes = b""
    asked_to_end: bool = False
    ended_at: float = 0.0

    def listen(self) -> None:
        """Read what was printed meanwhile, without waiting."""
        for _ in range(_READS_A_TURN):
            if self.output is None:
                return
            try:
                octets = os.read(self.output, _READ)
            except BlockingIOError:
                return
            if not octets:
                self.deaf()
            self.printed += octets[: max(0, _KEPT_OUTPUT - len(self.printed))]

    def deaf(self) -> None:
        """Listen no longer."""
        if self.output is not None:
            os.close(self.output)
            self.output = None


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
            self._running.append(self._started(alert, now))
        except OSError as error:
            self.failed += 1
            self._notices.append(f"Cannot execute {self.program}: {reason(error).lower()}.")
            return False
        self.started += 1
        return True

    def _started(self, alert: Alert, now: float) -> _Running:
        # Standard input is a file of its own instead of a pipe, so there is nothing that has
        # to be fed, and a program that does not read cannot hold anything up.
        if os.name != "posix":
            return _Running(self._popen(alert, subprocess.DEVNULL), now, None)
        ours, theirs = os.pipe()
        try:
            os.set_blocking(ours, False)
            return _Running(self._popen(alert, theirs), now, ours)
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)

    def _popen(self, alert: Alert, output: int) -> subprocess.Popen[bytes]:
        with tempfile.TemporaryFile() as document:
            document.write(json.dumps(alert).encode() + b"\n")
            document.seek(0)
            return subprocess.Popen(
                [self.program],
                stdin=document,
                stdout=output,
                stderr=output,
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
                running.ended_at = now
                _signal_group(running.process.pid, signal.SIGTERM)
            elif running.asked_to_end and now - running.ended_at >= _GRACE:
                _signal_group(running.process.pid, signal.SIGKILL)
                running.deaf()  # whoever is out of reach of that has left the group
        self._reap()
        if self.held_back > self._said_held_back and now - self._said_at >= 60.0:
            self._said_at, self._said_held_back = now, self.held_back
            self._notices.append(
                f"{self.program} was held back, {number_of(self.held_back, 'time')} so far: at most"
                f" {self._at_once} run at once and {self._a_minute} start in a minute."
            )
        notices, self._notices = self._notices, []
        return notices

    def close(self) -> list[str]:
        """Wait a moment for programs that still run, then end them; what there is to say."""
        notices = self.tick()
        deadline = time.monotonic() + LAST_WAIT
        while self._running and time.monotonic() < deadline:
            time.sleep(0.02)
            notices += self.tick()
        for running in self._running:
            notices.append(f"{self.program} was ended: the monitor ends.")
            _signal_group(running.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + 1.0
        while self._running and time.monotonic() < deadline:
            time.sleep(0.02)
            self._reap()
        for running in self._running:
            _signal_group(running.process.pid, signal.SIGKILL)
            running.deaf()
            running.process.wait()
        self._reap()
        return notices + self.tick()

    def _reap(self) -> None:
        going_on = []
        for running in self._running:
            running.listen()
            if running.output is not None or not _has_ended(running.process):
                going_on.append(running)
                continue
            # Not before now: while its number is its own, so is its group's.
            status = running.process.wait()
            if text := self._outcome(status, running):
                self._notices.append(text)
        self._running = going_on

    def _outcome(self, status: int, running: _Running) -> str:
        """What a program's end has to say; empty when all is well."""
        said = printable(running.printed.decode("utf-8", "replace").strip(), _KEPT_OUTPUT)
        if running.asked_to_end or status == 0:
            return f"{self.program} said: {said}" if said else ""
        how = f"with status {status}" if status > 0 else f"by signal {-status}"
        return f"{self.program} ended {how}" + (f": {said}" if said else ".")


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a child has ended, without collecting it."""
    if os.name != "posix" or process.returncode is not None:
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def is_the_journal(stream: TextIO) -> bool:
    """Whether what is written there goes to systemd's journal, as `systemd.exec(5)` has it."""
    told = os.environ.get("JOURNAL_STREAM", "")
    if not told:
        return False
    status = os.fstat(stream.fileno())
    return told == f"{status.st_dev}:{status.st_ino}"


def _signal_group(pid: int, number: int) -> None:
    try:
        # The program leads a session, hence a group, of its own; it has not been collected.
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
