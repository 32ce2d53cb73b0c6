# SPDX-License-Identifier: GPL-3.0-or-later
"""A source for ImSafe: the system calls that auditd writes into its log.

``ims-monitor -d PROFILE.db --source auditd:nginx`` follows the program nginx in
/var/log/audit/audit.log, also when that file is rotated; another log stands behind a
second colon.  docs/write-a-source.md of ImSafe explains this file part by part.
"""

from __future__ import annotations

import os
import re
import select
import subprocess
from pathlib import PurePosixPath

import numpy as np

from imsafe.errors import SourceError
from imsafe.events import EVENT, OUT_OF_RANGE, Abi, Kind
from imsafe.sources.base import Counters
from imsafe.stream.items import Closed, ProcessInfo, Segment, Tagged

DEFAULT_LOG = "/var/log/audit/audit.log"
LONGEST_LINE = 1 << 16
X32_BIT = 0x40000000

LINE = re.compile(rb"type=SYSCALL msg=audit\((\d{1,12})\.(\d{3}):\d+\): ([^\x1d\n]*)")
FIELD = re.compile(rb'(\w+)=("[^"]*"|\S+)')
ARCHES = {
    b"c000003e": Abi.X86_64,
    b"40000003": Abi.I386,
    b"c00000b7": Abi.AARCH64,
    b"40000028": Abi.ARM,
}
EXECVE = {(Abi.X86_64, 59), (Abi.X86_64, 322), (Abi.I386, 11), (Abi.I386, 358)}
EXIT_GROUP = {(Abi.X86_64, 231), (Abi.I386, 252), (Abi.AARCH64, 94), (Abi.ARM, 248)}
EXECVE |= {(Abi.AARCH64, 221), (Abi.AARCH64, 281), (Abi.ARM, 11), (Abi.ARM, 387)}


class AuditdSource:
    """One program's calls, from auditd's log; see `imsafe.sources.base.Source`."""

    def __init__(self, argument: str) -> None:
        self.program, _, log = argument.partition(":")
        self.log = log or DEFAULT_LOG
        if not self.program:
            raise SourceError(
                "Say which program of auditd's log is to be followed: auditd:PROGRAM or"
                " auditd:PROGRAM:LOG."
            )
        self.name = f"{self.program} in {self.log}"
        self.counters = Counters()
        self._tail: subprocess.Popen[bytes] | None = None
        self._rest = b""
        self._programs: dict[int, bytes] = {}
        self._over = False

    @property
    def finished(self) -> bool:
        """Only when tail has ended: a log has no end of its own."""
        return self._over

    @property
    def state(self) -> str:
        """One phrase for the status bar."""
        if self._over:
            return "the log cannot be followed any more"
        return "following the log" if self._programs else f"waiting for {self.program}"

    def open(self) -> None:
        """Begin at the end of the log; `tail -F` knows about rotation."""
        try:
            os.close(os.open(self.log, os.O_RDONLY | os.O_NONBLOCK))
            self._tail = subprocess.Popen(
                ["tail", "-n", "0", "-F", "--", self.log],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            raise SourceError(f"Cannot follow {self.log}: {error.strerror}.") from error
        self.counters.streams_open = self.counters.streams_total = 1

    def fileno(self) -> int:
        """Readable when auditd has written something."""
        assert self._tail is not None
        assert self._tail.stdout is not None
        return self._tail.stdout.fileno()

    def read(self, timeout: float = 0.0) -> list[Tagged]:
        """What was written since; a stream's items are in the order in which they count."""
        items: list[Tagged] = []
        if self._over or not select.select([self.fileno()], [], [], timeout)[0]:
            return items
        octets = os.read(self.fileno(), 1 << 20)
        if self.counters.bytes == 0:
            items.append((0, self._segment()))
        self.counters.bytes += len(octets)
        if not octets:
            self._over = True
            self.counters.streams_open = 0
            return [*items, (0, Closed(False, f"Nobody follows {self.log} any more."))]
        lines = (self._rest + octets).split(b"\n")
        self._rest = lines.pop()[-LONGEST_LINE:]
        for line in lines:
            items += [(0, item) for item in self._items(line)]
        return items

    def stop(self) -> bool:
        """Nothing is on its way that `close` would lose."""
        return False

    def close(self) -> None:
        """End tail; safe to call twice."""
        if self._tail is not None:
            self._tail.kill()
            self._tail.wait()
            assert self._tail.stdout is not None
            self._tail.stdout.close()
        self._tail, self._over, self.counters.streams_open = None, True, 0

    def _segment(self) -> Segment:
        return Segment(
            {
                "applications": [{"name": self.program, "matched_by": "name"}],
                "tracer": "auditd",
                "follow_exec": False,
                "wall_ns": 0,  # auditd's times count from 1970, like the wall clock
                "monotonic_ns": 0,
                "timed": True,
            }
        )

    def _items(self, line: bytes) -> list[ProcessInfo | np.ndarray]:
        match = LINE.match(line)
        if match is None:
            return []
        fields = dict(FIELD.findall(match[3]))
        abi = ARCHES.get(fields.get(b"arch", b""), Abi.UNKNOWN)
        number, pid = _number(fields.get(b"syscall")), _number(fields.get(b"pid"))
        exe, comm = _text(fields.get(b"exe")), _text(fields.get(b"comm"))
        if self.program not in (PurePosixPath(exe).name, comm) or not pid:
            return []
        if abi is Abi.X86_64 and number & X32_BIT:
            abi, number = Abi.X32, number - X32_BIT
        time_ns = int(match[1]) * 1_000_000_000 + int(match[2]) * 1_000_000
        event = np.zeros(1, EVENT)
        event["time_ns"], event["pid"], event["tid"] = time_ns, pid, pid
        event["syscall"], event["abi"] = min(number, OUT_OF_RANGE), abi
        items: list[ProcessInfo | np.ndarray] = []
        known = self._programs.get(pid)
        loaded = (abi, number) in EXECVE and fields.get(b"success") == b"yes"
        if known is None or loaded:
            # auditd logs a call at its end: this exec has made the program what it is now.
            self._programs[pid] = exe.encode()
            parent = _number(fields.get(b"ppid"))
            items.append(ProcessInfo(time_ns, pid, parent, comm, exe, application=1))
        items.append(event)
        self.counters.calls += 1
        if loaded:
            items.append(_follows(event, Kind.EXEC, pid))
        elif (abi, number) in EXIT_GROUP:
            self._programs.pop(pid, None)
            items.append(_follows(event, Kind.EXIT, 0))
        return items


def _follows(event: np.ndarray, kind: Kind, aux: int) -> np.ndarray:
    """A record of another kind of the same thread and moment."""
    after = event.copy()
    after["kind"], after["aux"], after["syscall"], after["abi"] = kind, aux, 0, 0
    return after


def _number(text: bytes | None) -> int:
    return int(text) if text is not None and text.isdigit() and len(text) < 11 else 0


def _text(value: bytes | None) -> str:
    """A name: in quotes or, if a character in it is unusual, in hexadecimal."""
    if value is None:
        return ""
    if value.startswith(b'"'):
        return value.strip(b'"').decode("ascii", "backslashreplace")
    try:
        return bytes.fromhex(value.decode("ascii")).decode("utf-8", "backslashreplace")
    except ValueError:
        return ""
