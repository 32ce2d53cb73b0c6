# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes that the kernel tracer follows, and the stream's items in their order.

Calls and lifecycle records come through two rings; their times say how they
belong together.  `kernel/tracer.c` defines the records.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from imsafe.events import EVENT, Events, Kind, joined
from imsafe.stream.items import Item, ProcessInfo

_EVENT = struct.Struct("<QIIHBBI")
_BIRTH_OR_END = struct.Struct("<IBBxx")
_LOADING = struct.Struct("<IBxxx16s464s")


@dataclass(slots=True)
class Followed:
    """A process: what was said of it last, and its live threads."""

    info: ProcessInfo
    threads: set[int]
    leader_ended: bool = False


@dataclass(slots=True)
class _Record:
    time_ns: int
    pid: int
    tid: int
    kind: int
    aux: int
    octets: bytes = field(repr=False)


def _record(octets: bytes) -> _Record:
    time_ns, pid, tid, _, _, kind, aux = _EVENT.unpack_from(octets)
    return _Record(time_ns, pid, tid, kind, aux, octets)


class Lifecycle:
    """Puts what happens to threads and processes between their calls.

    Attributes
    ----------
    processes
        By pid.
    """

    def __init__(self) -> None:
        self.processes: dict[int, Followed] = {}
        self._waiting: list[_Record] = []

    def adopt(self, info: ProcessInfo, threads: Iterable[int]) -> None:
        """A process that ran already."""
        self.processes[info.pid] = Followed(info, set(threads))

    def __len__(self) -> int:
        """How many records wait for the calls before them."""
        return len(self._waiting)

    def items(self, calls: Events, records: Iterable[bytes], horizon: int) -> Iterator[Item]:
        """The items of the stream that are complete now, in order.

        Parameters
        ----------
        calls : array of EVENT, shape (N,)
            In the order of time, as `CallRings.take` gives them.
        records
            Of the lifecycle ring.
        horizon
            All calls older than this are in `calls`, or have been before;
            younger records have to wait for theirs.
        """
        self._waiting += [_record(octets) for octets in records]
        if not self._waiting:
            if len(calls):
                yield calls
            return
        # Two processors may have taken their places in the ring in another order.
        self._waiting.sort(key=lambda record: record.time_ns)
        ready = [record for record in self._waiting if record.time_ns <= horizon]
        del self._waiting[: len(ready)]
        times: NDArray[np.uint64] = calls["time_ns"]
        moments = np.array([record.time_ns for record in ready], np.uint64)
        begin = 0
        pending: list[Events] = []  # not yet cut by a process frame
        for record, end in zip(ready, np.searchsorted(times, moments).tolist(), strict=True):
            if end > begin:
                pending.append(calls[begin:end])
                begin = end
            for item in self._apply(record):
                if isinstance(item, ProcessInfo):
                    if pending:
                        yield joined(pending)
                        pending = []
                    yield item
                else:
                    pending.append(item)
        if begin < len(calls):
            pending.append(calls[begin:])
        if pending:
            yield joined(pending)

    def announce(self, pids: Iterable[int], marks: NDArray[np.uint8]) -> Iterator[ProcessInfo]:
        """Say whose the processes are whose births or programs were lost."""
        for pid in pids:
            if pid not in self.processes and marks[pid]:
                info = ProcessInfo(0, pid, 0, "", "", int(marks[pid]))
                self.processes[pid] = Followed(info, {pid})
                yield info

    def _apply(self, record: _Record) -> list[Events | ProcessInfo]:
        if record.kind == Kind.FORK:
            return self._born(record)
        if record.kind == Kind.EXEC:
            return self._loaded(record)
        return self._ended(record)

    def _born(self, record: _Record) -> list[Events | ProcessInfo]:
        parent, application, is_thread = _BIRTH_OR_END.unpack_from(record.octets, _EVENT.size)
        process = self.processes.get(record.pid)
        items: list[Events | ProcessInfo] = [_event(record)]
        if is_thread:
            if process:
                process.threads.add(record.aux)
            return items
        known = process.info if process else ProcessInfo(0, record.pid, 0, "", "", application)
        info = replace(
            known,
            time_ns=record.time_ns,
            pid=record.aux,
            parent=parent,
            application=application,
            started_ns=record.time_ns,
        )
        self.processes[info.pid] = Followed(info, {info.pid})
        return [*items, info]

    def _loaded(self, record: _Record) -> list[Events | ProcessInfo]:
        parent, application, comm, file = _LOADING.unpack_from(record.octets, _EVENT.size)
        process = self.processes.get(record.pid)
        info = ProcessInfo(
            record.time_ns,
            record.pid,
            parent or (process.info.parent if process else 0),
            _text(comm),
            _text(file),
            application,
            started_ns=process.info.started_ns if process else 0,
        )
        if application:
            self.processes[info.pid] = Followed(info, {info.pid})
        else:
            self.processes.pop(info.pid, None)
        # One that joins has no past here; a record of it would stand before its name.
        return [_event(record), info] if process else [info]

    def _ended(self, record: _Record) -> list[Events | ProcessInfo]:
        process = self.processes.get(record.pid)
        if process is None:
            return [_event(record)]
        process.threads.discard(record.tid)
        if record.tid == record.pid and process.threads:
            # The leader waits as a zombie for its threads, or for one that takes its place.
            process.leader_ended = True
            return []
        items: list[Events | ProcessInfo] = [_event(record)]
        if not process.threads:
            if record.tid != record.pid and process.leader_ended:
                items.append(_event(replace(record, tid=record.pid)))
            del self.processes[record.pid]
        return items


def _event(record: _Record) -> Events:
    event = np.empty(1, EVENT)
    event[0] = (record.time_ns, record.pid, record.tid, 0, 0, record.kind, record.aux)
    return event


def _text(octets: bytes) -> str:
    # Names are bytes of a possibly hostile process: whatever is no text becomes visible.
    return octets.partition(b"\0")[0].decode("utf-8", "replace")
