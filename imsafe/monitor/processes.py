# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes and threads of all streams, for the view: live ones, and those just ended."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imsafe.monitor.view_protocol import ENDED, PROCESS, RUNNING, ProcessIdentity
from imsafe.stream.items import ProcessInfo

MOST_PROCESSES = 65_536
"""Beyond it the process that was heard of first is forgotten; its calls are scored all the same."""

MOST_ENDED = 2_000
ENDED_S = 30.0
"""So long an ended process is still shown."""

MOST_ROWS = 40_000
"""Processes and threads that are told at a time: those with the highest scores."""

UNKNOWN_BITS = 8
"""The profile does not know a call that it expects less than once in 2^8 times in its place."""

Key = tuple[int, int]


@dataclass(slots=True)
class _Counts:
    """What is counted of a thread, or of a process as a whole."""

    calls: int = 0
    calls_before: int = 0
    unknown: int = 0
    score: float = 0.0
    peak: float = 0.0
    highest: float = -1.0  # since it was last told; -1: no call

    def add(self, calls: int, maximum: float) -> None:
        self.calls += calls
        self.score = maximum
        self.peak = max(self.peak, maximum)
        self.highest = max(self.highest, maximum)


@dataclass(slots=True)
class _Process:
    identity: ProcessIdentity | None = None
    application: int = 0
    whole: _Counts = field(default_factory=_Counts)
    threads: dict[int, _Counts] = field(default_factory=dict)
    gone: dict[int, int] = field(default_factory=dict)  # tid: when it ended, just now
    thread_has_ended: bool = False
    has_io_uring: bool = False
    former_until_ns: int = -(1 << 63)  # buckets up to then are those of a process before it
    only: tuple[int, int] = -1, -(1 << 63)  # at its last exec: the thread that is left, and when

    @property
    def ended(self) -> bool:
        return self.thread_has_ended and not self.threads


