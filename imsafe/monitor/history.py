# SPDX-License-Identifier: GPL-3.0-or-later
"""The last calls of every process, with the scorer's state at their beginning.

They are what an alert is explained from and what a black box begins with.  A
process's history is a row of stretches; each begins with a snapshot of the
scorer, so any later moment can be reached by scoring the stretch again.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imsafe.events import Events, Kind, joined
from imsafe.stream.items import Lost, ProcessInfo

THREAD_CALLS = 500
"""So many calls of each thread are kept, where the bounds below allow it."""

STRETCH = 4096
"""Records of a process after which a new stretch, with its snapshot, is begun; as many records
as it has threads where those are more."""

SMALLEST, LARGEST = 2048, 32 * 1024
"""Bounds of what is kept of one process in whole stretches, in records (32 bytes each)."""

DEPARTED = 256 << 10
"""Bound of what is kept of processes that have ended, in records; the oldest give way."""

MOST_DEPARTED = 4096

TOTAL = 2 << 20
"""Bound of all histories together, in records; the longest quiet process gives way first."""

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Records of one process, with the surprise that the scorer gave each (-1: not a call)."""

    events: Events
    surprise: NDArray[np.int64]


@dataclass(slots=True)
class Stretch:
    """Consecutive records of a process, from a known state of the scorer on.

    Attributes
    ----------
    state
        The scorer's snapshot before the first record.
    aux
        The tracer's lost count before the first record.
    due
        After so many records the next stretch begins.
    """

    state: State
    aux: int
    parts: list[Part | Lost] = field(default_factory=list)
    records: int = 0
    due: int = STRETCH


@dataclass(frozen=True, slots=True)
class Departed:
    """A process that has ended, with its last records.

    Attributes
    ----------
    process
        Who it was.
    offset_ns
        What to add to a record's time for the wall clock.
    parts
        Its records; `Lost` where some are missing.
    records
        How many.
    """

    process: ProcessInfo
    offset_ns: int
    parts: list[Part | Lost]
    records: int


@dataclass(slots=True)
class _Process:
    stretches: deque[Stretch] = field(default_factory=deque)
    records: int = 0
    threads: int = 1
    last_ns: int = 0


class Histories:
    """The histories of the processes of all streams; processes are (stream, pid)."""

    def __init__(self, total: int = TOTAL) -> None:
        self._total = total
        self._processes: OrderedDict[tuple[int, int], _Process] = OrderedDict()
        self._pids: dict[int, set[int]] = {}  # of those, by stream
        self.records = 0
        self._departed: deque[Departed] = deque()
        self._departed_records = 0

    def prepare(self, stream: int, pid: int, aux: int, snapshot: Callable[[], State]) -> None:
        """Call before records of the process are scored; takes a snapshot where one is due."""
        process = self._processes.get((stream, pid))
        if process is None:
            process = self._processes[stream, pid] = _Process()
            self._pids.setdefault(stream, set()).add(pid)
        elif process.stretches[-1].records < process.stretches[-1].due:
            return
        else:
            self._compact(process)
        state = snapshot()
        # A snapshot costs as much as its threads are many: not more of it than there are calls.
        due = max(STRETCH, len(state.get("threads", ())))
        process.stretches.append(Stretch(state, aux, due=due))

    def add(self, stream: int, pid: int, part: Part, last_ns: int) -> None:
        """Add records that were scored, the last one at `last_ns`; `prepare` was called before."""
        process = self._processes[stream, pid]
        process.last_ns = last_ns
        self._processes.move_to_end((stream, pid))
        stretch = process.stretches[-1]
        stretch.parts.append(part)
        count = len(part.events)
        stretch.records += count
        process.records += count
        self.records += count
        allowed = min(max(THREAD_CALLS * (process.threads + 1), SMALLEST), LARGEST)
        while (
            len(process.stretches) > 1 and process.records - process.stretches[0].records >= allowed
        ):
            self._forget(process, process.stretches.popleft())
        while self.records > self._total and len(self._processes) > 1:
            self._pop(*next(iter(self._processes)))

    def _pop(self, stream: int, pid: int) -> _Process | None:
        process = self._processes.pop((stream, pid), None)
        if process is not None:
            self.records -= process.records
            pids = self._pids[stream]
            pids.discard(pid)
            if not pids:
                del self._pids[stream]
        return process

    def _forget(self, process: _Process, stretch: Stretch) -> None:
        process.records -= stretch.records
        self.records -= stretch.records

    def _compact(self, process: _Process) -> None:
        """Join the parts of the latest stretch, which may be as small as a call each."""
        stretch = process.stretches[-1]
        stretch.parts = _compacted(stretch.parts)
        tids = [p.events["tid"] for s in process.stretches for p in s.parts if isinstance(p, Part)]
        process.threads = len(np.unique(np.concatenate(tids))) if tids else 1

    def lost(self, stream: int, lost: Lost) -> None:
        """Calls were lost here, for all processes of the stream."""
        for pid in self._pids.get(stream, ()):
            parts = self._processes[stream, pid].stretches[-1].parts
            if parts and isinstance(last := parts[-1], Lost):
                parts[-1] = Lost(last.count + lost.count, last.from_ns, lost.to_ns)
            else:
                parts.append(lost)

    def is_quiet_since(self, stream: int, pid: int, time_ns: int) -> bool:
        """Whether nothing was added of a process from that time on."""
        process = self._processes.get((stream, pid))
        return process is None or process.last_ns < time_ns

    def pids(self, stream: int) -> list[int]:
        """The processes of a stream of which something is kept."""
        return sorted(self._pids.get(stream, ()))

    def end(self, stream: int, process: ProcessInfo, offset_ns: int) -> None:
        """A process of a stream has ended; its last records are kept for a while.

        Parameters
        ----------
        stream, process
            Which it was.
        offset_ns
            What to add to a record's time for the wall clock.
        """
        ended = self._pop(stream, process.pid)
        if ended is None:
            return
        parts = _compacted([part for stretch in ended.stretches for part in stretch.parts])
        self._departed.append(Departed(process, offset_ns, parts, ended.records))
        self._departed_records += ended.records
        while self._departed_records > DEPARTED or len(self._departed) > MOST_DEPARTED:
            self._departed_records -= self._departed.popleft().records

    def departed(self, pid: int) -> list[Departed]:
        """What is kept of processes of that pid that have ended, the latest first."""
        return [one for one in reversed(self._departed) if one.process.pid == pid]

    def stretches(self, stream: int, pid: int) -> list[Stretch]:
        """What is kept of a process, oldest first."""
        process = self._processes.get((stream, pid))
        return list(process.stretches) if process is not None else []


def _compacted(parts: list[Part | Lost]) -> list[Part | Lost]:
    """The same with fewer parts."""
    fewer: list[Part | Lost] = []
    run: list[Part] = []
    for part in [*parts, None]:
        if isinstance(part, Part):
            run.append(part)
            continue
        if run:
            fewer.append(join(run))
            run = []
        if part is not None:
            fewer.append(part)
    return fewer


def join(parts: list[Part]) -> Part:
    """Several parts as one."""
    if len(parts) == 1:
        return parts[0]
    return Part(
        joined([part.events for part in parts]),
        np.concatenate([part.surprise for part in parts]),
    )


def calls_of(part: Part, tid: int) -> NDArray[np.intp]:
    """Indices of one thread's calls in a part."""
    return np.flatnonzero((part.events["tid"] == tid) & (part.events["kind"] == Kind.CALL))
