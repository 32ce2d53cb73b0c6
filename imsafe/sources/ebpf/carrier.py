# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries records from the kernel's rings to the reader's socket, with no rights left.

What the reader does not take is kept up to a limit; then calls stay in the
ring, where the kernel counts what finds no room.
"""

from __future__ import annotations

import ctypes
import functools
import math
import mmap
import os
import select
import signal
import socket
import time
from collections import deque

import numpy as np
from numpy.typing import NDArray

import imsafe
from imsafe.events import EVENT
from imsafe.heap import keep_freed_memory
from imsafe.sources.ebpf import follow, priority, privileges
from imsafe.sources.ebpf.layout import (
    CALLS_LOST,
    LIFECYCLE_LOST,
    LIFECYCLE_SIZE,
    MARKS,
    NEVER,
    PROCESSORS,
    ring_words,
)
from imsafe.sources.ebpf.lifecycle import Lifecycle
from imsafe.sources.ebpf.load import Attached
from imsafe.sources.ebpf.misses import Misses
from imsafe.sources.ebpf.ring import CallRings, LifecycleRing, WakeRing
from imsafe.sources.kernel_request import KernelRequest
from imsafe.stream.codec import encode
from imsafe.stream.frames import segment_header
from imsafe.stream.items import End, Lost

_LIVE_S, _RECORDING_S = 0.04, 0.2
"""What is in the rings waits so long: each batch takes a processor from what is traced, and costs
its reader, too."""
_FILLING, _SOON_S = 1 / 8, 0.002
"""A ring so full is looked at when the kernel says so; one that stays so, after this pause:
without any `priority` would end."""
_REST_S = 1.0
"""Where nothing happens: the kernel says when something does, this is for what it cannot say."""
_MOST = 1 << 13
"""Words at a turn, of each processor: what is made of them stays in the processor's cache."""
_KEPT = 64 << 20
"""Bytes that wait for the reader."""
_RECORDS_KEPT = 100_000