class Processes:
    """Who is alive, by stream and pid."""

    def __init__(self) -> None:
        self._processes: dict[Key, _Process] = {}
        self._pids: dict[int, set[int]] = {}  # of those, by stream
        self._ended: OrderedDict[Key, tuple[_Process, float | None]] = OrderedDict()
        self._introduced: dict[Key, ProcessIdentity] = {}

    def _get(self, stream: int, pid: int) -> _Process:
        process = self._processes.get((stream, pid))
        if process is None:
            process = _Process()
            self._put((stream, pid), process)
            if len(self._processes) > MOST_PROCESSES:
                self._pop(next(iter(self._processes)))
        return process

    def _put(self, key: Key, process: _Process) -> None:
        self._processes[key] = process
        self._pids.setdefault(key[0], set()).add(key[1])

    def _pop(self, key: Key) -> _Process:
        pids = self._pids[key[0]]
        pids.discard(key[1])
        if not pids:
            del self._pids[key[0]]
        return self._processes.pop(key)

    def announce(
        self, stream: int, info: ProcessInfo, application: int, started: float | None
    ) -> None:
        """Say who a process is, at its start and when it has loaded a new program.

        Parameters
        ----------
        application
            The number of the watched application, 0 for none.
        started
            When it was born: wall clock, seconds.
        """
        process = self._get(stream, info.pid)
        if process.ended:
            # The number was used again before the last buckets of the former were complete.
            until = max(process.gone.values(), default=-(1 << 63))
            self._bury((stream, info.pid))
            process = _Process(gone=process.gone, former_until_ns=until)
            self._put((stream, info.pid), process)
        process.application = application or process.application
        process.has_io_uring = False  # a ring does not outlive exec
        process.identity = {
            "stream": stream,
            "pid": info.pid,
            "parent": info.parent,
            "comm": info.comm,
            "exe": info.exe,
            "argv": list(info.argv),
            "user": info.user,
            "started": started,
        }
        self._introduced[stream, info.pid] = process.identity
        if len(self._introduced) > MOST_PROCESSES:  # nobody asks: no window is attached
            self._introduced.clear()

    def scored(self, stream: int, buckets: NDArray[np.void]) -> None:
        """Take in complete buckets (`BUCKETED`)."""
        columns = ("time_ns", "pid", "tid", "application", "calls", "maximum")
        for time_ns, pid, tid, application, calls, maximum in zip(
            *(buckets[name].tolist() for name in columns), strict=True
        ):
            process = self._get(stream, pid)
            if time_ns <= process.former_until_ns:
                continue
            process.application = application
            process.whole.add(calls, maximum)
            survivor, exec_ns = process.only
            if tid != survivor and time_ns <= exec_ns:
                continue  # its thread has ended with the exec
            if time_ns > process.gone.get(tid, time_ns - 1):
                process.threads.setdefault(tid, _Counts()).add(calls, maximum)
                process.gone.pop(tid, None)  # the number was used again

    def unknown(self, stream: int, keys: NDArray[np.uint64]) -> None:
        """Calls that the profile does not know; the thread of each, as `thread_keys` gives it."""
        for key, count in zip(*map(list, np.unique(keys, return_counts=True)), strict=True):
            pid, tid = int(key) >> 32, int(key) & 0xFFFFFFFF
            process = self._get(stream, pid)
            process.whole.unknown += int(count)
            if tid not in process.gone:
                process.threads.setdefault(tid, _Counts()).unknown += int(count)

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
        process.threads.pop(tid, None)

    def thread_loads(self, stream: int, pid: int, tid: int, time_ns: int) -> None:
        """A process has loaded a program: all its threads but that one have ended.

        Nothing else tells of the end of the thread that called exec, where it was not the first.
        """
        process = self._get(stream, pid)
        process.threads = {tid: process.threads.get(tid, _Counts())}
        process.gone.pop(tid, None)
        process.only = tid, time_ns

    def remove_ended(self, stream: int, pid: int, tid: int) -> bool:
        """The buckets of an ended thread are in; whether its process has ended with it."""
        process = self._processes.get((stream, pid))
        if process is None:
            return False
        process.gone.pop(tid, None)
        if not process.ended:
            return False
        self._bury((stream, pid))
        return True

    def _bury(self, key: Key) -> None:
        process = self._pop(key)
        process.threads.clear()
        if process.whole.calls:
            self._ended.pop(key, None)
            self._ended[key] = process, None
            if len(self._ended) > MOST_ENDED:
                self._ended.popitem(last=False)

    def pids(self, stream: int) -> list[int]:
        """The processes of a stream."""
        return sorted(self._pids.get(stream, ()))

    def end(self, stream: int, pid: int | None = None) -> None:
        """A process has ended, or all of a stream."""
        if pid is not None:
            if (stream, pid) in self._processes:
                self._bury((stream, pid))
            return
        for one in sorted(self._pids.get(stream, ())):
            self._bury((stream, one))

    def introduced(self) -> list[ProcessIdentity]:
        """Who has been announced since this was asked last."""
        introduced, self._introduced = self._introduced, {}
        return list(introduced.values())

    def identities(self) -> list[ProcessIdentity]:
        """Who everybody is that `rows` tells of."""
        known = [*self._processes.values(), *(process for process, _ in self._ended.values())]
        return [process.identity for process in known if process.identity is not None]

    def age(self, now: float) -> None:
        """Forget who ended long ago, by the seconds of a clock that does not run backwards."""
        for key, (process, since) in list(self._ended.items()):
            if since is None:
                self._ended[key] = process, now
            elif now - since > ENDED_S:
                del self._ended[key]

    def rows(self, seconds: float) -> NDArray[np.void]:
        """A row each, and one for each thread where there are several.

        Parameters
        ----------
        seconds
            Since this was asked last, for the rates.

        Returns
        -------
        array of PROCESS, shape (N,)
        """
        rows = np.array([*self._rows(max(seconds, 1e-3))], PROCESS)
        if len(rows) > MOST_ROWS:
            rows = rows[np.sort(np.argsort(-rows["score"], kind="stable")[:MOST_ROWS])]
        return rows

    def _rows(self, seconds: float) -> Iterator[tuple[float, ...]]:
        for key, process in self._processes.items():
            if process.ended:
                continue
            count = len(process.threads)
            yield _row(key, 0, process, process.whole, RUNNING, count, seconds)
            if count > 1:
                for tid, counts in process.threads.items():
                    yield _row(key, tid, process, counts, RUNNING, 1, seconds)
        for key, (process, _) in self._ended.items():
            if key not in self._processes:
                yield _row(key, 0, process, process.whole, ENDED, 0, seconds)


def _row(
    key: Key,
    tid: int,
    process: _Process,
    counts: _Counts,
    state: int,
    threads: int,
    seconds: float,
) -> tuple[float, ...]:
    calls, counts.calls_before = counts.calls - counts.calls_before, counts.calls
    highest, counts.highest = counts.highest, -1.0
    # Unknown calls are counted at once, all others when their bucket is complete.
    known = 1.0 - min(1.0, counts.unknown / counts.calls) if counts.calls else 1.0
    return (
        *key, tid, process.application, state, threads, calls / seconds, counts.score,
        counts.peak, highest, known, counts.calls,
    )  # fmt: skip
