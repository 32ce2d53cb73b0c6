# SPDX-License-Identifier: GPL-3.0-or-later
"""The live processes of all streams, for the view's list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.view_protocol import ProcessRow
from imsafe.stream.items import ProcessInfo

MOST_PROCESSES = 65_536
"""Beyond it the process that was heard of first is forgotten; its calls are scored all the same."""


@dataclass(slots=True)
class _Process:
    parent: int = 0
    comm: str = ""
    exe: str = ""
    application: int = 0
    threads: set[int] = field(default_factory=set)
    gone: dict[int, int] = field(default_factory=dict)  # tid: when it ended, just now
    thread_has_ended: bool = False
    calls: int = 0
    calls_before: int = 0
    score: float = 0.0
    peak: float = 0.0
    has_io_uring: bool = False

    @property
    def ended(self) -> bool:
        return self.thread_has_ended and not self.threads


class Processes:
    """Who is alive, by stream and pid."""

    def __init__(self) -> None:
        self._processes: dict[tuple[int, int], _Process] = {}

    def _get(self, stream: int, pid: int) -> _Process:
        process = self._processes.get((stream, pid))
        if process is None:
            process = self._processes[stream, pid] = _Process()
            if len(self._processes) > MOST_PROCESSES:
                del self._processes[next(iter(self._processes))]
        return process

    def announce(self, stream: int, info: ProcessInfo) -> None:
        """Say who a process is, at its start and when it has loaded a new program."""
        process = self._get(stream, info.pid)
        process.parent, process.comm, process.exe = info.parent, info.comm, info.exe
        process.has_io_uring = False  # a ring does not outlive exec

    def scored(self, stream: int, buckets: NDArray[np.void]) -> None:
        """Take in complete buckets (`BUCKETED`)."""
        columns = ("time_ns", "pid", "tid", "application", "calls", "maximum")
        for time_ns, pid, tid, application, calls, maximum in zip(
            *(buckets[name].tolist() for name in columns), strict=True
        ):
            process = self._get(stream, pid)
            process.application = application
            if time_ns > process.gone.get(tid, time_ns - 1):
                process.threads.add(tid)
                process.gone.pop(tid, None)  # the number was used again
            process.calls += calls
            process.score = maximum
            process.peak = max(process.peak, maximum)

    def asks_for_io_uring(self, stream: int, pid: int) -> bool:
        """A process asks for an io_uring; whether it is the first time in this program."""
        process = self._get(stream, pid)
        before, process.has_io_uring = process.has_io_uring, True
        return not before

    def thread_ended(self, stream: int, pid: int, tid: int, time_ns: int) -> None:
        """A thread has ended; the buckets of its last calls may be still to come."""
        process = self._get(stream, pid)
        process.gone[tid] = time_ns
        process.thread_has_ended = True
        process.threads.discard(tid)

    def remove_ended(self, stream: int, pid: int, tid: int) -> bool:
        """The buckets of an ended thread are in; whether its process has ended with it."""
        process = self._processes.get((stream, pid))
        if process is None:
            return False
        process.gone.pop(tid, None)
        if not process.ended:
            return False
        del self._processes[stream, pid]
        return True

    def threads(self, stream: int, pid: int) -> list[int]:
        """The threads of a process that have made calls and have not ended."""
        process = self._processes.get((stream, pid))
        return sorted(process.threads) if process is not None else []

    def pids(self, stream: int) -> list[int]:
        """The processes of a stream."""
        return [pid for number, pid in self._processes if number == stream]

    def end(self, stream: int, pid: int | None = None) -> None:
        """A process has ended, or all of a stream."""
        if pid is not None:
            self._processes.pop((stream, pid), None)
        else:
            for key in [key for key in self._processes if key[0] == stream]:
                del self._processes[key]

    def rows(self, seconds: float) -> Iterable[ProcessRow]:
        """A row each; `seconds` since this was asked last, for the rates."""
        for (_, pid), process in self._processes.items():
            if process.ended:
                continue
            calls = process.calls - process.calls_before
            process.calls_before = process.calls
            yield {
                "pid": pid,
                "parent": process.parent,
                "comm": process.comm,
                "exe": process.exe,
                "application": process.application,
                "threads": len(process.threads),
                "calls": process.calls,
                "rate": calls / seconds if seconds > 0 else 0.0,
                "score": process.score,
                "peak": process.peak,
            }