class Carrier:
    """The tracer, once its program is in the kernel.

    Parameters
    ----------
    attached
        The program's maps and attachments.
    output
        Connected, not blocking; the tracer ends when its other end closes or
        says that it sends no more.
    """

    def __init__(self, request: KernelRequest, attached: Attached, output: socket.socket) -> None:
        self._request = request
        self._attached = attached
        self._output = output
        self._calls = CallRings(attached.calls, PROCESSORS, ring_words(request.ring_size))
        self._records = LifecycleRing(attached.lifecycle, LIFECYCLE_SIZE)
        self._wakes = WakeRing(attached.wakes, mmap.PAGESIZE)
        page = mmap.mmap(attached.counters, mmap.PAGESIZE, prot=mmap.PROT_READ)
        self._counters = np.frombuffer(page, np.uint64, 2)
        self._map = ctypes.CDLL(None).mmap
        self._map.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
        self._map.restype = ctypes.c_void_p
        self._misses = Misses(attached.programs)
        self._lifecycle = Lifecycle()
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._received = 0
        self._told = 0
        """Lost calls that frames have told of."""
        self._last = np.zeros(1, EVENT)[0]
        self._last["time_ns"] = time.monotonic_ns()
        self._ending = False

    def begin(self, client: int) -> None:
        """Mark what runs already, say who it is, and give every right up.

        Parameters
        ----------
        client
            The process that asked: it and what is ImSafe's above it is not followed.

        Raises
        ------
        SourceError
            A right could not be given up.
        """
        marks = self._marks()
        for pid in {*follow.own_processes(client), *follow.own_processes(os.getppid())}:
            follow.mark(marks, pid, NEVER)
        followed = follow.follow_running(self._request, marks)
        del marks
        kind = {target.application: target.kind for target in self._request.targets}
        applications = [
            {"name": name, "matched_by": kind[name]} for name in self._request.applications
        ]
        system = os.uname()
        meta = {
            "applications": applications,
            "host": system.nodename,
            "kernel": system.release,
            "abi": {"x86_64": "x86_64", "aarch64": "aarch64"}.get(system.machine, "unknown"),
            "tracer": "kernel",
            "follow_exec": self._request.follow_exec,
            "wall_ns": time.time_ns(),
            "monotonic_ns": time.monotonic_ns(),
            "timed": True,
            "imsafe": imsafe.__version__,
        }
        self._put(segment_header(meta))
        for info, tids in followed.values():
            self._lifecycle.adopt(info, tids)
            self._put(encode(info))
        signal.signal(signal.SIGTERM, self._end)
        if os.path.sameopenfile(1, 2):  # a stray word of ours must not get into the stream
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        priority.take_precedence()
        keep_freed_memory()
        privileges.give_up()

    def _marks(self) -> NDArray[np.uint8]:
        """Map the marks: 4 MiB, which are not kept."""
        return np.frombuffer(mmap.mmap(self._attached.marks, MARKS), np.uint8)

    @functools.cached_property
    def _late_marks(self) -> NDArray[np.uint8]:
        """The marks without `mmap`, which copies the descriptor: that right is gone now.

        Kept from then on: needed only where records of births and programs were lost.
        """
        address = self._map(None, MARKS, mmap.PROT_READ, mmap.MAP_SHARED, self._attached.marks, 0)
        if address == ctypes.c_void_p(-1).value:
            raise MemoryError("no room for the marks")
        octets = (ctypes.c_uint8 * MARKS).from_address(address)
        return np.frombuffer(memoryview(octets).cast("B"), np.uint8)

    def _end(self, *_: object) -> None:
        self._ending = True

    def run(self) -> None:
        """Carry until the reader is gone, asks for the end, or nothing is left to follow.

        Raises
        ------
        BrokenPipeError
            The reader is gone.
        """
        poller = select.poll()
        poller.register(self._attached.wakes, select.POLLIN)
        due = 0.0
        while not self._ending:
            if time.monotonic() >= due:
                self._carry_what_waits()
                due = time.monotonic() + self._pause()
            wants = select.POLLIN | (select.POLLOUT if self._queue else 0)
            poller.register(self._output, wants)
            timeout = max(0, math.ceil((due - time.monotonic()) * 1000))
            for descriptor, found in poller.poll(timeout):
                if descriptor == self._attached.wakes:
                    self._wakes.skip()
                    due = min(due, time.monotonic() + self._pause(roused=True))
                    continue
                if found & select.POLLOUT:
                    self._send()
                if found & ~select.POLLOUT and not self._output.recv(4096):
                    self._ending = True
            if self._only_pids and not self._lifecycle.processes:
                self._ending = True
        self.detach()
        self._carry_rest()

    @property
    def _only_pids(self) -> bool:
        return all(target.kind == "pid" for target in self._request.targets)

    def detach(self) -> None:
        """Take the program out of the kernel; what is in the rings stays readable."""
        for link in self._attached.links:
            os.close(link)

    def _pause(self, *, roused: bool = False) -> float:
        """How long until the next turn, if the kernel does not rouse us sooner."""
        resting = not (roused or self._calls or self._lifecycle or self._queue)
        if resting:
            self._calls.wake_at(0)
            # Nothing came before it was told?
            resting = self._calls.fill == 0 and self._records.empty
        if resting:
            return _REST_S
        self._calls.wake_at(_FILLING)
        # One that was full before it was told says nothing.
        if self._calls.fill >= _FILLING and self._queued < _KEPT:
            return 0.0 if roused else _SOON_S
        return _RECORDING_S if self._request.recording else _LIVE_S

    def _carry_what_waits(self) -> None:
        """Turns until the rings are empty, no more than full ones take: then others have a say."""
        for _ in range(ring_words(self._request.ring_size) // _MOST + 1):
            self._carry()
            if not self._calls.left or self._queued >= _KEPT:
                break

    def _carry(self) -> int:
        """One turn; how many calls were taken."""
        # In this order: what is counted as lost now was lost before any call that comes
        # later, and lifecycle records that belong before the calls taken are there already.
        lost = int(self._counters[CALLS_LOST])
        now = time.monotonic_ns()
        calls, horizon = self._calls.take(now, _MOST if self._queued < _KEPT else 0)
        records = self._records.take() if len(self._lifecycle) < _RECORDS_KEPT else []
        if self._counters[LIFECYCLE_LOST] and len(calls):
            # Not numpy.unique: it imports more of numpy, which cannot be opened any more.
            pids = np.sort(calls["pid"])
            own = pids[np.flatnonzero(np.diff(pids, prepend=0))]
            for info in self._lifecycle.announce(own.tolist(), self._late_marks):
                self._put(encode(info))
        for item in self._lifecycle.items(calls, records, horizon):
            self._put(encode(item))
        if len(calls):
            self._received += len(calls)
            self._last = calls[-1]
        if not len(self._calls):
            self._tell_lost(lost, now)
        self._send()
        return len(calls)

    def _tell_lost(self, lost: int, now: int) -> None:
        """Tell of what was lost behind the last call, which no call can tell."""
        told = int(self._last["aux"])
        if lost > self._told and lost & 0xFFFFFFFF != told:
            self._put(encode(Lost(lost - self._told, int(self._last["time_ns"]), now)))
            self._told = lost

    def _carry_rest(self) -> None:
        """Everything that is left, to a reader that still takes it."""
        self._flush()  # a queue that is full would leave the rings as they are
        while self._carry() or len(self._calls) or len(self._lifecycle):
            self._flush()
        lost = int(self._counters[CALLS_LOST])
        self._tell_lost(lost, time.monotonic_ns())
        totals = {
            "calls": self._received + lost,
            "lost": lost,
            "lifecycle_lost": int(self._counters[LIFECYCLE_LOST]) + self._misses.total,
        }
        self._put(encode(End(totals)))
        self._flush()

    def _flush(self) -> None:
        """Send all there is, waiting for the reader."""
        poller = select.poll()
        poller.register(self._output, select.POLLOUT)
        while self._queue:
            poller.poll()
            self._send()

    def _put(self, octets: bytes) -> None:
        self._queue.append(memoryview(octets))
        self._queued += len(octets)

    def _send(self) -> None:
        while self._queue:
            try:
                sent = self._output.send(self._queue[0])
            except BlockingIOError:
                return
            self._queued -= sent
            if sent == len(self._queue[0]):
                self._queue.popleft()
            else:
                self._queue[0] = self._queue[0][sent:]
